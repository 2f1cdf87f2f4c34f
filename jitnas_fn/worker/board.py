"""Where a running task can be seen and stopped: one status file and one cancel file per run, gone when the run is.

Several runs may train one key at a time, for several clients or under several limits. In the file names each has its own
token, so that none is stopped by another's cancel file or loses its files when another ends.

- KEY.RUN.status: JSON {key, run, state, job, epoch, epochs, metrics, seconds_left, updated}, replaced whole
- KEY.RUN.cancel: empty; whoever makes it wants the run stopped, or not to begin
- KEY.RUN.PID-THREAD: a status that is being written
"""

import contextlib
import math
import os
import re
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json, canonical, parse
from jitnas_fn.core.errors import StoreError, TaskError
from jitnas_fn.core.task import HASH, OPAQUE, is_key

MAX_STATUS_BYTES = 100_000
SILENT_SECONDS = 180.0  # a run whose status was not touched for so long is gone; clocks may be 60 s apart
SWEEP_SECONDS = 60.0
STALE_SECONDS = 8 * 24 * 3600.0  # what is older was left by a process that was killed; nobody waits longer than a week
MOST_FILES = 100_000  # beyond which nobody can ask for more runs to be stopped before they begin
TOKEN = re.compile(r"[0-9a-f]{32}")
OURS = re.compile(rf"({HASH.pattern}|{OPAQUE.pattern})(\.{TOKEN.pattern})?\.(status|cancel|[0-9]+-[0-9]+)")


_swept: dict[Path, float] = {}  # when, by this process


