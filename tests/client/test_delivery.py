"""A record that comes back is of the task that was asked for, of a recipe or of a published table."""

import dataclasses

import pytest

from jitnas_fn.client.delivery import check_record
from jitnas_fn.client.tables import open_table
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.errors import RecipeError, RecordError
from jitnas_fn.core.task import task_of
from jitnas_fn.spaces.nasbench201 import SPACE
from tests.tables import small


@pytest.fixture
def found(tmp_path, monkeypatch):
    """A record of a table, and its task."""
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    store = open_table("nasbench201", small.written(small.nasbench201(["333333"]), tmp_path / "table.csv"))
    fingerprint = SPACE.architecture((3,) * 6, (3, 32, 32), 10).fingerprint
    task = task_of(fingerprint, card_named("cifar10"), recipe_named("nasbench201_200"), 0)
    return store.get(task.key), task


def test_the_record_that_was_asked_for_is_taken(found):
    check_record(*found)


@pytest.mark.parametrize("changed", [{"epochs": 12}, {"name": "nasbench201_12"}, {"source": "somebody else"}])
def test_a_record_that_names_another_publication_is_refused(found, changed):
    record, task = found
    with pytest.raises(RecordError, match="names another recipe than nasbench201_200"):
        check_record(dataclasses.replace(record, recipe={**record.recipe, **changed}), task)


@pytest.mark.parametrize("changed", [{"published": False}, {"momentum": 0.9}])
def test_a_record_whose_publication_is_none_is_refused(found, changed):
    record, task = found
    with pytest.raises(RecipeError, match="what is published has"):
        check_record(dataclasses.replace(record, recipe={**record.recipe, **changed}), task)


def test_a_record_that_names_another_dataset_is_refused(found):
    record, task = found
    with pytest.raises(RecordError, match="names dataset 'cifar100'"):
        check_record(dataclasses.replace(record, dataset={**record.dataset, "name": "cifar100"}), task)


def test_a_record_of_another_key_is_refused(found):
    record, _ = found
    other = task_of("0" * 64, card_named("cifar10"), recipe_named("nasbench201_200"), 0)
    with pytest.raises(RecordError, match="answered with a record of"):
        check_record(record, other)
