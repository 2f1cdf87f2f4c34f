"""What was asked of a site and is not done, on disk: when this process dies, a later one takes it up."""

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jitnas_fn.client.under_way import FOLDER, Left, alone_with, fields_of, files_in, left_in, lock_of
from jitnas_fn.core.codec import Json, canonical

log = logging.getLogger("jitnas_fn")
KEPT_SECONDS = 30 * 24 * 3600.0  # nobody takes up what is older
PATIENCE_SECONDS = 0.2  # with a file that somebody looks at: `jitnas jobs` takes each lock for a moment
ROOM_BYTES, TIMES = 1_000_000, 4  # a file is written anew when it has so much more than so many times what has not ended


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
        self._open: dict[str, int] = {}  # runs, and what their lines take [bytes]
        self._live = self._written = 0  # what all of them take, and what this process's file has [bytes]
        self._own: Path | None = None
        self._held: Any = None

    def begin(self, run: str, message: str, *, at: float | None = None) -> None:
        """Write down that an evaluation begins. A disk that refuses stops nothing, and is told of in the log."""
        with self._lock:
            if run not in self._open:
                left = Left(run, self._place, time.time() if at is None else at, message)
                self._open[run] = self._write(fields_of(left))
                self._live += self._open[run]

    def end(self, run: str) -> None:
        """Write down that it has ended; with the last one the file goes."""
        with self._lock:
            size = self._open.pop(run, None)
            if size is None:
                return
            self._live -= size
            if not self._open:
                self._remove()
                return
            self._write({"run": run, "ended": True})
            if self._written > TIMES * self._live + ROOM_BYTES:
                self._write_anew()

    def taken_up(self) -> list[Left]:
        """What processes that are gone have left at this place, which is this process's from now on; the oldest first."""
        found: list[Left] = []
        for path in self._files():
            with alone_with(path, patience_seconds=PATIENCE_SECONDS) as is_mine:
                if is_mine:
                    with contextlib.suppress(OSError):  # what cannot be read now stays for later
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
                _put(path, others)
            else:
                path.unlink(missing_ok=True)
        return mine

    def _files(self) -> list[Path]:
        return [path for path in files_in(self._folder.parent) if path != self._own]

    def _write(self, fields: Json) -> int:
        """Add a line; what it takes. [bytes]."""
        line = f"{canonical(fields)}\n"
        try:
            if self._own is None:
                self._own = self._begun()
            with self._own.open("a", encoding="ascii") as file:
                file.write(line)
        except OSError as reason:
            log.warning("what is under way is not kept on disk, and cannot be taken up by another process: %s", reason)
        self._written += len(line)
        return len(line)

    def _write_anew(self) -> None:
        """Leave out what has ended. Where that cannot be done, the file stays as it is."""
        self._written = self._live
        with contextlib.suppress(OSError):
            if self._own is not None:
                _put(self._own, list(left_in(self._own)))

    def _begun(self) -> Path:
        from filelock import FileLock

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{os.getpid()}-{secrets.token_hex(8)}.jsonl"
        self._held = FileLock(lock_of(path), timeout=0)
        self._held.acquire()
        return path

    def _remove(self) -> None:
        own, held, self._own, self._held, self._written = self._own, self._held, None, None, 0
        with contextlib.suppress(OSError):
            if own is not None:
                own.unlink(missing_ok=True)
            if held is not None:
                held.release()
                Path(held.lock_file).unlink(missing_ok=True)


def _put(path: Path, left: Sequence[Left]) -> None:
    """Write a file that has this and nothing else."""
    written = path.with_suffix(".new")
    written.write_text("".join(f"{canonical(fields_of(one))}\n" for one in left), "ascii")
    written.replace(path)
