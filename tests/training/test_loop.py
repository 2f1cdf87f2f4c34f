import dataclasses
import math

import pytest
import torch
from torch import nn

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import RecipeError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training.data import Split, load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from tests.client.models import small

SYNTHETIC = shelf.take("datasets", "synthetic").DATASET
PLAIN = Recipe(epochs=2, batch_size=64, learning_rate=0.1, momentum=0.9)
REGRESSION = dataclasses.replace(SYNTHETIC, name="line", task="regression", outputs=1, metric="mse", direction="minimise")


def _trained(recipe=PLAIN, network=None, seed=0, splits=None, card=SYNTHETIC, progress=None, seconds=None):
    torch.manual_seed(0)
    return train(
        small(outputs=4) if network is None else network,
        load(SYNTHETIC, recipe) if splits is None else splits,
        card=card,
        recipe=recipe,
        seed=seed,
        meter=Meter(torch.device("cpu")),
        progress=progress,
        seconds=seconds,
    )


def test_curves_hold_one_value_per_epoch_and_metrics_the_last_of_them():
    outcome = _trained()
    assert outcome.verdict == "trained"
    for split in ("train", "validation"):
        assert set(outcome.curves[split]) == {"loss", "accuracy"}
        assert {name: series[-1] for name, series in outcome.curves[split].items()} == outcome.metrics[split]
        assert len(outcome.curves[split]["loss"]) == 2
    assert set(outcome.metrics) == {"train", "validation", "test"}
    assert outcome.curves["train"]["loss"][1] < outcome.curves["train"]["loss"][0]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"flip": True, "shift": 2},
        {"precision": "bfloat16"},
        {"optimiser": "adam", "momentum": 0.0, "learning_rate": 0.01},
        {"gradient_clipping": 0.5, "label_smoothing": 0.1, "data_fraction": 0.5, "resolution": 6, "schedule": "cosine"},
    ],
    ids=["plain", "augmented", "bfloat16", "adam", "everything else"],
)
def test_the_same_seed_gives_the_same_numbers_to_the_last_bit(changes):
    recipe = dataclasses.replace(PLAIN, **changes)
    assert _trained(recipe) == _trained(recipe)
    assert _trained(recipe).curves != _trained(recipe, seed=1).curves


def test_it_does_not_depend_on_torchs_own_random_state():
    networks = [small(outputs=4), small(outputs=4)]
    networks[1].load_state_dict(networks[0].state_dict())
    recipe, outcomes = dataclasses.replace(PLAIN, flip=True), []
    for number, network in enumerate(networks):
        torch.manual_seed(number)
        torch.rand(number + 1)
        meter = Meter(torch.device("cpu"))
        outcomes.append(train(network, load(SYNTHETIC, recipe), card=SYNTHETIC, recipe=recipe, seed=3, meter=meter))
    assert outcomes[0] == outcomes[1]


def test_no_epoch_means_one_evaluation_of_every_split():
    outcome = _trained(dataclasses.replace(PLAIN, epochs=0))
    assert outcome.verdict == "trained"
    assert outcome.curves == {split: {"loss": [], "accuracy": []} for split in ("train", "validation")}
    assert outcome.metrics["train"]["loss"] == pytest.approx(math.log(4), abs=0.3)


def test_a_learning_rate_that_is_too_high_diverges_without_a_nan_in_sight():
    outcome = _trained(dataclasses.replace(PLAIN, learning_rate=1e6, momentum=0.9, epochs=5))
    assert outcome.verdict == "diverged"
    nothing = {"loss": None, "accuracy": None}
    assert outcome.metrics == {"train": nothing, "validation": nothing, "test": nothing}
    assert len(outcome.curves["train"]["loss"]) < 5 or outcome.curves["train"]["loss"][-1] is None
    assert outcome.curves["validation"]["loss"][-1] is None


def test_a_network_that_answers_nan_has_diverged_even_without_training():
    class Nothing(nn.Module):
        def forward(self, x):
            return torch.full((len(x), 4), torch.nan)

    assert _trained(dataclasses.replace(PLAIN, epochs=0), Nothing()).verdict == "diverged"


def test_time_that_runs_out_leaves_the_finished_epochs():
    outcome = _trained(dataclasses.replace(PLAIN, epochs=50_000), seconds=0.5)
    assert outcome.verdict == "over_time"
    assert outcome.metrics["test"] == {"loss": None, "accuracy": None}
    assert len(outcome.curves["train"]["loss"]) == len(outcome.curves["validation"]["loss"])
    assert None not in outcome.curves["validation"]["loss"]


def test_every_epoch_reports_how_far_it_is():
    reports = []
    outcome = _trained(dataclasses.replace(PLAIN, epochs=3), progress=reports.append)
    assert [(report.epoch, report.epochs) for report in reports] == [(1, 3), (2, 3), (3, 3)]
    assert [report.metrics["validation"]["accuracy"] for report in reports] == outcome.curves["validation"]["accuracy"]
    assert reports[-1].seconds_left == 0
    assert reports[0].seconds_left > 0


