"""Asking a site after many tasks in one question: whether there is a record, and whether anybody trains it now."""

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial

from jitnas_fn.client.control import BATCH
from jitnas_fn.client.flight import Flight
from jitnas_fn.core.codec import Json
from jitnas_fn.core.envelope import Envelope, raised
from jitnas_fn.core.errors import EnvelopeError
from jitnas_fn.core.later import Later
from jitnas_fn.worker.entry import run_task

log = logging.getLogger("jitnas_fn")
PATIENCE_SECONDS = 120.0  # after which a question counts as lost: who is silent for three minutes loses a ticket

Take = Callable[[Flight, Json], None]


class Inquiry:
    """Asks a site, one round of questions after the other.

    Parameters
    ----------
    later
        Takes the answers, so that whoever answers can be asked again meanwhile.
    take
        Called with each flight and what the site says of it: {key, record, in_flight}.
    """

    def __init__(self, later: Later, take: Take) -> None:
        self._later, self._take = later, take
        self._replies: list[Future[str]] = []
        self._began = 0.0

    def ask_after(self, flights: Sequence[Flight], executor: Executor) -> None:
        """Ask, and return at once; while the site owes the answers of the last round, it is not asked again.

        A question that is not answered, or badly, is as if it had not been asked. What the executor's `submit` raises goes on.
        """
        if self._is_owed():
            return
        self._replies, self._began = [], time.monotonic()
        for start in range(0, len(flights), BATCH):
            batch = flights[start : start + BATCH]
            reply = executor.submit(run_task, question_about(batch))
            self._replies.append(reply)
            reply.add_done_callback(partial(self._told, batch))

    def _is_owed(self) -> bool:
        owed = [reply for reply in self._replies if not reply.done()]
        if owed and time.monotonic() - self._began >= PATIENCE_SECONDS:
            for reply in owed:
                with contextlib.suppress(Exception):  # Parsl's own futures cannot be cancelled
                    reply.cancel()
            return False
        return bool(owed)

    def _told(self, batch: Sequence[Flight], reply: Future[str]) -> None:
        self._later.call(partial(self._take_all, batch, reply))

    def _take_all(self, batch: Sequence[Flight], reply: Future[str]) -> None:
        for flight, answer in answers_in(reply, batch):
            try:
                if not answer.get("left_out"):
                    self._take(flight, answer)
            except Exception:
                log.exception("what a site said of key %s… could not be taken", flight.request.task.key[:12])


def question_about(flights: Sequence[Flight]) -> str:
    """The message that asks after tasks: for a record, for who trains it, and in the name of which runs."""
    keys, runs = [flight.request.task.key for flight in flights], [flight.ticket.run for flight in flights]
    return Envelope("lookup", {"keys": keys, "runs": runs, "in_flight": True}).to_json()


def answers_in(reply: "Future[str]", flights: Sequence[Flight]) -> list[tuple[Flight, Json]]:
    """What a reply says of each flight, in their order, since two may have one key; nothing if it is of no use."""
    try:
        envelope = Envelope.from_json(reply.result())
        if envelope.error is not None:
            raise raised(envelope.error)
        answers = envelope.items("results")
        if [answer["key"] for answer in answers] != [flight.request.task.key for flight in flights]:
            raise EnvelopeError("the reply does not hold exactly one result for each key")
    except Exception as reason:  # noqa: BLE001  what a site answers may be anything
        log.debug("a site's answer to %d questions is of no use: %s", len(flights), reason)
        return []
    return list(zip(flights, answers, strict=True))
