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
ROOM_LINES, TIMES = 10_000, 4  # a file is written anew when it has so many more than so many times what is not answered
MOST_BYTES = 50_000_000  # that are read at a time


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
        self._open: dict[str, str] = {}  # what this process has noted, and has no answer to: its lines
        self._lines = 0  # of its file
        self._others: dict[Path, _File] = {}
        self._recalled: set[str] = set()
        self._looked = -math.inf

    def recall(self, digest: str) -> Carried | None:
        """The task that carries a message of another process, the latest, once; None if none does."""
        with self._lock:
            self._look()
            found = [file.tasks[digest] for file in self._others.values() if digest in file.tasks]
            if not found or digest in self._recalled:
                return None
            self._recalled.add(digest)
        at, task = max(found)
        return Carried(task, max(0.0, time.time() - at))

    def note(self, carried: Mapping[str, Carried]) -> None:
        """Keep digest → task of messages that the service has accepted."""
        now = time.time()
        noted = {
            digest: f"{canonical({'letter': digest, 'task': one.task, 'at': now - one.age_seconds})}\n"
            for digest, one in carried.items()
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._open.update(noted)
                self._write(noted)
        except OSError as reason:
            log.warning("what is under way is not kept on disk, and cannot be taken up later: %s", reason)

    def forget(self, digest: str) -> None:
        """A message was answered; with the last one the file goes."""
        with self._lock:
            if self._open.pop(digest, None) is not None and not self._open:
                self._lines = 0
                with contextlib.suppress(OSError):
                    self._own.unlink(missing_ok=True)

    def _write(self, noted: Mapping[str, str]) -> None:
        """Add lines; or write the file anew, when most of it has been answered."""
        self._lines += len(noted)
        if self._lines <= TIMES * len(self._open) + ROOM_LINES:
            with self._own.open("a", encoding="ascii") as file:
                file.write("".join(noted.values()))
            return
        self._lines = len(self._open)
        written = self._own.with_suffix(".new")
        written.write_text("".join(self._open.values()), "ascii")
        written.replace(self._own)

    def _look(self) -> None:
        """Read what other processes have noted since the last look."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        here = self._folder.glob("*.jsonl") if self._folder.is_dir() else ()
        self._others = {path: self._others.get(path, _File(path)) for path in here if path != self._own}
        for file in self._others.values():
            with contextlib.suppress(OSError):
                file.read_on()


class _File:
    """What another process has noted: digest → when the service accepted it [Unix time], and as which task."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read, self._inode = 0, -1
        self.tasks: dict[str, tuple[float, str]] = {}

    def read_on(self) -> None:
        """Read what was added; all of it, if it was written anew. One that is too old goes."""
        status = self._path.stat()
        if time.time() - status.st_mtime > KEPT_SECONDS:
            self._path.unlink()
        if status.st_ino != self._inode or status.st_size < self._read:
            self._read, self._inode, self.tasks = 0, status.st_ino, {}
        if self._read == status.st_size:
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole = file.read(MOST_BYTES).rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        self.tasks |= {
            digest: task for line in whole.splitlines() for digest, task in _task_in(line.decode("ascii", "replace"))
        }


def _task_in(line: str) -> Iterator[tuple[str, tuple[float, str]]]:
    """What a line says, if it says something."""
    with contextlib.suppress(StoreError, ValueError, TypeError, KeyError):
        fields = parse(line, max_bytes=MOST_LINE_BYTES, error=StoreError, what="line")
        letter, task, at = fields["letter"], str(uuid.UUID(str(fields["task"]))), finite(fields["at"], least=0, most=1e11)
        if isinstance(letter, str) and at is not None:
            yield letter, (at, task)
