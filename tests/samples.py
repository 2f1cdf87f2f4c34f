"""Small valid nouns for tests: a task, a record, a document; and a store filled with them."""

from jitnas_fn.core.codec import digest
from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task

RECIPE = Recipe(name="sample", epochs=2, batch_size=64, learning_rate=0.1)
SALT = "5a" * 32


def a_document(number=0):
    """A JSON value that stands for an architecture's document (a store does not look inside)."""
    return {"opset": 1, "nodes": [{"op": "linear", "features": number}]}


def a_fingerprint(number=0):
    return digest(a_document(number))


def a_task(number=0, seed=0):
    return Task(a_fingerprint(number), "digits", digest("data"), RECIPE, seed)


def a_record(number=0, seed=0, trust="local", token=0, accuracy=0.5, extra=None, fixed_salt=None):
    """A sealed record of `a_task(number, seed)`."""
    task = a_task(number, seed)
    record = Record(
        key=task.key,
        parts=task.parts,
        dataset={"name": "digits", "version": "1", "task": "classification", "metric": "accuracy", "direction": "maximise"},
        recipe=RECIPE.to_dict(),
        verdict="trained",
        curves={"train": {"loss": [1.5, None]}, "validation": {"accuracy": [0.25, accuracy]}},
        metrics={"validation": {"accuracy": accuracy}, "test": {"accuracy": accuracy / 2}},
        cost={"train_seconds": 1.25, "evaluation_seconds": 0.5, "wall_seconds": 2.0, "joules": None, "attempts": 1},
        size={"parameters": 650, "macs": 640, "counter": "jitnas_fn 1"},
        environment={"device": "cpu", "threads": 1, "determinism": "bitwise", "versions": {"torch": "2.13.0"}},
        provenance={
            "site": "here",
            "origin": "trained",
            "payload": "graph",
            "trust": trust,
            "token": token,
            "created": "2026-01-02T03:04:05Z",
        },
        extra=extra or {},
    )
    return record.sealed() if fixed_salt is None else sealed_with(record, fixed_salt)


def fixed(number, **given):
    """The record that is the same at every call."""
    return a_record(number, fixed_salt=SALT, **given)


def sealed_with(record, salt):
    """`record` sealed with a salt that is the same at every call."""
    import dataclasses

    from jitnas_fn.core import record as module

    commitment = module._commitment(salt, record._content())
    return dataclasses.replace(record, seal={"commitment": commitment, "salt": salt})


def put_documented(store, numbers):
    """Put the document and the record of each number into a store."""
    for number in numbers:
        store.append(architecture_entry(a_fingerprint(number), a_document(number)))
        store.put(fixed(number))


def ids(store):
    return sorted(record.record_id for record in store.records())