class Seen(nn.Module):
    """Remembers what it was given, and at which step."""

    def __init__(self):
        super().__init__()
        self.last, self.batches, self.steps = nn.Linear(64, 4), [], []

    def at_step(self, step):
        self.steps.append(step)

    def forward(self, x):
        if self.training:
            self.batches.append(x.detach().clone())
        return self.last(x.flatten(1))


def _counted(samples):
    """Splits whose images tell their number."""
    x = torch.arange(samples, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 1, 8, 8).contiguous() / samples
    split = Split(x, torch.arange(samples) % 4)
    return {"train": split, "validation": split, "test": split}


def test_a_last_smaller_batch_is_left_out():
    network = Seen()
    _trained(PLAIN, network, splits=_counted(150))
    assert [len(batch) for batch in network.batches] == [64, 64] * 2


def test_a_smaller_batch_that_is_the_only_one_is_used():
    network = Seen()
    _trained(PLAIN, network, splits=_counted(20))
    assert [len(batch) for batch in network.batches] == [20, 20]


def test_every_epoch_has_an_order_of_its_own_and_no_sample_twice():
    network = Seen()
    _trained(dataclasses.replace(PLAIN, batch_size=32), network, splits=_counted(128))
    first, second = (torch.cat(network.batches[half])[:, 0, 0, 0].tolist() for half in (slice(0, 4), slice(4, 8)))
    assert first != second
    assert len(set(first)) == 128
    assert sorted(first) == sorted(second)


def test_the_network_is_told_each_step_before_it_comes():
    network = Seen()
    _trained(PLAIN, network, splits=_counted(150))
    assert network.steps == [0, 1, 2, 3]


def test_gradient_clipping_bounds_the_whole_gradient():
    network = Seen()
    recipe = Recipe(epochs=1, batch_size=128, learning_rate=1.0, gradient_clipping=1e-3)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    _trained(recipe, network, splits=_counted(128))
    moved = torch.cat([(now - then).flatten() for now, then in zip(network.parameters(), before, strict=True)])
    assert float(moved.detach().norm()) == pytest.approx(1e-3, rel=1e-3)


def test_label_smoothing_is_minimised_and_not_measured():
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    nn.init.zeros_(network[1].weight)
    network[1].bias.data = torch.tensor([20.0, 0.0, 0.0, 0.0])
    split = Split(torch.zeros(64, 1, 8, 8), torch.zeros(64, dtype=torch.int64))
    splits = {"train": split, "validation": split, "test": split}
    outcome = _trained(Recipe(epochs=1, batch_size=64, learning_rate=0.0, label_smoothing=0.4), network, splits=splits)
    assert outcome.metrics["validation"]["loss"] == pytest.approx(0, abs=1e-6)
    assert outcome.metrics["train"]["loss"] == pytest.approx(0.3 * 20, rel=1e-3)


def test_bfloat16_computes_in_bfloat16_and_measures_in_float32():
    seen = []

    class Probe(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(64, 4)

        def forward(self, x):
            seen.append(self.last(x.flatten(1)).dtype)
            return self.last(x.flatten(1))

    assert _trained(dataclasses.replace(PLAIN, precision="bfloat16"), Probe()).verdict == "trained"
    assert set(seen) == {torch.bfloat16}


def test_a_network_without_anything_to_train_is_measured():
    class Fixed(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :4]

    outcome = _trained(PLAIN, Fixed())
    assert outcome.verdict == "trained"
    assert outcome.metrics["train"]["accuracy"] == pytest.approx(0.25, abs=0.1)


def test_frozen_parameters_stay_as_they_are():
    network = small(outputs=4)
    network[0].weight.requires_grad_(False)
    before = network[0].weight.detach().clone()
    _trained(PLAIN, network)
    assert torch.equal(network[0].weight, before)


def test_a_regression_learns_by_its_squared_error():
    x = torch.rand(256, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    split = Split(x, x.mean((1, 2, 3))[:, None])
    splits = {"train": split, "validation": split, "test": split}
    recipe = Recipe(epochs=30, batch_size=32, learning_rate=0.01, optimiser="adam", loss="mse")
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
    outcome = _trained(recipe, network, splits=splits, card=REGRESSION)
    assert outcome.metrics["test"]["mse"] < 0.1 * outcome.curves["train"]["mse"][0]
    assert outcome.metrics["test"]["mse"] == pytest.approx(outcome.metrics["test"]["loss"], rel=1e-4)


def test_a_loss_that_does_not_suit_is_refused_before_training():
    network = Seen()
    with pytest.raises(RecipeError, match="mse does not suit classification"):
        _trained(dataclasses.replace(PLAIN, loss="mse"), network)
    assert network.batches == []


def test_a_metric_that_nobody_can_measure_is_refused():
    with pytest.raises(RecipeError, match="has metric r2; this version measures accuracy, mse"):
        _trained(card=dataclasses.replace(SYNTHETIC, metric="r2"))


def test_a_small_cnn_learns_digits():
    card, recipe = shelf.take("datasets", "digits").DATASET, shelf.take("recipes", "quick").RECIPE
    network = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(32, 10)),
    )
    outcome = _trained(recipe, network, splits=load(card, recipe), card=card)
    assert outcome.metrics["test"]["accuracy"] > 0.96
