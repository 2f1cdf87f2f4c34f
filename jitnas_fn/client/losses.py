"""Which losses are worth another try, how often, and after which pause.

A loss keeps nothing and spoils nothing: the key is the same, the site's store is asked first, and a checkpoint makes the next
try cheap. What a model does to its own process looks like a loss too, so that one is tried once more only.
"""

import logging
from collections import Counter
from typing import Any

import tenacity

from jitnas_fn.core.errors import JitnasError, SiteUnavailable, WalltimeExceeded, WorkerLost

log = logging.getLogger("jitnas_fn")
LONGEST_PAUSE_SECONDS = 60.0
# Kind of loss -> tries after the first. What the executor itself reports is no fault of the model's.
TRANSPORT = "transport"
TRIES = {TRANSPORT: 5, WalltimeExceeded.__name__: 100, SiteUnavailable.__name__: 5, WorkerLost.__name__: 1}
PAUSE = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE_SECONDS)


def pause_after(error: JitnasError, losses: Counter[str], *, key: str, by_executor: bool) -> float | None:
    """Seconds after which a task is sent again; None if this error is its end.

    Parameters
    ----------
    error
        What became of it.
    losses
        How often what was lost so far; this loss is added.
    key
        Of the task, for the log.
    by_executor
        Whether the executor says so, not the site's answer.
    """
    kind = type(error).__name__
    if not error.retryable or kind not in TRIES:
        return None
    kind = TRANSPORT if by_executor else kind
    losses[kind] += 1
    trying = tenacity.Retrying(stop=tenacity.stop_after_attempt(TRIES[kind] + 1), wait=PAUSE)
    state = _state(trying, losses[kind])
    if trying.stop(state):
        log.warning("task %s… was lost %d times and is given up: %s", key[:12], losses[kind], error)
        return None
    pause = float(trying.wait(state))
    log.warning("task %s… was lost (%s: %s); sent again in %.1f s", key[:12], type(error).__name__, error, pause)
    return pause


def _state(trying: tenacity.Retrying, number: int) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(trying, fn=_nothing, args=(), kwargs={})
    state.attempt_number = number
    return state


def _nothing() -> Any:
    """Nothing is called here: the strategies of tenacity only need to know how often it was."""
