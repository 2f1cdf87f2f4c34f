"""How the interpreter ends while trainings are under way: waiting for them after a normal end, stopping them after an error."""

import concurrent.futures.thread  # noqa: F401  its own hook, which waits for the threads, must be there before ours
import sys
import threading
import weakref
from typing import Protocol


class Stoppable(Protocol):
    """What can be told to stop."""

    def stop(self) -> None:
        """Cancel whatever is under way."""


_open: weakref.WeakSet[Stoppable] = weakref.WeakSet()


def stop_after_an_error(client: Stoppable) -> None:
    """Have `client` stopped if a script ends by an exception nobody caught, such as ctrl-C.

    An interactive session ends when its user wants it to, whatever went wrong at its prompt before.

    The standard library joins the threads of its executors before any `atexit` function runs, and would wait for hours for a
    training that nobody can receive any more. The hook is not a documented one; where it is missing, that wait is all there is.
    """
    _open.add(client)


def _at_exit() -> None:
    if getattr(sys, "last_type", None) is not None and not hasattr(sys, "ps1"):
        for client in list(_open):
            client.stop()


_register = getattr(threading, "_register_atexit", None)
if _register is not None:
    _register(_at_exit)
