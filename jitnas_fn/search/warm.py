"""What is known of a problem before a search begins: points that were built on this machine, and whose records are there."""

from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import task_of
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.space import Point


def known_points(problem: Problem, store: Store, *, most: int) -> list[tuple[Point, Record]]:
    """The best points that a store has records of, from the worst of them to the best; each network once.

    Parameters
    ----------
    problem
        Dataset, recipe, seed and bounds; its aliases say which point a record is of.
    store
        Where records are.
    most
        How many at most.
    """
    if problem.aliases is None:
        return []
    shape, outputs = problem.dataset.input_shape, problem.dataset.outputs
    points: dict[str, Point] = {}
    for point, fingerprint in problem.aliases.known(problem.space, shape, outputs):
        points.setdefault(fingerprint, point)
    found = []
    for fingerprint, point in points.items():
        record = store.get(task_of(fingerprint, problem.dataset, problem.recipe, problem.seed).key)
        if record is not None and record.verdict == "trained" and problem.allows(point):
            found.append((problem.value(record), point, record))
    found.sort(key=lambda one: one[:2])
    return [(point, record) for _, point, record in found[-most:]] if most else []
