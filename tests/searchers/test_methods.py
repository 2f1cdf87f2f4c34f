"""What each way to search does in particular."""

import pytest

from jitnas_fn.core.errors import TaskError
from jitnas_fn.searchers.evolution import Evolution
from jitnas_fn.searchers.local_search import LocalSearch
from jitnas_fn.searchers.random_sampling import RandomSampling
from jitnas_fn.searchers.reinforce import Reinforce, _softmax
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
