"""How the interpreter ends while trainings are under way: waiting for them after a normal end, stopping them after an error."""

import os
import sys
import weakref
from typing import Protocol

from jitnas_fn.core.at_exit import at_exit


class UnderWay(Protocol):
    """Evaluations that may be under way when the interpreter ends."""

    def __len__(self) -> int:
        """How many."""

    def close(self) -> None:
        """Wait for whatever is under way."""

    def stop(self) -> None:
        """Cancel whatever is under way."""


_open: weakref.WeakSet[UnderWay] = weakref.WeakSet()


def see_to_the_end(trainings: UnderWay) -> None:
    """Have `trainings` waited for when a script ends, or stopped if it ends by an exception nobody caught, such as ctrl-C.

    An interactive session ends when its user wants it to, whatever went wrong at its prompt before.

    The standard library would wait for hours for a training that nobody can receive any more; other executors end their workers
    in an `atexit` function, and would lose what is not done. So this comes before both.
    """
    _open.add(trainings)


def _at_exit() -> None:
    if hasattr(sys, "ps1"):
        return
    failed = getattr(sys, "last_type", None) is not None
    for trainings in list(_open):
        try:
            if not failed and len(trainings):
                sys.stderr.write(f"waiting for {len(trainings)} evaluations that are not done; ctrl-C cancels them\n")
                trainings.close()
        except KeyboardInterrupt:
            failed = True
        if failed:
            trainings.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open.clear)  # they are the parent's, and never done here
at_exit(_at_exit)
