"""What `wire.json` holds: keys, recipe hashes, one entry of each kind, one envelope of each verb, as they are written."""

import dataclasses

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.entry import (
    ENTRY_VERSION,
    Entry,
    alias_entry,
    architecture_entry,
    record_entry,
    retraction_entry,
)
from jitnas_fn.core.envelope import PAYLOADS, PROTOCOL, Envelope, error_fields
from jitnas_fn.core.errors import StoreError, WorkerLost
from jitnas_fn.core.recipe import RECIPE_VERSION, Recipe
from jitnas_fn.core.record import RECORD_VERSION
from jitnas_fn.core.seeds import LARGEST_SEED, stream_key
from jitnas_fn.core.task import KEY_VERSION, Limits
from jitnas_fn.stores._lines import line_of
from tests.samples import SALT, a_document, a_fingerprint, a_record, a_task

NOW = "2026-01-02T03:04:05Z"
PLAIN = Recipe(epochs=2, batch_size=64, learning_rate=0.1)
OPAQUE = "opaque-01234567-89ab-cdef-0123-456789abcdef"


def versions() -> Json:
    """The constants of which one is raised before anything here may change."""
    return {
        "key": KEY_VERSION,
        "recipe": RECIPE_VERSION,
        "record": RECORD_VERSION,
        "entry": ENTRY_VERSION,
        "protocol": PROTOCOL,
    }


def content() -> Json:
    """Everything in the file, {section: {name: text}}."""
    return {
        "keys": _keys(),
        "recipes": _recipes(),
        "datasets": {name: shelf.take("datasets", name).DATASET.sha256 for name in ("digits", "synthetic")},
        "streams": _streams(),
        "entries": {entry.kind: line_of(entry).decode("ascii") for entry in _entries()},
        "requests": {envelope.verb: envelope.to_json() for envelope in _requests()},
        "replies": {envelope.verb: envelope.to_json() for envelope in _replies()},
    }


def _keys() -> Json:
    tasks = {
        f"architecture {number}, seed {seed}": a_task(number, seed) for number in range(3) for seed in (0, 1, LARGEST_SEED)
    }
    tasks["adam"] = dataclasses.replace(a_task(), recipe=dataclasses.replace(PLAIN, optimiser="adam"))
    tasks["opaque"] = dataclasses.replace(a_task(), fingerprint=OPAQUE)
    return {name: task.key for name, task in tasks.items()}


def _recipes() -> Json:
    changed = {
        "loss": "mse",
        "optimiser": "adam",
        "momentum": 0.9,
        "beta1": 0.8,
        "beta2": 0.99,
        "epsilon": 1e-7,
        "weight_decay": 5e-4,
        "schedule": "cosine",
        "warmup_epochs": 1,
        "minimum_learning_rate": 1e-3,
        "precision": "bfloat16",
        "flip": True,
        "shift": 2,
        "data_fraction": 0.5,
        "resolution": 16,
        "gradient_clipping": 5.0,
        "label_smoothing": 0.1,
    }
    own = {f"plain with {name}": dataclasses.replace(PLAIN, **{name: value}) for name, value in changed.items()}
    everything = dataclasses.replace(PLAIN, **changed, nesterov=True, epochs=3, batch_size=128, learning_rate=1e-2)
    named = {name: shelf.take("recipes", name).RECIPE for name in ("instant", "quick", "standard")}
    return {name: recipe.sha256 for name, recipe in {"plain": PLAIN, "everything": everything, **own, **named}.items()}


def _streams() -> Json:
    asked = [(0, "weights", 0), (0, "weights", 1), (1, "batches", 3), (LARGEST_SEED, "dropout", 2, 5, 7)]
    return {str(list(stream)): f"{stream_key(*stream):032x}" for stream in asked}


def _entries() -> list[Entry]:
    record = a_record(extra={"of a later version": [1, None, "é"]}, fixed_salt=SALT)
    return [
        architecture_entry(a_fingerprint(), a_document()),
        record_entry(record),
        alias_entry("darts", "normal 0", input_shape=(3, 32, 32), outputs=10, fingerprint=a_fingerprint()),
        retraction_entry(record.record_id, "wrong data", created=NOW),
        Entry("of a later version", {"anything": [1, {"two": None}]}),
    ]


def _requests() -> list[Envelope]:
    task = a_task()
    order = {
        "key": task.key,
        "parts": task.parts,
        "dataset": task.dataset,
        "recipe": task.recipe.to_dict(),
        "payload": {"format": "graph", "document": a_document()},
        "limits": Limits(seconds=60.0).to_dict(),
    }
    bodies = {
        "hello": {},
        "ping": {},
        "lookup": {"keys": [task.key, a_task(1).key]},
        "since": {"cursor": {"a writer": 3}, "limit": 100},
        "status": {"keys": [task.key]},
        "cancel": {"keys": [task.key]},
        "train": {"tasks": [order]},
    }
    return [Envelope(verb, body) for verb, body in bodies.items()]


def _replies() -> list[Envelope]:
    record, key, other = a_record(fixed_salt=SALT), a_task().key, a_task(1).key
    limits = {"seconds": 3600.0, "memory_bytes": None, "threads": 2, "payload_bytes": 8_000_000}
    status = {
        "key": key,
        "state": "training",
        "epoch": 1,
        "epochs": 2,
        "metrics": {},
        "seconds_left": 1.5,
        "updated": 1767323045.0,
    }
    site = {
        "site": "here",
        "protocols": [PROTOCOL],
        "versions": {"jitnas_fn": "0.1.0"},
        "datasets": {},
        "payloads": list(PAYLOADS),
    }
    lost = error_fields(WorkerLost("the process that trained is gone"))
    bodies = {
        "hello": {**site, "limits": limits},
        "ping": {},
        "lookup": {"results": [{"key": key, "record": record.to_dict()}, {"key": other, "record": None}]},
        "since": {"entries": [entry.to_dict() for entry in _entries()], "cursor": {"a writer": 8}},
        "status": {"results": [status, {"key": other, "state": "unknown"}]},
        "train": {"results": [{"key": key, "record": record.to_dict(), "source": "trained"}, {"key": other, "error": lost}]},
    }
    refused = Envelope("cancel", {}, error_fields(StoreError("the site's folder cannot be written")))
    return [*(Envelope(verb, body) for verb, body in bodies.items()), refused]
