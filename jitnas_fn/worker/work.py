"""One order carried out, inside a child."""

import dataclasses
from collections.abc import Callable

import torch

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Limits
from jitnas_fn.training.data import load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from jitnas_fn.worker import machine
from jitnas_fn.worker.networks import network_of

Say = Callable[[str, Json], None]


def carried_out(order: Json, say: Say) -> Json:
    """Train what `order` asks for, and tell how far it is.

    Parameters
    ----------
    order
        {payload, parts, dataset, recipe, limits, device}.
    say
        Takes the name and body of an event: started, built, epoch.

    Returns
    -------
    Json
        {verdict, curves, metrics, cost, memory_bytes}; curves and metrics are null if memory ran out.
    """
    device, limits = machine.device_of(order["device"]), Limits.from_dict(order["limits"])
    say("started", {"environment": machine.environment(device)})
    meter = Meter(device)
    try:
        with machine.memory_bound(limits.memory_bytes, device):
            body = _trained(order, limits=limits, meter=meter, say=say)
    except BaseException as error:
        if not machine.is_out_of_memory(error, bounded=limits.memory_bytes is not None):
            raise
        body = {"verdict": "out_of_memory", "curves": None, "metrics": None}
    return {**body, "cost": meter.cost(), "memory_bytes": limits.memory_bytes or machine.total_memory(device)}


def _trained(order: Json, *, limits: Limits, meter: Meter, say: Say) -> Json:
    recipe, parts = Recipe.from_dict(order["recipe"]), order["parts"]
    card = shelf.take("datasets", order["dataset"]).DATASET
    splits = load(card, recipe)
    network, size = network_of(order["payload"], parts, card=card, recipe=recipe, sample=splits["train"].x[:2])
    say("built", {"size": size})
    torch.manual_seed(parts["seed"])  # for an opaque model: what is rebuilt from a document draws from streams of its own
    outcome = train(
        network,
        splits,
        card=card,
        recipe=recipe,
        seed=parts["seed"],
        meter=meter,
        progress=lambda now: say("epoch", dataclasses.asdict(now)),
        seconds=limits.seconds,
    )
    return dataclasses.asdict(outcome)
