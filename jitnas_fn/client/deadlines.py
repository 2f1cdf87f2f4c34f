"""No future outlives its deadline: one daemon thread per client, which never keeps the interpreter alive."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

LONGEST_NAP_SECONDS = 3600.0  # so that a laptop that slept is noticed

F = TypeVar("F", bound=Future[Any])


class Deadlines(Generic[F]):
    """Calls a function for every future that is not done in time.

    Parameters
    ----------
    expire
        Called with the future, in the thread of the deadlines.
    """

    def __init__(self, expire: Callable[[F], None]) -> None:
        self._expire = expire
        self._changed = threading.Condition()
        self._due: dict[F, float] = {}
        self._wakes_at = 0.0
        self._thread: threading.Thread | None = None

    def add(self, future: F, seconds: float) -> None:
        """Watch `future` for some time from now.

        Parameters
        ----------
        future
            It may be done already.
        seconds
            Time it is given. [seconds]
        """
        with self._changed:
            due = self._due[future] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="jitnas-deadlines", daemon=True)
                self._thread.start()
            elif due < self._wakes_at:
                self._changed.notify()
        future.add_done_callback(lambda _: self._forget(future))

    def _forget(self, future: F) -> None:
        with self._changed:
            self._due.pop(future, None)

    def _watch(self) -> None:
        while True:
            for future in self._late():
                self._expire(future)

    def _late(self) -> list[F]:
        """Wait until some deadline has passed; those that passed theirs."""
        with self._changed:
            while True:
                now = time.monotonic()
                late = [future for future, due in self._due.items() if due <= now]
                if late:
                    for future in late:
                        del self._due[future]
                    return late
                self._wakes_at = min([now + LONGEST_NAP_SECONDS, *self._due.values()])
                self._changed.wait(self._wakes_at - now)
