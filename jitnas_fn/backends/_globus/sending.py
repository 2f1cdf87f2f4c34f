"""Letters on their way to the service: which it has taken, and why it refused the others."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from jitnas_fn.backends._globus.letter import Letter

log = logging.getLogger("jitnas_fn.globus")
LOOK_SECONDS = 0.005  # how often the SDK is looked at while it sends
REFUSED_SECONDS = 1.0  # for which the others are waited for when the first was refused
SENDING_SECONDS = 600.0  # after which a request that is neither taken nor refused counts as refused

ours: WeakSet[Any] = WeakSet()  # the SDK's futures of our messages, among those of whoever else uses the SDK in this process


class Link:
    """An executor of the SDK: disposable, since a request that is refused ends it."""

    def __init__(self, executor: Any, function: str) -> None:
        self._executor, self._function = executor, function

    def submit(self, text: str) -> Any:
        """The SDK's future of a message. Raises `RuntimeError` where the executor has ended."""
        reply = self._executor.submit_to_registered_function(self._function, args=(text,))
        ours.add(reply)
        return reply

    def end(self) -> None:
        """Send nothing any more. What was accepted is still answered."""
        self._executor.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch.

    Attributes
    ----------
    taken
        Letters that the service has, each with the SDK's future of the answer.
    refused
        Those that it has not.
    refusal
        Why; None if it has all.
    """

    taken: list[tuple[Letter, Any]]
    refused: list[Letter]
    refusal: BaseException | None


def sent_over(link: Link, batch: Sequence[Letter]) -> Sent:
    """Send a batch, and wait until the service has taken or refused it. Each letter that it has knows its task."""
    sent: list[tuple[Letter, Any]] = []
    try:
        for letter in batch:
            reply = link.submit(letter.text)
            sent.append((letter, reply))
    except RuntimeError as failure:  # the SDK's executor ended meanwhile
        log.debug("the executor of the SDK has ended: %s", failure)
    _wait_for_the_service([reply for _, reply in sent])
    taken = [(letter, reply) for letter, reply in sent if reply.task_id is not None]
    for letter, reply in taken:
        letter.accept(str(reply.task_id))
    refused = [letter for letter in batch if letter.task is None]
    reason = _reason([reply for _, reply in sent if reply.task_id is None]) if refused else None
    return Sent(taken, refused, reason)


def _wait_for_the_service(replies: Sequence[Any]) -> None:
    """Until the service has taken the last message, and so all; or refused it. The SDK tells nobody when.

    What the SDK gets just while it ends is neither taken nor refused: after the first that was refused, it has a second.
    """
    deadline = time.monotonic() + SENDING_SECONDS
    while replies and replies[-1].task_id is None and not replies[-1].done() and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        if replies[0].done() and replies[0].task_id is None:
            deadline = min(deadline, time.monotonic() + REFUSED_SECONDS)


def _reason(replies: Sequence[Any]) -> BaseException:
    """Why messages were refused: the first has the reason, those behind it were cancelled."""
    for reply in replies:
        if reply.done() and not reply.cancelled():
            failure: BaseException | None = reply.exception()
            if failure is not None:
                return failure
    return RuntimeError("the SDK of Globus Compute neither sent nor refused it")
