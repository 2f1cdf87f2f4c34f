import json
import math
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.core.errors import EnvelopeError
from jitnas_fn.core.forecast import About, Past, Span, pending_span, span, training_span

SNAPSHOT = Path(__file__).parents[2] / "cache" / "entries.json"
A, B, C, D = (letter * 64 for letter in "abcd")
TASK = About(fingerprint=A, dataset=C, recipe=D, epochs=10, macs=1000)


def past(seconds, *, fingerprint=A, dataset=C, recipe=D, epochs=10, macs=1000, **job):
    return Past(About(fingerprint, dataset, recipe, epochs, macs), seconds, **job)


def test_the_same_task_under_other_seeds_tells_most():
    found = training_span(TASK, [past(100.0), past(110.0), past(5.0, fingerprint=B), past(7.0, recipe=B)])
    assert found.seconds == pytest.approx(math.sqrt(100 * 110))
    assert 80 < found.low < 100
    assert 110 < found.high < 140
    assert found.basis == "2 trainings of the same architecture and recipe"


def test_of_other_architectures_those_that_compute_as_much_tell_more():
    near, far = ([past(seconds, fingerprint=B, macs=macs) for _ in range(10)] for seconds, macs in ((50.0, 1100), (2.0, 9)))
    found = training_span(TASK, far + near)
    assert found.seconds == pytest.approx(50)
    assert found.low < 40
    assert found.high > 62


def test_of_other_recipes_an_epoch_is_taken_for_as_long():
    found = training_span(TASK, [past(30.0, recipe=B, epochs=3)])
    assert found.seconds == pytest.approx(100)
    assert found.high > 3 * found.seconds
    assert found.basis == "1 training with other recipes"


def test_another_dataset_tells_nothing():
    assert training_span(TASK, [past(30.0, dataset=B)]) is None
    assert training_span(TASK, []) is None


def test_a_model_without_a_key_is_judged_by_the_latest():
    opaque = About("", C, D, 10, 0)
    assert training_span(opaque, [past(3.0), past(3.0, fingerprint="")]).seconds == pytest.approx(3)
    assert training_span(opaque, [past(3.0, fingerprint="")]).basis.endswith("other architectures with the same recipe")


def test_each_job_counts_once():
    trainings = [past(1.0, job="7", pending_seconds=1000.0)] * 50 + [past(1.0, job="8", pending_seconds=10.0)]
    found = pending_span([*trainings, past(1.0)])
    assert found.seconds == pytest.approx(100)
    assert found.basis == "2 earlier jobs"
    assert pending_span([past(1.0)]) is None


def test_what_lasted_for_a_while_is_over_sooner_and_what_outlasts_its_kind_goes_on():
    usual = span([60.0] * 20, usual=0.5, basis="jobs")
    assert usual.after(0.0).seconds == pytest.approx(60)
    assert usual.after(30.0).seconds < 32
    late = usual.after(600.0)
    assert 0 < late.low < late.seconds < late.high
    assert Span(0.0, 0.0, 0.0, "").after(5.0) == Span(0.0, 0.0, 0.0, "")


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=30),
    st.floats(0.01, 2),
    st.floats(0, 1e12),
    st.sampled_from([0.0, 1e-9, 1.0]),
)
def test_the_bounds_are_always_numbers_in_their_order(durations, usual, elapsed, factor):
    found = span([factor * one for one in durations], usual=usual, basis="")
    for one in (found, found.after(elapsed)):
        assert 0 <= one.low <= one.seconds <= one.high < math.inf


@given(st.lists(st.floats(5e-324, sys.float_info.max), min_size=3, max_size=3), st.floats(0, 1e12))
def test_what_is_left_of_any_estimate_is_a_number(ends, elapsed):
    low, seconds, high = sorted(ends)
    left = Span(seconds, low, high, "").after(elapsed)
    assert left == Span(seconds, low, high, "") or 0 <= left.low <= left.seconds <= left.high < math.inf


@pytest.mark.parametrize("ends", [(0.0, 1.0, 2.0), (3.0, 1.0, 2.0)])
def test_an_estimate_outside_its_bounds_is_left_as_it_is(ends):
    assert Span(*ends, "").after(5.0) == Span(*ends, "")


def test_four_of_five_durations_of_random_trainings_lie_within_the_bounds():
    source, held = random.Random(1), 0
    for _ in range(2000):
        middle, spread = source.uniform(0, 8), source.uniform(0.1, 0.6)
        *known, next_one = (math.exp(source.gauss(middle, spread)) for _ in range(9))
        found = span(known, usual=0.35, basis="")
        held += found.low <= next_one <= found.high
    assert 0.77 < held / 2000 < 0.87


@pytest.mark.parametrize(("kind", "most"), [("seed", 1.2), ("architecture", 1.6), ("recipe", 2.2)])
def test_the_published_snapshot_is_foretold(kind, most):
    """Each of its trainings by the others: four of five within the bounds, and off by so much in the middle."""
    known = [
        entry["record"] for entry in json.loads(SNAPSHOT.read_text("utf-8"))["entries"].values() if entry["kind"] == "record"
    ]
    trainings = [
        past(
            record["cost"]["wall_seconds"],
            **{name: record["parts"][name] for name in ("fingerprint", "dataset", "recipe")},
            epochs=record["recipe"]["epochs"],
            macs=record["size"]["macs"],
        )
        for record in known
        if record["verdict"] == "trained"
    ]
    usable = {
        "seed": lambda one, other: True,
        "architecture": lambda one, other: one.about.fingerprint != other.about.fingerprint,
        "recipe": lambda one, other: one.about.recipe != other.about.recipe,
    }[kind]
    held, off = [], []
    for i, one in enumerate(trainings):
        found = training_span(one.about, [other for j, other in enumerate(trainings) if j != i and usable(one, other)])
        held.append(found.low <= one.seconds <= found.high)
        off.append(math.exp(abs(math.log(one.seconds / found.seconds))))
    assert 0.7 < sum(held) / len(held) < 0.97
    assert sorted(off)[len(off) // 2] < most


def test_it_goes_over_the_wire_and_nothing_else_does():
    assert About.from_dict(json.loads(json.dumps(TASK.to_dict()))) == TASK
    assert About.from_dict({**TASK.to_dict(), "fingerprint": ""}).fingerprint == ""


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "../etc"},
        {"dataset": None},
        {"recipe": ""},
        {"fingerprint": 0},
        {"fingerprint": "x"},
        {"epochs": True},
        {"epochs": -1},
        {"macs": 10**16},
        {"macs": 10**400},
        {"macs": 1.5},
        {"more": 1},
    ],
)
def test_what_is_malformed_is_refused(change):
    with pytest.raises(EnvelopeError, match="about"):
        About.from_dict({**TASK.to_dict(), **change})


@pytest.mark.parametrize("other", [None, [], "x", {}])
def test_so_is_what_is_no_object_of_ours(other):
    with pytest.raises(EnvelopeError, match="about"):
        About.from_dict(other)
