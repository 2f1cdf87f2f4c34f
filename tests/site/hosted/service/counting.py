"""How many requests there were: what a client may cost is tested."""

import collections
import threading
import time


class Counter:
    def __init__(self):
        self._lock = threading.Lock()
        self.begin()

    def begin(self):
        with self._lock:
            self._requests = collections.Counter()
            self._statuses = collections.Counter()
            self._seconds = collections.defaultdict(collections.Counter)

    def count(self, route):
        with self._lock:
            self._requests[route] += 1
            self._seconds[int(time.time())][route] += 1

    def count_status(self, status):
        with self._lock:
            self._statuses[status] += 1

    def document(self):
        with self._lock:
            return {
                "total": self._requests.total(),
                "requests": dict(self._requests),
                "statuses": dict(self._statuses),
                "seconds": {second: dict(routes) for second, routes in self._seconds.items()},
            }
