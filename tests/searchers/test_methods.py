"""What each way to search does in particular."""

import dataclasses
import logging
import math
import random
import subprocess
import sys
import warnings

import pytest

from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.searcher import Trial
from jitnas_fn.searchers.bayesian import Bayesian
from jitnas_fn.searchers.evolution import Evolution
from jitnas_fn.searchers.local_search import LocalSearch
from jitnas_fn.searchers.random_sampling import RandomSampling
from jitnas_fn.searchers.reinforce import Reinforce, _softmax
from jitnas_fn.spaces.mlp import Mlp
from tests.searchers.problems import bowl, problem_of, searched, told


@pytest.fixture
def problem():
    return problem_of()


def test_random_sampling_takes_the_first_whatever_it_is_worth(problem):
    made = RandomSampling(problem, seed=0)
    first = made.propose()
    told(made, first, 0.1)
    for _ in range(20):
        told(made, made.propose(), 1.0)
    assert made.best == (first, 0.1)


def test_evolution_mutates_one_of_the_population_and_the_oldest_dies(problem):
    made = Evolution(problem, seed=0, population=5, sample=3)
    seen = []
    for number in range(60):
        point = made.propose()
        if number >= 5:
            assert any(point in problem.space.neighbours(parent) for parent, _ in seen[-5:])
        seen.append((point, bowl(point)))
        told(made, *seen[-1])


@pytest.mark.parametrize(("population", "sample"), [(0, 0), (5, 6), (5, 0), (-1, -1)])
def test_a_sample_that_the_population_has_not_is_refused(problem, population, sample):
    with pytest.raises(TaskError, match="is not drawn from a population"):
        Evolution(problem, seed=0, population=population, sample=sample)


def test_local_search_asks_for_all_neighbours_and_goes_to_the_best(problem):
    made = LocalSearch(problem, seed=0)
    start = made.propose()
    told(made, start, bowl(start))
    near = problem.space.neighbours(start)
    asked = [made.propose() for _ in near]
    assert set(asked) == set(near)
    for point in asked:
        told(made, point, bowl(point))
    best = max(near, key=bowl)
    assert made.propose() in problem.space.neighbours(best)


def test_local_search_begins_anew_on_a_top(problem):
    made = LocalSearch(problem, seed=0)
    start = made.propose()
    told(made, start, 1.0)
    near = set(problem.space.neighbours(start))
    for _ in near:
        told(made, made.propose(), 0.0)
    assert made.propose() not in near | {start}


def test_local_search_asks_for_no_point_twice_but_for_starts(problem):
    made = LocalSearch(problem, seed=3)
    points = []
    for _ in range(200):
        points.append(made.propose())
        told(made, points[-1], bowl(points[-1]))
    assert len(set(points)) >= 195


def test_reinforce_ends_up_at_what_is_rewarded(problem):
    made = Reinforce(problem, seed=0, learning_rate=0.1)
    wanted = (1, 2, 3, 0, 2, 1)
    searched(made, lambda point: sum(a == b for a, b in zip(point, wanted, strict=True)) / 6, 1500)
    likeliest = tuple(max(range(len(logits)), key=logits.__getitem__) for logits in made._logits)
    assert likeliest == wanted


def test_reinforce_needs_choices_at_places():
    with pytest.raises(TaskError, match="nasbench101 is none"):
        Reinforce(problem_of("nasbench101"), seed=0)


def test_chances_add_up_to_one():
    assert sum(_softmax([1000.0, 999.0, -1000.0])) == pytest.approx(1.0)


@pytest.fixture
def four(problem):
    """A problem of four points; at most places there is nothing to choose."""

    class Four(Mlp):
        name = "four"

        def __init__(self):
            Choices.__init__(self, [("16", "32"), *[("0",)] * 3, ("relu", "tanh"), ("plain",)])

    return dataclasses.replace(problem, space=Four())


def test_bayesian_evaluates_no_point_twice_however_sure_it_is(problem):
    made = Bayesian(problem, seed=0)
    points = []
    for _ in range(150):
        points.append(made.propose())
        told(made, points[-1], bowl(points[-1]))
    assert len(set(points)) == 150


def test_bayesian_goes_on_where_no_new_point_is_left(four):
    made = Bayesian(four, seed=0)
    points = []
    for _ in range(20):
        points.append(made.propose())
        told(made, points[-1], bowl(points[-1]))
    assert len(set(points[:4])) == len(set(points)) == 4


def test_bayesian_takes_a_point_that_is_under_way_several_times_once_for_each(four):
    made = Bayesian(four, seed=0)
    points = [made.propose() for _ in range(12)]
    assert len(set(points)) == 4
    for point in reversed(points):
        told(made, point, bowl(point))
    assert not made._open
    assert [trial.value for trial in made._study.trials if trial.state.is_finished()].count(None) == 0
    assert len(made._study.trials) == 12


@pytest.mark.parametrize("failed", [-math.inf, math.inf, math.nan])
def test_bayesian_learns_what_fails(problem, failed):
    """Of all points, one in seven works."""
    made = Bayesian(problem, seed=0)
    worked = []
    for _ in range(100):
        point = made.propose()
        worked.append(point[0] == 0)
        made.learn(point, bowl(point) if worked[-1] else failed)
    assert sum(worked[-40:]) > 20


def test_bayesian_learns_where_the_bounds_are(problem):
    """Drawn at random, 60 points of one in seven would take 420."""
    made = Bayesian(problem, seed=0)
    refused = []
    while len(made._seen) - len(refused) < 60:
        point = made.propose()
        if point[0]:
            refused.append(point)
            made.refuse(point)
        else:
            made.learn(point, bowl(point))
    assert len(refused) == len(set(refused)) < 150


