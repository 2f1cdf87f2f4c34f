"""How long a training will take, judged before it is asked for: a line over multiply-adds through those that are known."""

import dataclasses
import json
from collections.abc import Callable

from jitnas_fn.core.bounds import LONGEST_SECONDS, finite, whole
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.tabulated_seconds import FEWEST, Line, line_through
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.space import Point


def line_from(store: Store, problem: Problem) -> Line:
    """The line through all trainings on the problem's dataset with its recipe.

    Lines of the store are not verified: one that lies spoils an estimate, nothing more.

    Raises
    ------
    TaskError
        If there are too few.
    """
    words = [f'"{digits}"'.encode() for digits in (problem.dataset.sha256, problem.recipe.sha256)]
    lines = (line for line in store.every_line() if b'"verdict":"trained"' in line and all(word in line for word in words))
    pairs = list(dict(pair for line in lines if (pair := _pair(line)) is not None).values())
    found = line_through(pairs)
    if found is None:
        raise TaskError(
            f"a bound of seconds is judged by at least {FEWEST} trainings of different networks on {problem.dataset.name} by "
            f"{problem.recipe.name}; here are {len(pairs)}: search without that bound first"
        )
    return found


def judged_by(line: Line, problem: Problem, *, most_seconds: float | None) -> Problem:
    """The problem with a bound of seconds, judged by a line."""

    def seconds_of(point: Point) -> float:
        return line.at(problem.space.cost(point, problem.dataset.input_shape, problem.dataset.outputs).macs)

    return dataclasses.replace(problem, most_seconds=most_seconds, seconds_of=seconds_of)


def told_by(store: Store, problem: Problem) -> Callable[[Point], float | None]:
    """The seconds that a published table has for a point; None where it has none."""

    def seconds_of(point: Point) -> float | None:
        record = store.get(problem.task(point).key)
        return None if record is None else finite(record.cost.get("wall_seconds"), least=0)

    return seconds_of


def _pair(line: bytes) -> tuple[str, tuple[int, float]] | None:
    """The network, multiply-adds and seconds of the record on a line."""
    try:
        record = json.loads(line)["record"]
        macs, seconds = record["size"]["macs"], record["cost"]["wall_seconds"]
        network = str(record["parts"]["fingerprint"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    fits = whole(macs) is not None and finite(seconds, least=0, most=LONGEST_SECONDS) is not None
    return (network, (macs, seconds)) if fits else None
