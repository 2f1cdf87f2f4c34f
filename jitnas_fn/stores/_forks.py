"""Stores in a forked child: free to be used there, whatever another thread of the parent was doing with them.

Of the threads of a process only the one that forks goes on in the child. A lock that another one held stays locked there for
ever, and what it was changing stays half changed.
"""

import os
import threading
import weakref
from typing import Protocol


class Shared(Protocol):
    """What several threads use at once."""

    _mutex: threading.RLock

    def _begin_again(self) -> None:
        """Forget what was seen, which another thread may have left half changed, and touch no file."""


def mutex_of(owner: Shared) -> threading.RLock:
    """The lock for an object's `_mutex`. In a child where it could not be had, the object gets another and begins again."""
    _OWNERS.add(owner)
    return threading.RLock()


def _in_child() -> None:
    for owner in list(_OWNERS):
        if owner._mutex.acquire(blocking=False):  # nobody's, or held by the very thread that goes on here
            owner._mutex.release()
        else:
            owner._mutex = threading.RLock()
            owner._begin_again()


_OWNERS: weakref.WeakSet[Shared] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
