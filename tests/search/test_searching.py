"""A search: asks in order, pays once for what it asks for twice, chooses on validation, and reads test at its end."""

import dataclasses
import json
import random

import pytest

from jitnas_fn import Client
from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import ModelFailed, SiteUnavailable, TaskError
from jitnas_fn.graphs.fidelities import cheaper_by
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search import search
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, record_for, reply
from tests.search.searches import Counting, a_search, answered, worth
from tests.searchers.problems import problem_of


def test_the_best_on_validation_is_found_and_its_test_is_read():
    found = a_search(evaluations=20)
    best = max(found.steps, key=lambda step: step.value)
    assert (found.point, found.validation) == (best.point, best.value)
    assert found.test == worth(best.key[10:])
    assert [step.number for step in found.steps] == list(range(1, 21))
    assert [step.best for step in found.steps] == [max(one.value for one in found.steps[: n + 1]) for n in range(20)]
    assert json.loads(json.dumps(found.to_dict()))["method"] == "random_search"


@pytest.mark.parametrize("name", shelf.names("searchers"))
def test_what_is_asked_for_twice_is_trained_once(name):
    executor = Counting()
    found = a_search(name, executor=executor, problem=problem_of("hand_designed"), evaluations=12)
    assert executor.trained == len({step.key for step in found.steps}) <= 3
    assert sum(step.again for step in found.steps) == len(found.steps) - executor.trained
    assert len(found.steps) == (1 if name == "random_sampling" else 12)


def test_the_best_is_trained_by_another_recipe_in_the_end_and_that_test_is_read():
    executor, store = Counting(), MemoryStore()
    final = shelf.take("recipes", "quick").RECIPE
    found = a_search(executor=executor, store=store, evaluations=8, final=final)
    assert executor.trained == len({step.key for step in found.steps}) + 1
    assert found.final_key != found.key
    assert store.get(found.final_key).recipe["name"] == "quick"
    assert found.test == worth(found.final_key[10:])
    assert found.validation == max(step.value for step in found.steps)
    assert [one.test for one in found.incumbents] == [None] * (len(found.incumbents) - 1) + [found.test]


def test_incumbents_are_what_was_the_best_from_when_on():
    found = a_search(evaluations=20)
    for one, following in zip(found.incumbents, (*found.incumbents[1:], None), strict=True):
        step = found.steps[one.number - 1]
        assert (one.point, one.validation, one.test) == (step.point, step.value, worth(step.key[10:]))
        end = len(found.steps) if following is None else following.number - 1
        assert {later.best for later in found.steps[one.number - 1 : end]} == {one.validation}


def test_cheaper_rungs_are_asked_for_by_their_recipes():
    problem = problem_of()
    ladder = cheaper_by(problem.recipe, data_fractions=(0.1, 0.3))
    store = MemoryStore()
    found = a_search("asha", store=store, problem=dataclasses.replace(problem, cheaper=ladder), evaluations=30)
    for step in found.steps:
        assert store.get(step.key).recipe["data_fraction"] == [0.1, 0.3, 1.0][step.rung]
    assert {step.rung for step in found.steps} == {0, 1, 2}
    top = [step for step in found.steps if step.rung == 2]
    assert found.validation == max(step.value for step in top)


def test_a_ladder_with_one_recipe_twice_is_refused():
    problem = problem_of()
    with pytest.raises(TaskError, match="the recipes of a ladder differ"):
        dataclasses.replace(problem, cheaper=(problem.recipe,))


@pytest.mark.parametrize("in_flight", [1, 3, 7])
def test_a_search_that_was_killed_goes_on_to_the_same_end(in_flight):
    store, whole = MemoryStore(), a_search("evolution", evaluations=40, in_flight=in_flight)
    executor = Counting()
    a_search("evolution", store=store, executor=executor, evaluations=15, in_flight=in_flight)  # and then it is killed
    already, executor.trained = executor.trained, 0
    again = a_search("evolution", store=store, executor=executor, evaluations=40, in_flight=in_flight)
    assert [step.point for step in again.steps] == [step.point for step in whole.steps]
    assert (again.point, again.validation, again.test) == (whole.point, whole.validation, whole.test)
    assert already + executor.trained == len({step.key for step in whole.steps})
    assert {step.source for step in again.steps[:10]} == {"cache"}


def test_no_more_are_under_way_than_may_be():
    class Slow(Held):
        most = 0

        def submit(self, function, text):
            future = super().submit(function, text)
            self.most = max(self.most, sum(not call.done() for call, _ in self.calls))
            if len([call for call, _ in self.calls if not call.done()]) == 3:
                for call, asked in self.calls[::-1]:  # the last is done first
                    if not call.done():
                        call.set_result(answered(asked))
            return future

    executor = Slow()
    found = a_search(executor=executor, evaluations=12, in_flight=3)
    assert executor.most == 3
    assert len(found.steps) == 12


class Planned(Searcher):
    """Ends after four evaluations, and learns from what it is told."""

    about = "a plan of four"
    most_evaluations = 4

    def __init__(self, problem, *, seed):
        super().__init__(problem, seed=seed)
        self.told = []

    def propose(self):
        return self.space.sample(self.rng)

    def learn(self, point, value):
        self.told.append(point)


