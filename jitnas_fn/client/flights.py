"""What is under way: each key once, from the store's miss to the record that is kept."""

import threading
import warnings
from concurrent.futures import Executor, Future
from functools import partial

from jitnas_fn.backends.local import local
from jitnas_fn.client.control import Ask
from jitnas_fn.client.deadlines import Deadlines
from jitnas_fn.client.delivery import received, typed
from jitnas_fn.client.evaluation import Evaluation, wait_for
from jitnas_fn.client.lookups import known
from jitnas_fn.client.request import Request
from jitnas_fn.core.entry import architecture_entry
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
    ask
        Control path, None if there is none.
    deadline_seconds
        No evaluation stays open longer. [seconds]
    """

    def __init__(self, store: Store, executor: Executor | None, *, ask: Ask | None, deadline_seconds: float) -> None:
        self._store = store
        self._executor, self._own_executor = executor, executor is None
        self._ask = ask
        self._deadline_seconds = deadline_seconds
        self._deadlines = Deadlines(self._expire)
        self._lock = threading.RLock()
        self._open: dict[tuple[str, Limits], Evaluation] = {}

    def board(self, request: Request) -> Evaluation:
        """The evaluation of a request: a finished one if it is known, the open one if it is under way, else a new one."""
        place = (request.task.key, request.limits)
        with self._lock:
            evaluation = self._open.get(place)
            if evaluation is not None and not evaluation.done():
                return evaluation
            evaluation = Evaluation(request.task.key, ask=self._ask)
            record = known(self._store, request)
            if record is not None:
                evaluation.finish(record, "cache")
                return evaluation
            self._open[place] = evaluation
        evaluation.add_done_callback(partial(self._land, place))
        self._depart(request, evaluation)
        return evaluation

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

    def _depart(self, request: Request, evaluation: Evaluation) -> None:
        try:
            message = request.message()
        except JitnasError as error:
            evaluation.fail(error)
            raise
        try:
            reply = self._running_executor().submit(run_task, message)
        except Exception as error:  # noqa: BLE001  whatever a foreign executor raises must end the evaluation
            evaluation.fail(_refusal(error))
            return
        evaluation.follow(reply)
        reply.add_done_callback(partial(self._settle, request, evaluation))
        self._deadlines.add(evaluation, self._deadline_seconds)

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

    def _settle(self, request: Request, evaluation: Evaluation, reply: Future[str]) -> None:
        """Keep what came back and end the evaluation. A record that comes after its evaluation ended is kept all the same."""
        try:
            record, source = received(reply, request.task)
        except JitnasError as error:
            evaluation.fail(error)
            return
        trouble = self._kept(request, record)
        evaluation.finish(record, source)
        if trouble is not None:
            warnings.warn(f"the record of key {record.key[:12]}… could not be kept: {trouble}", RuntimeWarning, stacklevel=2)

    def _kept(self, request: Request, record: Record) -> Exception | None:
        try:
            if request.architecture is not None and self._store.document(request.architecture.fingerprint) is None:
                self._store.append(architecture_entry(request.architecture.fingerprint, request.architecture.document))
            self._store.put(record)
        except Exception as trouble:  # noqa: BLE001  a store that fails must not lose the result
            return trouble
        return None

    def _land(self, place: tuple[str, Limits], evaluation: Future[Record]) -> None:
        with self._lock:
            if self._open.get(place) is evaluation:
                del self._open[place]

    def _expire(self, evaluation: Evaluation) -> None:
        late = DeadlineExceeded(f"no record of key {evaluation.key[:12]}… within {self._deadline_seconds:g} s")
        evaluation.give_up(late)


def _refusal(error: Exception) -> JitnasError:
    """What the user is told when an executor takes no work."""
    refusal = typed(error)
    if type(refusal) is JitnasError:
        refusal = SiteUnavailable(f"the executor takes no work ({type(error).__name__}: {error})")
    refusal.__cause__ = error
    return refusal
