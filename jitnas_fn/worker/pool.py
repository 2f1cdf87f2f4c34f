"""Parsl's worker pool, which leaves when its block is to end: `python -m jitnas_fn.worker.pool ARGUMENTS…`.

Parsl's interchange goes on sending tasks to a pool that is gone until it misses three heartbeats. One that asks to be drained
gets no task any more, and is told to shut down once all its results are there.
"""

import itertools
import pickle
import runpy
import sys
import threading
import time
from typing import Any

from parsl.executors.high_throughput import mpi_resource_management

from jitnas_fn.worker.jobs_end import is_ending

LOOK_SECONDS = 0.25
DRAIN = pickle.dumps({"type": "drain"})


class Leaving(mpi_resource_management.TaskScheduler):
    """Hands on the results of workers; among them, once, that the pool wants to be drained."""

    def __init__(self, tasks: Any, results: Any) -> None:
        super().__init__(tasks, results)
        threading.Thread(target=_ask_to_be_drained, args=(results,), name="jitnas-leaving", daemon=True).start()


def _ask_to_be_drained(results: Any) -> None:
    while not is_ending():
        time.sleep(LOOK_SECONDS)
    results.put(DRAIN)


def main() -> None:
    """Be the pool. A Globus Compute endpoint puts its own command in front of the arguments: `globus-compute-endpoint …`."""
    options = itertools.dropwhile(lambda word: not word.startswith("-"), sys.argv[1:])
    sys.argv[1:] = list(options)
    mpi_resource_management.TaskScheduler = Leaving  # type: ignore[assignment, misc]
    runpy.run_module("parsl.executors.high_throughput.process_worker_pool", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
