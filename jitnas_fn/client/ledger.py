"""What was asked on this machine, so that one can say how often the cache answered and what that avoided.

`asked.jsonl` in the user's home of jitnas_fn gets one line of JSON for each batch of questions: {when, hits: [[key, seconds,
joules or null, device, method, origin], ...], misses: [key, ...]}, after an empty line, so that what a kill has torn harms no
other. A hit brings the cost of the record that answered (`client.summary_cost`). No name, path or model is in it. It is for
counting, so nothing waits for it: no lock, no sync to the disk, and where it cannot be written there is none.

A file of 20 MB becomes `asked-<digits>.jsonl`, and those before it become numbers in `asked.folded.json`
(`client.summary_asked`).
"""

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from jitnas_fn.client.summary_asked import ASKED, fold
from jitnas_fn.client.summary_cost import cost_of
from jitnas_fn.core.codec import canonical
from jitnas_fn.core.record import Record

MOST_BYTES = 20_000_000
SETTLE_SECONDS = 10.0
HITS, MISSES = 3_000, 7_000  # of one line, which is then shorter than 1 MB
APPENDING = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
Item = TypeVar("Item")


class Ledger:
    """Writes down what is asked. Any number of threads and processes may write at once.

    Parameters
    ----------
    folder
        Where the file is.
    most_bytes
        Size from which on a file is put away. [bytes]
    settle_seconds
        How long a file that was put away is not folded: somebody who had it open may be about to write to it. [seconds]
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._path = folder / ASKED
        self._most_bytes, self._settle_seconds = most_bytes, settle_seconds

    def note(self, *, hits: Sequence[Record], misses: Sequence[str]) -> None:
        """Write down questions: the records that answered them, and the keys that nothing answered."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        rows = [(record.key, *cost_of(record)) for record in hits]
        lines = zip_longest(_parts(rows, HITS), _parts(misses, MISSES), fillvalue=())
        with contextlib.suppress(OSError):
            for some_hits, some_misses in lines:
                size = self._written({"when": when, "hits": some_hits, "misses": some_misses})
                if size > self._most_bytes:
                    self._put_away()

    def _written(self, fields: dict[str, object]) -> int:
        """Append one line; the size of the file then [bytes]."""
        descriptor = os.open(self._path, APPENDING, 0o600)
        try:
            os.write(descriptor, f"\n{canonical(fields)}\n".encode("ascii"))
            return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def _put_away(self) -> None:
        """Fold what was put away before, and begin a new file. One process does it, the others go on writing."""
        from filelock import FileLock, Timeout

        with contextlib.suppress(Timeout, NotImplementedError), FileLock(self._path.with_suffix(".lock"), timeout=0):
            if self._path.stat().st_size > self._most_bytes:  # nobody else was quicker
                fold(self._path.parent, settle_seconds=self._settle_seconds)
                self._path.replace(self._path.with_name(f"asked-{secrets.token_hex(8)}.jsonl"))


def _parts(items: Sequence[Item], most: int) -> Iterator[Sequence[Item]]:
    """The items, at most so many at a time."""
    return (items[start : start + most] for start in range(0, len(items), most))
