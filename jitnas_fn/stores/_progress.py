"""How far something long has come, told to whoever shows it."""

from collections.abc import Callable

Progress = Callable[[int, int], None]  # bytes done, bytes in all
STEP_BYTES = 1 << 20


class Meter:
    """Tells of bytes done, every now and then.

    Parameters
    ----------
    tell
        Who is told.
    total
        How many there are. [bytes]
    """

    def __init__(self, tell: Progress, total: int) -> None:
        self._tell, self._total = tell, total
        self._done = self._told = 0

    def advance(self, size: int) -> None:
        """So many bytes more are done."""
        self._done += size
        if self._done - self._told >= STEP_BYTES:
            self._told = self._done
            self._tell(self._done, max(self._done, self._total))


def untold(done: int, total: int) -> None:
    """Tell nobody."""
