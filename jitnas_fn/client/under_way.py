"""The files in which processes write down what they have asked of sites, as any process may read them.

`under-way/<pid>-<digits>.jsonl` in the user's home of jitnas_fn has a line of JSON for each evaluation that begins, {run,
place, at, message}, and one for each that ends, {run, ended}. A process holds the lock beside its file as long as it lives.
The file goes when all of it has ended.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json, parse
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES
from jitnas_fn.core.errors import StoreError
from jitnas_fn.worker.board import is_token

FOLDER = "under-way"
MOST_BYTES = 4 * MAX_PAYLOAD_BYTES  # of a line that is read
LATEST_UNIX_TIME = 1e11
POLL_SECONDS = 0.01  # between looks whether a lock is free


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


def files_in(home: Path) -> list[Path]:
    """The files of all processes, in no order that means anything."""
    folder = home / FOLDER
    return sorted(folder.glob("*.jsonl")) if folder.is_dir() else []


def left_in(path: Path) -> Iterator[Left]:
    """What has begun in a file and not ended. Lines that a kill has torn count for nothing; raises `OSError`."""
    begun: dict[str, Left] = {}
    with path.open(encoding="ascii", errors="replace") as file:
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
    with alone_with(path) as is_mine:
        return not is_mine


@contextlib.contextmanager
def alone_with(path: Path, *, patience_seconds: float = 0.0) -> Iterator[bool]:
    """Hold the lock of a file; whether nobody else holds it, for longer than that."""
    from filelock import FileLock, Timeout

    lock = FileLock(lock_of(path))
    try:
        lock.acquire(timeout=patience_seconds, poll_interval=POLL_SECONDS)
    except (Timeout, OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
        if not path.exists():
            Path(lock.lock_file).unlink(missing_ok=True)


def lock_of(path: Path) -> str:
    """Where the lock of a file is."""
    return f"{path}.lock"


def fields_of(left: Left) -> Json:
    """The line that says so."""
    return {"run": left.run, "place": left.place, "at": left.at, "message": left.message}


def _left_of(fields: Json) -> Left | None:
    run, place, message = fields.get("run"), fields.get("place"), fields.get("message")
    at = finite(fields.get("at"), least=0, most=LATEST_UNIX_TIME)
    if not is_token(run) or not isinstance(place, dict) or not isinstance(message, str) or at is None:
        return None
    return Left(str(run), place, at, message)
