"""Four methods, two hundred seeds, three datasets, a hundred evaluations each, on NAS-Bench-201: 240,000 evaluations.

Against the same methods alone, told from a dictionary in one process. Bar: two minutes with two processes, from a machine that
has nothing to the table of results. Skipped where no table is here.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from jitnas_fn.core import shelf
from jitnas_fn.core.tabulated import Table
from jitnas_fn.graphs.searcher import Trial
from tests.searchers.problems import problem_of
from tests.spaces.tables import FOLDER

METHODS = ("random_search", "evolution", "local_search", "reinforce")
SEEDS, EVALUATIONS, BAR_SECONDS = 200, 100, 120.0


def alone(table: Table, path):
    """Seconds of all searches on one dataset, told from a dictionary."""
    rows, _ = table.read(path)
    worth = {row.point: figure.validation for row in rows for figure in row.figures if figure.recipe == table.chosen_by}
    problem, began = problem_of("nasbench201"), time.perf_counter()
    for method in METHODS:
        for seed in range(SEEDS):
            searcher = shelf.take("searchers", method).SEARCHER(problem, seed=seed)
            for _ in range(EVALUATIONS):
                point = searcher.propose()
                searcher.take(Trial(point, 0), worth[point])
    return time.perf_counter() - began


def main():
    path = FOLDER / "nb201.csv.gz"
    if not path.exists():
        print(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
        return
    table = shelf.take("tables", "nasbench201").TABLE
    bare = alone(table, path) * len(table.splits)
    words = ("compare", "--replay", "nasbench201", "--table", str(path), "--dataset", ",".join(table.splits))
    budget = ("--methods", ",".join(METHODS), "--evaluations", str(EVALUATIONS), "--seeds", str(SEEDS), "--json")
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        done = subprocess.run(
            (sys.executable, "-m", "jitnas_fn", *words, *budget),
            env={**os.environ, "JITNAS_HOME": folder},
            capture_output=True,
            text=True,
            check=True,
        )
        took = time.perf_counter() - began
    rows = json.loads(done.stdout)["methods"]
    for row in rows:
        mean, deviation = 100 * row["test_accuracy_mean"], 100 * row["test_accuracy_std"]
        print(f"{row['dataset']:<15} {row['method']:<16} {mean:.2f} ± {deviation:.2f}")
    each = took / (len(METHODS) * SEEDS * EVALUATIONS * len(table.splits))
    print(f"{took:.0f} s, {each * 1e6:.0f} µs for each evaluation  (bar {BAR_SECONDS:.0f} s)")
    print(f"{took / bare:.1f}x as long as the methods alone, in one process, from a dictionary ({bare:.0f} s)")
    assert took < BAR_SECONDS


if __name__ == "__main__":
    main()
