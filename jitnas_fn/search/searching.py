"""One search: a way to search and a client, until the budget is spent. What is asked for twice is paid for once.

Records are told in the order in which they were asked for, however many are under way and whichever ends first. So a search
that was killed and is started again, with the same seed, asks for the same, finds it in the store, and goes on to the same end.
"""

from collections.abc import Callable, Sequence

from jitnas_fn.client.client import Client
from jitnas_fn.core.bounds import LONGEST_SECONDS, finite, whole
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point
from jitnas_fn.search.found import Found, Step
from jitnas_fn.search.under_way import Run

IN_FLIGHT = 4
MOST_EVALUATIONS = 10**9


def search(
    searcher: Searcher,
    client: Client,
    *,
    seed: int,
    evaluations: int | None = None,
    seconds: float | None = None,
    in_flight: int = IN_FLIGHT,
    final: Recipe | Published | None = None,
    warm: Sequence[tuple[Point, Record]] = (),
    show: Callable[[Step], None] = lambda _: None,
) -> Found:
    """Search until the budget is spent.

    Parameters
    ----------
    searcher
        What to ask for next.
    client
        Whom to ask.
    seed
        Of the searcher, for what is told.
    evaluations
        The budget: how many, duplicates included; None for no bound.
    seconds
        The budget: what records cost together, whoever paid for them; nothing more is asked for beyond it, nor after a thousand
        evaluations in a row that cost nothing new, as where a small space is known. None for no bound. [s]
    in_flight
        How many are under way at most.
    final
        By which recipe the best is trained in the end, for its test part to be read; None for that of the search. Where only
        cheaper rungs were reached, it is trained by that too.
    warm
        Points that are known already, with their records: told before the first step, at no cost (`search.warm.known_points`).
    show
        Called with each step when it is told.

    Raises
    ------
    TaskError
        If there is no budget, or nothing may be under way; or if not one network that is proposed is within the bounds. Where
        others were, the search ends with what it has found. Also if its budget is in seconds, and a record does not say how
        long its training took.
    JitnasError
        What ends an evaluation and is no fault of its network, such as a site that is away.
    """
    check_budget(evaluations, seconds, in_flight)
    most = min((bound for bound in (evaluations, searcher.most_evaluations) if bound is not None), default=None)
    run = Run(searcher, client, is_timed=seconds is not None)
    warm = warm if searcher.learns else ()
    run.know(warm)
    while True:
        may_ask = (most is None or run.asked < most) and (seconds is None or run.spends_towards(seconds))
        if may_ask and len(run.under_way) < in_flight and run.asks():
            continue
        if not run.under_way:
            return run.end(seed, final=final, warm=len(warm))
        show(run.tell())


def check_budget(evaluations: int | None, seconds: float | None, in_flight: int) -> None:
    """Raise `TaskError` for what no search can be made with."""
    wholes = [number for number in (evaluations, in_flight) if number is not None]
    is_one = all(whole(number, least=1, most=MOST_EVALUATIONS) for number in wholes) and (
        seconds is None or finite(seconds, least=0, most=LONGEST_SECONDS)
    )
    if not is_one or (evaluations is None and seconds is None):
        raise TaskError(
            "a search has a budget above 0, in evaluations or seconds, and something under way; here are "
            f"{str(evaluations)[:40]} evaluations, {str(seconds)[:40]} seconds and {str(in_flight)[:40]} under way"
        )
