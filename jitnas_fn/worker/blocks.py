"""The jobs that train for this site, as Slurm sees them: how many wait for what, and how many run."""

import os
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from jitnas_fn.backends._blocks import JOB_NAME
from jitnas_fn.core.codec import Json

ASK_SECONDS = 5.0  # at most so often: many evaluations may be asked after at once
PATIENCE_SECONDS = 5.0


def blocks() -> Json | None:
    """{pending, running, reason}: the numbers of one's own jobs, why the pending ones wait; None where there is no Slurm."""
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


def _asked() -> Json | None:
    command = ["squeue", "--me", "--noheader", f"--name={JOB_NAME}", "--format=%T %r"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SQUEUE_")}
    try:
        told = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=plain, timeout=PATIENCE_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    jobs = [line.split(maxsplit=1) for line in told.splitlines() if line.strip()]
    reasons = Counter(job[1] for job in jobs if job[0] == "PENDING" and len(job) == 2)
    reason = reasons.most_common(1)[0][0][:200] if reasons else None
    pending = sum(job[0] in ("PENDING", "CONFIGURING", "REQUEUED") for job in jobs)
    return {"pending": pending, "running": sum(job[0] == "RUNNING" for job in jobs), "reason": reason}
