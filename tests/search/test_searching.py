"""A search: asks in order, pays once for what it asks for twice, chooses on validation, and reads test at its end."""

import dataclasses
import json
import random

import pytest

from jitnas_fn import Client
from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import Envelope, error_fields
from jitnas_fn.core.errors import ModelFailed, NotAllowed, SiteUnavailable, TaskError
from jitnas_fn.graphs.fidelities import cheaper_by
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search import search
from jitnas_fn.search import under_way as of_search
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import Held, Inline, record_for, reply
from tests.searchers.problems import problem_of


def worth(key):
    """A value that depends on the key alone, and is the same in every process."""
    return int(key[:6], 16) / 16**6


def answered(text, *, failing=lambda key: None):
    """Records worth something on validation, and something else on test."""
    results = []
    for item in Envelope.from_json(text).items("tasks"):
        key = item["key"]
        if failing(key) is not None:
            results.append({"key": key, "error": error_fields(failing(key))})
            continue
        metrics = {"validation": {"accuracy": worth(key)}, "test": {"accuracy": worth(key[10:])}}
        record = dataclasses.replace(record_for(item), metrics=metrics).sealed()
        results.append({"key": key, "record": record.to_dict()})
    return reply(results)


class Counting(Inline):
    """Answers at once, and counts the trainings."""

    def __init__(self, **options):
        super().__init__(lambda text: answered(text, **options))
        self.trained = 0

    def submit(self, function, text):
        self.trained += 1
        return super().submit(function, text)


def a_search(name="random_search", *, store=None, executor=None, seed=0, problem=None, **budget):
    method = shelf.take("searchers", name).SEARCHER
    client = Client(store=MemoryStore() if store is None else store, executor=executor or Counting())
    return search(method(problem or problem_of(), seed=seed), client, seed=seed, **budget)


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


@pytest.mark.parametrize(
    ("in_flight", "clocks"), [(1, [2.0, 4.0, 6.0, 8.0]), (2, [2.0, 2.0, 4.0, 4.0]), (3, [2.0, 2.0, 2.0, 4.0])]
)
def test_the_clock_runs_as_if_all_had_been_trained_for_this_search(in_flight, clocks):
    """Each record says that it took two seconds; what is known already takes as long."""
    store = MemoryStore()
    for _ in range(2):
        found = a_search(store=store, evaluations=4, in_flight=in_flight)
        assert [step.clock for step in found.steps] == clocks
        assert found.seconds == 8.0


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


def test_a_budget_in_seconds_ends_it(capsys):
    shown = []
    found = a_search(seconds=9.0, in_flight=1, show=shown.append)  # each record says that it took two
    assert [step.seconds for step in found.steps if not step.again] == [2.0] * 5
    assert tuple(shown) == found.steps


@pytest.mark.parametrize("failing", [lambda _: None, lambda _: ModelFailed("no")])
def test_a_budget_that_nothing_draws_upon_any_more_ends_all_the_same(monkeypatch, failing):
    """Three networks are known after some steps: to ask for them again costs nothing, however long."""
    monkeypatch.setattr(of_search, "MOST_IDLE", 25)
    found = a_search(executor=Counting(failing=failing), problem=problem_of("hand_designed"), seconds=1000.0, in_flight=2)
    assert 25 <= len(found.steps) < 60
    assert len({step.key for step in found.steps}) <= 3


def test_a_search_is_not_idle_while_it_pays(monkeypatch):
    """Between one that costs nothing and the next one there is always one that costs something."""
    monkeypatch.setattr(of_search, "MOST_IDLE", 2)
    found = a_search("local_search", problem=problem_of("mlp"), seconds=100.0, in_flight=1)
    assert sum(step.seconds for step in found.steps) >= 100.0


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


class NowhereElse(Searcher):
    """Knows a point within the bounds, and others beyond them."""

    about = "begins at one point, then proposes what is not allowed"

    def propose(self):
        allowed = self.best is None and not self._asked
        while True:
            point = self.space.sample(self.rng)
            if self.problem.allows(point) == allowed:
                return point

    def learn(self, point, value):
        pass


@pytest.mark.parametrize("in_flight", [1, 4])
def test_where_nothing_more_is_within_the_bounds_a_search_ends_with_what_it_has(in_flight):
    problem = dataclasses.replace(problem_of("mlp"), most_parameters=20_000)
    client = Client(store=MemoryStore(), executor=Counting())
    found = search(NowhereElse(problem, seed=0), client, seed=0, evaluations=10, in_flight=in_flight)
    assert len(found.steps) == 1
    assert (found.key, found.test) == (found.steps[0].key, worth(found.steps[0].key[10:]))


