"""What was found of one practice."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Finding:
    """What there is, and what lacks.

    Attributes
    ----------
    there
        Sentences, each read off the run or its records.
    lacks
        Sentences: what is missing, and with it what would have to be there.
    """

    there: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    def note(self, *, fits: bool, there: str, lacks: str) -> None:
        """Take one of two sentences."""
        (self.there if fits else self.lacks).append(there if fits else lacks)

    def note_missing(self, missing: int, wanted: int) -> None:
        """Take how many records are not at hand, and of how many."""
        if missing:
            self.lacks.append(f"{missing:,} of {wanted:,} records are not at hand.")

    @property
    def answer(self) -> str:
        """No where nothing is there, yes where nothing lacks, else partly."""
        return "no" if not self.there else "partly" if self.lacks else "yes"


def listed(names: Iterable[object], *, most: int = 8) -> str:
    """Names with commas between; of very many the first."""
    told = [str(name) for name in names]
    return ", ".join(told[:most]) + (f" and {len(told) - most:,} more" if len(told) > most else "")


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in few letters: 0-4, 7."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return listed(str(low) if low == high else f"{low}-{high}" for low, high in found)
