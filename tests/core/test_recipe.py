"""A recipe: what enters its hash, and which values are refused."""

import dataclasses
import pickle

import pytest

from jitnas_fn.core.codec import digest
from jitnas_fn.core.errors import NewerVersion, RecipeError
from jitnas_fn.core.recipe import NEUTRAL, Recipe

REQUIRED = {"epochs": 2, "batch_size": 64, "learning_rate": 0.1}
PLAIN = Recipe(**REQUIRED)
FULL = {**REQUIRED, "momentum": 0.9, "nesterov": True, "warmup_epochs": 1, "resolution": 16, "gradient_clipping": 1.0}

OTHER = {
    "epochs": 3,
    "batch_size": 65,
    "learning_rate": 0.2,
    "loss": "mse",
    "optimiser": "adam",
    "momentum": 0.5,
    "beta1": 0.8,
    "beta2": 0.99,
    "epsilon": 1e-7,
    "weight_decay": 1e-4,
    "schedule": "cosine",
    "warmup_epochs": 2,
    "minimum_learning_rate": 1e-3,
    "precision": "bfloat16",
    "flip": True,
    "shift": 2,
    "data_fraction": 0.5,
    "resolution": 8,
    "gradient_clipping": 5.0,
    "label_smoothing": 0.1,
}


def fields_of_the_hash(recipe):
    fields = {**recipe.to_dict()}
    del fields["name"]
    return fields


def test_every_field_is_tried_here():
    assert {field.name for field in dataclasses.fields(Recipe) if field.init} == {*OTHER, "name", "nesterov"}


@pytest.mark.parametrize("name", OTHER)
def test_every_field_changes_the_hash(name):
    assert dataclasses.replace(PLAIN, **{name: OTHER[name]}).sha256 != PLAIN.sha256


def test_nesterov_changes_the_hash():
    heavy = dataclasses.replace(PLAIN, momentum=0.9)
    assert dataclasses.replace(heavy, nesterov=True).sha256 != heavy.sha256


def test_all_these_hashes_differ():
    assert len({dataclasses.replace(PLAIN, **{name: value}).sha256 for name, value in OTHER.items()}) == len(OTHER)


def test_the_name_does_not_change_the_hash():
    assert dataclasses.replace(PLAIN, name="another").sha256 == PLAIN.sha256


def test_a_neutral_field_is_left_out_of_the_hash():
    assert PLAIN.sha256 == digest({"recipe_version": 1, "fields": REQUIRED})


def test_so_a_field_added_later_leaves_old_hashes_alone(monkeypatch):
    old = PLAIN.sha256
    monkeypatch.setattr(Recipe, "to_dict", lambda recipe: {**dataclasses.asdict(recipe), "later": "neutral"})
    monkeypatch.setattr("jitnas_fn.core.recipe.NEUTRAL", {**NEUTRAL, "later": "neutral"})
    assert PLAIN.sha256 == old


def test_the_neutral_value_of_a_field_is_its_default():
    for field in dataclasses.fields(Recipe):
        assert NEUTRAL.get(field.name, field.default) == field.default or field.name == "name"


@pytest.mark.parametrize(("name", "value"), [("learning_rate", 1), ("data_fraction", 1), ("momentum", 0)])
def test_a_whole_number_is_as_good_as_a_float(name, value):
    assert dataclasses.replace(PLAIN, **{name: value}).sha256 == dataclasses.replace(PLAIN, **{name: float(value)}).sha256


def test_it_survives_a_round_trip():
    recipe = Recipe(**FULL)
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert Recipe.from_dict(recipe.to_dict()).sha256 == recipe.sha256
    assert pickle.loads(pickle.dumps(recipe)) == recipe


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", -1),
        ("epochs", 1.5),
        ("epochs", True),
        ("epochs", "2"),
        ("epochs", None),
        ("epochs", 10**9),
        ("epochs", 10**400),
        ("learning_rate", 10**400),
        ("minimum_learning_rate", -(10**400)),
        ("batch_size", 0),
        ("learning_rate", -0.1),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("learning_rate", None),
        ("learning_rate", "fast"),
        ("learning_rate", False),
        ("loss", "hinge"),
        ("loss", 1),
        ("optimiser", "SGD"),
        ("schedule", "step"),
        ("precision", "float16"),
        ("momentum", 1.1),
        ("nesterov", 1),
        ("beta1", -0.1),
        ("beta2", 2.0),
        ("epsilon", -1e-9),
        ("weight_decay", [0.1]),
        ("warmup_epochs", 0.5),
        ("minimum_learning_rate", -1.0),
        ("flip", "yes"),
        ("shift", -1),
        ("shift", 10**6),
        ("data_fraction", 0.0),
        ("data_fraction", 1.01),
        ("resolution", 0),
        ("resolution", 1.5),
        ("gradient_clipping", 0.0),
        ("label_smoothing", 1.1),
        ("name", "a\nb"),
        ("name", "x" * 81),
        ("name", None),
    ],
)
def test_a_bad_value_is_a_clear_error(name, value):
    with pytest.raises(RecipeError, match=name):
        Recipe.from_dict({**REQUIRED, name: value})


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(RecipeError, match="needs a momentum"):
        dataclasses.replace(PLAIN, nesterov=True)


def test_a_minimum_above_the_maximum_is_refused():
    with pytest.raises(RecipeError, match="above learning_rate"):
        dataclasses.replace(PLAIN, minimum_learning_rate=0.5)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_field_is_named(name):
    with pytest.raises(RecipeError, match=f"needs {name}"):
        Recipe.from_dict({other: value for other, value in REQUIRED.items() if other != name})


def test_an_unknown_field_means_a_newer_version():
    with pytest.raises(NewerVersion, match="sharpness"):
        Recipe.from_dict({**REQUIRED, "sharpness": 1})
