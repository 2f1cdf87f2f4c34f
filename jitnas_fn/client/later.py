"""Doing something after a while: one daemon thread per client, which never keeps the interpreter alive."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("jitnas_fn")


class Later:
    """Calls functions when their time has come, one after another: they should be quick."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._thread: threading.Thread | None = None

    def call(self, work: Callable[[], None], seconds: float) -> None:
        """Call `work` in some seconds. What it raises is logged."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._number), work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="jitnas-later", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            work = self._next()
            try:
                work()
            except Exception:
                log.exception("what was to be done later failed")

    def _next(self) -> Callable[[], None]:
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                self._changed.wait(max(0.0, self._due[0][0] - time.monotonic()) if self._due else None)
            return heapq.heappop(self._due)[2]
