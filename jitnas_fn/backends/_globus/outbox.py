"""Letters that wait to be sent to one user endpoint: many go in a request, at a pace that the service allows."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from jitnas_fn.backends._globus import failures
from jitnas_fn.backends._globus.letter import Letter
from jitnas_fn.backends._globus.pace import LINGER_SECONDS, Pace
from jitnas_fn.backends._globus.sending import Link, sent_over
from jitnas_fn.backends._globus.service import Service
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import Cancelled
from jitnas_fn.core.later import Later

log = logging.getLogger("jitnas_fn.globus")
MOST_BYTES = 9_000_000  # of one request; the service takes 10 MB
MOST_LETTERS = 1000  # of one request
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 60.0  # after a request that was refused, doubled each time

Taken = Callable[[Sequence[tuple[Letter, Any]]], None]


class Outbox:
    """Sends letters, and sends again what was refused for now.

    Parameters
    ----------
    service
        The hosted service.
    options
        Of the user endpoint.
    pace
        Of this process.
    patience_seconds
        For which a letter is kept that the service does not take.
    taken
        Called with letters that the service has just accepted, each with the SDK's future of its answer.
    """

    def __init__(self, service: Service, options: Json, *, pace: Pace, patience_seconds: float, taken: Taken) -> None:
        self._service, self._options, self._pace = service, options, pace
        self._patience_seconds, self._taken = patience_seconds, taken
        self._later = Later("jitnas-outbox")
        self._lock = threading.Lock()
        self._waiting: deque[Letter] = deque()
        self._is_due = self._closed = False
        self._link: Link | None = None
        self._most = MOST_LETTERS
        self._pause = FIRST_PAUSE_SECONDS

    def put(self, letters: Sequence[Letter]) -> None:
        """Have letters sent, with others that come within a moment. Returns at once."""
        with self._lock:
            if self._closed:
                return
            self._waiting.extend(letters)
            if not self._is_due:
                self._is_due = True
                self._later.call(self._send_some, self._pace.book() + LINGER_SECONDS)

    def close(self) -> None:
        """Send nothing any more."""
        with self._lock:
            self._closed, link, self._link = True, self._link, None
            self._waiting.clear()
        if link is not None:
            link.end()

    def _send_some(self) -> None:
        batch, pause = self._next_batch(), None
        try:
            pause = self._deliver(batch) if batch else None
        except Exception as failure:  # noqa: BLE001  whatever the SDK raises, the letters are not lost
            pause = self._take_back(batch, failure)
        finally:  # also where a callback of somebody's has ended in a SystemExit
            with self._lock:
                waiting = set(self._waiting)
                self._waiting.extend(one for one in batch if one.task is None and not one.done() and one not in waiting)
                self._is_due = bool(self._waiting) and not self._closed
                if self._is_due:
                    self._later.call(self._send_some, self._pace.book() if pause is None else pause)

    def _next_batch(self) -> list[Letter]:
        batch: list[Letter] = []
        withdrawn: list[Letter] = []
        size = 0
        with self._lock:
            while self._waiting and len(batch) < self._most and size + self._waiting[0].size <= MOST_BYTES:
                letter = self._waiting.popleft()
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
        if self._closed:
            return None
        if self._link is None:
            self._link = self._service.link(self._options)
        sent = sent_over(self._link, batch)
        self._taken(sent.taken)
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
            self._waiting.extendleft(reversed(letters))

    def _drop_link(self) -> None:
        """Use another executor of the SDK the next time; what it has taken, it may still answer."""
        link, self._link = self._link, None
        if link is not None:
            link.end()
