"""How fast messages may follow each other: the service takes 20 requests in 10 s of one person, from all that they run."""

import threading
import time
from collections import deque

LINGER_SECONDS = 0.01  # after the first message, in which others join it
FREE = 4  # requests in `SPAN_SECONDS` that follow each other at once
SPAN_SECONDS = 10.0
SLOW_SECONDS = 1.0  # between those beyond: half of what the service allows, since the SDK may make two of one


class Pace:
    """Says when the next request may be made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: deque[float] = deque()

    def book(self) -> float:
        """Reserve the next request; the seconds until it may be made."""
        with self._lock:
            now = time.monotonic()
            while self._made and now - self._made[0] >= SPAN_SECONDS:
                self._made.popleft()
            due = now if len(self._made) < FREE else max(now, self._made[-1] + SLOW_SECONDS)
            self._made.append(due)
            return due - now


PACE = Pace()  # of this process, whatever endpoints it talks to: the service counts a person's requests
