"""Letters that the service has, and whose answers nobody waits for any more: asked after until there is one."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from jitnas_fn.backends._globus.letter import Letter
from jitnas_fn.backends._globus.service import Outcome, Service
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.core.later import Later

log = logging.getLogger("jitnas_fn.globus")
FIRST_SECONDS, LONGEST_SECONDS, GROWTH = 0.5, 30.0, 1.5  # pauses between questions
WARN_SECONDS = 600.0  # between warnings that the service does not say


class Adrift:
    """Asks the service after tasks by their ids, all of them together.

    Parameters
    ----------
    service
        The hosted service.
    again
        Takes letters that the service does not know any more.
    """

    def __init__(self, service: Service, *, again: Callable[[Sequence[Letter]], None]) -> None:
        self._service, self._again = service, again
        self._later = Later("jitnas-adrift")
        self._lock = threading.Lock()
        self._letters: set[Letter] = set()
        self._is_due = False
        self._pause = FIRST_SECONDS
        self._warned = -WARN_SECONDS

    def add(self, letter: Letter) -> None:
        """Ask after one more."""
        with self._lock:
            self._letters.add(letter)
            self._pause = FIRST_SECONDS
            if not self._is_due:
                self._is_due = True
                self._later.call(self._ask, self._pause)

    def ask_once(self, letters: Sequence[Letter]) -> None:
        """Ask after letters whose answers may come all the same."""
        self._later.call(partial(self._take, {str(one.task): one for one in letters if one.task is not None}))

    def _ask(self) -> None:
        with self._lock:
            self._letters = {one for one in self._letters if not one.done() and one.task is not None}
            asked = {str(one.task): one for one in self._letters}
        try:
            self._take(asked)
        finally:
            with self._lock:
                self._is_due = bool(self._letters)
                if self._is_due:
                    self._pause = min(GROWTH * self._pause, LONGEST_SECONDS)
                    self._later.call(self._ask, self._pause)

    def _take(self, asked: dict[str, Letter]) -> None:
        outcomes = self._outcomes(asked)
        ended = {task for task in asked if task not in outcomes or outcomes[task] is not None}
        with self._lock:
            self._letters -= {asked[task] for task in ended}
        for task in ended & outcomes.keys():
            letter, outcome = asked[task], outcomes[task]
            if not isinstance(outcome, JitnasError):
                letter.answer(outcome)
            elif letter.task == task:  # else it was sent again meanwhile
                letter.fail(outcome)
        if forgotten := [asked[task] for task in ended - outcomes.keys() if asked[task].task == task]:
            self._again(forgotten)

    def _outcomes(self, asked: dict[str, Letter]) -> dict[str, Outcome]:
        try:
            return self._service.outcomes(asked) if asked else {}
        except Exception as reason:  # noqa: BLE001  whatever the SDK raises; asked again
            is_news = time.monotonic() - self._warned >= WARN_SECONDS
            self._warned = time.monotonic() if is_news else self._warned
            log.log(
                logging.WARNING if is_news else logging.DEBUG,
                "the service does not say what became of %d messages: %s",
                len(asked),
                reason,
            )
            return dict.fromkeys(asked)
