"""Where a running task can be seen and stopped: one status file and one cancel file per key, gone when the task is.

- KEY.status: JSON {key, state, epoch, epochs, metrics, seconds_left, updated}, replaced whole
- KEY.cancel: empty; whoever makes it wants the task stopped
"""

import contextlib
import os
import threading
import time
from pathlib import Path

from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import StoreError, TaskError
from jitnas_fn.core.task import is_key

MAX_STATUS_BYTES = 100_000


class Board:
    """The status and cancel files in one folder. Only what has the form of a key ever becomes part of a path.

    A status is a courtesy: where it cannot be written (a full disk), the training goes on without it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def show(self, key: str, state: str, *, progress: Json | None = None) -> None:
        """Say where a task stands.

        Parameters
        ----------
        key
            Of the task.
        state
            "queued" or "training".
        progress
            {epoch, epochs, metrics, seconds_left}, as far as known.
        """
        status = {"epoch": None, "epochs": None, "metrics": {}, "seconds_left": None, **(progress or {})}
        text = canonical({**status, "key": key, "state": state, "updated": round(time.time(), 3)})
        path = self._path(key, "status")
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        with contextlib.suppress(OSError):
            draft.write_text(text, "ascii")
            draft.replace(path)

    def read(self, key: str) -> Json:
        """The status of a task; its state is "unknown" if no such task is here."""
        path = self._path(key, "status")
        try:
            text = path.read_text("ascii")
            return parse(text, max_bytes=MAX_STATUS_BYTES, error=StoreError, what="status")
        except (OSError, ValueError):  # none there, or not one of ours
            return {"key": key, "state": "unknown"}

    def cancel(self, key: str) -> Json:
        """Ask for a task to be stopped. Its status, "cancelling" from now on; "unknown" if no such task is here."""
        status = self.read(key)
        if status["state"] != "unknown":
            try:
                self._path(key, "cancel").touch()
            except OSError as reason:
                raise StoreError(f"task {key[:12]}… cannot be cancelled: {reason.strerror}") from None
            status["state"] = "cancelling"
        return status

    def cancelled(self, key: str) -> bool:
        """Whether somebody wants the task stopped."""
        return self._path(key, "cancel").exists()

    def clear(self, key: str) -> None:
        """Forget a task that has ended."""
        for kind in ("status", "cancel"):
            with contextlib.suppress(OSError):
                self._path(key, kind).unlink()

    def _path(self, key: str, kind: str) -> Path:
        if not is_key(key):
            raise TaskError(f"a key is 64 hexadecimal digits or opaque-<uuid>, not {str(key)[:80]!r}")
        return self._folder / f"{key}.{kind}"
