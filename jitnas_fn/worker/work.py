"""One order carried out, inside a child."""

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import OPAQUE, Limits
from jitnas_fn.training import checkpoint_files
from jitnas_fn.training.attempt import Attempt, Halted
from jitnas_fn.training.checkpoint import Checkpoints
from jitnas_fn.training.data import load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from jitnas_fn.training.state import State, fits
from jitnas_fn.worker import machine
from jitnas_fn.worker.networks import network_of
from jitnas_fn.worker.versions import version

Say = Callable[[str, Json], None]
TOGETHER = 10  # as many of the largest checkpoints may lie in a folder before the oldest are swept
SWEEP_SECONDS = 3600.0
PIECE = 1_000  # epochs told in one event

_swept: dict[Path, float] = {}  # when, by this process


def carried_out(order: Json, say: Say, *, stop: Callable[[], bool] = lambda: False) -> tuple[str, Json]:
    """Train what `order` asks for, and tell how far it is.

    Parameters
    ----------
    order
        {payload, parts, dataset, recipe, limits, device, checkpoints}; the last is null or missing, or {folder, most_bytes,
        every_seconds}.
    say
        Takes the name and body of an event: started, built, earlier, resumed, epoch, note.
    stop
        Asked after each epoch whether the training is to halt.

    Returns
    -------
    tuple[str, Json]
        The last event. "outcome": {verdict, curves, metrics, cost, memory_bytes}; curves and metrics are null if memory ran
        out. "stopped": {epoch, cost}; the epoch from which it can go on.
    """
    device, limits = machine.device_of(order["device"]), Limits.from_dict(order["limits"])
    environment = machine.environment(device)
    say("started", {"environment": environment})
    meter = Meter(device)
    keeper = _keeper(order, environment, device=device, say=say)
    try:
        with machine.memory_bound(limits.memory_bytes, device):
            body = _trained(order, limits=limits, meter=meter, say=say, keeper=keeper, stop=stop)
    except Halted as halted:
        return "stopped", {"epoch": halted.kept, "cost": meter.cost()}
    except BaseException as error:
        if not machine.is_out_of_memory(error, bounded=limits.memory_bytes is not None):
            raise
        body = {"verdict": "out_of_memory", "curves": None, "metrics": None}
    return "outcome", {**body, "cost": meter.cost(), "memory_bytes": limits.memory_bytes or machine.total_memory(device)}


def _trained(
    order: Json, *, limits: Limits, meter: Meter, say: Say, keeper: Checkpoints | None, stop: Callable[[], bool]
) -> Json:
    recipe, parts = Recipe.from_dict(order["recipe"]), order["parts"]
    card = shelf.take("datasets", order["dataset"]).DATASET
    splits = load(card, recipe)
    network, size = network_of(order["payload"], parts, card=card, recipe=recipe, sample=splits["train"].x[:2])
    say("built", {"size": size})
    torch.manual_seed(parts["seed"])  # for an opaque model: what is rebuilt from a document draws from streams of its own
    begun = None
    if keeper is not None:
        begun = keeper.latest(lambda state: fits(state, network, recipe=recipe, metric=card.metric, device=meter.device))
        if begun is not None:
            _tell(begun, keeper, say)
    outcome = train(
        network,
        splits,
        card=card,
        recipe=recipe,
        seed=parts["seed"],
        meter=meter,
        progress=lambda now: say("epoch", dataclasses.asdict(now)),
        seconds=limits.seconds,
        attempt=Attempt(begun=begun, keeper=keeper, stop=stop),
    )
    return dataclasses.asdict(outcome)


def _keeper(order: Json, environment: Json, *, device: torch.device, say: Say) -> Checkpoints | None:
    """What keeps the epochs of this order; None if none are kept. Of code without a fingerprint nobody knows all its state."""
    wanted, parts = order.get("checkpoints"), order["parts"]
    if not wanted or OPAQUE.fullmatch(parts["fingerprint"]):
        return None
    folder = Path(wanted["folder"])
    keeper = Checkpoints(
        folder,
        parts,
        conditions={
            "device": device.type,
            "torch": ".".join(torch.__version__.split(".")[:2]),
            "jitnas_fn": version("jitnas_fn"),
        },
        environment=environment,
        most_bytes=wanted["most_bytes"],
        every_seconds=wanted["every_seconds"],
        warn=lambda text: say("note", {"text": text}),
    )
    now = time.monotonic()
    if now - _swept.get(folder, -math.inf) >= SWEEP_SECONDS:
        _swept[folder] = now
        checkpoint_files.sweep(folder, most_bytes=TOGETHER * wanted["most_bytes"])
    return keeper


def _tell(begun: State, keeper: Checkpoints, say: Say) -> None:
    """Say where an earlier attempt had come to, its epochs in pieces that one event can hold."""
    for start in range(0, begun.epoch, PIECE):
        say("earlier", {"history": begun.history[start : start + PIECE]})
    about = {"epoch": begun.epoch, "seconds": begun.seconds, "cost": begun.cost, "environments": keeper.environments}
    say("resumed", about)
