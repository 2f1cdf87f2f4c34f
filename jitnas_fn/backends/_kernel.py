"""One run of Parsl: what is sent to it, and that all of it ends, with the run at the latest."""

import concurrent.futures
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING, Any

from jitnas_fn.core.errors import WorkerLost

if TYPE_CHECKING:
    from parsl.dataflow.dflow import DataFlowKernel

    from jitnas_fn.backends._executor import BlockExecutor

log = logging.getLogger("jitnas_fn.parsl")
_thread = threading.local()


class Sent(Future[Any]):
    """The future of a task that was sent. Parsl cannot take it back: only the site can, over the control path."""

    def cancel(self) -> bool:
        return False


class Kernel:
    """Parsl, from its start until its blocks are given back."""

    def __init__(self, kernel: "DataFlowKernel", executor: "BlockExecutor") -> None:
        self._kernel, self._executor = kernel, executor
        self._apps: dict[Callable[..., Any], Callable[..., Any]] = {}
        self._pending: set[Sent] = set()

    @property
    def gave_up(self) -> bool:
        """Whether all tasks were ended, and none is taken any more."""
        return bool(self._executor.bad_state_is_set)

    def submit(self, fn: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]) -> Sent:
        """Run `fn` in a block."""
        sent = Sent()
        self._begin_idle_time_anew()
        reply: Future[Any] = self._app(fn)(*args, **given)
        self._pending.add(sent)
        sent.add_done_callback(self._pending.discard)
        reply.add_done_callback(lambda done: _pass_on(done, sent))
        return sent

    def wait(self) -> None:
        """Until all that was sent has ended."""
        concurrent.futures.wait(list(self._pending))

    def end(self) -> None:
        """Give the blocks back; what is pending ends too."""
        for step in (self._kernel.cleanup, self._executor.give_back):
            try:
                step()
            except Exception:
                log.exception("Parsl did not end as it should")
        for sent in list(self._pending):  # nobody will bring their results any more
            self._fail(sent)

    def end_apart(self) -> None:
        """Do so in a thread of its own: Parsl waits for its threads, and one of them may be asking for this."""
        threading.Thread(target=self.end, name="jitnas-end").start()

    def _fail(self, sent: Sent) -> None:
        reason = self._executor.executor_exception
        if reason is None:
            _tell(sent, WorkerLost("the executor was shut down before this was trained: make a new one and ask again"))
        else:
            from jitnas_fn.backends._failures import typed

            _tell(sent, typed(reason))

    def _app(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """What Parsl makes of a function, made once."""
        if fn not in self._apps:
            from parsl.app.python import PythonApp

            app = PythonApp(fn, data_flow_kernel=self._kernel, executors="all")  # type: ignore[no-untyped-call]
            self._apps[fn] = app
        return self._apps[fn]

    def _begin_idle_time_anew(self) -> None:
        """Tell Parsl that its blocks have work: of tasks that come and go between two of its looks it knows nothing."""
        for state in self._kernel.job_status_poller._strategy.executors.values():
            state["idle_since"] = time.time()


def is_calling_back() -> bool:
    """Whether this thread is running what somebody wants done after a task: it cannot wait for the threads of Parsl."""
    return getattr(_thread, "is_calling_back", False)


@contextlib.contextmanager
def _calling_back() -> Iterator[None]:
    before, _thread.is_calling_back = is_calling_back(), True
    try:
        yield
    finally:
        _thread.is_calling_back = before


def _tell(sent: Sent, failure: BaseException) -> None:
    with _calling_back(), contextlib.suppress(InvalidStateError):  # the run ended meanwhile
        sent.set_exception(failure)


def _pass_on(done: "Future[Any]", sent: Sent) -> None:
    failure = done.exception()
    if failure is None:
        with _calling_back(), contextlib.suppress(InvalidStateError):
            sent.set_result(done.result())
        return
    log.info("a task was lost: %s: %s", type(failure).__name__, failure)
    try:
        from jitnas_fn.backends._failures import typed

        failure = typed(failure)
    finally:
        _tell(sent, failure)
