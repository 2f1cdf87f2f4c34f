"""Processes that work beside this one, and end with it, however it ends."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from jitnas_fn.core.errors import WorkerLost


@contextlib.contextmanager
def processes(number: int, begin: Callable[..., None] | None = None, *arguments: Any) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes. If the block ends with an error, or is interrupted, they are stopped in whatever they do.

    Parameters
    ----------
    number
        Of processes.
    begin, arguments
        What each calls first; None for nothing.

    Raises
    ------
    WorkerLost
        If one of them was killed, as for want of memory.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(number, mp_context=context, initializer=_begin, initargs=(begin, *arguments))
    try:
        yield pool
    except BaseException as error:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise WorkerLost("a process that worked beside this one was killed, perhaps for want of memory") from None
        raise
    pool.shutdown()


def _begin(begin: Callable[..., None] | None, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal: the parent stops its own
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin(*arguments)


def _end_with_parent() -> None:
    """A process that is killed tells its children nothing, and they would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
