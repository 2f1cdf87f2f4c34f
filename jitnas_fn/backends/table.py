"""A published table in place of a cluster: what it has comes back at once, and a clock says when it would have."""

import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope, error_fields
from jitnas_fn.core.errors import EnvelopeError, JitnasError, NotTabulated, TaskError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record


class TableExecutor(Executor):
    """Answers what a worker is asked, from the records of a table.

    Parameters
    ----------
    store
        The table: `jitnas_fn.open_table(...)`.
    workers
        How many trainings the simulated cluster does beside each other.

    Attributes
    ----------
    clock
        When everything that was asked for so far would be done, had it been trained in the order in which it was asked for: by
        the seconds of its records, published or estimated. [s]
    estimated
        How many of those records had an estimated time, and how many none, which counts as no time.
    untimed
        The same of those without any.
    """

    def __init__(self, store: Store, workers: int) -> None:
        if workers < 1:
            raise TaskError(f"a cluster has at least one worker, not {workers}")
        self._store, self._lock = store, threading.Lock()
        self._free = [0.0] * workers  # when each is
        self.clock, self.estimated, self.untimed = 0.0, 0, 0

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        """Answer a message; the future is done when it is returned. What the function is does not matter: nothing is run."""
        reply: Future[Any] = Future()
        try:
            asked = Envelope.from_json(arguments[0])
            reply.set_result(self._answered(asked).to_json())
        except (JitnasError, LookupError, AttributeError, TypeError) as error:
            reply.set_result(Envelope("train", {}, error=error_fields(error)).to_json())
        return reply

    def beside(self, jobs: int | None) -> int:
        """How many tasks are trained beside each other."""
        return len(self._free)

    def _answered(self, asked: Envelope) -> Envelope:
        if asked.verb == "train":
            return Envelope("train", {"results": [self._trained(str(item["key"])) for item in asked.items("tasks")]})
        if asked.verb == "lookup":
            found = [(str(key), self._store.get(str(key))) for key in asked.items("keys")]
            told = [{"key": key, "record": None if record is None else record.to_dict()} for key, record in found]
            return Envelope("lookup", {"results": told})
        raise EnvelopeError(f"a table answers train and lookup, not {asked.verb}")

    def _trained(self, key: str) -> Json:
        record = self._store.get(key)
        if record is None:
            missing = NotTabulated(f"the table has no record of key {key[:12]}…, and nothing is trained in its place")
            return {"key": key, "error": error_fields(missing)}
        self._pass_time(record)
        return {"key": key, "record": record.to_dict(), "source": "shared"}

    def _pass_time(self, record: Record) -> None:
        seconds = record.cost.get("wall_seconds")
        with self._lock:
            self.untimed += seconds is None
            self.estimated += record.cost.get("estimated") is not None
            ends = heapq.heappop(self._free) + (seconds or 0.0)
            heapq.heappush(self._free, ends)
            self.clock = max(self.clock, ends)


def table(store: Store, *, workers: int = 1) -> TableExecutor:
    """An executor over a published table.

    Parameters
    ----------
    store
        Its records.
    workers
        How many trainings the simulated cluster does beside each other.
    """
    return TableExecutor(store, workers)
