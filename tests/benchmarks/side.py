"""A way for messages, and how long they take on it: two are measured alike, although the SDK looks for answers seldom."""

import gc
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait

from jitnas_fn.core.envelope import Envelope

POLL_SECONDS = 0.5  # of the SDK: an answer is heard of that much later at most
LONGEST_SECONDS = 60.0


class Side:
    """One way. A round begins where it is told to between two looks of the SDK for answers.

    Rounds of two sides that begin at the same places, evenly spread, differ by what the sides cost, and not by luck.

    Parameters
    ----------
    send
        Sends a message; the future of its answer.
    """

    def __init__(self, send: Callable[[str], Future]) -> None:
        self._send = send
        self._began = self._heard = time.monotonic()

    def seconds(self, messages: Sequence[str], *, place: float, spacing: float = 0.0) -> tuple[float, list[str]]:
        """From the first message to the last answer, and the answers.

        Parameters
        ----------
        messages
            Sent at once.
        place
            Where to begin: a share of the time between two looks. [0 to 1]
        spacing
            Least time since the last round began. [s]
        """
        gc.collect()  # else whoever comes first in a pair pays for both
        self._wait_for(place, spacing)
        self._began = time.monotonic()
        replies = [self._send(message) for message in messages]
        assert not wait(replies, LONGEST_SECONDS).not_done
        self._heard = time.monotonic()
        answers = [reply.result() for reply in replies]
        assert all(Envelope.from_json(answer).error is None for answer in answers)
        return self._heard - self._began, answers

    def _wait_for(self, place: float, spacing: float) -> None:
        now = time.monotonic()
        due = max(now, self._began + spacing)
        due += (place * POLL_SECONDS - (due - self._heard)) % POLL_SECONDS
        time.sleep(due - now)