def is_token(text: object) -> bool:
    """Whether `text` has the form of a run's token: 32 hexadecimal digits."""
    return isinstance(text, str) and bool(TOKEN.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one task: the key, and a token that no other run has."""

    key: str
    token: str

    def __post_init__(self) -> None:
        if not is_key(self.key):
            raise TaskError(f"a key is 64 hexadecimal digits or opaque-<uuid>, not {str(self.key)[:80]!r}")
        if not is_token(self.token):
            raise TaskError(f"a run is 32 hexadecimal digits, not {str(self.token)[:80]!r}")

    @classmethod
    def of(cls, key: str) -> "Run":
        """A new run of a task whose client gave it no token."""
        return cls(key, uuid.uuid4().hex)

    @property
    def stem(self) -> str:
        """What the names of its files begin with."""
        return f"{self.key}.{self.token}"


class Board:
    """The status and cancel files in one folder. Only what has the form of a key or token ever becomes part of a path.

    A status is a courtesy: where it cannot be written (a full disk), the training goes on without it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: set[Run] = set()
        self._files: int | None = None  # that lay there when somebody had to know
        self._sweep()

    def begin(self, run: Run) -> None:
        """Show a run as queued. One that somebody wanted stopped before it came here stays so.

        If it is shown already, it was sent twice, and another process has it: its files are left alone.
        """
        status = self._status(run)
        if status is None or status["state"] == "silent":
            self.show(run, "queued")

    def show(self, run: Run, state: str, *, progress: Json | None = None) -> None:
        """Say where a run stands.

        Parameters
        ----------
        run
            Which one.
        state
            "queued" or "training".
        progress
            {epoch, epochs, metrics, seconds_left, kept, resumed}, as far as known.
        """
        self._own.add(run)
        status = {"epoch": None, "epochs": None, "metrics": {}, "seconds_left": None, **(progress or {})}
        job = os.environ.get("SLURM_JOB_ID")
        now = {"key": run.key, "run": run.token, "state": state, "job": job, "updated": round(time.time(), 3)}
        draft = self._path(run, f"{os.getpid()}-{threading.get_ident()}")
        with contextlib.suppress(OSError):
            try:
                draft.write_text(canonical({**status, **now}), "ascii")
                draft.replace(self._path(run, "status"))
            finally:
                draft.unlink(missing_ok=True)

    def read(self, key: str, token: str | None = None) -> Json:
        """The status of a run, or of the liveliest run of a key; its state is "unknown" if no such run is here, and lives."""
        found = filter(None, map(self._status, self._runs(key, token)))
        known = [status for status in found if status["state"] != "silent"]
        return max(known, key=_liveliness, default={"key": key, "state": "unknown"})

    def every(self) -> list[Json]:
        """The status of each run that is here, those at work first; one that is gone without a word is "silent"."""
        names = (path.name.removesuffix(".status").partition(".") for path in self._folder.glob("*.status"))
        runs = (Run(key, token) for key, _, token in names if is_key(key) and is_token(token))
        return sorted(filter(None, map(self._status, runs)), key=_liveliness, reverse=True)

    def cancel(self, key: str, token: str | None = None) -> Json:
        """Ask for a run, or all runs of a key, to be stopped. The status, "cancelling" if there was any to stop.

        A run that is named and not here yet will not begin: its message may still be on its way.
        """
        status = self.read(key, token)
        for run in self._runs(key, token):
            if token is not None or self._status(run) is not None:
                self._ask_to_stop(run)
        return status if status["state"] == "unknown" and token is None else {**status, "state": "cancelling"}

    def cancelled(self, run: Run) -> bool:
        """Whether somebody wants the run stopped."""
        return self._path(run, "cancel").exists()

    def keep(self) -> None:
        """Say that the runs shown here still live."""
        for run in self._own:
            for kind in ("status", "cancel"):
                with contextlib.suppress(OSError):
                    os.utime(self._path(run, kind))

    def clear(self, run: Run) -> None:
        """Forget a run that has ended, if it was shown here."""
        if run not in self._own:
            return
        self._own.discard(run)
        for kind in ("status", "cancel"):
            with contextlib.suppress(OSError):
                self._path(run, kind).unlink()

    def _status(self, run: Run) -> Json | None:
        try:
            with self._path(run, "status").open("rb") as file:
                silent = time.time() - os.fstat(file.fileno()).st_mtime > SILENT_SECONDS
                text = file.read(MAX_STATUS_BYTES + 1).decode("ascii")
            status = parse(text, max_bytes=MAX_STATUS_BYTES, error=StoreError, what="status")
        except (OSError, ValueError):  # none there, or not one of ours
            return None
        if status.get("key") != run.key or not isinstance(status.get("state"), str):
            return None
        return {**status, "state": "silent"} if silent else status

    def _ask_to_stop(self, run: Run) -> None:
        if self._status(run) is None:  # of such there may be any number
            self._files = (sum(1 for _ in self._folder.iterdir()) if self._files is None else self._files) + 1
            if self._files > MOST_FILES:
                raise StoreError(f"more than {MOST_FILES:,} files lie where tasks are cancelled: ask later")
        try:
            self._path(run, "cancel").touch()
        except OSError as reason:
            raise StoreError(f"task {run.key[:12]}… cannot be cancelled: {reason.strerror}") from None

    def _runs(self, key: str, token: str | None) -> list[Run]:
        """The run with this token; without one, all runs of the key that have a status file."""
        any_run = Run.of(key)  # refuses what is no key, before it becomes a pattern
        if token is not None:
            return [Run(key, token)]
        names = (path.name.split(".") for path in self._folder.glob(f"{any_run.key}.*.status"))
        return [Run(key, name[1]) for name in names if len(name) == 3 and is_token(name[1])]

    def _sweep(self) -> None:
        """Remove what processes left that were killed. Other people's files in the folder are none of our business."""
        now = time.monotonic()
        if now - _swept.get(self._folder, -math.inf) < SWEEP_SECONDS:
            return
        _swept[self._folder] = now
        oldest = time.time() - STALE_SECONDS
        with contextlib.suppress(OSError):
            for path in self._folder.iterdir():
                with contextlib.suppress(OSError):
                    if OURS.fullmatch(path.name) and path.stat().st_mtime < oldest:
                        path.unlink()

    def _path(self, run: Run, kind: str) -> Path:
        return self._folder / f"{run.stem}.{kind}"


def _liveliness(status: Json) -> tuple[bool, float]:
    return status["state"] == "training", finite(status.get("updated"), least=0) or 0.0
