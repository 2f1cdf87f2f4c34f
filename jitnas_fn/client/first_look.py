"""What a site is asked before a training is asked for: many tasks in one question, each of which ends by itself."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial

from jitnas_fn.client.control import BATCH
from jitnas_fn.client.flight import Flight
from jitnas_fn.client.inquiry import answers_in, question_about
from jitnas_fn.core.codec import Json
from jitnas_fn.core.later import Later
from jitnas_fn.worker.entry import run_task

log = logging.getLogger("jitnas_fn")
LINGER_SECONDS = 0.01  # after the first task, in which others join its question
PATIENCE_SECONDS = 30.0  # a site may have to start a process that answers; a training costs more than to wait for it

Then = Callable[[Json | None], None]


@dataclass(slots=True, eq=False)
class _Wanted:
    """A task that is asked after."""

    flight: Flight
    then: Then
    is_answered: bool = field(default=False)


class FirstLook:
    """Asks a site whether it has a record, or whether somebody has the task trained; with it goes word of who asks.

    Parameters
    ----------
    control
        Runs `run_task` where the site's store is, without a GPU. What it has to do in the thread of whoever asks first, such as
        to ask for a login, it does in its method `prepare`, if it has one.
    later
        Takes the answers, so that whoever answers can be asked again meanwhile.
    """

    def __init__(self, control: Executor, *, later: Later) -> None:
        self._control, self._later = control, later
        self._prepare = getattr(control, "prepare", None)
        self._lock = threading.Lock()
        self._gathered: list[_Wanted] = []

    def ask(self, flight: Flight, *, then: Then) -> None:
        """Look a task up at the site. Returns at once.

        Parameters
        ----------
        flight
            What is looked up.
        then
            Called once, later: with {key, record, in_flight}, or with None if the site fails or is silent for 30 s.
        """
        if self._prepare is not None:
            self._prepare()
        wanted = _Wanted(flight, then)
        with self._lock:
            self._gathered.append(wanted)
            if len(self._gathered) == 1:
                self._later.call(self._ask_all, LINGER_SECONDS)

    def _ask_all(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, []
        for start in range(0, len(gathered), BATCH):
            batch = gathered[start : start + BATCH]
            silence = self._later.call(partial(self._end, batch), PATIENCE_SECONDS)
            self._question(batch, silence)

    def _question(self, batch: Sequence[_Wanted], silence: int) -> None:
        try:
            reply = self._control.submit(run_task, question_about([wanted.flight for wanted in batch]))
            reply.add_done_callback(lambda done: self._later.call(partial(self._told, batch, silence, done)))
        except Exception as reason:  # noqa: BLE001  whatever a foreign executor raises, the training does not depend on it
            log.debug("the site cannot be asked: %s", reason)
            self._end(batch)

    def _told(self, batch: Sequence[_Wanted], silence: int, reply: "Future[str]") -> None:
        """Take an answer. What found no place in it is asked for again, within the same time."""
        told = {flight.evaluation: answer for flight, answer in answers_in(reply, [wanted.flight for wanted in batch])}
        left = [wanted for wanted in batch if told.get(wanted.flight.evaluation, {}).get("left_out")]
        for wanted in batch:
            if wanted not in left:
                self._give(wanted, told.get(wanted.flight.evaluation))
        if left and len(left) < len(batch):
            self._question(left, silence)
        else:
            self._end(left)
            self._later.forget(silence)

    def _end(self, batch: Sequence[_Wanted]) -> None:
        for wanted in batch:
            self._give(wanted, None)

    def _give(self, wanted: _Wanted, answer: Json | None) -> None:
        """All of it happens in the one thread of `later`, so that nothing is given twice."""
        if wanted.is_answered:
            return
        wanted.is_answered = True
        try:
            wanted.then(answer)
        except Exception:
            log.exception("what a site said of key %s… could not be taken", wanted.flight.evaluation.key[:12])
