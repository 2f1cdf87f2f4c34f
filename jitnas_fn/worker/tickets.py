"""Who has asked for a training that has not begun: word of it keeps others from asking a scheduler for the same.

A ticket is advice. It is a file named after the key, which holds the token of a run and is touched while its client asks after
it; one that is silent for three minutes is anybody's. Two may believe to have one ticket: then the lease decides, as ever.
"""

import contextlib
import os
import time
from pathlib import Path

from jitnas_fn.core.task import HASH
from jitnas_fn.worker.board import TOKEN

SILENT_SECONDS = 180.0  # a client asks at least each minute, and clocks may be a minute apart
SWEEP_SECONDS = 3600.0

_swept: dict[Path, float] = {}  # when, by this process


class Tickets:
    """The tickets in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sweep()

    def take(self, key: str, run: str) -> float | None:
        """Take the ticket of a key, or keep it.

        Returns
        -------
        float | None
            None if it is this run's now, or cannot be told; else how long ago another's gave its last sign of life. [s]
        """
        path = self._path(key)
        if path is None or not TOKEN.fullmatch(run):
            return None
        try:
            return self._taken(path, run)
        except OSError:
            return None

    def release(self, key: str, run: str) -> None:
        """Give the ticket back, if it is this run's."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            if path is not None and path.read_text("ascii", "replace") == run:
                path.unlink()

    def _path(self, key: str) -> Path | None:
        """Where a key's ticket is; None for what has no key that others could have too."""
        return self._folder / key if HASH.fullmatch(key) else None

    def _taken(self, path: Path, run: str) -> float | None:
        try:
            holder, age_seconds = path.read_text("ascii", "replace"), time.time() - path.stat().st_mtime
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            return self._made(path, run)
        if holder == run:
            os.utime(path)
        elif age_seconds < SILENT_SECONDS:
            return max(0.0, age_seconds)
        else:
            written = path.with_name(f"{path.name}.{run}")
            written.write_text(run, "ascii")
            written.replace(path)
        return None

    def _made(self, path: Path, run: str) -> float | None:
        """Whoever makes the file has it; what is in it comes a moment later."""
        try:
            with path.open("x", encoding="ascii") as file:
                file.write(run)
        except FileExistsError:
            return 0.0
        return None

    def _sweep(self) -> None:
        """Remove what nobody came back for."""
        now = time.time()
        if now - _swept.get(self._folder, 0.0) < SWEEP_SECONDS:
            return
        _swept[self._folder] = now
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    if now - path.stat().st_mtime > SWEEP_SECONDS:
                        path.unlink()
