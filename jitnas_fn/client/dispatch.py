"""The way of one task: sent, lost and sent again, trained by somebody else, answered, kept; and too late."""

import threading
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial

from jitnas_fn.backends.local import local
from jitnas_fn.client.control import Ask
from jitnas_fn.client.delivery import found_in, received, typed
from jitnas_fn.client.elsewhere import Elsewhere
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.client.first_look import FirstLook
from jitnas_fn.client.flight import Flight
from jitnas_fn.client.liveness import Liveness
from jitnas_fn.client.lookups import fitting, keep
from jitnas_fn.client.losses import pause_after
from jitnas_fn.client.stopping import stop_work
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DeadlineExceeded, JitnasError, SiteUnavailable
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.later import Later
from jitnas_fn.core.record import Record
from jitnas_fn.worker.entry import run_task


class Dispatch:
    """Takes every flight to its end.

    Parameters
    ----------
    store
        Where records are kept.
    executor
        Runs `run_task`; None for one of our own on this machine, made at the first miss.
    control
        Executor of the control path: asked for a record before a training is asked for, and after what is under way. None if
        there is none.
    ask
        Control path by which work is stopped, None if there is none.
    deadline_seconds
        No evaluation stays open longer. [seconds]
    """

    def __init__(
        self, store: Store, executor: Executor | None, *, control: Executor | None, ask: Ask | None, deadline_seconds: float
    ) -> None:
        self._store, self._ask, self._deadline_seconds = store, ask, deadline_seconds
        self.executor, self._own_executor = executor, executor is None
        self._lock = threading.RLock()
        # Each in a thread of its own: what a site answers may take long to take in, or to stop, and a deadline may not wait.
        self._deadlines, self._later, self._stops = map(Later, ("jitnas-deadlines", "jitnas-later", "jitnas-stops"))
        self._to_stop: list[Evaluation] = []
        self._first_look = None if control is None else FirstLook(control, later=self._later)
        self._elsewhere = Elsewhere(
            lambda: control or self._running_executor(),
            later=self._later,
            arrive=partial(self._arrive, source="shared"),
            depart=self._depart,
        )
        self._liveness: Liveness | None = None
        if control is not None:
            self._liveness = Liveness(
                control,
                later=self._later,
                arrive=partial(self._arrive, source="shared"),
                end=self._take_end,
                lose=partial(self._try_again, by_executor=True),
            )

    def send(self, flight: Flight) -> None:
        """Ask the site for a record, or for a training if it has none. Whatever happens, the evaluation ends in time."""
        evaluation = flight.evaluation
        try:
            due = self._deadlines.call(partial(self._expire, evaluation), self._deadline_seconds)
            evaluation.add_done_callback(lambda _: self._deadlines.forget(due))
            if self._first_look is None or flight.request.architecture is None:  # nobody else has a record of an opaque model
                self._depart(flight)
            else:
                self._first_look.ask(flight, then=partial(self._told, flight))
        except BaseException as error:
            self._give_up(evaluation, _refusal(error))
            raise

    def end_executor(self) -> None:
        """End the executor that is our own."""
        with self._lock:
            if self._own_executor and self.executor is not None:
                self.executor.shutdown(wait=False, cancel_futures=True)
                self.executor = None

    def _running_executor(self) -> Executor:
        with self._lock:
            if self.executor is None:
                self.executor = local()
            return self.executor

    def _told(self, flight: Flight, answer: Json | None) -> None:
        """Take what the site knows; wait for who has it trained; train if there is nobody."""
        record = fitting(answer, flight.request)
        if record is not None:
            self._arrive(flight, record, source="shared")
        elif self._take_end(flight, answer):
            return
        elif answer is not None and answer.get("in_flight"):
            self._elsewhere.add(flight)
        else:
            self._depart(flight)

    def _depart(self, flight: Flight) -> None:
        """Ask the executor. Whatever it does, the evaluation ends; only what is no `Exception`, such as ctrl-C, goes on."""
        if flight.evaluation.done():
            return
        try:
            reply = self._running_executor().submit(run_task, flight.ticket.message)
            _check_reply(reply)
            flight.evaluation.follow(reply)
            if flight.evaluation.done():  # meanwhile
                self._stop(flight.evaluation)
            if self._liveness is not None:
                self._liveness.add(flight)
            reply.add_done_callback(partial(self._settle, flight))
        except BaseException as error:
            self._give_up(flight.evaluation, _refusal(error))
            if not isinstance(error, Exception):
                raise

    def _settle(self, flight: Flight, reply: Future[str]) -> None:
        """Keep what came back and end the evaluation. A record that comes after its evaluation ended is kept all the same."""
        try:
            found = received(reply, flight.request.task)
        except Exception as error:  # noqa: BLE001  what a site answers may be anything
            self._lose(flight, typed(error), reply)
            return
        if found is None:
            self._elsewhere.add(flight)
        else:
            self._arrive(flight, found[0], source=found[1])

    def _take_end(self, flight: Flight, answer: Json | None) -> bool:
        """Take what a site says of a run that has ended, though nothing brought its answer; whether it says that."""
        ended = None if answer is None else answer.get("ended")
        if not isinstance(ended, dict):
            return False
        try:
            found = found_in(ended, flight.request.task)
        except Exception as error:  # noqa: BLE001  what a site answers may be anything
            if isinstance(ended.get("error"), dict):
                flight.evaluation.fail(typed(error))
                flight.evaluation.withdraw()
            return isinstance(ended.get("error"), dict)
        if found is None or not found[0].answers(flight.request.limits):
            return False
        self._arrive(flight, found[0], source=found[1])
        return True

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

    def _arrive(self, flight: Flight, record: Record, *, source: str) -> None:
        try:
            keep(self._store, flight.request, record)
        finally:
            flight.evaluation.finish(record, source)
            flight.evaluation.withdraw()  # where it came by another way, nobody waits for the answer any more

    def _expire(self, evaluation: Evaluation) -> None:
        late = DeadlineExceeded(f"no record of key {evaluation.key[:12]}… within {self._deadline_seconds:g} s")
        self._give_up(evaluation, late)

    def _give_up(self, evaluation: Evaluation, error: JitnasError) -> None:
        evaluation.stopped = evaluation.was_sent()
        if evaluation.fail(error):
            self._stop(evaluation)

    def _stop(self, evaluation: Evaluation) -> None:
        """Withdraw the work behind what ended; if it may have begun, have it stopped together with whatever else ends now."""
        if not evaluation.withdraw():
            return
        with self._lock:
            self._to_stop.append(evaluation)
            if len(self._to_stop) == 1:
                self._stops.call(self._stop_all)

    def _stop_all(self) -> None:
        with self._lock:
            ended, self._to_stop = self._to_stop, []
        stop_work(ended, self._ask)


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
