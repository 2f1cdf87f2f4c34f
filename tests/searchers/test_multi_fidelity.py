"""Methods that begin on cheap rungs ask for what their papers say, and find more than random search in the same time."""

import dataclasses
import math
import random
import statistics

import pytest

from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.fidelities import cheaper_by
from jitnas_fn.graphs.searcher import Trial
from jitnas_fn.stores.memory import MemoryStore
from tests.search.searches import Counting, a_search
from tests.searchers.problems import problem_of
from tests.searchers.rungs import driven, laddered, method, points_on, rungs_of, worth
from tests.spaces.tables import rows_of

METHODS = ("successive_halving", "hyperband", "asha")
EPOCHS = (4, 12, 36, 108)  # of NAS-Bench-101


def best_on(rung, trials, count):
    ranked = sorted((one for one in trials if one[0].rung == rung), key=lambda one: one[1], reverse=True)
    return [trial.point for trial, _ in ranked[:count]]


def test_successive_halving_takes_one_in_three_to_the_next_rung_and_begins_anew():
    trials = driven(method("successive_halving", laddered(4)), 80)
    assert rungs_of(trials) == 2 * (27 * [0] + 9 * [1] + 3 * [2] + [3])
    for run in (trials[:40], trials[40:]):
        for rung, count in enumerate((9, 3, 1)):
            assert points_on(rung + 1, run) == best_on(rung, run, count)
    assert set(points_on(0, trials[:40])).isdisjoint(points_on(0, trials[40:]))


def test_halving_takes_every_second_where_eta_is_two():
    trials = driven(method("successive_halving", laddered(4), eta=2), 15)
    assert rungs_of(trials) == 8 * [0] + 4 * [1] + 2 * [2] + [3]


def test_hyperband_has_the_brackets_that_its_paper_computes():
    """Algorithm 1 for R = 81 and eta = 3: each bracket begins one rung higher, and after the last it begins anew."""
    brackets = ((81, 27, 9, 3, 1), (34, 11, 3, 1), (15, 5, 1), (8, 2), (5,))
    trials = driven(method("hyperband", laddered(5)), sum(map(sum, brackets)) + 81)
    for first, sizes in enumerate(brackets):
        bracket, trials = trials[: sum(sizes)], trials[sum(sizes) :]
        assert rungs_of(bracket) == [first + step for step, size in enumerate(sizes) for _ in range(size)]
        for rung, size in enumerate(sizes[1:], start=first):
            assert points_on(rung + 1, bracket) == best_on(rung, bracket, size)
    assert rungs_of(trials) == 81 * [0]


