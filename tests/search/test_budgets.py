"""Budgets in evaluations and seconds, the clock, and what ends a search before they are spent."""

import dataclasses

import pytest

from jitnas_fn import Client
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import ModelFailed, TaskError
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search import search
from jitnas_fn.search import under_way as of_search
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import record_for, reply
from tests.search.searches import Counting, a_search, worth
from tests.searchers.problems import problem_of


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


def test_the_clock_waits_for_the_longest_of_those_under_way():
    found = a_search(executor=Priced(10.0, 1.0, 1.0, 20.0), evaluations=4, in_flight=2)
    assert [step.seconds for step in found.steps] == [10.0, 1.0, 1.0, 20.0]
    assert [step.clock for step in found.steps] == [10.0, 10.0, 11.0, 30.0]


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
