"""Which task of the service carries which message, on disk: a process that comes later may take up what one has left."""

import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import StoreError

log = logging.getLogger("jitnas_fn.globus")
KEPT_SECONDS = 8 * 24 * 3600.0  # nobody waits longer than a week
MOST_LINE_BYTES = 1000
MOST_BYTES = 50_000_000  # of a file that is read


@dataclass(frozen=True, slots=True)
class Carried:
    """A task of the service, and for how long it has had it. [s]."""

    task: str
    age_seconds: float


class Memory:
    """The tasks of one endpoint. Each process writes a file of its own; a disk that is full forgets, and stops nothing.

    Parameters
    ----------
    folder
        Of this endpoint.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl"
        self._lock = threading.Lock()
        self._left = dict(self._read())

    def recall(self, digest: str) -> Carried | None:
        """The task that carries a message of an earlier process, once; None if none does."""
        with self._lock:
            return self._left.pop(digest, None)

    def note(self, carried: dict[str, str]) -> None:
        """Keep digest → task of messages that the service has just accepted."""
        lines = [canonical({"letter": letter, "task": task, "at": time.time()}) + "\n" for letter, task in carried.items()]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._lock, self._own.open("a", encoding="ascii") as file:
                file.write("".join(lines))
        except OSError as reason:
            log.warning("what is under way is not kept on disk, and cannot be taken up later: %s", reason)

    def forget(self) -> None:
        """Remove what this process has noted: all of it has ended."""
        with contextlib.suppress(OSError):
            self._own.unlink(missing_ok=True)

    def _read(self) -> Iterator[tuple[str, Carried]]:
        """What the files say, the latest last. What is too old goes."""
        files = sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else []
        for path in files:
            with contextlib.suppress(OSError):
                status = path.stat()
                if time.time() - status.st_mtime > KEPT_SECONDS:
                    path.unlink()
                elif status.st_size <= MOST_BYTES:
                    yield from _lines_of(path)


def _lines_of(path: Path) -> Iterator[tuple[str, Carried]]:
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        with contextlib.suppress(StoreError, ValueError, TypeError, KeyError):
            fields = parse(line, max_bytes=MOST_LINE_BYTES, error=StoreError, what="line")
            letter, task, at = fields["letter"], str(uuid.UUID(str(fields["task"]))), finite(fields["at"], least=0, most=1e11)
            if isinstance(letter, str) and at is not None:
                yield letter, Carried(task, max(0.0, time.time() - at))