def test_what_is_known_is_told_to_all_that_learn_from_it():
    problem, client = problem_of(), Client(store=MemoryStore(), executor=Counting())
    point = problem.space.sample(random.Random(5))
    record = client.evaluate(problem.architecture(point), dataset="digits", recipe=problem.recipe, seed=problem.seed)
    planned = Planned(problem, seed=0)
    found = search(planned, client, seed=0, evaluations=9, warm=[(point, record)])
    assert (found.warm, len(found.steps), planned.told[0]) == (1, 4, point)
    assert search(shelf.take("searchers", "random_sampling").SEARCHER(problem, seed=0), client, seed=0, evaluations=9).warm == 0


def test_a_network_that_fails_is_worth_nothing_and_the_search_goes_on():
    executor = Counting(failing=lambda key: ModelFailed("no") if int(key[0], 16) % 2 else None)
    found = a_search(executor=executor, evaluations=30)
    failed = [step for step in found.steps if step.source == "failed"]
    assert failed
    assert all(step.value is None for step in failed)
    assert found.point not in {step.point for step in failed}


def test_where_every_network_fails_nothing_is_found():
    found = a_search(executor=Counting(failing=lambda _: ModelFailed("no")), evaluations=5)
    assert (found.point, found.validation, found.test) == (None, None, None)
    assert [step.best for step in found.steps] == [None] * 5


def test_what_is_no_fault_of_a_network_ends_the_search(monkeypatch):
    lasting = SiteUnavailable("no such partition")
    lasting.retryable = False
    with pytest.raises(SiteUnavailable, match="no such partition"):
        a_search(executor=Counting(failing=lambda _: lasting), evaluations=5)


def test_the_best_that_is_asked_for_again_is_no_new_best():
    found = a_search(problem=problem_of("hand_designed"), evaluations=30)
    points = [one.point for one in found.incumbents]
    assert len(points) == len(set(points))


def test_where_less_is_better_the_least_is_found_and_told_as_measured():
    problem = problem_of()
    fewer = dataclasses.replace(problem, dataset=dataclasses.replace(problem.dataset, direction="minimise"))
    found = a_search(problem=fewer, evaluations=20)
    assert found.validation == min(worth(step.key) for step in found.steps)
    assert found.test == worth(found.key[10:])
    assert found.incumbents[-1].validation == -found.validation


@pytest.mark.parametrize("method", ["asha", "hyperband", "successive_halving"])
def test_what_cheap_trainings_say_never_stands_for_a_whole_one(method):
    """Networks are worth the same on every rung, so nothing but the rung tells the best."""

    class Level(Counting):
        def __init__(self):
            super().__init__()
            self.answering = self._level

        def _level(self, text):
            (item,) = Envelope.from_json(text).items("tasks")
            value = int(item["parts"]["fingerprint"][0], 16) / 16
            metrics = {"validation": {"accuracy": value}, "test": {"accuracy": value}}
            record = dataclasses.replace(record_for(item), metrics=metrics).sealed()
            return reply([{"key": item["key"], "record": record.to_dict()}])

    problem = problem_of("hand_designed")
    problem = dataclasses.replace(problem, cheaper=cheaper_by(problem.recipe, data_fractions=(0.1, 0.3)))
    for seed in range(6):
        store = MemoryStore()
        found = a_search(method, store=store, executor=Level(), problem=problem, seed=seed, evaluations=30)
        reached = max(step.rung for step in found.steps)
        assert store.get(found.key).recipe == problem.ladder[reached].to_dict()
        assert store.get(found.final_key).recipe == problem.recipe.to_dict()


def test_where_only_cheap_rungs_were_reached_the_best_is_trained_whole_to_be_read():
    problem = problem_of()
    problem = dataclasses.replace(problem, cheaper=cheaper_by(problem.recipe, data_fractions=(0.1, 0.3)))
    store, executor = MemoryStore(), Counting()
    found = a_search("successive_halving", store=store, executor=executor, problem=problem, evaluations=4)
    assert {step.rung for step in found.steps} == {0}
    assert store.get(found.final_key).recipe["data_fraction"] == 1.0
    assert found.test == worth(found.final_key[10:])
    assert executor.trained == len({step.key for step in found.steps}) + 1


def test_a_record_without_validation_is_worth_nothing_and_the_search_goes_on():
    class Silent(Counting):
        def __init__(self):
            super().__init__(failing=lambda _: None)
            self.answering = self._silent

        def _silent(self, text):
            (item,) = Envelope.from_json(text).items("tasks")
            metrics = {"test": {"accuracy": 0.5}}
            if int(item["key"][0], 16) % 2:
                metrics["validation"] = {"accuracy": worth(item["key"])}
            return reply(
                [{"key": item["key"], "record": dataclasses.replace(record_for(item), metrics=metrics).sealed().to_dict()}]
            )

    found = a_search(executor=Silent(), evaluations=20)
    assert found.validation == max(step.value for step in found.steps if step.value is not None)
    assert any(step.value is None for step in found.steps)
