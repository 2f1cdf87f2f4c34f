"""Whatever file lies on the shelf of recipes has passed these."""

import pytest
import torch

from jitnas_fn.core import shelf
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training.data import load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from tests.client.models import small

SYNTHETIC = shelf.take("datasets", "synthetic").DATASET


@pytest.fixture(params=shelf.names("recipes"))
def name(request):
    return request.param


def test_it_bears_the_name_of_its_file_and_survives_the_wire(name):
    recipe = shelf.take("recipes", name).RECIPE
    assert isinstance(recipe, Recipe)
    assert recipe.name == name
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_it_trains_the_synthetic_dataset(name):
    recipe = shelf.take("recipes", name).RECIPE
    torch.manual_seed(0)
    meter = Meter(torch.device("cpu"))
    outcome = train(small(outputs=4, channels=8), load(SYNTHETIC, recipe), card=SYNTHETIC, recipe=recipe, seed=0, meter=meter)
    assert outcome.verdict == "trained"
    assert len(outcome.curves["validation"]["accuracy"]) == recipe.epochs
    assert outcome.metrics["test"]["accuracy"] > (0.5 if recipe.epochs else 0.1)


def test_no_two_recipes_are_the_same():
    hashes = [shelf.take("recipes", name).RECIPE.sha256 for name in shelf.names("recipes")]
    assert len(set(hashes)) == len(hashes)
