"""What is under way: each key once, from the store's miss to the record that is kept."""

import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from functools import partial
from typing import cast

from jitnas_fn.client.control import Ask
from jitnas_fn.client.dispatch import Dispatch
from jitnas_fn.client.evaluation import Evaluation, wait_for
from jitnas_fn.client.flight import Flight, Ticket, ticket_from, ticket_of
from jitnas_fn.client.journal import Journal
from jitnas_fn.client.ledger import Ledger
from jitnas_fn.client.lookups import known
from jitnas_fn.client.outlook import Outlook
from jitnas_fn.client.request import Request
from jitnas_fn.client.stopping import stop_work
from jitnas_fn.core.collector import without_collector
from jitnas_fn.core.errors import JitnasError, NotAllowed, SiteUnavailable, WorkerLost
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits


class Flights:
    """The evaluations of one client that are not done yet.

    Parameters
    ----------
    store
        Where records are looked up and kept.
    executor
        Runs `run_task`; None for one of our own on this machine.
    control
        Executor of the control path, None if there is none.
    ask
        Control path for status and cancel, None if there is none.
    ledger
        Where questions are counted, None if they are not.
    journal
        Where is kept what is under way, for a later process; None if nothing is.
    deadline_seconds
        No evaluation stays open longer. [seconds]
    """

    def __init__(
        self,
        store: Store,
        executor: Executor | None,
        *,
        control: Executor | None,
        ask: Ask | None,
        ledger: Ledger | None,
        journal: Journal | None,
        deadline_seconds: float,
    ) -> None:
        self._store, self._ask, self._ledger, self._journal = store, ask, ledger, journal
        self._dispatch = Dispatch(store, executor, control=control, ask=ask, deadline_seconds=deadline_seconds)
        self._lock = threading.RLock()
        self._open: dict[tuple[str, Limits], Evaluation] = {}
        self._lost: dict[tuple[str, Limits], str] = {}  # runs that were lost, and go on when they are asked for again

    def __len__(self) -> int:
        return len(self._open)

    def board(self, requests: Sequence[Request]) -> list[Evaluation]:
        """The evaluation of each request: a finished one if it is known, the open one if it is under way, else a new one.

        All messages are built before the first is sent, so that one that is too large raises before anything is under way.
        """
        with without_collector():
            found = [self._found(request) for request in requests]
        missed = [request for request, evaluation in zip(requests, found, strict=True) if evaluation is None]
        tickets = {request.place: ticket_of(request, lost=self._lost.get(request.place)) for request in missed}
        self._note([evaluation for evaluation in found if evaluation is not None], missed)
        return [evaluation or self._begun(tickets[request.place]) for request, evaluation in zip(requests, found, strict=True)]

    def _note(self, found: list[Evaluation], missed: list[Request]) -> None:
        """Count questions. What is under way already is neither a hit nor a miss, and nothing knows of an opaque model."""
        if self._ledger is not None:
            hits = [evaluation.result() for evaluation in found if evaluation.source == "cache"]
            keys = dict.fromkeys(request.task.key for request in missed if request.architecture is not None)
            self._ledger.note(hits=hits, misses=list(keys))

    def attach(self) -> list[Evaluation]:
        """The evaluations that processes which are gone have left; what cannot be taken up any more is told of in a warning."""
        left = [] if self._journal is None else self._journal.taken_up()
        found = []
        for one in left:
            try:
                ticket = ticket_from(one.run, one.message)
            except JitnasError as reason:
                warnings.warn(f"run {one.run[:8]}… cannot be taken up: {reason}", UserWarning, stacklevel=3)
                self._ended(one.run)
                continue
            found.append(self._begun(ticket))  # what this raises, such as a login that is missing, ends none of them
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Wait for everything under way, and end the executor that is our own."""
        wait_for(self._under_way())
        self._dispatch.end_executor()

    def stop(self) -> None:
        """Cancel everything under way, and end the executor that is our own."""
        stop_work([evaluation for evaluation in self._under_way() if evaluation.call_off()], self._ask)
        self._dispatch.end_executor()

    def _under_way(self) -> list[Evaluation]:
        with self._lock:
            return list(self._open.values())

    def _found(self, request: Request) -> Evaluation | None:
        """The evaluation of what is under way or in the store. In this order: a record is kept before its flight ends."""
        with self._lock:
            evaluation = self._open.get(request.place)
        if evaluation is not None and not evaluation.done():
            return evaluation
        record = known(self._store, request)
        if record is None:
            return None
        evaluation = Evaluation(request.task.key, ask=self._ask)
        evaluation.finish(record, "cache")
        return evaluation

    def _begun(self, ticket: Ticket) -> Evaluation:
        """A new evaluation, under way; or the one that another thread has begun meanwhile."""
        request = ticket.request
        with self._lock:
            found = self._found(request)
            if found is not None:
                if found.run != ticket.run:
                    self._ended(ticket.run)
                return found
            outlook = Outlook(request, store=self._store, ahead=self._ahead_of, executor=lambda: self._dispatch.executor)
            evaluation = Evaluation(request.task.key, ask=self._ask, run=ticket.run, outlook=outlook)
            self._open[request.place] = evaluation
        evaluation.add_done_callback(partial(self._land, request.place))
        try:
            if self._journal is not None:
                self._journal.begin(ticket.run, ticket.message)
            self._dispatch.send(Flight(ticket, evaluation))
        except BaseException as error:  # such as ctrl-C: what was not sent is not under way
            evaluation.fail(SiteUnavailable(f"this was not sent: {type(error).__name__}"))
            raise
        return evaluation

    def _ahead_of(self, evaluation: Evaluation) -> int:
        """How many that are not done were sent before one."""
        under_way = self._under_way()
        return under_way.index(evaluation) if evaluation in under_way else 0

    def _land(self, place: tuple[str, Limits], evaluation: Future[Record]) -> None:
        landed = cast("Evaluation", evaluation)
        lost = landed.run if _is_lost(landed) else None
        with self._lock:
            if self._open.get(place) is evaluation:
                del self._open[place]
            earlier = self._lost.pop(place, None)
            if lost is not None:
                self._lost[place] = lost
        for ended in {landed.run, earlier} - {lost}:
            self._ended(ended)

    def _ended(self, run: str | None) -> None:
        if self._journal is not None and run is not None:
            self._journal.end(run)


def _is_lost(evaluation: Evaluation) -> bool:
    """Whether it ended with an error after which its run may go on: asked for again, here or by a later process."""
    if evaluation.cancelled() or evaluation.stopped:
        return False
    return isinstance(evaluation.exception(), (NotAllowed, SiteUnavailable, WorkerLost))
