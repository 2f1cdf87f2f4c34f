"""The documented limits of the hosted service."""

import collections
import http
import threading
import time

from tests.site.hosted.service.refusal import Refused

MAX_REQUEST_BYTES = 10 * 1000 * 1000  # with everything in it: a batch of tasks is one request
MAX_RESULT_BYTES = 10 * 1024 * 1024
SUBMITS, WINDOW_SECONDS = 20, 10.0  # how often an identity may submit


def check_size(size_bytes):
    if size_bytes > MAX_REQUEST_BYTES:
        told = f"a request of {size_bytes} bytes; at most {MAX_REQUEST_BYTES} are taken"
        raise Refused(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "TASK_PAYLOAD_TOO_LARGE", told)


class Pace:
    """How often each identity has submitted of late."""

    def __init__(self):
        self._lock = threading.Lock()
        self._times = collections.defaultdict(collections.deque)

    def check(self, identity):
        """Count one more, or refuse it."""
        now = time.monotonic()
        with self._lock:
            times = self._times[identity]
            while times and times[0] <= now - WINDOW_SECONDS:
                times.popleft()
            if len(times) >= SUBMITS:
                told = f"more than {SUBMITS} submit requests in {WINDOW_SECONDS:g} s"
                raise Refused(http.HTTPStatus.TOO_MANY_REQUESTS, "MAX_REQUESTS_EXCEEDED", told)
            times.append(now)
