"""What was asked of a site and is not done, on disk: when this process dies, a later one takes it up.

`under-way/<pid>-<digits>.jsonl` in the user's home of jitnas_fn has a line of JSON for each evaluation that begins, {run,
place, at, message}, and one for each that ends, {run, ended}. A process holds the lock beside its file as long as it lives.
The file goes when all of it has ended.
"""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES
from jitnas_fn.core.errors import StoreError
from jitnas_fn.worker.board import is_token

log = logging.getLogger("jitnas_fn")
FOLDER = "under-way"
MOST_BYTES = 4 * MAX_PAYLOAD_BYTES  # of a line that is read
KEPT_SECONDS = 30 * 24 * 3600.0  # nobody takes up what is older
LATEST_UNIX_TIME = 1e11


@dataclass(frozen=True, slots=True)
class Left:
    """One evaluation that was asked for and has not ended.

    Attributes
    ----------
    run
        Its run's token.
    place
        Where it was asked, as the executor describes it.
    at
        When. [Unix time]
    message
        The envelope that asks for it.
    """

    run: str
    place: Json
    at: float
    message: str


class Journal:
    """The file of this process, and those that others have left.

    Parameters
    ----------
    home
        The user's home of jitnas_fn.
    place
        Where this process asks.
    """

    def __init__(self, home: Path, *, place: Json) -> None:
        self._folder, self._place = home / FOLDER, place
        self._lock = threading.Lock()
        self._open: set[str] = set()
        self._own: Path | None = None
        self._held: Any = None

    def begin(self, run: str, message: str, *, at: float | None = None) -> None:
        """Write down that an evaluation begins. A disk that refuses stops nothing, and is told of in the log."""
        with self._lock:
            if run not in self._open:
                self._open.add(run)
                self._write({"run": run, "place": self._place, "at": time.time() if at is None else at, "message": message})

    def end(self, run: str) -> None:
        """Write down that it has ended; with the last one the file goes."""
        with self._lock:
            if run not in self._open:
                return
            self._open.discard(run)
            if self._open:
                self._write({"run": run, "ended": True})
            else:
                self._remove()

    def taken_up(self) -> list[Left]:
        """What processes that are gone have left at this place, which is this process's from now on; the oldest first."""
        found: list[Left] = []
        for path in self._files():
            with _alone_with(path) as is_mine:
                if is_mine:
                    found += self._taken_from(path)
        return sorted(found, key=lambda one: one.at)

    def _taken_from(self, path: Path) -> list[Left]:
        """What a file has for this place; the rest stays there. Written down here before it is removed there."""
        left = list(left_in(path))
        mine = [one for one in left if one.place == self._place and time.time() - one.at < KEPT_SECONDS]
        for one in mine:
            self.begin(one.run, one.message, at=one.at)
        others = [one for one in left if one not in mine and time.time() - one.at < KEPT_SECONDS]
        with contextlib.suppress(OSError):
            if others:
                written = path.with_suffix(".new")
                written.write_text("".join(canonical(_fields(one)) + "\n" for one in others), "ascii")
                written.replace(path)
            else:
                path.unlink(missing_ok=True)
        return mine

    def _files(self) -> list[Path]:
        return [path for path in files_in(self._folder.parent) if path != self._own]

    def _write(self, fields: Json) -> None:
        try:
            if self._own is None:
                self._own = self._begun()
            with self._own.open("a", encoding="ascii") as file:
                file.write(f"{canonical(fields)}\n")
        except OSError as reason:
            log.warning("what is under way is not kept on disk, and cannot be taken up by another process: %s", reason)

    def _begun(self) -> Path:
        from filelock import FileLock

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}.jsonl"
        self._held = FileLock(_lock_of(path), timeout=0)
        self._held.acquire()
        return path

    def _remove(self) -> None:
        own, held, self._own, self._held = self._own, self._held, None, None
        with contextlib.suppress(OSError):
            if own is not None:
                own.unlink(missing_ok=True)
            if held is not None:
                held.release()
                Path(held.lock_file).unlink(missing_ok=True)


def files_in(home: Path) -> list[Path]:
    """The files of all processes, the oldest first."""
    folder = home / FOLDER
    return sorted(folder.glob("*.jsonl"), key=lambda path: path.name) if folder.is_dir() else []


def left_in(path: Path) -> Iterator[Left]:
    """What has begun in a file and not ended. Lines that a kill has torn count for nothing."""
    begun: dict[str, Left] = {}
    with contextlib.suppress(OSError), path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            with contextlib.suppress(StoreError):
                fields = parse(line, max_bytes=MOST_BYTES, error=StoreError, what="line")
                if fields.get("ended"):
                    begun.pop(str(fields.get("run")), None)
                elif (left := _left_of(fields)) is not None:
                    begun[left.run] = left
    yield from begun.values()


def is_open(path: Path) -> bool:
    """Whether the process that writes a file lives."""
    with _alone_with(path) as is_mine:
        return not is_mine


@contextlib.contextmanager
def _alone_with(path: Path) -> Iterator[bool]:
    """Hold the lock of a file; whether nobody else holds it."""
    from filelock import FileLock, Timeout

    lock = FileLock(_lock_of(path), timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
        if not path.exists():
            Path(lock.lock_file).unlink(missing_ok=True)


def _lock_of(path: Path) -> str:
    return f"{path}.lock"


def _fields(left: Left) -> Json:
    return {"run": left.run, "place": left.place, "at": left.at, "message": left.message}


def _left_of(fields: Json) -> Left | None:
    run, place, message = fields.get("run"), fields.get("place"), fields.get("message")
    at = finite(fields.get("at"), least=0, most=LATEST_UNIX_TIME)
    if not is_token(run) or not isinstance(place, dict) or not isinstance(message, str) or at is None:
        return None
    return Left(str(run), place, at, message)
