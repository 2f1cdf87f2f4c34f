"""A run begins: what is asked for is written down, with all that is known by then and decides what it finds."""

import dataclasses
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata

from jitnas_fn.client.client import Client
from jitnas_fn.client.request import card_of
from jitnas_fn.client.tables import aliases
from jitnas_fn.core import shelf
from jitnas_fn.core.bounds import whole
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DatasetError, TaskError
from jitnas_fn.core.published import Published, plan_in
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.tabulated_seconds import Line
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.space import Point
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.forms import MOST_SEARCHES
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.searching import check_budget
from jitnas_fn.search.seconds import judged_by, line_from
from jitnas_fn.search.warm import known_points
from jitnas_fn.search.ways import NONE, Ways, check_ways


def begun(  # noqa: PLR0913  what a run is asked for
    kind: str,
    problem: Problem,
    client: Client,
    *,
    methods: Sequence[str],
    seeds: Iterable[int],
    evaluations: int | None,
    seconds: float | None,
    in_flight: int,
    final: Recipe | Published | None = None,
    most_warm: int = 0,
    most_seconds: float | None = None,
    own: Ways = NONE,
) -> tuple[SavedRun, Problem]:
    """A run that is kept, and its problem: the one that was asked for the same before goes on, with what was known then.

    Parameters
    ----------
    kind
        "search" or "compare".
    problem
        What is searched for, as far as it is not said here.
    client
        Whose store is judged by.
    methods, seeds, evaluations, seconds, in_flight, final
        See `search`.
    most_warm
        How many points that are known already each search is told before it begins.
    most_seconds
        What a training may take, judged by those that are known; None for no bound. [s]
    own
        Ways to search of the user's own, by their labels.

    Raises
    ------
    UnknownName
        If there is no such method.
    TaskError
        If a method has no such option, or nothing is there to judge seconds by.
    StoreError
        If the run cannot be kept.
    """
    methods = list(methods)
    check_ways(methods, problem, own=own)
    line = None if most_seconds is None else line_from(client.store, problem)
    bounded = problem if line is None else judged_by(line, problem, most_seconds=most_seconds)
    asked = asked_for(
        kind,
        bounded,
        methods=methods,
        seeds=seeds,
        evaluations=evaluations,
        seconds=seconds,
        in_flight=in_flight,
        final=final,
        most_warm=most_warm,
        seconds_line=None if line is None else dataclasses.asdict(line),
        warm=known_points(bounded, client.store, most=most_warm) if most_warm else [],
    )
    run = SavedRun.begun(asked)
    if run.asked.seconds_line is not None:
        bounded = judged_by(Line(**run.asked.seconds_line), problem, most_seconds=most_seconds)
    return run, bounded


def asked_for(  # noqa: PLR0913  what a run is asked for
    kind: str,
    problem: Problem,
    *,
    methods: Sequence[str],
    seeds: Iterable[int],
    evaluations: int | None,
    seconds: float | None,
    in_flight: int,
    final: Recipe | Published | None = None,
    most_warm: int = 0,
    seconds_line: Json | None = None,
    warm: Sequence[tuple[Point, Record]] = (),
    table: Json | None = None,
) -> Asked:
    """What a run is asked for, written down; see `Asked` for the parameters. Raises `TaskError` for what makes no sense."""
    check_budget(evaluations, seconds, in_flight)
    methods, seeds = list(methods), list(seeds)
    if not 0 < len(methods) * len(seeds) <= MOST_SEARCHES or not all(whole(seed) is not None for seed in seeds):
        raise TaskError(
            f"a run has from 1 to {MOST_SEARCHES:,} searches, with seeds from 0; here are {len(methods) * len(seeds):,}"
        )
    card = problem.dataset
    return Asked(
        kind=kind,
        space=problem.space.name,
        dataset={
            "name": card.name,
            "version": card.version,
            "sha256": card.sha256 or None,
            "metric": card.metric,
            "direction": card.direction,
            "unit": card.unit,
            "splits": dict(card.splits),
        },
        ladder=[plan.to_dict() for plan in problem.ladder],
        final=None if final is None else final.to_dict(),
        training_seed=None if table else problem.seed,
        bounds={name: getattr(problem, name) for name in ("most_parameters", "most_macs", "most_seconds")},
        budget={"evaluations": evaluations, "seconds": seconds},
        in_flight=in_flight,
        most_warm=most_warm,
        methods=methods,
        seeds=seeds,
        table=table,
        warm=[[problem.space.written(point), record.key, record.record_id] for point, record in warm],
        seconds_line=seconds_line,
        versions=_versions(),
    )


def problem_in(asked: Asked, *, dataset: str | None = None) -> Problem:
    """What a run searched for, without its bounds; or the same on another dataset.

    Raises
    ------
    UnknownName
        If its space or dataset is not here.
    DatasetError
        If its dataset has another content here.
    """
    card = card_of(dataset or str(asked.dataset["name"]))
    if dataset is None and card.sha256 != asked.dataset.get("sha256"):
        raise DatasetError(f"dataset {card.name} has another content here than when the run was made: {card.sha256}")
    *cheaper, plan = (plan_in(fields) for fields in asked.ladder)
    space = shelf.take("spaces", asked.space).SPACE
    seed = asked.training_seed or 0
    return Problem(space=space, dataset=card, recipe=plan, seed=seed, cheaper=tuple(cheaper), aliases=aliases())


def _versions() -> Json:
    found: Json = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in ("jitnas_fn", "torch"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found
