"""Which task of the service carries which message, on disk: a process that comes later may take up what one has left."""

import contextlib
import logging
import math
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import StoreError

log = logging.getLogger("jitnas_fn.globus")
KEPT_SECONDS = 8 * 24 * 3600.0  # nobody waits longer than a week
LOOK_SECONDS = 1.0  # for which a look at other processes' files is good
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
        self._open: set[str] = set()  # what this process has noted, and has no answer to
        self._left: dict[str, Carried] = {}
        self._recalled: set[str] = set()
        self._looked, self._seen = -math.inf, frozenset[tuple[Path, int]]()
        self._closed = False

    def recall(self, digest: str) -> Carried | None:
        """The task that carries a message of another process, once; None if none does."""
        with self._lock:
            self._look()
            carried = None if digest in self._recalled else self._left.get(digest)
            self._recalled.update(() if carried is None else (digest,))
            return carried

    def note(self, carried: Mapping[str, Carried]) -> None:
        """Keep digest → task of messages that the service has accepted."""
        now = time.time()
        noted = [{"letter": letter, "task": one.task, "at": now - one.age_seconds} for letter, one in carried.items()]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._lock, self._own.open("a", encoding="ascii") as file:
                self._open.update(carried)
                file.write("".join(f"{canonical(fields)}\n" for fields in noted))
        except OSError as reason:
            log.warning("what is under way is not kept on disk, and cannot be taken up later: %s", reason)

    def forget(self, digest: str) -> None:
        """A message was answered; with the last one the file goes."""
        with self._lock:
            self._open.discard(digest)
            if not self._open and not self._closed:
                with contextlib.suppress(OSError):
                    self._own.unlink(missing_ok=True)

    def close(self) -> None:
        """Forget nothing any more: what ends now has not ended at the endpoint."""
        with self._lock:
            self._closed = True

    def _look(self) -> None:
        """Read what other processes have noted, if it is more than it was a moment ago."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        seen = frozenset(self._files())
        if seen != self._seen:
            self._seen = seen
            self._left = {letter: carried for path, _ in sorted(seen) for letter, carried in _lines_of(path)}

    def _files(self) -> Iterator[tuple[Path, int]]:
        """The files of other processes, and their sizes. What is too old goes. [bytes]."""
        for path in self._folder.glob("*.jsonl") if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                status = path.stat()
                if time.time() - status.st_mtime > KEPT_SECONDS:
                    path.unlink()
                elif status.st_size <= MOST_BYTES and path != self._own:
                    yield path, status.st_size


def _lines_of(path: Path) -> Iterator[tuple[str, Carried]]:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        with contextlib.suppress(StoreError, ValueError, TypeError, KeyError):
            fields = parse(line, max_bytes=MOST_LINE_BYTES, error=StoreError, what="line")
            letter, task, at = fields["letter"], str(uuid.UUID(str(fields["task"]))), finite(fields["at"], least=0, most=1e11)
            if isinstance(letter, str) and at is not None:
                yield letter, Carried(task, max(0.0, time.time() - at))
