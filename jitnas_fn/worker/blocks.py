"""The jobs that train for this site, as Slurm sees them: how many wait for what, and how many run."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from jitnas_fn.backends._blocks import JOB_NAME
from jitnas_fn.core.codec import Json
from jitnas_fn.worker.slurm import squeue, unix_time

ASK_SECONDS = 5.0  # at most so often: many evaluations may be asked after at once


def blocks() -> Json | None:
    """The numbers of one's own jobs, and of the pending ones why they wait and when Slurm means to start the first.

    Returns
    -------
    dict
        {pending, running, reason, waited_seconds (the longest), starts_seconds (the first; None where Slurm does not say)}.
        None where there is no Slurm.
    """
    return _SIGHT.now()


@dataclass(slots=True)
class _Sight:
    lock: threading.Lock = field(default_factory=threading.Lock)
    asked: float = float("-inf")
    seen: Json | None = None

    def now(self) -> Json | None:
        with self.lock:
            if time.monotonic() - self.asked > ASK_SECONDS:
                self.seen = _asked()
                self.asked = time.monotonic()
            return self.seen


_SIGHT = _Sight()


class _Job(NamedTuple):
    """A line of squeue."""

    state: str
    submitted: str
    start: str
    reason: str


def _asked() -> Json | None:
    told = squeue("--me", "--noheader", f"--name={JOB_NAME}", "--format=%T %V %S %r")
    if told is None:
        return None
    jobs = [_Job(*(*line.split(maxsplit=3), "", "", "")[:4]) for line in told.splitlines() if line.strip()]
    waiting = [job for job in jobs if job.state == "PENDING"]
    reasons = Counter(job.reason for job in waiting if job.reason)
    sent = [when for when in (unix_time(job.submitted) for job in waiting) if when is not None]
    starts = [when for when in (unix_time(job.start) for job in waiting) if when is not None]
    now = time.time()
    return {
        "pending": sum(job.state in ("PENDING", "CONFIGURING", "REQUEUED") for job in jobs),
        "running": sum(job.state == "RUNNING" for job in jobs),
        "reason": reasons.most_common(1)[0][0][:200] if reasons else None,
        "waited_seconds": max(0.0, now - min(sent)) if sent else None,
        "starts_seconds": max(0.0, min(starts) - now) if starts else None,
    }
