"""One message to an endpoint, and the future of its answer. It is ours: it lives on when what carries it dies."""

import contextlib
import hashlib
import logging
import threading
import time
from concurrent.futures import Future, InvalidStateError

from jitnas_fn.core.errors import JitnasError

log = logging.getLogger("jitnas_fn.globus")


class Letter(Future[str]):
    """A message under way.

    Attributes
    ----------
    text
        JSON text.
    size
        What it takes in a request to the service. [bytes]
    tries
        How often it was handed over.
    losses
        How often it was lost after the service had accepted it.
    unwanted
        Whether nobody waits for its answer any more, which may come all the same.
    left
        Whether it ended with its executor, while the endpoint may still have it.
    task
        The service's id of the latest time, once that accepted it.
    """

    def __init__(self, text: str, size: int) -> None:
        super().__init__()
        self.text, self.size = text, size
        self.tries = self.losses = 0
        self.unwanted = False
        self.task: str | None = None
        self.left = False
        self._accepted = 0.0
        self._notifying, self._is_notified = threading.Lock(), False
        self._waiting = time.monotonic()
        self._not_started: float | None = None

    @property
    def waited_seconds(self) -> float:
        """For how long it waits to be accepted, since it was written or lost. [s]."""
        return time.monotonic() - self._waiting

    @property
    def digest(self) -> str:
        """What it is known by on disk."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]

    @property
    def age_seconds(self) -> float:
        """Since the service accepted it. [s]."""
        return time.monotonic() - self._accepted

    def running(self) -> bool:
        """Never: whether it has begun, only the site knows."""
        return False

    def cancel(self) -> bool:
        """Withdraw it; False if it may be with the service already, and then nobody waits for its answer any more."""
        self.unwanted = True
        return super().cancel() and not self._notify()

    def hand_over(self) -> bool:
        """Mark it as on its way, so that it cannot be cancelled any more; False if it is done, or was cancelled."""
        if self.done() or not self._notify():
            return False
        self.tries += 1
        return True

    def _notify(self) -> bool:
        """Tell who waits that it runs, or was cancelled, once; whether it runs."""
        with self._notifying:
            if not self._is_notified:
                self._is_notified = True
                self.set_running_or_notify_cancel()
        return not self.cancelled()

    def lose(self) -> bool:
        """Note that it has to be sent again, for a process that had it is gone; False if it is on its way, or done."""
        if not self.take_back():
            return False
        self.losses += 1
        self._not_started = None
        return True

    def take_back(self) -> bool:
        """The same of one that no process had."""
        if self.task is None or self.done():
            return False
        self.task, self._waiting = None, time.monotonic()
        return True

    def starts_in_vain(self) -> float:
        """Note that the endpoint could not start the process for it; for how long that has been so, since it had one. [s]."""
        if self._not_started is None:
            self._not_started = time.monotonic()
        return time.monotonic() - self._not_started

    def accept(self, task: str, *, age_seconds: float = 0.0) -> None:
        """Note that the service has it, under this id, and for how long."""
        self.task, self._accepted = task, time.monotonic() - age_seconds

    def answer(self, text: object) -> None:
        """End with what came back, unless it has ended already: whoever is first answers."""
        with contextlib.suppress(InvalidStateError):
            if isinstance(text, str):
                self.set_result(text)
            else:
                self.set_exception(JitnasError(f"the endpoint answered with {type(text).__name__}, not with text"))

    def fail(self, error: JitnasError) -> None:
        """End with an error, unless it has ended already."""
        with contextlib.suppress(InvalidStateError):
            try:
                self.set_exception(error)
            except SystemExit:  # of a callback of somebody's; whoever fails letters has more of them
                log.exception("what was to be done with a failure ended in a SystemExit")
