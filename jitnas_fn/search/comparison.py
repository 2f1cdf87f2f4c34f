"""Several methods, several seeds, one problem: each search is kept when it ends, and none that is kept is made again."""

import dataclasses
from collections.abc import Callable, Iterable

from jitnas_fn.client.client import Client
from jitnas_fn.core.errors import RecordError, TaskError
from jitnas_fn.core.published import plan_in
from jitnas_fn.core.record import Record
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.space import Point
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.found import Found, Step
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.searching import search
from jitnas_fn.search.ways import NONE, Ways, way_named

Show = Callable[[str, int, Step], None]


def compared(run: SavedRun, problem: Problem, client: Client, *, own: Ways = NONE, show: Show = lambda *_: None) -> list[Found]:
    """Make those searches of a run that are wanted now and not made yet; all that are wanted now, method by method.

    Parameters
    ----------
    run
        Which methods, seeds and budget.
    problem
        What is searched for, as the run states it.
    client
        Whom to ask.
    own
        Ways to search of the user's own, by their labels.
    show
        Called with the method, the seed and each step.
    """
    done = run.done()
    try:
        for method, seed in run.wanted:
            if (method, seed) not in done:
                run.add([searched(run.asked, problem, client, method, seed, own=own, show=show)])
    except TaskError:  # what was asked makes no sense
        run.forget_if_empty()
        raise
    return ordered(run.searches(), run.now)


def searched(
    asked: Asked,
    problem: Problem,
    client: Client,
    method: str,
    seed: int,
    *,
    own: Ways = NONE,
    show: Show = lambda *_: None,
) -> Found:
    """One search of a run."""
    found = search(
        way_named(method, problem, seed=seed, own=own),
        client,
        seed=seed,
        evaluations=asked.budget["evaluations"],
        seconds=asked.budget["seconds"],
        in_flight=asked.in_flight,
        final=None if asked.final is None else plan_in(asked.final),
        warm=warm_of(asked, problem, client),
        show=lambda step: show(method, seed, step),
    )
    return dataclasses.replace(found, method=method)  # with its options


def warm_of(asked: Asked, problem: Problem, client: Client) -> list[tuple[Point, Record]]:
    """The points that were known when a run began, with their records.

    Raises
    ------
    RecordError
        If one of these is not there any more: the search would come to another end.
    """
    return [_warm_point(told, problem, client) for told in asked.warm]


def _warm_point(told: list[str], problem: Problem, client: Client) -> tuple[Point, Record]:
    written, key, record_id = told
    point = problem.space.read(written)
    replicates = client.store.replicates(key) if key == problem.task(point).key else []  # else it would be another network's
    record = next((one for one in replicates if one.record_id == record_id), None)  # another may stand for the key by now
    if record is None:
        raise RecordError(f"this run began with record {record_id[:12]}… of {written[:60]}, which is not in the store any more")
    return point, record


def ordered(searches: Iterable[Found], asked: Asked) -> list[Found]:
    """The searches of a run, in the order of its methods and seeds."""
    places = {search: place for place, search in enumerate(asked.searches)}
    return sorted((one for one in searches if (one.method, one.seed) in places), key=lambda one: places[one.method, one.seed])
