"""Whatever file lies on the shelf of searchers has passed these."""

import dataclasses
import random

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs import problem as of_problem
from jitnas_fn.graphs.halving import Halving
from jitnas_fn.graphs.searcher import Searcher
from tests.searchers.problems import bowl, problem_of, searched, told

SEARCHERS = shelf.names("searchers")
ON_RUNGS = [name for name in SEARCHERS if issubclass(shelf.take("searchers", name).SEARCHER, Halving)]  # on one: by chance
LEARNING = [name for name in SEARCHERS if not name.startswith("random_") and name not in ON_RUNGS]


@pytest.fixture(params=SEARCHERS)
def method(request):
    return shelf.take("searchers", request.param).SEARCHER


@pytest.fixture
def problem():
    return problem_of()


def test_it_is_named_as_its_file_and_says_what_it_is(method, problem):
    made = method(problem, seed=0)
    assert isinstance(made, Searcher)
    assert made.name in SEARCHERS
    assert 10 < len(made.about) < 110
    assert made.best is None


def test_a_seed_asks_for_the_same_again_and_another_for_others(method, problem):
    runs = [searched(method(problem, seed=seed), bowl, 60) for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


def test_every_point_is_one_of_the_space(method):
    for space in ("mlp", "nasbench201"):
        problem = problem_of(space, dataset="digits")
        made = method(problem, seed=1)
        for _ in range(50):
            point = made.propose()
            problem.space.check(point)
            told(made, point, bowl(point))


def test_many_may_be_under_way_before_the_first_is_told(method, problem):
    made = method(problem, seed=1)
    for _ in range(5):
        points = [made.propose() for _ in range(30)]
        for point in reversed(points):
            told(made, point, bowl(point))


def test_networks_that_fail_end_no_search(method, problem):
    made = method(problem, seed=1)
    for number in range(60):
        point = made.propose()
        told(made, point, bowl(point) if number % 3 else float("-inf"))
    assert made.best is not None


def test_where_all_fail_it_goes_on_to_the_end(method, problem):
    made = method(problem, seed=1)
    for _ in range(60):
        told(made, made.propose(), float("-inf"))


@pytest.mark.parametrize("name", LEARNING)
def test_what_learns_is_better_than_chance(name, problem):
    """On a bowl, over twenty seeds, the last points are better than the first, and the best than those of random search."""
    rivals = {one: shelf.take("searchers", one).SEARCHER for one in (name, "random_search")}
    bests = {}
    for one, made in rivals.items():
        runs = [searched(made(problem, seed=seed), bowl, 150) for seed in range(20)]
        bests[one] = sum(max(run) for run in runs)
        if one == name and name != "local_search":  # which begins anew after each top
            assert sum(sum(run[-30:]) for run in runs) > sum(sum(run[:30]) for run in runs)
    assert bests[name] > bests["random_search"]


def test_a_task_is_told_once_for_each_time_that_it_was_asked_for(method, problem):
    made = method(problem, seed=2)
    task = made.ask()
    made.give_up(task)
    with pytest.raises(TaskError, match="was not asked for by this search, or was told already"):
        made.give_up(task)


def test_no_network_beyond_the_bounds_is_asked_for(method, problem):
    bounded = dataclasses.replace(problem, most_parameters=20_000)
    made = method(bounded, seed=0)
    costs = []
    for _ in range(40):
        task = made.ask()
        point = made.asked(task.key).point
        costs.append(problem.space.cost(point, (1, 8, 8), 10).parameters)
        made.give_up(task) if len(costs) % 3 == 0 else made.take(made._ended(task.key), bowl(point))
    assert max(costs) <= 20_000


def test_bounds_that_nothing_meets_are_told(method, problem):
    with pytest.raises(TaskError, match="none is within the bounds"):
        method(dataclasses.replace(problem, most_macs=10), seed=0).ask()


def test_a_problem_keeps_but_some_architectures(problem, monkeypatch):
    monkeypatch.setattr(of_problem, "KEPT", 3)
    rng = random.Random(0)
    points = [problem.space.sample(rng) for _ in range(10)]
    tasks = [problem.task(point) for point in points]
    assert len(problem._architectures) <= 3
    for point, task in zip(points, tasks, strict=True):
        assert problem.architecture(point).fingerprint == task.fingerprint
        assert problem.task(point) is task


def test_of_points_that_are_worth_the_same_the_first_stays_the_best(problem):
    made = shelf.take("searchers", "random_search").SEARCHER(problem, seed=0)
    points = [made.propose() for _ in range(3)]
    for point in points:
        told(made, point, 0.5)
    assert made.best == (points[0], 0.5)
