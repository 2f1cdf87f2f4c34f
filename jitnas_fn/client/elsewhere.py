"""Tasks that somebody else has begun to train: asked after in batches, with growing pauses, until there is a record."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor

from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.flight import Flight
from jitnas_fn.client.inquiry import Inquiry
from jitnas_fn.client.lookups import fitting
from jitnas_fn.core.codec import Json
from jitnas_fn.core.later import Later
from jitnas_fn.core.record import Record

log = logging.getLogger("jitnas_fn")
FIRST_SECONDS, MOST_SECONDS, GROWTH = 0.5, 20.0, 1.4  # pauses between questions


class Elsewhere:
    """What is waited for.

    Parameters
    ----------
    executor
        Gives the executor that asks the site.
    later
        Runs what is due.
    arrive
        Takes a flight and its record.
    depart
        Sends a flight again: nobody trains it any more, and there is no record; or nobody can be asked.
    """

    def __init__(
        self,
        executor: Callable[[], Executor],
        *,
        later: Later,
        arrive: Callable[[Flight, Record], None],
        depart: Callable[[Flight], None],
    ) -> None:
        self._executor, self._later, self._arrive, self._depart = executor, later, arrive, depart
        self._inquiry = Inquiry(later, self._take)
        self._lock = threading.Lock()
        self._waiting: dict[Evaluation, Flight] = {}
        self._pause = FIRST_SECONDS
        self._asking = False

    def add(self, flight: Flight) -> None:
        """Ask after one more."""
        flight.evaluation.wait_for_another()
        with self._lock:
            self._waiting[flight.evaluation] = flight
            if not self._asking:
                self._asking, self._pause = True, FIRST_SECONDS
                self._later.call(self._ask, self._pause)

    def _ask(self) -> None:
        with self._lock:
            self._waiting = {one: flight for one, flight in self._waiting.items() if not one.done()}
            flights = list(self._waiting.values())
            self._asking = bool(flights)
            self._pause = min(GROWTH * self._pause, MOST_SECONDS)
        if not flights:
            return
        try:
            self._inquiry.ask_after(flights, self._executor())
        except Exception as reason:  # noqa: BLE001  such as that of an executor that was shut down
            log.warning("nobody can be asked after %d tasks that are trained elsewhere: %s", len(flights), reason)
            self._depart_all()
        finally:
            self._later.call(self._ask, self._pause)

    def _depart_all(self) -> None:
        with self._lock:
            flights = list(self._waiting.values())
            self._waiting.clear()
        for flight in flights:
            self._depart(flight)

    def _take(self, flight: Flight, answer: Json) -> None:
        record = fitting(answer, flight.request)
        if record is None and answer.get("in_flight"):
            return
        with self._lock:
            if self._waiting.pop(flight.evaluation, None) is None:
                return
        if record is None:
            self._depart(flight)
        else:
            self._arrive(flight, record)
