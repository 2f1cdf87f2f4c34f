"""How long the epochs of a training take, and so whether another one fits into the time that is left."""

import time
from dataclasses import dataclass, field

SPARE = 1.2  # an epoch may take that much longer than the longest so far


@dataclass(slots=True, kw_only=True)
class Pace:
    """Of one training, told what happens when it happens.

    Attributes
    ----------
    epochs
        How many the recipe asks for.
    margin_seconds
        What must be left after the last epoch that fits. [s]
    done
        How many are over.
    longest
        What the longest of them took; 0 if none is known. [s]
    """

    epochs: int
    margin_seconds: float
    done: int = 0
    longest: float = 0.0
    began: float = field(default_factory=time.monotonic)  # the epoch that is under way
    fresh: bool = True  # no epoch of this attempt is over

    def begin(self, *, done: int = 0, seconds: float = 0.0) -> None:
        """The first epoch of this attempt begins; earlier attempts came to `done` of them in `seconds`."""
        self.done, self.began = done, time.monotonic()
        self.longest = max(self.longest, seconds / done if done else 0.0)

    def epoch_over(self, epoch: int) -> None:
        """An epoch is over, and the next begins."""
        now = time.monotonic()
        self.longest, self.done, self.began, self.fresh = max(self.longest, now - self.began), epoch, now, False

    def must_halt(self, seconds_left: float) -> bool:
        """Whether, once the epoch that is under way is over, the next one would not fit into `seconds_left`."""
        under_way = time.monotonic() - self.began
        longest = max(self.longest, under_way)
        rest = max(0.0, longest - under_way) if self.done < self.epochs else 0.0
        following = SPARE * longest if self.done + 1 < self.epochs else 0.0
        return seconds_left < rest + following + self.margin_seconds

    def is_hopeless(self, seconds_left: float) -> bool:
        """Whether this attempt would end as it begins: not even its first epoch, of which is known how long it takes, fits."""
        return self.fresh and self.longest > 0 and seconds_left < self.longest
