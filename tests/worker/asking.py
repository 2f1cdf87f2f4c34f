"""Envelopes for tests: a task of a model as it goes over the wire, and what came back."""

import uuid

from jitnas_fn.client.payload import pickled
from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits, Task
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.worker.entry import run_task


def item_of(model, recipe="instant", seed=0, dataset="synthetic", keyed=True, payload="graph", limits=None):
    """One element of `tasks`, as a client would send it."""
    card = shelf.take("datasets", dataset).DATASET
    recipe = recipe if isinstance(recipe, Recipe) else shelf.take("recipes", recipe).RECIPE
    fingerprint, sent = f"opaque-{uuid.uuid4()}", None
    if keyed:
        architecture = Architecture.from_module(model, input_shape=card.input_shape, validate=False)  # not the subject here
        fingerprint, sent = architecture.fingerprint, {"format": "graph", "document": architecture.document}
    if payload == "cloudpickle" or not keyed:
        sent = pickled(model, input_shape=card.input_shape, dtype="float32", weights=not keyed)
    task = Task(fingerprint, dataset, card.sha256, recipe, seed)
    return {
        "key": task.key,
        "parts": task.parts,
        "dataset": dataset,
        "recipe": recipe.to_dict(),
        "payload": sent,
        "limits": (limits or Limits()).to_dict(),
    }


def results_of(*items):
    """What a site answers to these tasks."""
    reply = Envelope.from_json(run_task(Envelope("train", {"tasks": list(items)}).to_json()))
    assert reply.verb == "train"
    assert reply.error is None, reply.error
    results = reply.items("results")
    assert len(results) == len(items)
    return results


def trained(item):
    """The verified record of one task; the error that came back is raised."""
    (result,) = results_of(item)
    if "error" in result:
        raise raised(result["error"])
    assert result["key"] == item["key"]
    return Record.from_dict(result["record"])


def asked(verb, **body):
    """The reply to any other verb."""
    reply = Envelope.from_json(run_task(Envelope(verb, body).to_json()))
    if reply.error is not None:
        raise raised(reply.error)
    return reply.body