def test_bayesian_begins_with_what_is_known(problem):
    known = [Bayesian(problem, seed=seed).propose() for seed in range(60)]
    made = Bayesian(problem, seed=100)
    for point in known:
        made.learn(point, bowl(point))
    points = [made.propose() for _ in range(10)]
    assert not set(points) & set(known)
    assert sum(map(bowl, points)) / 10 > sum(map(bowl, known)) / 60 + 15


def test_bayesian_proposes_other_points_while_some_are_under_way(problem):
    made = Bayesian(problem, seed=0)
    searched(made, bowl, 30)
    points = [made.propose() for _ in range(20)]
    assert len(set(points)) == 20


def test_a_gaussian_process_is_told_of_failures_and_does_not_repeat_itself(problem):
    runs = []
    for _ in range(2):
        made = Bayesian(problem, seed=0, sampler="gp")
        points = [made.propose() for _ in range(10)]
        for number, point in enumerate(points):
            told(made, point, bowl(point) if number % 3 else -math.inf)
        points += [made.propose() for _ in range(3)]
        runs.append(points)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 13
    assert max(map(bowl, runs[0][10:])) > max(map(bowl, runs[0][:10]))


@pytest.mark.parametrize("sampler", ["random", "TPE", "", None, 3])
def test_a_sampler_that_there_is_not_is_refused(problem, sampler):
    with pytest.raises(TaskError, match="no sampler .* for bayesian; there are tpe, gp"):
        Bayesian(problem, seed=0, sampler=sampler)


def test_bayesian_needs_choices_at_places():
    with pytest.raises(TaskError, match="nasbench101 is none"):
        Bayesian(problem_of("nasbench101"), seed=0)


@pytest.mark.parametrize(("sampler", "package"), [("tpe", "optuna"), ("gp", "optuna"), ("gp", "scipy"), ("gp", "torch")])
def test_bayesian_says_what_to_install(problem, monkeypatch, sampler, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(TaskError, match=rf"(?i){package}.*pip install 'jitnas_fn\[search\]'"):
        Bayesian(problem, seed=0, sampler=sampler)


def test_optuna_is_imported_when_a_search_begins_and_not_before():
    code = "import sys, jitnas_fn.searchers.bayesian; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_optuna_says_nothing_here_and_all_it_would_elsewhere(problem):
    said, logger, filters = [], logging.getLogger("optuna"), list(warnings.filters)
    Bayesian(problem, seed=0)  # it is imported now
    level, handler = logger.level, logging.Handler()
    handler.emit = said.append
    logger.addHandler(handler)
    try:
        searched(Bayesian(problem, seed=0), bowl, 12)
    finally:
        logger.removeHandler(handler)
    assert not said
    assert logger.level == level <= logging.INFO
    assert warnings.filters == filters


def test_evolution_draws_its_whole_population_within_the_bounds(problem):
    made = Evolution(dataclasses.replace(problem, most_parameters=15_000), seed=0)
    drawn = []
    sample = problem.space.sample

    class Noting(type(problem.space)):
        def sample(self, rng):
            drawn.append(sample(rng))
            return drawn[-1]

    made.space = Noting()
    for _ in range(30):
        task = made.ask()
        made.take(made._ended(task.key), bowl(made.problem.space.sample(made.rng)))
    kept = [point for point in drawn if made.problem.allows(point)]
    assert len(kept) >= 10


def told_before(made, count=10):
    """What is known before the first step, from the worst to the best."""
    points = sorted({made.space.sample(random.Random(number)) for number in range(100)}, key=bowl)[-count:]
    for point in points:
        made.take(Trial(point, made.problem.top), bowl(point))
    return points


def test_evolution_begins_with_what_is_known_as_its_population(problem):
    made = Evolution(problem, seed=0)
    points = told_before(made)
    child = made.asked(made.ask().key).point
    assert child in {near for point in points for near in problem.space.neighbours(point)}
    few = Evolution(problem, seed=0)
    told_before(few, 4)
    asked = [few.ask() for _ in range(7)]
    assert few._drawn == 10
    drawn = [few.asked(task.key).point for task in asked]
    again = Evolution(problem, seed=0)
    assert drawn[:6] == [again.asked(again.ask().key).point for _ in range(6)]  # six are drawn, the seventh is a child


def test_local_search_begins_at_the_best_that_is_known(problem):
    made = LocalSearch(problem, seed=0)
    best = told_before(made)[-1]
    assert made.asked(made.ask().key).point in problem.space.neighbours(best)


def test_reinforce_is_not_rewarded_for_failing_where_less_is_better(problem):
    made = Reinforce(problem, seed=0, learning_rate=0.1)
    searched(made, lambda point: float("-inf") if point[0] == 1 else -0.5, 300)
    chances = _softmax(made._logits[0])
    assert chances[1] < 1 / len(chances)


def test_reinforce_learns_nothing_from_failures_before_anything_has_worked_where_less_is_better(problem):
    fewer = dataclasses.replace(problem, dataset=dataclasses.replace(problem.dataset, direction="minimise"))
    made, untaught = Reinforce(fewer, seed=0), Reinforce(fewer, seed=0)
    for _ in range(3):
        made.learn((1, 1, 1, 1, 1, 1), float("-inf"))
    assert made._logits == untaught._logits
    made.learn((0, 0, 0, 0, 0, 0), -0.5)
    made.learn((1, 1, 1, 1, 1, 1), float("-inf"))
    assert made._logits[0][1] < untaught._logits[0][1]
