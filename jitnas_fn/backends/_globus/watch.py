"""Notices that a user endpoint has died with letters in it: it takes them from the service before they run, and tells nobody.

The site knows which of its processes live; the control path asks while letters are under way.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from functools import partial

from jitnas_fn.backends._globus.letter import Letter
from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.later import Later

log = logging.getLogger("jitnas_fn.globus")
CHECK_SECONDS, LONGEST_SECONDS, GROWTH = 10.0, 30.0, 1.2  # pauses between questions, which grow while no letters are added
PATIENCE_SECONDS = 60.0  # after which a question counts as lost
SILENT_SECONDS = 600.0  # after which, each time, the service is asked for an answer: it keeps one for half an hour
HEARTBEAT_SECONDS = 35.0  # between two signs of life of a process, and some for the way
SUSPECT_SECONDS = 300.0  # for which what one may have taken along that was dead at the first answer is waited for
START_SECONDS = 60.0  # that a process may take from the command to its first sign of life


class Watch:
    """Looks after letters that the service has accepted.

    Parameters
    ----------
    ask
        Sends a message over the control path.
    options
        With which the letters are sent: each choice of options has a process of its own.
    again
        Takes letters that were lost.
    ask_after
        Takes letters that are silent for long: their answers may have been lost.
    """

    def __init__(
        self,
        ask: Callable[[str], "Future[str]"],
        *,
        options: Json,
        again: Callable[[Sequence[Letter]], None],
        ask_after: Callable[[Sequence[Letter]], None],
    ) -> None:
        self._ask, self._options, self._again, self._ask_after = ask, options, again, ask_after
        self._later = Later("jitnas-watch")
        self._lock = threading.Lock()
        self._letters: dict[Letter, None] = {}
        self._dead: set[str] | None = None  # as the site said last; None before it said anything
        self._suspects: dict[str, float] = {}  # tasks, and since when
        self._is_due = False
        self._pause = CHECK_SECONDS
        self._reply: Future[str] | None = None
        self._asked = self._told_at = -math.inf
        self._looked = time.monotonic()

    def add(self, letters: Sequence[Letter]) -> None:
        """Look after more. After a rest the site is asked at once: who has ended meanwhile was idle, and is dead before."""
        with self._lock:
            self._letters.update(dict.fromkeys(letters))
            self._pause = CHECK_SECONDS
            if letters and not self._is_due:
                self._is_due = True
                is_fresh = time.monotonic() - self._told_at < CHECK_SECONDS
                self._dead = self._dead if is_fresh else None
                self._later.call(self._check, CHECK_SECONDS if is_fresh else 0.0)

    def _check(self) -> None:
        with self._lock:
            self._letters = {one: None for one in self._letters if not one.done() and one.task is not None}
            asked = {one: str(one.task) for one in self._letters}
            self._is_due = bool(asked)
            if self._is_due:
                self._later.call(self._check, self._pause)
                self._pause = min(GROWTH * self._pause, LONGEST_SECONDS)
        if time.monotonic() - self._looked >= SILENT_SECONDS:
            self._looked = time.monotonic()
            self._ask_after([one for one in asked if one.age_seconds >= SILENT_SECONDS])
        if asked and not self._is_owed():
            reply = self._ask(Envelope("ping", {"processes": self._options}).to_json())
            self._reply, self._asked = reply, time.monotonic()
            reply.add_done_callback(lambda done: self._later.call(partial(self._told, asked, done)))

    def _is_owed(self) -> bool:
        """Whether the last question is not answered: one is out at a time, or an endpoint that comes back answers them all."""
        if self._reply is None or self._reply.done():
            return False
        if time.monotonic() - self._asked < PATIENCE_SECONDS:
            return True
        self._reply.cancel()
        return False

    def _told(self, asked: dict[Letter, str], reply: "Future[str]") -> None:
        """Send again what was in a process that is dead now. `asked` was accepted before the question was sent."""
        if reply is not self._reply:  # one that was given up, and comes all the same
            return
        try:
            told = Envelope.from_json(reply.result()).body["processes"]
            living, dead = _living(told), _dead(told)
        except Exception as reason:  # noqa: BLE001  a site that answers not, or nonsense, says nothing of anybody
            log.debug("the site does not say which of its processes live: %s", reason)
            return
        with self._lock:
            known, self._dead = self._dead, set(dead)
            self._told_at = time.monotonic()
            self._suspect(asked, dead.values() if known is None else ())
            died = known is not None and bool(dead.keys() - known)
        open_ = [(one, task) for one, task in asked.items() if one.task == task and not one.done()]
        lost = [one for one, task in open_ if died or self._is_overdue(task) or _is_lost(one, living)]
        if lost:
            log.warning("the endpoint's process has ended with %d messages in it; they are sent again", len(lost))
            self._again(lost)

    def _suspect(self, asked: dict[Letter, str], silent: Iterable[float]) -> None:
        """Note what one may have had that was dead at the first answer. Mostly it died before that was accepted."""
        now, latest = time.monotonic(), min(silent, default=math.inf)
        self._suspects = {task: since for task, since in self._suspects.items() if task in asked.values()}
        for letter, task in asked.items():
            if latest <= letter.age_seconds + HEARTBEAT_SECONDS:
                self._suspects.setdefault(task, now)

    def _is_overdue(self, task: str) -> bool:
        return time.monotonic() - self._suspects.get(task, math.inf) >= SUSPECT_SECONDS


def _living(told: Json) -> list[float]:
    """For how long each process that lives has lived. [s]."""
    return [_seconds(one, "age_seconds") for one in told["living"]]


def _dead(told: Json) -> dict[str, float]:
    """Who is dead, by its token, and how long ago it gave its last sign of life. [s]."""
    return {str(one["token"]): _seconds(one, "silent_seconds") for one in told["dead"]}


def _seconds(process: Json, name: str) -> float:
    found = finite(process[name], least=0)
    if found is None:
        raise ValueError(f"{name} is a number of seconds, not {process[name]!r:.40}")
    return found


def _is_lost(letter: Letter, living: Sequence[float]) -> bool:
    """Whether no process lives that can have it: none has lived since it was accepted, or was started for it just then."""
    return letter.age_seconds > START_SECONDS and not any(age >= letter.age_seconds - START_SECONDS for age in living)
