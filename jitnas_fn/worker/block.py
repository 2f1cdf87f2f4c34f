"""The first process of a block: `python -m jitnas_fn.worker.block COMMAND…` runs a pool of workers and sees to a good end.

A scheduler ends a job with SIGTERM, and SIGKILL some time later. Where Slurm tracks processes with cgroups, only the first
one of a job gets the SIGTERM, elsewhere all do; so it is passed on from here, and the batch script has become this process by
`exec`. A pool that died of it would take the answers of its workers with it: the pool does not hear SIGTERM. Each worker does
while it trains, keeps its last epoch, gives its lease back and answers. Meanwhile no worker begins anything, and the pool
leaves once all answers are out. If it does not, it is ended from here: `PATIENCE_SECONDS` after the signal, or sooner where
nothing is at work.

A worker says that the job is to end, too, when what it trains does not fit into it any more: sent again, the task would come
back to it. What is trained beside it goes on; then the pool leaves, the job ends, and the next block may begin.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from jitnas_fn.worker.jobs_end import BLOCK, announce_the_end, is_at_work

PATIENCE_SECONDS = 25.0  # Slurm's KillWait is 30 unless set otherwise
LOOK_SECONDS = 0.2
ANSWER_SECONDS = 3.0  # for the pool to leave once nothing is at work


def main() -> int:
    """Run the command of the block until it ends, or the job is told to end."""
    told = threading.Event()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what is started now inherits this
    with tempfile.TemporaryDirectory(prefix="jitnas-block-", ignore_cleanup_errors=True) as folder:
        os.environ[BLOCK] = folder
        pool = subprocess.Popen(sys.argv[1:], start_new_session=True)
        signal.signal(signal.SIGTERM, lambda *_: told.set())
        signal.signal(signal.SIGINT, lambda *_: told.set())
        while pool.poll() is None:
            if told.wait(LOOK_SECONDS):
                _see_to_the_end(pool, Path(folder))
                return 0
        _see_to_the_end(pool, Path(folder))  # of what a pool that was killed leaves behind
    return pool.returncode if pool.returncode >= 0 else 128 - pool.returncode


def _see_to_the_end(pool: "subprocess.Popen[bytes]", folder: Path) -> None:
    announce_the_end()
    _signal(pool, signal.SIGTERM)
    began = busy = time.monotonic()
    while time.monotonic() - began < PATIENCE_SECONDS and time.monotonic() - busy < ANSWER_SECONDS:
        if is_at_work(folder):
            busy = time.monotonic()
        elif pool.poll() is not None:
            break
        time.sleep(LOOK_SECONDS)
    _signal(pool, signal.SIGKILL)
    pool.wait()


def _signal(pool: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pool.pid, number)


if __name__ == "__main__":
    sys.exit(main())