def test_where_nothing_at_all_is_within_the_bounds_it_is_an_error():
    with pytest.raises(TaskError, match="none is within the bounds"):
        a_search(problem=dataclasses.replace(problem_of("mlp"), most_parameters=1), evaluations=10)


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


class Cheat(Searcher):
    """Looks at the test part."""

    about = "looks at what it must not see"

    def propose(self):
        return self.space.sample(self.rng)

    def learn(self, point, value):
        pass

    def tell(self, record):
        super().tell(record)
        assert "test" not in record.metrics
        record.metrics["test"]


def test_a_searcher_that_looks_at_the_test_part_is_told_that_it_is_sealed():
    client = Client(store=MemoryStore(), executor=Counting())
    with pytest.raises(NotAllowed, match="chooses on validation; test is read at its end"):
        search(Cheat(problem_of(), seed=0), client, seed=0, evaluations=3)


@pytest.mark.parametrize(
    "budget",
    [
        {},
        {"evaluations": 0},
        {"evaluations": -1},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"evaluations": 3, "in_flight": 0},
    ],
)
def test_a_search_without_a_budget_is_refused(budget):
    with pytest.raises(TaskError, match="has a budget above 0"):
        a_search(**budget)


class Curious(Cheat):
    """Looks for the test part of the curves, and of what records are left."""

    about = "looks at curves that it must not see"

    def tell(self, record):
        Searcher.tell(self, record)
        assert record.seal["salt"] is None
        record.curves["test"]


def test_curves_of_test_are_sealed_too():
    client = Client(store=MemoryStore(), executor=Counting())
    with pytest.raises(NotAllowed, match="test is read at its end"):
        search(Curious(problem_of(), seed=0), client, seed=0, evaluations=3)


class Priced(Counting):
    """Each training takes as many seconds as is said, one after the other."""

    def __init__(self, *prices):
        super().__init__()
        self.prices = list(prices)

    def submit(self, function, text):
        (item,) = Envelope.from_json(text).items("tasks")
        cost = {"wall_seconds": self.prices[self.trained]}
        self.answering = lambda _: self._priced(item, cost)
        return super().submit(function, text)

    def _priced(self, item, cost):
        record = record_for(item)
        metrics = {"validation": {"accuracy": worth(item["key"])}, "test": {"accuracy": 0.5}}
        sealed = dataclasses.replace(record, cost={**record.cost, **cost}, metrics=metrics).sealed()
        return reply([{"key": item["key"], "record": sealed.to_dict()}])


@pytest.mark.parametrize("price", [-1.0, None, "fast", {"a": 1}, 10**400, 1e300, True])
def test_a_record_that_does_not_say_what_it_cost_ends_a_budget_in_seconds(price):
    with pytest.raises(TaskError, match="does not say how long its training took"):
        a_search(executor=Priced(*[price] * 20), seconds=20.0, in_flight=1)
    found = a_search(executor=Priced(*[price] * 20), evaluations=3, in_flight=1)
    assert (found.seconds, [step.clock for step in found.steps]) == (0.0, [0.0] * 3)


class Spoiling(Searcher):
    """Changes the records that it is told."""

    about = "changes what it is told, as whoever normalises in place"

    def propose(self):
        return self.space.sample(self.rng)

    def learn(self, point, value):
        pass

    def tell(self, record):
        super().tell(record)
        record.cost["wall_seconds"] = 0.0
        record.metrics["validation"]["accuracy"] /= 2
        record.parts.clear()


def test_what_a_searcher_does_with_its_records_changes_nothing_for_anybody():
    class Kept(MemoryStore):
        """Gives everybody the very same records."""

        def __init__(self):
            super().__init__()
            self.given = {}

        def get(self, key):
            found = self.given.get(key) or super().get(key)
            if found is not None:
                self.given[key] = found
            return found

    store = Kept()
    client = Client(store=store, executor=Counting())
    for _ in range(2):
        found = search(Spoiling(problem_of(), seed=0), client, seed=0, evaluations=6)
        assert [step.value for step in found.steps] == [worth(step.key) for step in found.steps]
        assert found.seconds == 2.0 * 6
        assert found.validation == max(worth(step.key) for step in found.steps)
    assert {step.source for step in found.steps} == {"cache"}


def test_the_clock_waits_for_the_longest_of_those_under_way():
    found = a_search(executor=Priced(10.0, 1.0, 1.0, 20.0), evaluations=4, in_flight=2)
    assert [step.seconds for step in found.steps] == [10.0, 1.0, 1.0, 20.0]
    assert [step.clock for step in found.steps] == [10.0, 10.0, 11.0, 30.0]


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
