"""The best of one dataset taken to others: what it is worth there, and how far the two datasets order networks alike."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass

from jitnas_fn.analysis.ranks import FEWEST, spearman
from jitnas_fn.client.client import Client
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.space import Point
from jitnas_fn.search.found import Found
from jitnas_fn.stores.drawn import DrawnStore
from jitnas_fn.stores.table import TableStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One network on another dataset.

    Attributes
    ----------
    point
        As it is written.
    home, there
        What it is worth on the dataset that it was chosen on, and on the other: the test part of its records, in a table of its
        row; None where there is none.
    rank, of
        Its place there among all points that are known there, 1 for the best, and how many those are.
    source
        Where its record there came from: "cache", "shared" or "trained".
    """

    point: str
    home: float | None
    there: float | None
    rank: int | None
    of: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """From one dataset to another.

    Attributes
    ----------
    dataset
        The other.
    moved
        The networks that were taken there, the best at home first.
    spearman, points
        Rank correlation of the test parts over all points that are known on both, None where those are too few; and how many
        they are. In a table each row is one, also where several are one network.
    """

    dataset: str
    moved: tuple[Moved, ...]
    spearman: float | None
    points: int

    def to_dict(self) -> Json:
        """As JSON values."""
        return dataclasses.asdict(self)


def transferred(
    searches: Sequence[Found], home: Problem, there: Problem, client: Client, *, plan: Recipe | Published, most: int
) -> Transfer:
    """Take the best that searches have found to another dataset, training there what is not known.

    Parameters
    ----------
    searches
        What was found at home; the best by validation are taken, each network once.
    home, there
        The same space on two datasets.
    client
        Whom to ask.
    plan
        The recipe by which both are read.
    most
        How many networks are taken.
    """
    chosen = _best_of(searches, home, most)
    asked = client.map(
        [there.architecture(point) for point in chosen], dataset=there.dataset.name, recipe=plan, seed=there.seed
    )
    wait(asked)
    sources = [_source(evaluation) for evaluation in asked]
    here, beyond = (known_tests(client, problem, plan) for problem in (home, there))
    both = sorted(here.keys() & beyond.keys())
    moved = [
        Moved(
            point=home.space.written(point),
            home=here.get(point),
            there=beyond.get(point),
            rank=_rank(beyond, point, there.dataset),
            of=len(beyond),
            source=source,
        )
        for point, source in zip(chosen, sources, strict=True)
    ]
    enough = len(both) >= FEWEST
    alike = spearman([here[point] for point in both], [beyond[point] for point in both]) if enough else None
    return Transfer(dataset=there.dataset.name, moved=tuple(moved), spearman=alike, points=len(both))


def known_tests(client: Client, problem: Problem, plan: Recipe | Published) -> dict[Point, float]:
    """The test part of every point of a space that is known on a dataset by a recipe.

    In a table each row is a point and has figures of its own, also where another row is the same network.
    """
    store, card = client.store, problem.dataset
    if isinstance(store, DrawnStore):  # as one search sees it: here all of it counts
        store = store.table
    if isinstance(store, TableStore):
        figures = ((row.point, figure) for row in store.rows for figure in row.figures)
        return {
            point: figure.test
            for point, figure in figures
            if (figure.dataset, figure.recipe) == (card.name, plan.name) and figure.test is not None
        }
    return {point: test for point, record in _known(client, problem, plan) if (test := _test(record, card)) is not None}


def _known(client: Client, problem: Problem, plan: Recipe | Published) -> Iterator[tuple[Point, Record]]:
    """The points that were built on this machine and whose records are in the store."""
    if problem.aliases is None:
        return
    for point, _ in problem.aliases.known(problem.space, problem.dataset.input_shape, problem.dataset.outputs):
        record = client.store.get(problem.task_by(point, plan).key)
        if record is not None:
            yield point, record


def _best_of(searches: Sequence[Found], home: Problem, most: int) -> list[Point]:
    sign = -1 if home.dataset.direction == "maximise" else 1
    found = [(sign * one.validation, one.point) for one in searches if one.point is not None and one.validation is not None]
    best = [home.space.read(written) for written in dict.fromkeys(point for _, point in sorted(found))]
    networks = {home.task(point).key: point for point in reversed(best)}  # of equal ones the first
    return [point for point in best if networks[home.task(point).key] == point][:most]


def _source(evaluation: Evaluation) -> str:
    """Where a record came from; raises what its evaluation ended with, if that is no record."""
    evaluation.result()
    return evaluation.source or "trained"


def _rank(known: Mapping[Point, float], point: Point, card: Dataset) -> int | None:
    if point not in known:
        return None
    sign = 1 if card.direction == "maximise" else -1
    return 1 + sum(sign * value > sign * known[point] for value in known.values())


def _test(record: Record, card: Dataset) -> float | None:
    value = record.metrics.get("test", {}).get(card.metric)
    return float(value) if isinstance(value, int | float) else None
