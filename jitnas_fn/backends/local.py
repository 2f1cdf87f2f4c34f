"""This machine: a few trainings at a time, each in a child process of its own."""

import os
from concurrent.futures import ThreadPoolExecutor

from jitnas_fn.core.interfaces import Store

MOST_WORKERS = 4  # each child holds torch and a dataset: some 400 MB


class _Threads(ThreadPoolExecutor):
    """One for each training."""

    def beside(self, jobs: int | None) -> int:
        """How many tasks are trained beside each other."""
        return self._max_workers


def local(workers: int | None = None, threads: int = 1, *, store: Store | None = None) -> ThreadPoolExecutor:
    """An executor that trains on this machine. Scripts that use it need no main guard.

    Its threads only wait for child processes. Whoever runs it is the site's administrator, so pickled payloads are accepted.

    Parameters
    ----------
    workers
        Trainings at the same time; None for as many as there are cores, at most 4.
    threads
        Threads of each training. The same key gives identical curves only where this number is the same, so one is the default
        everywhere. More of them help large networks, but threads wait for one another: where another process wanted one of two
        cores, a small network took 90 s with two threads and 2 s with one.
    store
        A store shared with others, such as `SegmentStore(folder)`: asked before anything is trained, and given every record.
        What others train into it at the same time is waited for, not trained again.
    """
    from jitnas_fn.core.envelope import PAYLOADS
    from jitnas_fn.worker.site import Site, use

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    site = Site(accepts=PAYLOADS, threads=threads, store=store)
    workers = workers or max(1, min(MOST_WORKERS, cores // threads))
    return _Threads(workers, thread_name_prefix="jitnas-local", initializer=use, initargs=(site,))
