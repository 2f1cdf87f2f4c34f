"""What is done before the interpreter ends, in two rounds: first whoever waits for others, then whoever is waited for.

The standard library joins threads that are no daemons, and those of its executors, before any `atexit` function runs. The hook
by which its own executors come before that is not a documented one; where it is missing, `atexit` it is.
"""

import atexit
import concurrent.futures.thread  # noqa: F401  its hook, which waits for its threads, must be there before ours: hooks run backwards
import logging
import threading
from collections.abc import Callable

log = logging.getLogger("jitnas_fn")
Work = Callable[[], None]
_first: list[Work] = []
_last: list[Work] = []


def at_exit(work: Work, *, last: bool = False) -> None:
    """Call `work` once before the interpreter ends; with `last` after all that are not."""
    (_last if last else _first).append(work)


def not_at_exit(work: Work) -> None:
    """Do not call it, if it is to be called."""
    for works in (_first, _last):
        if work in works:
            works.remove(work)


def _run() -> None:
    for works in (_first, _last):
        while works:
            work = works.pop()
            try:
                work()
            except Exception:
                log.exception("what was to be done before the end failed")


_hook = getattr(threading, "_register_atexit", None)
if _hook is not None:
    _hook(_run)
else:
    atexit.register(_run)
