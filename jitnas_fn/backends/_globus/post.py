"""Carries letters to one user endpoint: many in a request, at a pace that the service allows, again when it was refused."""

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, cast

from jitnas_fn.backends._globus import failures
from jitnas_fn.backends._globus.adrift import Adrift
from jitnas_fn.backends._globus.letter import Letter
from jitnas_fn.backends._globus.pace import LINGER_SECONDS, Pace
from jitnas_fn.backends._globus.sending import Link, sent_over
from jitnas_fn.backends._globus.service import Service
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import Cancelled, WorkerLost
from jitnas_fn.core.later import Later

log = logging.getLogger("jitnas_fn.globus")
MOST_BYTES = 9_000_000  # of one request; the service takes 10 MB
MOST_LETTERS = 1000  # of one request
MOST_LOSSES = 20  # of a message by the endpoint, before the client is told: one that lives may be taken for lost
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0  # after a request that was refused, doubled each time
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
        self._service, self._options, self._pace = service, options, pace
        self._patience_seconds, self._tell = patience_seconds, accepted
        self._later, self._answers = Later("jitnas-post"), Later("jitnas-answers")
        self._adrift = Adrift(service, again=self.again)
        self._lock = threading.Lock()
        self._outbox: deque[Letter] = deque()
        self._open: set[Letter] = set()
        self._is_due = self._closed = False
        self._link: Link | None = None
        self._most = MOST_LETTERS
        self._pause = FIRST_PAUSE_SECONDS
        self._told_of_starts = -START_PAUSE_SECONDS

    def send(self, letters: Sequence[Letter]) -> None:
        """Have letters carried, with others that come within a moment. Returns at once; each letter ends by itself."""
        with self._lock:
            if self._closed:
                raise RuntimeError("this executor was shut down: make a new one")
            self._outbox.extend(letters)
            self._open.update(letters)
            if not self._is_due:
                self._is_due = True
                self._later.call(self._send_some, self._pace.book() + LINGER_SECONDS)
        for letter in letters:
            letter.add_done_callback(self._forget)

    def again(self, letters: Sequence[Letter]) -> None:
        """Have letters carried once more that were lost on their way, or end those that were lost too often."""
        with self._lock:
            lost = [letter for letter in letters if letter.lose()]
        for letter in lost:
            if letter.losses >= MOST_LOSSES:
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

    def is_idle(self) -> bool:
        """Whether no letter is under way whose answer somebody waits for."""
        return not self._wanted()

    def wait(self) -> None:
        """Return once no letter is under way whose answer somebody waits for."""
        while left := self._wanted():
            wait(left, timeout=LOOK_SECONDS)

    def close(self) -> None:
        """Carry nothing any more. What is under way ends as lost: at the site it goes on, and may be asked for again."""
        with self._lock:
            left = list(self._open)
        self.let_go()
        for letter in left:
            if not letter.cancel():
                letter.fail(WorkerLost("the executor was shut down before the answer came"))

    def let_go(self) -> None:
        """Carry nothing any more, and leave what is under way as it is."""
        with self._lock:
            self._closed, link, self._link = True, self._link, None
            self._outbox.clear()
        if link is not None:
            link.end()

    def _wanted(self) -> list[Letter]:
        with self._lock:
            return [letter for letter in self._open if not letter.unwanted]

    def _forget(self, letter: "Future[str]") -> None:
        with self._lock:
            self._open.discard(cast("Letter", letter))

    def _send_some(self) -> None:
        batch, pause = self._next_batch(), None
        try:
            pause = self._deliver(batch) if batch else None
        except Exception as failure:  # noqa: BLE001  whatever the SDK raises, the letters are not lost
            pause = self._take_back(batch, failure)
        finally:  # also where a callback of somebody's has ended in a SystemExit
            with self._lock:
                waiting = set(self._outbox)
                self._outbox.extend(one for one in batch if one.task is None and not one.done() and one not in waiting)
                self._is_due = bool(self._outbox) and not self._closed
                if self._is_due:
                    self._later.call(self._send_some, self._pace.book() if pause is None else pause)

    def _next_batch(self) -> list[Letter]:
        batch: list[Letter] = []
        withdrawn: list[Letter] = []
        size = 0
        with self._lock:
            while self._outbox and len(batch) < self._most and size + self._outbox[0].size <= MOST_BYTES:
                letter = self._outbox.popleft()
                if letter.unwanted:
                    withdrawn.append(letter)
                elif letter.hand_over():
                    batch.append(letter)
                    size += letter.size
        for letter in withdrawn:
            letter.fail(Cancelled("nobody waits for the answer to this message any more"))
        return batch

    def _deliver(self, batch: Sequence[Letter]) -> float | None:
        """Send a batch, and wait until the service has taken it. Some seconds to wait if it refused."""
        if self._link is None:
            self._link = self._service.link(self._options)
        sent = sent_over(self._link, batch)
        self._tell([letter for letter, _ in sent.taken])
        for letter, reply in sent.taken:
            reply.add_done_callback(partial(self._take_in, letter))
        if sent.refusal is not None:
            return self._take_back(sent.refused, sent.refusal)
        self._pause, self._most = FIRST_PAUSE_SECONDS, MOST_LETTERS
        return None

    def _take_back(self, letters: Sequence[Letter], failure: BaseException) -> float | None:
        """Put letters back that were refused, or end them where it cannot help to send them again; seconds to wait."""
        self._drop_link()
        if failures.is_too_large(failure) and len(letters) > 1:
            self._most = max(1, len(letters) // 2)
            self._put_back(letters)
            return None
        if failures.is_foreign_function(failure) and letters[0].tries == 1:
            self._service.register_anew()
            self._put_back(letters)
            return None
        error = failures.refusal(failure)
        kept = [one for one in letters if failures.passes(failure) and one.waited_seconds < self._patience_seconds]
        self._put_back(kept)  # before those are told that end: what they call may raise anything
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        if kept:
            log.warning("%d messages wait for Globus Compute: %s", len(kept), error)
        for letter in letters:
            if letter not in kept:
                letter.fail(error)
        return pause if kept else None

    def _put_back(self, letters: Sequence[Letter]) -> None:
        with self._lock:
            self._outbox.extendleft(reversed(letters))

    def _drop_link(self) -> None:
        """Use another executor of the SDK the next time; what it has taken, it may still answer."""
        link, self._link = self._link, None
        if link is not None:
            link.end()

    def _send_once_more(self, letter: Letter, failure: BaseException) -> None:
        """Send what found no process, together with what else found none at the time."""
        if time.monotonic() - self._told_of_starts >= START_PAUSE_SECONDS:
            self._told_of_starts = time.monotonic()
            log.warning("%s; what waits for it is sent again", failures.failure_of(failure))
        with self._lock:
            is_lost = letter.take_back()
        with contextlib.suppress(RuntimeError):  # where this was shut down, all letters have ended
            self.send([letter] if is_lost else [])

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
