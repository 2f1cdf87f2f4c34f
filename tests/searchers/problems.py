"""Problems that need no training: each point of a space has a value."""

from jitnas_fn.core import shelf
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Trial


def problem_of(space="mlp", dataset="digits", recipe="instant"):
    """A problem of a space."""
    return Problem(
        space=shelf.take("spaces", space).SPACE,
        dataset=shelf.take("datasets", dataset).DATASET,
        recipe=shelf.take("recipes", recipe).RECIPE,
        seed=0,
    )


def bowl(point):
    """A value that is best where every choice is the last one: each that is not costs something."""
    return -float(sum((7 - option) ** 2 for option in point))


def told(searcher, point, value):
    """Tell a searcher what a point is worth on the highest rung, asked for or not."""
    searcher.take(Trial(point, searcher.problem.top), value)


def searched(searcher, value, count):
    """The values of so many points in a row, one at a time."""
    values = []
    for _ in range(count):
        point = searcher.propose()
        values.append(value(point))
        told(searcher, point, values[-1])
    return values
