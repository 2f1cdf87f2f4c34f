"""What a search came to, and how it came there."""

import dataclasses
from dataclasses import dataclass
from typing import Self

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import RecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One evaluation of a search.

    Attributes
    ----------
    number
        From 1.
    point
        As it is written.
    rung
        By which recipe of the problem's ladder; the highest for all methods but those that begin with cheaper ones.
    key
        Of its task.
    value
        Of validation, more is better; None if its network failed or diverged.
    best
        The best value so far, on the highest rung so far; None before the first.
    source
        "trained", or "cache" or "shared" for what was known; "failed".
    again
        Whether this search had asked for the same key before.
    seconds
        That its record says it cost, whoever paid; 0 if it was asked for before. [s]
    clock
        When it would have been told if everything had been trained for this search alone, as many beside each other as were
        under way. [s]
    """

    number: int
    point: str
    rung: int
    key: str
    value: float | None
    best: float | None
    source: str
    again: bool
    seconds: float
    clock: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Incumbent:
    """What was the best from one step on.

    Attributes
    ----------
    number
        Of the step; 0 for what was known before the first.
    point, validation
        Which, and what it was worth; more is better, as of a step.
    test
        What its record says, read when the search was over; None where that is not known.
    """

    number: int
    point: str
    validation: float
    test: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to.

    Attributes
    ----------
    method, seed
        Which search.
    point, key
        The best on validation, as it is written, and its task; None if every network failed.
    validation, test
        What it was worth; the test part was read once, at the end.
    final_key
        The task whose record `test` is of: `key` itself, or that of the recipe by which the best was trained in the end.
    seconds
        What all trainings of this search cost, each once, without the last one by another recipe. [s]
    took_seconds
        What it took here, waiting included; nothing that is compared. [s]
    warm
        How many known points it was told before its first step.
    incumbents
        What was the best, from when on.
    steps
        Every evaluation.
    """

    method: str
    seed: int
    point: str | None
    key: str | None
    validation: float | None
    test: float | None
    final_key: str | None
    seconds: float
    took_seconds: float
    warm: int
    incumbents: tuple[Incumbent, ...]
    steps: tuple[Step, ...]

    def to_dict(self) -> Json:
        """As JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Json) -> Self:
        """From such values; raises `RecordError`."""
        try:
            incumbents = tuple(Incumbent(**one) for one in fields["incumbents"])
            steps = tuple(Step(**one) for one in fields["steps"])
            return cls(**{**fields, "incumbents": incumbents, "steps": steps})
        except (TypeError, KeyError) as reason:
            raise RecordError(f"this is no search that was kept ({reason})") from None
