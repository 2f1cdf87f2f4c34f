"""What others have published: hashes of its own, and nothing that it does not say is read from it."""

import pytest

from jitnas_fn.core.errors import NewerVersion, RecipeError, TaskError
from jitnas_fn.core.published import Published, plan_in
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Task

PLAN = Published(name="table_12", epochs=12, source="somebody")
OWN = Recipe(name="own", epochs=12, batch_size=32, learning_rate=0.1)


def test_name_and_epochs_make_the_hash_and_the_source_does_not():
    others = [
        Published(name="table_13", epochs=12, source="somebody"),
        Published(name="table_12", epochs=13, source="somebody"),
    ]
    assert len({PLAN.sha256, OWN.sha256, *(other.sha256 for other in others)}) == 4
    assert Published(name="table_12", epochs=12, source="another").sha256 == PLAN.sha256


def test_what_is_written_is_read_again():
    assert plan_in(PLAN.to_dict()) == PLAN
    assert plan_in(OWN.to_dict()) == OWN


@pytest.mark.parametrize(
    "changed",
    [
        {"more": 1},
        {"published": False},
        {"published": 1},
        {"epochs": "12"},
        {"epochs": True},
        {"epochs": -1},
        {"name": ""},
        {"source": None},
    ],
)
def test_other_fields_are_refused(changed):
    with pytest.raises(RecipeError):
        plan_in({**PLAN.to_dict(), **changed})


def test_a_recipe_of_a_later_version_is_told():
    with pytest.raises(NewerVersion):
        plan_in({**OWN.to_dict(), "later": 1})


@pytest.mark.parametrize(
    ("plan", "sha256", "seed", "dataset"),
    [
        (PLAN, "0" * 64, None, "cifar10"),
        (PLAN, "", 0, "cifar10"),
        (PLAN, "", None, "CIFAR 10"),
        (PLAN, "", None, ""),
        (OWN, "", None, "cifar10"),
        (OWN, "", 0, "cifar10"),
        (OWN, "0" * 64, None, "cifar10"),
    ],
)
def test_what_is_published_has_neither_hash_nor_seed_and_all_else_has_both(plan, sha256, seed, dataset):
    with pytest.raises(TaskError):
        Task("0" * 64, dataset, sha256, plan, seed)


def test_two_datasets_never_share_a_key():
    keys = {Task("0" * 64, name, "", PLAN, None).key for name in ("cifar10", "svhn")}
    assert len(keys) == 2