class AsPublished:
    """Algorithm 2 of ASHA's paper as it reads: everything is sorted anew each time."""

    def __init__(self, top, eta):
        self.top, self.eta = top, eta
        self.told, self.promoted = [[] for _ in range(top)], [set() for _ in range(top)]

    def promotion(self):
        for rung in reversed(range(self.top)):
            ranked = sorted(self.told[rung], key=worth, reverse=True)
            for trial in ranked[: len(ranked) // self.eta]:
                if trial not in self.promoted[rung]:
                    self.promoted[rung].add(trial)
                    return Trial(trial.point, rung + 1)
        return None


@pytest.mark.parametrize(("rungs", "eta", "most"), [(1, 3, 1), (3, 3, 1), (4, 3, 9), (4, 2, 25), (5, 4, 100)])
def test_asha_asks_for_what_its_algorithm_says(rungs, eta, most):
    made, published, rng = method("asha", laddered(rungs), eta=eta), AsPublished(rungs - 1, eta), random.Random(1)
    waiting, highest = [], 0
    for _ in range(1500):
        if len(waiting) < most and rng.random() < 0.6:
            trial, expected = made.propose_trial(), published.promotion()
            assert trial == expected if expected is not None else trial.rung == 0
            waiting.append(trial)
            highest = max(highest, trial.rung)
        elif waiting:
            trial = waiting.pop(int(rng.random() * len(waiting)))
            made.take(trial, worth(trial))
            if trial.rung < rungs - 1:
                published.told[trial.rung].append(trial)
    assert highest == rungs - 1


def test_asha_promotes_one_of_three_though_others_are_under_way():
    made = method("asha", laddered(3))
    first = [made.propose_trial() for _ in range(5)]
    assert [trial.rung for trial in first] == 5 * [0]
    for trial, value in zip(first[1:4], (1.0, 3.0, 2.0), strict=True):
        made.take(trial, value)
    assert made.propose_trial() == Trial(first[2].point, 1)
    assert made.propose_trial().rung == 0


@pytest.mark.parametrize("name", METHODS)
def test_on_a_ladder_of_one_rung_it_is_random_search(name):
    trials = driven(method(name, laddered(1)), 50, under_way=7)
    assert set(rungs_of(trials)) == {0}
    assert len(set(points_on(0, trials))) == 50


@pytest.mark.parametrize("name", METHODS)
def test_a_seed_asks_for_the_same_and_another_for_others(name):
    runs = [driven(method(name, laddered(4), seed=seed), 300, under_way=6) for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("eta", [1, 0, -3, 2.5, True])
def test_an_eta_that_does_not_take_one_of_several_is_refused(name, eta):
    with pytest.raises(TaskError, match="eta is a whole number from 2"):
        method(name, laddered(3), eta=eta)


@pytest.mark.parametrize("name", METHODS)
def test_a_search_over_rungs_that_was_killed_goes_on_to_the_same_end(name):
    problem = problem_of(recipe="quick")
    problem = dataclasses.replace(problem, cheaper=cheaper_by(problem.recipe, epochs=(1, 4)))
    store, executor = MemoryStore(), Counting()
    whole = a_search(name, problem=problem, evaluations=60)
    a_search(name, problem=problem, store=store, executor=executor, evaluations=25)  # and then it is killed
    again = a_search(name, problem=problem, store=store, executor=executor, evaluations=60)
    assert [(step.point, step.rung) for step in again.steps] == [(step.point, step.rung) for step in whole.steps]
    assert {step.rung for step in whole.steps} == {0, 1, 2}
    assert whole.validation == max(step.value for step in whole.steps if step.rung == 2)
    assert executor.trained == len({step.key for step in whole.steps})


def best_within(made, budget, *, value, seconds):
    """The best value on the highest rung when the budget is spent; what is asked for again costs nothing."""
    spent, known = 0.0, set()
    while spent < budget:
        trial = made.propose_trial()
        spent += 0.0 if trial in known else seconds(trial)
        known.add(trial)
        made.take(trial, value(trial))
    assert made._best_by[1] == made.problem.top
    return made.best[1]


def test_each_finds_better_cells_of_nasbench101_than_random_search_in_the_same_time():
    """In the time of thirty trainings over 108 epochs, over a hundred seeds, by three standard errors."""
    rows = rows_of("nb101_sample20k")
    took = [float(row["train_seconds_108"]) for row in rows]
    figures = [{epochs: float(row[f"val_{epochs}"]) for epochs in EPOCHS} for row in rows]

    def bests(name, *epochs):
        problem = laddered(len(epochs), epochs=epochs, sample=lambda rng: (int(rng.random() * len(rows)),))
        return [
            best_within(
                method(name, problem, seed=seed),
                30 * statistics.mean(took),
                value=lambda trial: figures[trial.point[0]][epochs[trial.rung]],
                seconds=lambda trial: took[trial.point[0]] * epochs[trial.rung] / EPOCHS[-1],
            )
            for seed in range(100)
        ]

    by_chance = bests("random_search", EPOCHS[-1])
    for name in METHODS:
        found = bests(name, *EPOCHS)
        error = math.hypot(*(statistics.stdev(ends) / math.sqrt(len(ends)) for ends in (found, by_chance)))
        assert statistics.mean(found) - statistics.mean(by_chance) > 3 * error
