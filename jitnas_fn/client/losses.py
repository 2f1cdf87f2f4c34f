"""Which losses are worth another try, how often, and after which pause.

A loss keeps nothing and spoils nothing: the key is the same, the site's store is asked first, and a checkpoint makes the next
try cheap. What a model does to its own process looks like a loss too, so that one is tried once more only. A training that the
walltime ended is tried as long as it gets on: as long as the epoch that is kept is further than ever before. Then, and a day
later, earlier losses are forgiven: a long training on many nodes will meet some.
"""

import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import tenacity

from jitnas_fn.core.errors import JitnasError, SiteUnavailable, WalltimeExceeded, WorkerLost

log = logging.getLogger("jitnas_fn")
LONGEST_PAUSE_SECONDS = 60.0
FORGIVEN_SECONDS = 24 * 3600.0  # since the last loss of a kind
NODE = "node lost"  # as the executor reports it: hardly a fault of the model's
GETS_ON, STANDS_STILL, NOT_BEGUN = "gets on", "stands still", "not begun"  # what a walltime may do to a training
# Kind of loss -> tries after the first, without end for None. Where a site or the executor cannot work, it may be away for a
# minute. What came so late in a job that it was not begun has cost nothing, and comes into the next one after some pauses.
TRIES = {
    NODE: 5,
    GETS_ON: None,
    STANDS_STILL: 5,
    NOT_BEGUN: 60,
    SiteUnavailable.__name__: 8,
    WorkerLost.__name__: 1,
}
_draws = random.Random()  # a draw from everybody's generator, in another thread, would pass for one of a model that is traced


class _AtRandom(tenacity.wait_exponential):
    """As `tenacity.wait_random_exponential`, from a generator of its own."""

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        return _draws.uniform(0.0, super().__call__(retry_state))


PAUSE = _AtRandom(multiplier=0.5, max=LONGEST_PAUSE_SECONDS)


@dataclass(slots=True)
class Losses:
    """Of one task so far.

    Attributes
    ----------
    counts
        How often what was lost.
    latest
        When that was last; the monotonic clock's time. [s]
    kept
        The furthest epoch that any of them left kept.
    """

    counts: Counter[str] = field(default_factory=Counter)
    latest: dict[str, float] = field(default_factory=dict)
    kept: int = 0

    def add(self, kind: str) -> int:
        """One more; how many of its kind count by now."""
        now = time.monotonic()
        if now - self.latest.get(kind, now) >= FORGIVEN_SECONDS:
            del self.counts[kind]
        self.latest[kind] = now
        self.counts[kind] += 1
        return self.counts[kind]

    def gets_on(self, kept: int) -> None:
        """A training came further than ever: what else was lost is forgiven."""
        self.kept, self.counts = kept, Counter({GETS_ON: self.counts[GETS_ON]})


def pause_after(error: JitnasError, losses: Losses, *, key: str, by_executor: bool) -> float | None:
    """Seconds after which a task is sent again; None if this error is its end.

    Parameters
    ----------
    error
        What became of it.
    losses
        What was lost of it so far; this loss is added.
    key
        Of the task, for the log.
    by_executor
        Whether the executor says so, not the site's answer.
    """
    if not error.retryable or type(error) not in (SiteUnavailable, WalltimeExceeded, WorkerLost):
        return None
    kind = _kind(error, losses, by_executor=by_executor)
    number, tries = losses.add(kind), TRIES[kind]
    stop = tenacity.stop_never if tries is None else tenacity.stop_after_attempt(tries + 1)
    trying = tenacity.Retrying(stop=stop, wait=PAUSE)
    state = _state(trying, number)
    if trying.stop(state):
        log.warning("task %s… was lost %d times and is given up: %s", key[:12], number, error)
        return None
    pause = float(trying.wait(state))
    log.warning("task %s… was lost (%s: %s); sent again in %.1f s", key[:12], type(error).__name__, error, pause)
    return pause


def _kind(error: JitnasError, losses: Losses, *, by_executor: bool) -> str:
    """Which of `TRIES` a loss is. Where a training got on, it is noted how far."""
    if not isinstance(error, WalltimeExceeded):
        return NODE if by_executor and isinstance(error, WorkerLost) else type(error).__name__
    if error.kept is None:
        return NOT_BEGUN
    if error.kept <= losses.kept:
        return STANDS_STILL
    losses.gets_on(error.kept)
    return GETS_ON


def _state(trying: tenacity.Retrying, number: int) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(trying, fn=_nothing, args=(), kwargs={})
    state.attempt_number = number
    return state


def _nothing() -> Any:
    """Nothing is called here: the strategies of tenacity only need to know how often it was."""
