"""A task and its key, and the limits that are no part of it."""

import dataclasses

import pytest

from jitnas_fn.core.codec import digest
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Limits, is_key, key_of
from tests.samples import RECIPE, a_fingerprint, a_task

OPAQUE = "opaque-01234567-89ab-cdef-0123-456789abcdef"
TASK = a_task()


def test_the_key_is_the_hash_of_its_parts():
    parts = {"key_version": 1, "fingerprint": a_fingerprint(), "dataset": digest("data"), "recipe": RECIPE.sha256, "seed": 0}
    assert TASK.parts == parts
    assert TASK.key == digest(parts) == key_of(parts)


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": a_fingerprint(1)},
        {"dataset_sha256": digest("other data")},
        {"recipe": Recipe(epochs=3, batch_size=64, learning_rate=0.1)},
        {"seed": 1},
    ],
)
def test_every_part_changes_the_key(change):
    assert dataclasses.replace(TASK, **change).key != TASK.key


@pytest.mark.parametrize("change", [{"dataset": "another name"}, {"recipe": dataclasses.replace(RECIPE, name="another")}])
def test_names_do_not_change_the_key(change):
    assert dataclasses.replace(TASK, **change).key == TASK.key


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1])
def test_a_seed_is_any_integer_of_63_bits(seed):
    assert a_task(seed=seed).parts["seed"] == seed


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, True, "1", None])
def test_another_seed_is_refused(seed):
    with pytest.raises(TaskError, match="seed"):
        a_task(seed=seed)


def test_an_opaque_model_is_its_own_key():
    task = dataclasses.replace(TASK, fingerprint=OPAQUE)
    assert task.key == OPAQUE
    assert is_key(OPAQUE)


@pytest.mark.parametrize(
    "text", ["", "f" * 63, "F" * 64, "g" * 64, "f" * 64 + "\n", OPAQUE.upper(), "opaque-1", "../" * 21 + "x", None, 1]
)
def test_what_is_no_hash_is_refused(text):
    assert not is_key(text)
    with pytest.raises(TaskError, match="fingerprint"):
        dataclasses.replace(TASK, fingerprint=text)
    with pytest.raises(TaskError, match="dataset hash"):
        dataclasses.replace(TASK, dataset_sha256=text)


def test_a_dataset_hash_is_never_opaque():
    with pytest.raises(TaskError, match="dataset hash"):
        dataclasses.replace(TASK, dataset_sha256=OPAQUE)


@pytest.mark.parametrize("limits", [{}, {"seconds": 1}, {"seconds": 0.5, "memory_bytes": 10**9}, {"memory_bytes": 1}])
def test_limits_survive_a_round_trip(limits):
    assert Limits.from_dict(Limits(**limits).to_dict()) == Limits(**limits)


@pytest.mark.parametrize(
    "limits",
    [
        {"seconds": 0},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"seconds": "10"},
        {"seconds": True},
        {"seconds": 10**400},
        {"memory_bytes": 2**63},
        {"memory_bytes": 0},
        {"memory_bytes": 1.5},
        {"memory_bytes": "1G"},
    ],
)
def test_a_bad_limit_is_a_clear_error(limits):
    with pytest.raises(TaskError, match=f"limit {next(iter(limits))}"):
        Limits(**limits)
