import time

import pytest
import torch

from jitnas_fn.training.meter import ESTIMATED, Meter, peak_bytes

CPU = torch.device("cpu")


def _work(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_seconds_are_counted_for_what_they_were_spent_on():
    meter = Meter(CPU)
    with meter.training():
        _work(0.05)
    with meter.evaluation():
        _work(0.02)
    _work(0.01)
    cost = meter.cost()
    assert cost["train_seconds"] >= 0.05
    assert cost["evaluation_seconds"] >= 0.02
    assert cost["wall_seconds"] >= cost["train_seconds"] + cost["evaluation_seconds"] + 0.01


def test_seconds_count_also_when_an_error_ends_them():
    meter = Meter(CPU)

    def failing():
        with meter.training():
            _work(0.02)
            raise ValueError("oops")

    with pytest.raises(ValueError, match="oops"):
        failing()
    assert meter.cost()["train_seconds"] >= 0.02


def test_energy_without_a_counter_is_an_estimate_and_says_so():
    meter = Meter(CPU)
    _work(0.2)
    cost = meter.cost()
    assert 0 < cost["joules"] < 1000
    assert cost["joules_method"] == ESTIMATED == "estimated: 10 W per busy core"


def test_the_peak_covers_what_was_allocated_since():
    before = peak_bytes(CPU)
    if before is None:
        pytest.skip("this system does not tell")
    meter = Meter(CPU)
    held = torch.ones(64 << 20, dtype=torch.uint8)
    del held
    assert meter.cost()["peak_bytes"] > 64 << 20
