"""Which losses are worth another try, how often, and after which pause.

A loss keeps nothing and spoils nothing: the key is the same, the site's store is asked first, and a checkpoint makes the next
try cheap. What a model does to its own process looks like a loss too, so that one is tried once more only. A training that the
walltime ended is tried as long as it gets on: as long as the epoch that is kept is further than ever before.
"""

import logging
import random
from collections import Counter
from typing import Any

import tenacity

from jitnas_fn.core.errors import JitnasError, SiteUnavailable, WalltimeExceeded, WorkerLost

log = logging.getLogger("jitnas_fn")
LONGEST_PAUSE_SECONDS = 60.0
TRANSPORT = "transport"  # what the executor itself reports: no fault of the model's
GETS_ON, STANDS_STILL, NOT_BEGUN = "gets on", "stands still", "not begun"  # what a walltime may do to a training
KEPT = "epoch kept"  # of the losses of a task, the furthest
# Kind of loss -> tries after the first, without end for None. Those of a walltime are counted from when it last got on.
# What came so late in a job that it was not begun has cost nothing, and comes into the next one after a pause or some.
TRIES = {
    TRANSPORT: 5,
    GETS_ON: None,
    STANDS_STILL: 5,
    NOT_BEGUN: 20,
    SiteUnavailable.__name__: 5,
    WorkerLost.__name__: 1,
}
_draws = random.Random()  # a draw from everybody's generator, in another thread, would pass for one of a model that is traced


class _AtRandom(tenacity.wait_exponential):
    """As `tenacity.wait_random_exponential`, from a generator of its own."""

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        return _draws.uniform(0.0, super().__call__(retry_state))


PAUSE = _AtRandom(multiplier=0.5, max=LONGEST_PAUSE_SECONDS)


def pause_after(error: JitnasError, losses: Counter[str], *, key: str, by_executor: bool) -> float | None:
    """Seconds after which a task is sent again; None if this error is its end.

    Parameters
    ----------
    error
        What became of it.
    losses
        How often what was lost so far, and the epoch kept (`KEPT`); this loss is added.
    key
        Of the task, for the log.
    by_executor
        Whether the executor says so, not the site's answer.
    """
    if not error.retryable or type(error) not in (SiteUnavailable, WalltimeExceeded, WorkerLost):
        return None
    kind = TRANSPORT if by_executor else _kind(error, losses)
    losses[kind] += 1
    tries = TRIES[kind]
    stop = tenacity.stop_never if tries is None else tenacity.stop_after_attempt(tries + 1)
    trying = tenacity.Retrying(stop=stop, wait=PAUSE)
    state = _state(trying, losses[kind])
    if trying.stop(state):
        log.warning("task %s… was lost %d times and is given up: %s", key[:12], losses[kind], error)
        return None
    pause = float(trying.wait(state))
    log.warning("task %s… was lost (%s: %s); sent again in %.1f s", key[:12], type(error).__name__, error, pause)
    return pause


def _kind(error: JitnasError, losses: Counter[str]) -> str:
    """Which of `TRIES` a loss is that the site tells of. Where a training got on, it is noted how far."""
    if not isinstance(error, WalltimeExceeded):
        return type(error).__name__
    if error.kept is None:
        return NOT_BEGUN
    if error.kept <= losses[KEPT]:
        return STANDS_STILL
    losses[KEPT], losses[STANDS_STILL], losses[NOT_BEGUN] = error.kept, 0, 0
    return GETS_ON


def _state(trying: tenacity.Retrying, number: int) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(trying, fn=_nothing, args=(), kwargs={})
    state.attempt_number = number
    return state


def _nothing() -> Any:
    """Nothing is called here: the strategies of tenacity only need to know how often it was."""
