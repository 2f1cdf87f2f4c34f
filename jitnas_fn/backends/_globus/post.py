"""The way to one user endpoint and back: letters go by the outbox, and end by their answers, whichever way these come."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, cast

from jitnas_fn.backends._globus import failures
from jitnas_fn.backends._globus.adrift import Adrift
from jitnas_fn.backends._globus.letter import Letter
from jitnas_fn.backends._globus.outbox import Outbox
from jitnas_fn.backends._globus.pace import Pace
from jitnas_fn.backends._globus.service import Service
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import Cancelled, WorkerLost
from jitnas_fn.core.later import Later

log = logging.getLogger("jitnas_fn.globus")
MOST_LOSSES = 20  # of a message by the endpoint, before the client is told: one that lives may be taken for lost
LOOK_SECONDS = 0.5  # how often is looked whether somebody still waits
START_PAUSE_SECONDS = 10.0  # before a message is sent again for which the endpoint could not start its process

Accepted = Callable[[Sequence[Letter]], None]


class Post:
    """The way to one user endpoint.

    Parameters
    ----------
    service
        The hosted service.
    options
        Of the user endpoint.
    pace
        Shared by all posts of a process.
    patience_seconds
        For which a letter is kept that the service does not take.
    accepted
        Called with letters that the service has just accepted.
    """

    def __init__(self, service: Service, options: Json, *, pace: Pace, patience_seconds: float, accepted: Accepted) -> None:
        self._patience_seconds, self._tell = patience_seconds, accepted
        self._later, self._answers = Later("jitnas-post"), Later("jitnas-answers")
        self._outbox = Outbox(service, options, pace=pace, patience_seconds=patience_seconds, taken=self._taken)
        self._adrift = Adrift(service, again=self.again)
        self._lock = threading.Lock()
        self._open: set[Letter] = set()
        self._closed = False
        self._told_of_starts = -START_PAUSE_SECONDS

    def send(self, letters: Sequence[Letter]) -> None:
        """Have letters carried, with others that come within a moment. Returns at once; each letter ends by itself."""
        with self._lock:
            if self._closed:
                raise RuntimeError("this executor was shut down: make a new one")
            self._open.update(letters)
        self._outbox.put(letters)
        for letter in letters:
            letter.add_done_callback(self._forget)

    def again(self, letters: Sequence[Letter]) -> None:
        """Have letters carried once more that were lost on their way, or end those that were lost too often."""
        with self._lock:
            lost = [letter for letter in letters if letter.lose()]
        for letter in lost:
            if letter.unwanted:
                letter.fail(Cancelled("it was lost, and nobody waits for the answer"))
            elif letter.losses >= MOST_LOSSES:
                letter.fail(WorkerLost(f"the endpoint lost this message {letter.losses} times"))
        with contextlib.suppress(RuntimeError):  # where this was shut down, all letters have ended
            self.send([letter for letter in lost if not letter.done()])

    def take_up(self, letter: Letter, *, task: str, age_seconds: float) -> None:
        """Wait for the answer to a letter that another process has sent as this task."""
        letter.hand_over()
        letter.accept(task, age_seconds=age_seconds)
        with self._lock:
            self._open.add(letter)
        letter.add_done_callback(self._forget)
        self._tell([letter])
        self._adrift.add(letter)

    def ask_after(self, letters: Sequence[Letter]) -> None:
        """Fetch answers that the service may have, though it has not brought them."""
        self._adrift.ask_once(letters)

    def wait(self) -> None:
        """Return once no letter is under way whose answer somebody waits for."""
        while left := self._wanted():
            wait(left, timeout=LOOK_SECONDS)

    def close(self) -> None:
        """Carry nothing any more. What is under way ends as lost: at the site it goes on, and may be asked for again."""
        self.let_go()
        with self._lock:
            left = list(self._open)
        for letter in left:
            letter.left = True
            if not letter.cancel():
                letter.fail(WorkerLost("the executor was shut down before the answer came"))

    def let_go(self) -> None:
        """Carry nothing any more, and leave what is under way as it is."""
        with self._lock:
            self._closed = True
        self._outbox.close()

    def _wanted(self) -> list[Letter]:
        with self._lock:
            return [letter for letter in self._open if not letter.unwanted]

    def _forget(self, letter: "Future[str]") -> None:
        with self._lock:
            self._open.discard(cast("Letter", letter))

    def _send_once_more(self, letter: Letter, failure: BaseException) -> None:
        """Send what found no process, together with what else found none at the time."""
        if time.monotonic() - self._told_of_starts >= START_PAUSE_SECONDS:
            self._told_of_starts = time.monotonic()
            log.warning("%s; what waits for it is sent again", failures.failure_of(failure))
        with self._lock:
            is_lost = letter.take_back()
        with contextlib.suppress(RuntimeError):  # where this was shut down, all letters have ended
            self.send([letter] if is_lost else [])

    def _taken(self, sent: Sequence[tuple[Letter, Any]]) -> None:
        self._tell([letter for letter, _ in sent])
        for letter, reply in sent:
            reply.add_done_callback(partial(self._take_in, letter))

    def _take_in(self, letter: Letter, reply: Any) -> None:
        """Leave the SDK's thread at once: it brings all other answers, and what is called after one may ask the site."""
        self._answers.call(partial(self._answered, letter, reply))

    def _answered(self, letter: Letter, reply: Any) -> None:
        """Take what the SDK brings for a letter; it may be about an earlier time that it was sent."""
        failure = None if reply.cancelled() else reply.exception()
        if not reply.cancelled() and failure is None:
            letter.answer(reply.result())
        elif letter.task != reply.task_id or letter.done() or self._closed:
            return
        elif failure is not None and failures.is_not_started(failure) and letter.starts_in_vain() < self._patience_seconds:
            self._later.call(partial(self._send_once_more, letter, failure), START_PAUSE_SECONDS)
        elif failure is not None and failures.is_from_the_endpoint(failure):
            letter.fail(failures.failure_of(failure))
        else:  # the thread in which the SDK waits for answers has ended
            self._adrift.add(letter)
