"""Doing something after a while, in a daemon thread that lives as long as something is due."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("jitnas_fn")
LONGEST_NAP_SECONDS = 3600.0  # a wait of weeks is more than some systems take
SLACK = 64  # forgotten items that may stand in the queue beside as many as are due

Work = Callable[[], None]


class Later:
    """Calls functions when their time has come, one after another: they should be quick.

    Parameters
    ----------
    name
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._works: dict[int, Work] = {}
        self._queue: list[tuple[float, int]] = []  # when, and which; those that were forgotten too
        self._number = itertools.count()
        self._thread: threading.Thread | None = None

    def call(self, work: Work, seconds: float = 0.0) -> int:
        """Call `work` in some seconds. What it raises is logged.

        Returns
        -------
        int
            By which it can be forgotten.
        """
        with self._changed:
            number = next(self._number)
            self._works[number] = work
            heapq.heappush(self._queue, (time.monotonic() + seconds, number))
            if self._thread is None or not self._thread.is_alive():  # it does not live on in a fork
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            elif self._queue[0][1] == number:
                self._changed.notify()
        return number

    def forget(self, number: int) -> None:
        """Do not call it, if it was not called yet."""
        with self._changed:
            if self._works.pop(number, None) is None:
                return
            if len(self._queue) > 2 * len(self._works) + SLACK:
                self._queue = [one for one in self._queue if one[1] in self._works]
                heapq.heapify(self._queue)
            if not self._works:
                self._changed.notify()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except BaseException:  # also a SystemExit of foreign code: whatever else is due is done
                log.exception("what was to be done later failed")

    def _next(self) -> Work | None:
        """Wait for what is due; None once nothing is, which is the end of this thread."""
        with self._changed:
            while self._works:
                when, number = self._queue[0]
                wait = when - time.monotonic()
                if number in self._works and wait > 0:
                    self._changed.wait(min(wait, LONGEST_NAP_SECONDS))
                    continue
                heapq.heappop(self._queue)
                if number in self._works:
                    return self._works.pop(number)
            self._queue.clear()
            self._thread = None
            return None
