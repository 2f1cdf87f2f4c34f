"""A training that was interrupted and taken up gives the numbers of one that was not, to the last bit."""

import dataclasses

import pytest
import torch

from jitnas_fn.training.attempt import Halted
from jitnas_fn.training.meter import COUNTED, ESTIMATED, MIXED, Meter
from tests.training.attempts import CPU, RECIPE, Cut, attempt, begin, checkpoints

RECIPES = {
    "sgd": {},
    "sgd without momentum": {"momentum": 0.0, "weight_decay": 1e-3},
    "adam": {"optimiser": "adam", "momentum": 0.0, "learning_rate": 0.01},
    "nesterov, warm-up, clipping": {"nesterov": True, "warmup_epochs": 2, "gradient_clipping": 0.5, "label_smoothing": 0.1},
    "bfloat16": {"precision": "bfloat16"},
}


@pytest.fixture(params=RECIPES)
def recipe(request):
    return dataclasses.replace(RECIPE, **RECIPES[request.param])


def test_cut_after_every_epoch_and_taken_up_each_time_nothing_differs(tmp_path, recipe):
    whole = attempt(recipe=recipe)
    for epoch in range(1, recipe.epochs + 1):
        torch.manual_seed(epoch)  # another process would stand elsewhere
        with pytest.raises(Cut):
            attempt(checkpoints(tmp_path, recipe=recipe), recipe=recipe, cut_after=epoch)
    keeper = checkpoints(tmp_path, recipe=recipe)
    assert attempt(keeper, recipe=recipe) == whole
    assert keeper.kept == recipe.epochs


@pytest.mark.parametrize("change", ["network", "optimiser"])
def test_that_is_so_because_of_what_is_kept(tmp_path, change, monkeypatch):
    whole = attempt()
    begin(tmp_path)
    monkeypatch.setattr("jitnas_fn.training.state.torch.optim.SGD.load_state_dict", lambda *a: None)
    if change == "network":
        monkeypatch.undo()
        monkeypatch.setattr("jitnas_fn.tracing.rebuild.Rebuilt.load_state_dict", lambda *a: None)
    assert attempt(checkpoints(tmp_path)) != whole


def test_told_to_stop_it_halts_after_the_epoch_and_goes_on_from_there(tmp_path):
    whole, asked = attempt(), []
    keeper = checkpoints(tmp_path, every_seconds=1000.0)  # nothing is due but for the stop
    with pytest.raises(Halted, match="epoch 2 is kept") as halted:
        attempt(keeper, stop=lambda: asked.append(1) or len(asked) == 2)
    assert halted.value.kept == 2
    assert attempt(checkpoints(tmp_path, every_seconds=1000.0)) == whole


def test_without_a_keeper_it_halts_and_says_that_nothing_is_kept():
    with pytest.raises(Halted) as halted:
        attempt(stop=lambda: True)
    assert halted.value.kept == 0


def test_told_to_stop_in_the_last_epoch_it_ends_if_the_rest_is_short(tmp_path):
    asked = []
    last = {"stop": lambda: asked.append(1) or len(asked) == RECIPE.epochs}
    assert attempt(checkpoints(tmp_path, every_seconds=1000.0), **last) == attempt()
    asked.clear()
    with pytest.raises(Halted):  # each epoch is wanted, so the test split alone is worth a file
        attempt(checkpoints(tmp_path), **last)
    assert attempt(checkpoints(tmp_path)) == attempt()


def test_the_random_state_of_torch_goes_along(tmp_path):
    torch.manual_seed(5)
    begin(tmp_path)
    expected = torch.rand(3)
    torch.manual_seed(6)
    with pytest.raises(Halted):
        attempt(checkpoints(tmp_path), stop=lambda: True)
    assert torch.equal(torch.rand(3), expected)


def test_the_cost_is_that_of_all_attempts_and_their_number_is_told(tmp_path):
    begin(tmp_path, epochs=2)
    meters = [Meter(CPU), Meter(CPU)]
    with pytest.raises(Cut):
        attempt(checkpoints(tmp_path), cut_after=4, meter=meters[0])
    attempt(checkpoints(tmp_path), meter=meters[1])
    costs = [meter.cost() for meter in meters]
    assert [cost["attempts"] for cost in costs] == [2, 3]
    alone = Meter(CPU)
    attempt(meter=alone)
    assert alone.cost()["attempts"] == 1
    assert costs[1]["train_seconds"] > 0.3 * alone.cost()["train_seconds"]
    for name in ("train_seconds", "evaluation_seconds", "wall_seconds", "joules"):
        assert costs[1][name] > 0
    assert costs[1]["joules_method"] == ESTIMATED
    assert costs[1]["peak_bytes"] >= costs[0]["peak_bytes"]


def test_the_meter_adds_up_and_says_if_the_energy_was_not_measured_alike():
    before = {"train_seconds": 100.0, "evaluation_seconds": 10.0, "wall_seconds": 120.0, "joules": 5000.0, "attempts": 4}
    meter = Meter(CPU)
    meter.go_on_from({**before, "joules_method": COUNTED, "peak_bytes": 1 << 60})
    cost = meter.cost()
    assert (cost["train_seconds"], cost["evaluation_seconds"], cost["attempts"]) == (100.0, 10.0, 5)
    assert 120 < cost["wall_seconds"] < 121
    assert 5000 <= cost["joules"] < 5100
    assert (cost["joules_method"], cost["peak_bytes"]) == (MIXED, 1 << 60)
    meter.go_on_from({**before, "joules_method": MIXED, "peak_bytes": None})
    assert meter.cost()["joules_method"] == MIXED


def test_the_limit_of_time_counts_all_attempts(tmp_path):
    keeper = checkpoints(tmp_path)
    with pytest.raises(Cut):
        attempt(keeper, cut_after=3)
    spent = keeper._kept_at
    outcome = attempt(checkpoints(tmp_path), seconds=spent * 0.9)
    assert outcome.verdict == "over_time"
    assert len(outcome.curves["validation"]["loss"]) == 3
    assert attempt(checkpoints(tmp_path), seconds=1000.0).verdict == "trained"
