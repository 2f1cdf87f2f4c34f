"""Ladders of rungs that need no training, and searches driven over them by hand."""

from collections import deque
from types import SimpleNamespace

from jitnas_fn.core import shelf
from jitnas_fn.core.published import Published
from jitnas_fn.graphs.problem import Problem


def laddered(rungs, *, sample=lambda rng: (int(rng.random() * 1e12),), epochs=None, **options):
    """A problem on so many rungs, whose space can only be drawn from: by itself it never draws a point twice."""
    ladder = [
        Published(name=f"rung {number}", epochs=(epochs or range(rungs))[number], source="none") for number in range(rungs)
    ]
    space, dataset = SimpleNamespace(name="numbers", sample=sample), shelf.take("datasets", "digits").DATASET
    return Problem(space=space, dataset=dataset, recipe=ladder[-1], cheaper=tuple(ladder[:-1]), seed=0, **options)


def method(name, problem, *, seed=0, **options):
    """A way to search, by the name of its file."""
    return shelf.take("searchers", name).SEARCHER(problem, seed=seed, **options)


def worth(trial):
    """A value for each point on each rung, all of them different, and without any order that the search could know."""
    return float((trial.point[0] * 7_919 + trial.rung * 104_729) % 1_000_003)


def driven(made, count, *, value=worth, under_way=1, latest_first=False, propose=None):
    """So many trials in the order in which they were proposed, each with its value, all told in the end."""
    trials, waiting = [], deque()
    while len(trials) < count or waiting:
        if len(trials) < count and len(waiting) < under_way:
            waiting.append((propose or made.propose_trial)())
            trials.append((waiting[-1], value(waiting[-1])))
        else:
            trial = waiting.pop() if latest_first else waiting.popleft()
            made.take(trial, value(trial))
    return trials


def rungs_of(trials):
    """The rung of each."""
    return [trial.rung for trial, _ in trials]


def points_on(rung, trials):
    """The points that were asked for on a rung, in their order."""
    return [trial.point for trial, _ in trials if trial.rung == rung]
