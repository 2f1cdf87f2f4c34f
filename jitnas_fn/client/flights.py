"""What is under way: each key once, from the store's miss to the record that is kept."""

import threading
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial

from jitnas_fn.backends.local import local
from jitnas_fn.client.control import Ask
from jitnas_fn.client.deadlines import Deadlines
from jitnas_fn.client.delivery import received, typed
from jitnas_fn.client.elsewhere import Elsewhere
from jitnas_fn.client.evaluation import Evaluation, wait_for
from jitnas_fn.client.flight import Flight, Ticket, ticket_of
from jitnas_fn.client.later import Later
from jitnas_fn.client.ledger import Ledger
from jitnas_fn.client.liveness import Liveness
from jitnas_fn.client.lookups import Inquiries, keep, known
from jitnas_fn.client.losses import pause_after
from jitnas_fn.client.outlook import Outlook
from jitnas_fn.client.request import Request
from jitnas_fn.core.collector import without_collector
from jitnas_fn.core.errors import DeadlineExceeded, JitnasError, SiteUnavailable
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits
from jitnas_fn.worker.entry import run_task


class Flights:
    """The evaluations of one client that are not done yet.

    Parameters
    ----------
    store
        Where records are looked up and kept.
    executor
        Runs `run_task`; None for one of our own on this machine, made at the first miss.
    control
        Executor of the control path, by which a record is looked up that somebody else trains; None to use `executor`.
    ask
        Control path for status and cancel, None if there is none.
    inquiries
        Asks the site for records before it is asked for a training, None if there is no way to.
    ledger
        Where questions are counted, None if they are not.
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
        inquiries: Inquiries | None,
        ledger: Ledger | None,
        deadline_seconds: float,
    ) -> None:
        self._store = store
        self._executor, self._own_executor = executor, executor is None
        self._ask, self._inquiries, self._ledger = ask, inquiries, ledger
        self._deadline_seconds = deadline_seconds
        self._deadlines, self._later = Deadlines(self._expire), Later()
        self._elsewhere = Elsewhere(
            lambda: control or self._running_executor(),
            later=self._later,
            arrive=lambda flight, record: self._arrive(flight, record=record, source="shared"),
            depart=self._depart,
        )
        self._liveness: Liveness | None = None
        if control is not None:
            self._liveness = Liveness(
                control,
                later=self._later,
                arrive=lambda flight, record: self._arrive(flight, record=record, source="shared"),
                lose=lambda flight, error: self._try_again(flight, error, by_executor=True),
            )
        self._lock = threading.RLock()
        self._open: dict[tuple[str, Limits], Evaluation] = {}

    def board(self, requests: Sequence[Request]) -> list[Evaluation]:
        """The evaluation of each request: a finished one if it is known, the open one if it is under way, else a new one.

        All messages are built before the first is sent, so that one that is too large raises before anything is under way.
        """
        with without_collector():
            found = [self._found(request) for request in requests]
        missed = [request for request, evaluation in zip(requests, found, strict=True) if evaluation is None]
        tickets = {request.place: ticket_of(request) for request in missed}
        self._note([evaluation for evaluation in found if evaluation is not None], missed)
        return [evaluation or self._begun(tickets[request.place]) for request, evaluation in zip(requests, found, strict=True)]

    def _note(self, found: list[Evaluation], missed: list[Request]) -> None:
        """Count questions. What is under way already is neither a hit nor a miss, and nothing knows of an opaque model."""
        if self._ledger is not None:
            hits = [evaluation.result() for evaluation in found if evaluation.source == "cache"]
            keys = dict.fromkeys(request.task.key for request in missed if request.architecture is not None)
            self._ledger.note(hits=hits, misses=list(keys))

    def close(self) -> None:
        """Wait for everything under way, and end the executor that is our own."""
        wait_for(self._under_way())
        self._end_executor()

    def stop(self) -> None:
        """Cancel everything under way, and end the executor that is our own."""
        for evaluation in self._under_way():
            evaluation.cancel()
        self._end_executor()

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
                return found
            outlook = Outlook(request, store=self._store, ahead=self._ahead_of, executor=lambda: self._executor)
            evaluation = Evaluation(request.task.key, ask=self._ask, run=ticket.run, outlook=outlook)
            self._open[request.place] = evaluation
        flight = Flight(ticket, evaluation)
        try:
            evaluation.add_done_callback(partial(self._land, request.place))
            self._deadlines.add(evaluation, self._deadline_seconds)
            if self._inquiries is None or request.architecture is None:  # nobody else has a record of an opaque model
                self._depart(flight)
            else:
                self._inquiries.ask(request, then=partial(self._told, flight))
        except BaseException as error:
            evaluation.give_up(_refusal(error))
            raise
        return evaluation

    def _ahead_of(self, evaluation: Evaluation) -> int:
        """How many that are not done were sent before one."""
        under_way = self._under_way()
        return under_way.index(evaluation) if evaluation in under_way else 0

    def _told(self, flight: Flight, record: Record | None) -> None:
        """Take what the site knows; train if it knows nothing."""
        if record is None:
            self._depart(flight)
        else:
            self._arrive(flight, record=record, source="shared")

    def _depart(self, flight: Flight) -> None:
        """Ask the executor. Whatever it does, the evaluation ends; only what is no `Exception`, such as ctrl-C, goes on."""
        if flight.evaluation.done():
            return
        try:
            reply = self._running_executor().submit(run_task, flight.ticket.message)
            _check_reply(reply)
            flight.evaluation.follow(reply)
            if self._liveness is not None and flight.request.architecture is not None:
                self._liveness.add(flight)
            reply.add_done_callback(partial(self._settle, flight))
        except BaseException as error:
            flight.evaluation.give_up(_refusal(error))
            if not isinstance(error, Exception):
                raise

    def _running_executor(self) -> Executor:
        with self._lock:
            if self._executor is None:
                self._executor = local()
            return self._executor

    def _end_executor(self) -> None:
        with self._lock:
            if self._own_executor and self._executor is not None:
                self._executor.shutdown(wait=False, cancel_futures=True)
                self._executor = None

    def _settle(self, flight: Flight, reply: Future[str]) -> None:
        """Keep what came back and end the evaluation. A record that comes after its evaluation ended is kept all the same."""
        try:
            found = received(reply, flight.request.task)
        except JitnasError as error:
            self._lose(flight, error, reply)
            return
        if found is None:
            self._elsewhere.add(flight)
        else:
            self._arrive(flight, record=found[0], source=found[1])

    def _lose(self, flight: Flight, error: JitnasError, reply: Future[str]) -> None:
        """Take an error for an answer. That of a message which was sent again meanwhile says nothing any more."""
        if not flight.evaluation.follows(reply):
            return
        if reply.cancelled() or isinstance(reply.exception(), BrokenExecutor):  # this executor is of no use any more
            flight.evaluation.fail(error)
        else:
            self._try_again(flight, error, by_executor=reply.exception() is not None)

    def _try_again(self, flight: Flight, error: JitnasError, *, by_executor: bool) -> None:
        """Send a task again that was lost, as often as it is worth it; else end its evaluation."""
        pause = None
        if not flight.evaluation.done():
            pause = pause_after(error, flight.losses, key=flight.evaluation.key, by_executor=by_executor)
        if pause is None:
            flight.evaluation.fail(error)
        else:
            self._later.call(partial(self._depart, flight), pause)

    def _arrive(self, flight: Flight, *, record: Record, source: str) -> None:
        try:
            keep(self._store, flight.request, record)
        finally:
            flight.evaluation.finish(record, source)

    def _land(self, place: tuple[str, Limits], evaluation: Future[Record]) -> None:
        with self._lock:
            if self._open.get(place) is evaluation:
                del self._open[place]

    def _expire(self, evaluation: Evaluation) -> None:
        late = DeadlineExceeded(f"no record of key {evaluation.key[:12]}… within {self._deadline_seconds:g} s")
        evaluation.give_up(late)


def _check_reply(reply: object) -> None:
    if not isinstance(reply, Future):
        raise SiteUnavailable(f"submit of the executor answers with a concurrent.futures.Future, not {type(reply).__name__}")


def _refusal(error: BaseException) -> JitnasError:
    """What the user is told when an executor takes no work."""
    refusal = typed(error)
    if type(refusal) is JitnasError:
        refusal = SiteUnavailable(f"the executor takes no work ({type(error).__name__}: {error})")
    if refusal is not error:
        refusal.__cause__ = error
    return refusal
