"""Tasks that were sent and of which nothing more is heard: their answer, or the worker, may be lost without a word."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor

from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.flight import Flight
from jitnas_fn.client.inquiry import Inquiry
from jitnas_fn.client.lookups import fitting
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import WorkerLost
from jitnas_fn.core.later import Later
from jitnas_fn.core.record import Record

CHECK_SECONDS = 60.0
MISSES = 2  # checks in a row at which nobody trains what somebody trained before


class Liveness:
    """Looks at the site once a minute for every task that is under way.

    Parameters
    ----------
    control
        Asks the site.
    later
        Runs what is due.
    arrive
        Takes a flight and the record that the site has of it, though no answer brought it.
    end
        Takes a flight and what the site says of it; whether that is the answer of its run, which nothing brought.
    lose
        Takes a flight that somebody trained and nobody trains any more, and the error that says so.
    """

    def __init__(
        self,
        control: Executor,
        *,
        later: Later,
        arrive: Callable[[Flight, Record], None],
        end: Callable[[Flight, Json], bool],
        lose: Callable[[Flight, WorkerLost], None],
    ) -> None:
        self._control, self._later, self._arrive, self._end, self._lose = control, later, arrive, end, lose
        self._inquiry = Inquiry(later, self._take)
        self._lock = threading.Lock()
        self._flights: dict[Evaluation, Flight] = {}
        self._misses: dict[Evaluation, int] = {}  # of those that somebody was seen to train
        self._asking = False

    def add(self, flight: Flight) -> None:
        """Look after one more, which was sent just now."""
        with self._lock:
            self._flights[flight.evaluation] = flight
            self._misses.pop(flight.evaluation, None)
            if not self._asking:
                self._asking = True
                self._later.call(self._ask, CHECK_SECONDS)

    def _ask(self) -> None:
        with self._lock:
            self._flights = {one: flight for one, flight in self._flights.items() if not one.done()}
            self._misses = {one: count for one, count in self._misses.items() if one in self._flights}
            flights, self._asking = list(self._flights.values()), bool(self._flights)
        if flights:
            try:
                self._inquiry.ask_after(flights, self._control)
            finally:
                self._later.call(self._ask, CHECK_SECONDS)

    def _take(self, flight: Flight, answer: Json) -> None:
        record = fitting(answer, flight.request)
        if record is not None:
            self._arrive(flight, record)
        elif not self._end(flight, answer) and self._is_lost(flight, at_work=_is_at_work(answer)):
            self._lose(flight, WorkerLost("the site trained it, and nobody trains it any more, nor is there a record"))

    def _is_lost(self, flight: Flight, *, at_work: bool) -> bool:
        one = flight.evaluation
        with self._lock:
            if at_work:
                self._misses[one] = 0
            elif one in self._misses:
                self._misses[one] += 1
                if self._misses[one] >= MISSES:
                    del self._misses[one]
                    return True
        return False


def _is_at_work(answer: Json) -> bool:
    """Whether the site says that somebody trains the key, not that somebody waits for it to be trained."""
    held = answer.get("in_flight")
    return isinstance(held, dict) and not held.get("queued")
