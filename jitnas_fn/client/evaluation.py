"""The future that `submit` returns."""

import contextlib
import html
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, wait
from typing import Protocol

from jitnas_fn.client.control import Ask, Item, told
from jitnas_fn.client.eta import Eta
from jitnas_fn.client.status import Status, pending
from jitnas_fn.client.stopping import stop_work
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import Cancelled, JitnasError
from jitnas_fn.core.forecast import About
from jitnas_fn.core.record import Record

INTERRUPTIBLE_SECONDS = 0.5  # a wait without a bound cannot be interrupted by ctrl-C on Windows


class Outlook(Protocol):
    """What an evaluation's `eta` is judged by."""

    @property
    def about(self) -> About:
        """What of the task says how long it takes."""

    def eta(self, evaluation: "Evaluation", status: Status, answer: Json) -> Eta | None:
        """The estimate for one that is not done; `answer` is the site's, empty if there was none."""


class EvaluationCancelled(Cancelled, CancelledError):
    """The evaluation was cancelled through its own `cancel()`: an error of ours and the one of `concurrent.futures`."""


class Evaluation(Future[Record]):
    """A `concurrent.futures.Future` for one record; `as_completed`, `wait` and callbacks work.

    Two calls that ask one client for the same key while it is being trained get the same object.

    Parameters
    ----------
    key
        The task's key.
    ask
        Control path for status and cancel, None if there is none.
    run
        Token of the run that the message to the worker names; None if it names none.
    outlook
        What its `eta` is judged by; None if it has none.

    Attributes
    ----------
    key
        The task's key; `opaque-<uuid>` for a model that was trained without one.
    source
        "cache" (the client's store), "shared" (the site's store) or "trained"; None while it is not known.
    run
        By which status and cancel tell this training from others of the same key; None for any run of the key.
    """

    def __init__(self, key: str, *, ask: Ask | None = None, run: str | None = None, outlook: Outlook | None = None) -> None:
        super().__init__()
        self.key = key
        self.source: str | None = None
        self.run = run
        self._ask, self._outlook = ask, outlook
        self._reply: Future[str] | None = None
        self.stopped = False  # for the client: its work is told to stop, so that its run cannot go on
        self._ended = self._elsewhere = False
        self._lock = threading.Lock()

    def result(self, timeout: float | None = None) -> Record:
        """Wait for the record.

        Parameters
        ----------
        timeout
            Longest wait, None for as long as it takes. [seconds]

        Raises
        ------
        TimeoutError
            If it is not there by then; the training goes on.
        JitnasError
            If the training failed, was lost, cancelled or past its deadline.
        """
        try:
            return super().result(timeout)
        except CancelledError:
            raise EvaluationCancelled(f"the evaluation of key {self.key[:12]}… was cancelled") from None

    def running(self) -> bool:
        """Whether the executor has started it."""
        return not self.done() and self._reply is not None and self._reply.running()

    def status(self) -> Status:
        """Where it stands now: asked over the control path where there is one, else what the future itself knows."""
        answer = self._answer()
        return self._end() if self.done() else self._standing(answer)

    @property
    def eta(self) -> Eta | None:
        """When it should be done, judged by what earlier trainings at the site took; None where nothing is known of any.

        Asked anew each time, over the control path where there is one. 0 s for what is done.
        """
        return self._status_and_eta()[1]

    def _status_and_eta(self) -> tuple[Status, Eta | None]:
        """Both, of one answer."""
        answer = None if self.done() else self._answer(None if self._outlook is None else self._outlook.about)
        if self.done():
            return self._end(), Eta.over()
        status = self._standing(answer)
        return status, None if self._outlook is None else self._outlook.eta(self, status, answer or {})

    def _answer(self, about: About | None = None) -> Json | None:
        """What the site says of it; None if it is not asked or does not answer."""
        run = None if self._elsewhere else self.run
        if self.done() or self._reply is None:
            return None
        return told(self._ask, "status", Item(self.key, run, about))

    def _standing(self, answer: Json | None) -> Status:
        """Where it stands, not done yet, by what the site says."""
        if answer is not None and answer.get("state") not in ("unknown", "done"):
            return Status.from_answer(answer)
        if self._elsewhere:
            return Status(state="in flight", reason="somebody else has it trained")
        if self.running():
            return Status(state="training")
        if answer is None and self._ask is not None and self._reply is not None:
            return Status(state="queued", reason="the site does not answer")
        return pending(answer.get("blocks") if answer else None)

    def _repr_html_(self) -> str:
        """For a notebook: the key, where it stands now, and when it should be done."""
        status, eta = self._status_and_eta()
        due = "" if eta is None or not eta.high else f" <span>{html.escape(str(eta))}</span>"
        return f"<code>{html.escape(self.key[:12])}…</code> {status._repr_html_()}{due}"

    def cancel(self) -> bool:
        """Withdraw what is queued, stop what is running.

        Returns
        -------
        bool
            Whether it is cancelled. False if it was done before, or is running where no control path leads.
        """
        called_off = self.call_off()
        if called_off:
            stop_work([self], self._ask)
        return called_off or self.cancelled()

    def call_off(self) -> bool:
        """For the client: end as cancelled, without a word to who does the work; whether it did so now."""
        if self.done() or (self.running() and self._ask is None) or not self._claim():
            return False
        super().cancel()
        self.set_running_or_notify_cancel()
        return True

    def follow(self, reply: Future[str]) -> None:
        """For the client: `reply` is the work behind this evaluation from now on; nobody waits for an earlier one."""
        earlier, self._reply, self._elsewhere = self._reply, reply, False
        if earlier is not None:
            with contextlib.suppress(Exception):  # Parsl's own futures raise
                earlier.cancel()

    def follows(self, reply: Future[str]) -> bool:
        """For the client: whether this is the work behind this evaluation now; not if it was sent again meanwhile."""
        return self._reply is reply

    def wait_for_another(self) -> None:
        """For the client: somebody else has this key trained, and the record will come from there."""
        self._elsewhere = True

    def finish(self, record: Record, source: str) -> None:
        """For the client: end with a record, unless this has ended already."""
        if self._claim():
            self.source = source
            self.set_result(record)

    def fail(self, error: JitnasError) -> bool:
        """For the client: end with an error, unless this has ended already; whether it did so now."""
        first = self._claim()
        if first:
            self.set_exception(error)
        return first

    @property
    def item(self) -> Item:
        """For the client: what the site knows it by."""
        return Item(self.key, self.run)

    def withdraw(self) -> bool:
        """For the client: take back what is queued; whether the site has to be told, since it may have begun."""
        try:
            return self._reply is not None and not self._reply.cancel()
        except Exception:  # noqa: BLE001  Parsl's own futures raise
            return True

    def was_sent(self) -> bool:
        """For the client: whether anything of it may have begun."""
        return self._reply is not None

    def is_answered(self) -> bool:
        """For the client: whether nothing of it can begin any more."""
        return self._reply is None or self._reply.done()

    def _end(self) -> Status:
        if self.cancelled():
            return Status(state="cancelled")
        error = self.exception()
        if error is not None:
            return Status(state="failed", reason=f"{type(error).__name__}: {error}"[:400])
        record = super().result()
        epochs = max((len(series) for curves in record.curves.values() for series in curves.values()), default=0)
        return Status(state="done", reason=self.source, epoch=epochs, epochs=epochs, metrics=record.metrics)

    def _claim(self) -> bool:
        """Whether the caller is the first, and so the one, to end this evaluation."""
        with self._lock:
            first, self._ended = not self._ended, True
        return first


def awaited(evaluation: Evaluation) -> Record:
    """The record of an evaluation; ctrl-C cancels it, on every system."""
    try:
        wait_for([evaluation])
    except KeyboardInterrupt:
        evaluation.cancel()
        raise
    return evaluation.result()


def wait_for(evaluations: Sequence[Evaluation]) -> None:
    """Return once all are done; ctrl-C ends the wait, on every system."""
    while wait(evaluations, timeout=INTERRUPTIBLE_SECONDS).not_done:
        pass
