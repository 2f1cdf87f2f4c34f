"""Processes that work beside this one, and end with it: whoever interrupts it waits for nothing that was only queued."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


@contextlib.contextmanager
def processes(number: int, begin: Callable[..., None] | None = None, *arguments: Any) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes. If the block ends with an error, or is interrupted, what has not begun is dropped.

    Parameters
    ----------
    number
        Of processes.
    begin, arguments
        What each calls first; None for nothing.
    """
    pool = ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_undisturbed, initargs=(begin, *arguments))
    try:
        yield pool
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def _undisturbed(begin: Callable[..., None] | None, *arguments: Any) -> None:
    """Ctrl-C goes to all processes of a terminal; the one that waits for them says when they end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if begin is not None:
        begin(*arguments)
