"""What a search adds to each evaluation whose record and alias are known, against the method alone told from a dictionary.

Two thousand evaluations of random search and of evolution: on the user's own cache (TinyDB file, with the ledger that counts
what is asked), on a table of NAS-Bench-201 if one is here, and of the method alone. Bar: 1 ms for each evaluation.
"""

import dataclasses
import os
import random
import tempfile
import time
from pathlib import Path

from jitnas_fn import Client
from jitnas_fn.core import shelf
from jitnas_fn.core.entry import record_entry
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Trial
from jitnas_fn.search import search
from jitnas_fn.search.replay import Replay
from jitnas_fn.stores.aliases import AliasBook
from tests.samples import a_record
from tests.spaces.tables import FOLDER

COUNT, ROUNDS, BAR = 2_000, 3, 1e-3
METHODS = ("random_search", "evolution")


def searching(problem, client, method):
    """Seconds for each evaluation of a search."""
    searcher = shelf.take("searchers", method).SEARCHER(problem, seed=0)
    began = time.perf_counter()
    found = search(searcher, client, seed=0, evaluations=COUNT, in_flight=1)
    took = time.perf_counter() - began
    assert {step.source for step in found.steps} == {"cache"}
    return took / COUNT, found


def alone(problem, values, method):
    """Seconds for each proposal that is told from a dictionary."""
    searcher = shelf.take("searchers", method).SEARCHER(problem, seed=0)
    began = time.perf_counter()
    for _ in range(COUNT):
        trial = searcher.propose_trial()
        searcher.take(Trial(*trial), values[problem.space.written(trial.point)])
    return (time.perf_counter() - began) / COUNT


def filled(folder):
    """A problem on digits whose every record is in the user's cache, and every point an alias."""
    os.environ["JITNAS_HOME"] = str(folder)
    os.environ["JITNAS_SNAPSHOT"] = str(folder / "none")  # a published record would stand beside one of these
    problem = Problem(
        space=shelf.take("spaces", "mlp").SPACE,
        dataset=shelf.take("datasets", "digits").DATASET,
        recipe=shelf.take("recipes", "quick").RECIPE,
        seed=0,
        aliases=AliasBook(folder / "aliases"),
    )
    client = Client()
    rng = random.Random(0)
    points = {problem.space.sample(rng) for _ in range(20 * COUNT)}
    for method in METHODS:  # evolution asks for what its own values lead to
        searcher, values = shelf.take("searchers", method).SEARCHER(problem, seed=0), {}
        for _ in range(COUNT):
            point = searcher.propose()
            points.add(point)
            values.setdefault(point, worth(problem, point))
            searcher.take(Trial(point, 0), values[point])

    client.store.extend([record_entry(record_of(problem, point)) for point in points])
    return problem, client


def worth(problem, point):
    return random.Random(problem.task(point).key).random()


def record_of(problem, point):
    task = problem.task(point)
    value = worth(problem, point)
    made = dataclasses.replace(
        a_record(),
        key=task.key,
        parts=task.parts,
        recipe=problem.recipe.to_dict(),
        metrics={"validation": {"accuracy": value}, "test": {"accuracy": value}},
    )
    return made.sealed()


def told(name, problem, client):
    for method in METHODS:
        found = searching(problem, client, method)[1]  # once before: what is read is in the cache of the disk
        values = {step.point: step.value for step in found.steps}
        pairs = [(searching(problem, client, method)[0], alone(problem, values, method)) for _ in range(ROUNDS)]
        whole, bare = (min(side) for side in zip(*pairs, strict=True))
        each = f"{whole * 1e6:7.0f} µs each, {whole / bare:5.1f}x the method alone"
        print(f"{name:<13} {method:<14} {each}  (bar {BAR * 1e6:,.0f} µs)")
        assert whole < BAR


def main():
    with tempfile.TemporaryDirectory() as folder:
        problem, client = filled(Path(folder))
        told("own cache", dataclasses.replace(problem, aliases=AliasBook(Path(folder) / "aliases")), client)
        path = FOLDER / "nb201.csv.gz"
        if path.exists():
            replay = Replay("nasbench201", path)
            told("NAS-Bench-201", replay.problem("cifar10"), replay.client)
        else:
            print(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")


if __name__ == "__main__":
    main()
