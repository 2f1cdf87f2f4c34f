"""When an evaluation will be done: what is queued before it, how long a job waits, how long the training takes."""

import math
from dataclasses import dataclass

from jitnas_fn.client.standings import one_line
from jitnas_fn.client.status import Status
from jitnas_fn.core.bounds import LONGEST_SECONDS, finite
from jitnas_fn.core.codec import Json
from jitnas_fn.core.forecast import NOTHING, Span, span

MOST_BASIS_LETTERS = 200
EPOCH_SPREAD = 0.3  # of the logarithm of what an epoch takes; after n of them their mean is known √n times as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """An estimate of the time until an evaluation is done.

    Attributes
    ----------
    seconds, low, high
        The likely time from now, and bounds within which at least four of five should fall. [s]
    queue_seconds, run_seconds
        The parts of `seconds`: until the training begins, and from then on. [s]
    basis
        What it was judged by, in words.
    """

    seconds: float
    low: float
    high: float
    queue_seconds: float
    run_seconds: float
    basis: str

    def __str__(self) -> str:
        """One line for people."""
        if not self.high:
            return "now"
        bounds = f"{span_of_time(self.low)} to {span_of_time(self.high)}"
        parts = f"{span_of_time(self.queue_seconds)} queue, {span_of_time(self.run_seconds)} training"
        return f"in about {span_of_time(self.seconds)} ({bounds}): {parts}; from {self.basis}"

    @classmethod
    def over(cls) -> "Eta":
        """Of what is done."""
        return cls.of(NOTHING, Span(0.0, 0.0, 0.0, "what is done"))

    @classmethod
    def of(cls, queue: Span, training: Span) -> "Eta":
        """One after the other."""
        both = queue + training
        return cls(
            seconds=both.seconds,
            low=both.low,
            high=both.high,
            queue_seconds=queue.seconds,
            run_seconds=training.seconds,
            basis=both.basis,
        )


def eta(status: Status, answer: Json, *, training: Span | None, pending: Span | None, ahead: int, beside: int) -> Eta | None:
    """The estimate; None where nothing is known to judge by.

    Parameters
    ----------
    status
        Where the evaluation stands.
    answer
        What the site says of its jobs under `blocks`: {pending, running, starts_seconds}.
    training, pending
        How long the training and the wait of a job usually take.
    ahead
        Evaluations that were sent before it and are not done.
    beside
        Trainings beside each other.
    """
    if status.state == "training" and status.seconds_left is not None:
        return Eta.of(NOTHING, _rest(status.seconds_left, epochs=max(1, status.epoch or 1)))
    if training is None:
        return None
    if status.state in ("training", "in flight"):  # for how long already, nobody knows
        return Eta.of(NOTHING, Span(training.seconds, 0.0, training.high, training.basis))
    job = _job(answer.get("blocks"), pending)
    return None if job is None else Eta.of(job + _behind(training, ahead // max(1, beside)), training)


def _rest(seconds: float, *, epochs: int) -> Span:
    so_far = f"its own {epochs} epoch{'s' if epochs > 1 else ''} so far"
    return span([seconds], usual=EPOCH_SPREAD / math.sqrt(epochs), basis=so_far) or NOTHING


def _behind(training: Span, rounds: int) -> Span:
    """The wait for others that are taken for alike; of the first of them, part may be over."""
    if not rounds:
        return NOTHING
    return Span(rounds * training.seconds, (rounds - 1) * training.low, rounds * training.high, training.basis)


def _job(blocks: object, pending: Span | None) -> Span | None:
    """The wait for a job, by Slurm's own plan if it has one; None where nobody knows."""
    if not isinstance(blocks, dict) or finite(blocks.get("running"), least=1):
        return NOTHING
    planned, waited = _duration(blocks.get("starts_seconds")), _duration(blocks.get("waited_seconds"))
    usual = None if pending is None else pending.after(waited or 0.0)
    if planned is None:
        return usual
    latest = 2 * planned if usual is None else max(usual.high, planned)
    return Span(planned, 0.0, latest, "the scheduler's plan")


def _duration(seconds: object) -> float | None:
    return finite(seconds, least=0, most=LONGEST_SECONDS)


def span_in(fields: object) -> Span | None:
    """An estimate as a site sends it; None for none, or one that makes no sense."""
    if not isinstance(fields, dict):
        return None
    seconds, low, high = (_duration(fields.get(name)) for name in ("seconds", "low", "high"))
    if seconds is None or low is None or high is None or not low <= seconds <= high:
        return None
    return Span(seconds, low, high, one_line(str(fields.get("basis"))[:MOST_BASIS_LETTERS]))


def span_of_time(seconds: float) -> str:
    """A duration as people say it."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}" if seconds < 10 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
