"""Cheaper recipes for a ladder: fewer epochs, less data, all else alike."""

import dataclasses

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.graphs.fidelities import cheaper_by

QUICK = shelf.take("recipes", "quick").RECIPE  # 12 epochs, the first of them to warm up
STANDARD = shelf.take("recipes", "standard").RECIPE  # 60 epochs, three of them


def test_fewer_epochs_are_all_that_changes():
    first, second = cheaper_by(QUICK, epochs=[2, 6])
    assert (first.epochs, second.epochs) == (2, 6)
    for cheaper in (first, second):
        assert dataclasses.replace(cheaper, name=QUICK.name, epochs=QUICK.epochs) == QUICK
    assert len({QUICK.sha256, first.sha256, second.sha256}) == 3


def test_less_data_is_all_that_changes():
    rungs = cheaper_by(QUICK, data_fractions=[0.1, 1 / 3])
    assert [rung.data_fraction for rung in rungs] == [0.1, 1 / 3]
    assert {dataclasses.replace(rung, name=QUICK.name, data_fraction=1.0) for rung in rungs} == {QUICK}


def test_epochs_and_data_go_in_pairs():
    rungs = cheaper_by(QUICK, epochs=[3, 6], data_fractions=[0.25, 0.5])
    assert [(rung.epochs, rung.data_fraction) for rung in rungs] == [(3, 0.25), (6, 0.5)]


def test_without_either_there_is_nothing_below():
    assert cheaper_by(QUICK) == ()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"epochs": [3]}, "quick@3 epochs"),
        ({"epochs": [1]}, "quick@1 epoch"),
        ({"data_fractions": [0.25]}, "quick@25% of the data"),
        ({"epochs": [3], "data_fractions": [0.125]}, "quick@3 epochs, 12.5% of the data"),
    ],
)
def test_its_name_says_what_is_cheaper(options, name):
    assert [rung.name for rung in cheaper_by(QUICK, **options)] == [name]


def test_a_long_name_is_cut_so_that_the_end_still_says_it():
    long = dataclasses.replace(QUICK, name=80 * "x")
    (cheaper,) = cheaper_by(long, epochs=[3])
    assert len(cheaper.name) == 80
    assert cheaper.name.endswith("x@3 epochs")


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 0), (2, 1), (20, 1), (21, 2), (40, 2), (59, 3)])
def test_the_warmup_keeps_its_share_of_the_epochs_and_never_takes_all(epochs, warmup):
    (cheaper,) = cheaper_by(STANDARD, epochs=[epochs])
    assert cheaper.warmup_epochs == warmup


def test_a_warmup_as_long_as_the_training_leaves_an_epoch():
    recipe = Recipe(epochs=9, batch_size=8, learning_rate=0.1, warmup_epochs=9, schedule="cosine")
    assert [rung.warmup_epochs for rung in cheaper_by(recipe, epochs=[1, 3])] == [0, 2]


@pytest.mark.parametrize("epochs", [[0, 3], [3, 3], [6, 3], [3, 12], [13], [-1], [2.5], [True], ["3"], [10**30]])
def test_epochs_that_do_not_rise_to_the_recipes_are_refused(epochs):
    with pytest.raises(TaskError, match=r"epochs of cheaper rungs lie above 0, and rise to less than the recipe's 12; not"):
        cheaper_by(QUICK, epochs=epochs)


@pytest.mark.parametrize("fractions", [[0.0], [0.5, 0.5], [0.5, 0.1], [1.0], [float("nan")], [-0.1], ["0.5"], [True]])
def test_data_fractions_that_do_not_rise_to_the_recipes_are_refused(fractions):
    with pytest.raises(TaskError, match=r"data fractions of cheaper rungs lie above 0, and rise to less than the recipe's 1"):
        cheaper_by(QUICK, data_fractions=fractions)


def test_what_makes_no_pairs_is_refused():
    with pytest.raises(TaskError, match="2 and 1 make no pairs"):
        cheaper_by(QUICK, epochs=[3, 6], data_fractions=[0.5])


def test_a_recipe_without_epochs_has_no_cheaper_one():
    with pytest.raises(TaskError, match="the recipe's 0"):
        cheaper_by(shelf.take("recipes", "instant").RECIPE, epochs=[1])
