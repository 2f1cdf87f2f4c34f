"""From what a child said to the record of its task."""

import time
from dataclasses import dataclass, field

from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.record import Record
from jitnas_fn.training.curves import curves_of, no_metrics
from jitnas_fn.worker import slurm
from jitnas_fn.worker.orders import Order
from jitnas_fn.worker.site import Site


@dataclass(slots=True)
class Ending:
    """What is known of a training when it has ended, by itself or not.

    Attributes
    ----------
    outcome
        The child's last word: verdict, curves, metrics, cost, memory_bytes. Only a verdict if it was killed.
    environment, size
        As a record holds them; empty if the child was killed before it said so.
    history
        `metrics[split][metric]` of every epoch that was finished, those of earlier attempts too.
    wall_seconds
        From the order to the end, of this attempt.
    earlier
        What the child said of the attempts that it went on from: epoch, seconds, cost, environments.
    kept
        The epoch from which another attempt can go on.
    """

    outcome: Json = field(default_factory=dict)
    environment: Json = field(default_factory=dict)
    size: Json = field(default_factory=lambda: {"parameters": None, "macs": None, "counter": None})
    history: list[Json] = field(default_factory=list)
    wall_seconds: float = 0.0
    earlier: Json = field(default_factory=dict)
    kept: int = 0

    @property
    def seconds(self) -> float:
        """What was spent under the limit of time, by all attempts [s]."""
        return self.wall_seconds + float(self.earlier.get("seconds", 0))


def record_of(order: Order, ending: Ending, *, site: Site, token: int = 0) -> Record:
    """The record, its test part sealed. `token` is that of the lease it was trained under, 0 without one."""
    task, card, outcome = order.task, order.card, ending.outcome
    splits = [split for split, _ in card.splits]
    return Record(
        key=task.key,
        parts=task.parts,
        dataset=about(card),
        recipe=task.recipe.to_dict(),
        verdict=outcome["verdict"],
        curves=outcome.get("curves") or curves_of(ending.history, metric=card.metric),
        metrics=outcome.get("metrics") or no_metrics(splits, metric=card.metric),
        cost=outcome.get("cost") or _cost_unknown(ending),
        size=ending.size,
        environment=_environment(ending),
        provenance={
            "site": site.name,
            "origin": "trained",
            "payload": order.payload["format"],
            "validation": order.payload.get("validation"),
            "trust": site.trust,
            "token": token,
            "job": _job(),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        },
        limits=_limits_hit(order, ending),
    ).sealed()


def _job() -> Json | None:
    """{id, pending_seconds} of the scheduler's job in which the last attempt was made; None outside one."""
    number = slurm.job_id()
    return None if number is None else {"id": number, "pending_seconds": slurm.pending_seconds()}


def about(card: Dataset) -> Json:
    """What people read of a dataset in a record."""
    names = ("name", "version", "task", "metric", "direction", "unit")
    return {**{name: getattr(card, name) for name in names}, "splits": dict(card.splits)}


def _limits_hit(order: Order, ending: Ending) -> Json | None:
    if ending.outcome["verdict"] not in ("out_of_memory", "over_time"):
        return None
    memory = ending.outcome.get("memory_bytes", order.limits.memory_bytes)
    return {"seconds": order.limits.seconds, "memory_bytes": memory, "device": ending.environment.get("device")}


def _environment(ending: Ending) -> Json:
    """That of the last attempt, with those of earlier ones where they were others: a curve may come from two machines."""
    others = [seen for seen in ending.earlier.get("environments", ()) if seen != ending.environment]
    return {**ending.environment, "earlier": others} if others else ending.environment


def _cost_unknown(ending: Ending) -> Json:
    """The cost of a training that was killed: how long it took is all that is known."""
    unknown = dict.fromkeys(("train_seconds", "evaluation_seconds", "joules", "joules_method", "peak_bytes"))
    before = ending.earlier.get("cost", {"wall_seconds": 0.0, "attempts": 0})
    wall_seconds = round(before["wall_seconds"] + ending.wall_seconds, 6)
    return {**unknown, "wall_seconds": wall_seconds, "attempts": before["attempts"] + 1}
