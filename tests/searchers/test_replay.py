"""On the published table, methods come to what was published of them: chosen by 12 epochs, read after 200."""

import math
import statistics

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.spaces.nasbench201 import SPACE
from tests.searchers.problems import problem_of, searched
from tests.spaces.tables import rows_of

DATASETS = ("cifar10", "cifar100", "imagenet16_120")
PUBLISHED = {  # percent: mean and standard deviation, after 100 evaluations
    "random_search": ((93.75, 0.35), (71.14, 1.04), (44.78, 1.14)),
    "evolution": ((93.96, 0.36), (72.00, 1.05), (45.61, 0.97)),
}
SEEDS, EVALUATIONS = 200, 100


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("dataset", DATASETS)
def test_a_method_comes_to_its_published_accuracy(name, dataset):
    rows = rows_of("nb201")
    table = {tuple(map(int, row["code"])): row for row in rows}
    problem, method = problem_of("nasbench201"), shelf.take("searchers", name).SEARCHER
    ends = []
    for seed in range(SEEDS):
        made = method(problem, seed=seed)
        searched(made, lambda point: float(table[point][f"{dataset}_val_12"]) / 100, EVALUATIONS)
        ends.append(float(table[made.best[0]][f"{dataset}_test_200_mean"]))
    mean, deviation = PUBLISHED[name][DATASETS.index(dataset)]
    error = statistics.stdev(ends) / math.sqrt(SEEDS)
    assert abs(statistics.mean(ends) - mean) < 2 * error
    assert statistics.stdev(ends) == pytest.approx(deviation, rel=0.25)
    assert SPACE.size == len(rows)
