"""What a repair did."""

from dataclasses import dataclass, field
from pathlib import Path

from jitnas_fn.core.codec import Json
from jitnas_fn.stores.careful import shown

NOTHING = "nothing to repair (a damaged line stays where it is: `jitnas cache verify` names it)"
COUNTS = ("torn", "torn_bytes", "ended", "left", "damaged", "indexes", "generation")


@dataclass(slots=True)
class Repaired:
    """What a repair did.

    Attributes
    ----------
    path
        Of the store.
    torn, torn_bytes
        Torn ends that were cut off and are kept aside, and their length.
    aside
        Where they are kept; empty if there are none.
    ended
        Whole entries that lacked only their newline.
    left
        Torn ends left alone, since somebody may be writing them just now.
    damaged
        Damaged lines of a cache, which stay where they are and are copied aside.
    indexes
        Indexes that were wrong and are made anew when they are next needed.
    generation
        Of the catalogue that was made anew; 0 if none was.
    lost
        What nothing can bring back, in words.
    """

    path: Path
    torn: int = 0
    torn_bytes: int = 0
    aside: str = ""
    ended: int = 0
    left: int = 0
    damaged: int = 0
    indexes: int = 0
    generation: int = 0
    lost: list[str] = field(default_factory=list)

    def to_dict(self) -> Json:
        """All of it as JSON values."""
        counts = {name: getattr(self, name) for name in COUNTS}
        return {"path": str(self.path), **counts, "aside": self.aside, "lost": list(map(shown, self.lost))}

    def __str__(self) -> str:
        """One line."""
        said = [
            (self.torn, f"{_many(self.torn, 'torn end')} ({self.torn_bytes:,} bytes) moved to {shown(self.aside)}"),
            (self.ended, f"{_many(self.ended, 'whole entry', 'whole entries')} ended with a newline"),
            (self.left, f"{_many(self.left, 'torn end')} left to whoever may be writing"),
            (self.damaged, f"{_many(self.damaged, 'damaged line')} left in place and copied to {shown(self.aside)}"),
            (self.indexes, f"{_many(self.indexes, 'wrong index', 'wrong indexes')} removed"),
            (self.generation, f"catalogue {self.generation} made from what was merged"),
            *((True, f"lost: {shown(what)}") for what in self.lost),
        ]
        return f"{shown(self.path)}: {'; '.join(text for is_so, text in said if is_so) or NOTHING}"


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"
