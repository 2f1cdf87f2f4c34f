"""What the records of one architecture on one dataset say, summed up as they go by, so that none need be kept."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task

LARGEST_VALUE = 1e300  # nothing that is measured is larger
LONG_VALUE = 1e9
MOST_LETTERS = 40  # of a name that a record gives


class Result(NamedTuple):
    """A value of the dataset's metric on its validation part, and the name of the recipe that it was reached with."""

    value: float
    recipe: str


@dataclass(slots=True)
class Standing:
    """The sum of some records.

    Attributes
    ----------
    verdicts
        Verdict → records.
    asked, other
        Best result with the recipe that was asked for, and with any other.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    asked: Result | None = None
    other: Result | None = None

    @property
    def records(self) -> int:
        """How many there were."""
        return self.verdicts.total()

    @property
    def best(self) -> Result | None:
        """With the recipe that was asked for if it has a result, else with any; None if none has."""
        return self.asked or self.other

    def add(self, record: Record, *, task: Task, card: Dataset) -> None:
        """Take in one more record of the architecture on the dataset of `card`; `task` is what was asked for."""
        self.verdicts[record.verdict] += 1
        value = finite(record.metrics.get("validation", {}).get(card.metric), least=-LARGEST_VALUE, most=LARGEST_VALUE)
        if record.verdict != "trained" or value is None:
            return
        result = Result(value, printable(record.recipe.get("name")))
        if record.parts["recipe"] == task.recipe.sha256:
            self.asked = _better(self.asked, result, card.direction)
        else:
            self.other = _better(self.other, result, card.direction)


def printable(name: object) -> str:
    """A name that a record gives as a line can show it: whatever it is, no control characters, and not too long."""
    shown = plain(str(name)[: MOST_LETTERS + 1])
    return shown if len(shown) <= MOST_LETTERS else f"{shown[: MOST_LETTERS - 1]}…"


def plain(text: str) -> str:
    """A text without control characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def one_line(text: str) -> str:
    """A text of any lines as one, without control characters."""
    return plain(" ".join(text.split()))


def rounded(value: float) -> str:
    """What was measured, to four places; a long number by its magnitude."""
    return f"{value:.4f}" if abs(value) < LONG_VALUE else f"{value:.4g}"


def _better(best: Result | None, result: Result, direction: str) -> Result:
    if best is None:
        return result
    choose = min if direction == "minimise" else max
    return choose(best, result, key=lambda one: one.value)
