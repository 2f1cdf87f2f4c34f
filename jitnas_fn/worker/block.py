"""The first process of a block: `python -m jitnas_fn.worker.block COMMAND…` runs a pool of workers and sees to a good end.

A scheduler ends a job with SIGTERM, and SIGKILL some time later. Where Slurm tracks processes with cgroups, only the first
one of a job gets the SIGTERM, elsewhere all do; so it is passed on from here, and the batch script has become this process by
`exec`. A pool that died of it would take the answers of its workers with it: the pool does not hear SIGTERM. Each worker does
while it trains, keeps its last epoch, gives its lease back and answers. When no run of this job is on the board any more, or
`PATIENCE_SECONDS` are over, the pool is ended from here: at once where there was nothing to do. Meanwhile a file `JOB.ending`
beside the board says that no worker of this job should begin anything.

A worker makes that file too, when what it trains does not fit into this job any more: sent again, the task would come back to
it. What is trained beside it goes on; then the job ends, and the next block may begin.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

from jitnas_fn.core.errors import JitnasError
from jitnas_fn.worker.board import Board
from jitnas_fn.worker.jobs_end import BLOCK, announce_the_end, forget_the_end, is_ending
from jitnas_fn.worker.site import current

PATIENCE_SECONDS = 25.0  # Slurm's KillWait is 30 unless set otherwise
LOOK_SECONDS = 0.5
ANSWER_SECONDS = 1.0  # for the last answers to leave the pool


def main() -> int:
    """Run the command of the block until it ends, or the job is told to end."""
    told = threading.Event()
    forget_the_end()  # a job that is requeued has the same number
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is started now inherits this
    pool = subprocess.Popen(sys.argv[1:], start_new_session=True, env={**os.environ, BLOCK: "1"})
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    signal.signal(signal.SIGINT, lambda *_: told.set())
    while pool.poll() is None:
        if told.wait(LOOK_SECONDS):
            announce_the_end()
            _see_to_the_end(pool)
        elif _is_done():
            _see_to_the_end(pool)
    forget_the_end()
    return pool.returncode if pool.returncode >= 0 else 128 - pool.returncode


def _see_to_the_end(pool: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pool.pid, signal.SIGTERM)
    end = time.monotonic() + PATIENCE_SECONDS
    while pool.poll() is None and time.monotonic() < end and _is_at_work():
        time.sleep(LOOK_SECONDS)
    with contextlib.suppress(subprocess.TimeoutExpired):
        pool.wait(ANSWER_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pool.pid, signal.SIGKILL)
    pool.wait()


def _is_done() -> bool:
    """Whether a worker asked for the end, and nothing is at work any more."""
    try:
        return is_ending() and not _is_at_work()
    except (JitnasError, OSError):
        return False


def _is_at_work() -> bool:
    """Whether a run of this job is on the board; where that cannot be told, it may be."""
    try:
        return Board(current().place()).is_at_work(os.environ.get("SLURM_JOB_ID"))
    except (JitnasError, OSError):
        return True


if __name__ == "__main__":
    sys.exit(main())
