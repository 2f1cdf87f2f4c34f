"""What a Slurm job knows of itself: its number, how long it waited, and how long it may still run."""

import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime

ASK_SECONDS = 15.0  # `scontrol update EndTime` may change the end
PATIENCE_SECONDS = 5.0  # that long squeue may take, and the first question waits for its answer
NUMBER = re.compile(r"[0-9]{1,20}")
NEVER = ("NONE", "N/A", "Unknown")  # as squeue says it


def job_id() -> str | None:
    """The number of the job that this process runs in; None outside Slurm."""
    number = os.environ.get("SLURM_JOB_ID", "")
    return number if NUMBER.fullmatch(number) else None


def seconds_left() -> float | None:
    """How long this job may still run, negative past its end; None outside Slurm, or if nobody knows [s].

    squeue is asked at most every 15 s, by a thread. Only the first question waits, for at most 5 s. Where squeue does not
    answer, the environment counts, where Slurm writes when the job should end.
    """
    if job_id() is None:
        return None
    end = _clock().end()
    return None if end is None else end - time.time()


def pending_seconds() -> float | None:
    """How long this job had waited before it began; None outside Slurm, or if nobody knows [s]."""
    if job_id() is None:
        return None
    clock = _clock()
    clock.end()
    return clock.pending_seconds


@dataclass(slots=True)
class _Clock:
    """When one job ends, as far as this process knows. Used by all its threads."""

    job: str
    owner: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    answered: threading.Event = field(default_factory=threading.Event)  # squeue has been asked, with or without success
    asked: float = -ASK_SECONDS
    asking: bool = False
    told: bool = False  # by squeue
    until: float | None = None
    pending_seconds: float | None = None

    def end(self) -> float | None:
        """Unix time of the job's end; None for none."""
        with self.lock:
            if not self.asking and time.monotonic() - self.asked >= ASK_SECONDS:
                self.asking = True
                threading.Thread(target=self._ask, name="jitnas-squeue", daemon=True).start()
        self.answered.wait(PATIENCE_SECONDS + 0.5)
        self.answered.set()  # nobody waits a second time
        return self.until if self.told else _end_in_environment()

    def _ask(self) -> None:
        try:
            told = _asked_squeue(self.job)
            with self.lock:
                if told is not None:
                    self.told, (self.until, self.pending_seconds) = True, told
        finally:
            with self.lock:
                self.asked, self.asking = time.monotonic(), False
            self.answered.set()


_one: list[_Clock] = []
_making = threading.Lock()


def _clock() -> _Clock:
    """The clock of this job, a new one in a process that was forked."""
    job = _as_squeue_calls_it()
    with _making:
        if not _one or (_one[0].job, _one[0].owner) != (job, os.getpid()):
            _one[:] = [_Clock(job, os.getpid())]
        return _one[0]


def _as_squeue_calls_it() -> str:
    """A task of an array has a number of its own, but under that of the first, squeue tells of all of them."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID", ""), os.environ.get("SLURM_ARRAY_TASK_ID", "")
    return f"{array}_{task}" if NUMBER.fullmatch(array) and NUMBER.fullmatch(task) else str(job_id())


def _asked_squeue(job: str) -> tuple[float | None, float | None] | None:
    """When the job ends as Unix time, None for never; how long it waited, None for unknown. None if squeue does not tell."""
    said = squeue("--noheader", "--jobs", job, "--format", "%e %V %S")
    end, submitted, started = [*(said or "").split(), "", "", ""][:3]
    until, began, sent = map(unix_time, (end, started, submitted))
    if until is None and end not in NEVER:
        return None
    return until, None if began is None or sent is None else max(0.0, began - sent)


def squeue(*options: str) -> str | None:
    """What squeue says within 5 s; None if it does not, or fails."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}  # a user's own filters
    try:
        return subprocess.run(
            ["squeue", *options],  # noqa: S607  where the cluster's environment has it
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**plain, "SLURM_TIME_FORMAT": "standard"},
            timeout=PATIENCE_SECONDS,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def unix_time(stated: str) -> float | None:
    """A time as `squeue` writes it; None for what is none."""
    try:
        return datetime.fromisoformat(stated).astimezone().timestamp()
    except ValueError:
        return None


def _end_in_environment() -> float | None:
    stated = os.environ.get("SLURM_JOB_END_TIME", "")
    return float(stated) if NUMBER.fullmatch(stated) else None
