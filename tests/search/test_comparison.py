"""Methods compared: baselines always run, what is kept is not made again, and warm starts and bounds stay what they were."""

import dataclasses
import random

import pytest

from jitnas_fn import Client
from jitnas_fn.core import shelf
from jitnas_fn.core.errors import RecordError, TaskError
from jitnas_fn.search.beginning import begun
from jitnas_fn.search.comparison import compared, warm_of
from jitnas_fn.search.seconds import line_from
from jitnas_fn.search.summary import rows
from jitnas_fn.search.warm import known_points
from jitnas_fn.search.ways import BASELINES, with_baselines
from jitnas_fn.stores.aliases import AliasBook
from jitnas_fn.stores.memory import MemoryStore
from tests.client.fakes import record_for
from tests.search.searches import Counting
from tests.searchers.problems import problem_of

BUDGET = {"evaluations": 10, "seconds": None, "in_flight": 2}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def problem():
    return dataclasses.replace(problem_of(), aliases=AliasBook(None))


def client_of(store=None, executor=None):
    return Client(store=MemoryStore() if store is None else store, executor=executor or Counting())


def run_of(problem, client, *, methods=("evolution",), seeds=range(3), **options):
    return begun("compare", problem, client, methods=with_baselines(methods), seeds=seeds, **{**BUDGET, **options})


def test_the_two_baselines_always_run():
    assert with_baselines(["evolution"]) == ["evolution", *BASELINES]
    assert with_baselines(["random_search", " evolution", "evolution"]) == ["random_search", "evolution", "random_sampling"]
    with pytest.raises(TaskError, match="a comparison is of methods; there are"):
        with_baselines([""])


def test_every_method_searches_with_every_seed_and_each_row_sums_up_its_own(problem):
    client = client_of()
    run, problem = run_of(problem, client)
    found = compared(run, problem, client)
    assert [(one.method, one.seed) for one in found] == [(m, s) for m in ("evolution", *BASELINES) for s in range(3)]
    table = rows(found, run.asked)
    assert [row["method"] for row in table] == ["evolution", *BASELINES]
    own = [one.test for one in found[:3]]
    assert table[0]["test_accuracy_mean"] == pytest.approx(sum(own) / 3)
    assert table[0]["test_accuracy_se"] == pytest.approx(table[0]["test_accuracy_std"] / 3**0.5)
    assert [row["evaluations"] for row in table] == [10, 1, 10]
    assert table[0]["regret_mean"] is None


def test_what_one_method_has_trained_costs_the_other_nothing_but_counts_for_it_as_much(problem):
    executor = Counting()
    client = client_of(executor=executor)
    run, problem = run_of(problem, client, methods=["random_search"], seeds=[0])
    found = compared(run, problem, client)
    trained = executor.trained
    again, problem = run_of(problem, client, methods=["local_search"], seeds=[0])
    new = next(one for one in compared(again, problem, client) if one.method == "local_search")
    assert executor.trained < trained + len(new.steps) + 1
    assert new.seconds == pytest.approx(2.0 * len({step.key for step in new.steps}))
    assert found[0].seconds == pytest.approx(2.0 * len({step.key for step in found[0].steps}))


def test_a_comparison_that_was_killed_goes_on_and_makes_no_search_twice(problem):
    class Killed(BaseException):
        pass

    store, executor, shown = MemoryStore(), Counting(), []
    client = client_of(store, executor)
    run, problem = run_of(problem, client)

    def show(method, seed, step):
        shown.append((method, seed))
        if len(shown) == 25:
            raise Killed

    with pytest.raises(Killed):
        compared(run, problem, client, show=show)
    shown.clear()
    again, problem = run_of(problem, client)
    found = compared(again, problem, client, show=lambda method, seed, _: shown.append((method, seed)))
    assert ("evolution", 0) not in shown
    assert ("evolution", 2) in shown
    other = client_of()
    whole, problem = begun("search", problem, other, methods=again.asked.methods, seeds=range(3), **BUDGET)
    by_itself = compared(whole, problem, other)
    for one, same in zip(found, by_itself, strict=True):
        assert (one.point, one.test, [step.point for step in one.steps]) == (
            same.point,
            same.test,
            [step.point for step in same.steps],
        )


def test_a_warm_start_tells_the_best_known_points_and_stays_the_same_after_a_kill(problem):
    store = MemoryStore()
    client = client_of(store)
    run, problem = run_of(problem, client, methods=["random_search"], seeds=[5], evaluations=30)
    known = compared(run, problem, client)
    best = max(step.value for one in known for step in one.steps)
    warm = known_points(problem, store, most=4)
    assert [problem.value(record) for _, record in warm] == sorted(problem.value(record) for _, record in warm)
    assert problem.value(warm[-1][1]) == best
    second, problem = run_of(problem, client, seeds=[0], most_warm=4)
    found = compared(second, problem, client)
    evolution = found[0]
    assert evolution.warm == 4
    assert evolution.validation >= best
    assert evolution.incumbents[0].number == 0
    assert second.asked.warm == [[problem.space.written(point), record.key, record.record_id] for point, record in warm]
    third, _ = run_of(problem, client, seeds=[0], most_warm=4)  # more is known by now
    assert third.asked.warm == second.asked.warm


def test_a_warm_start_whose_records_are_gone_is_told(problem):
    store = MemoryStore()
    client = client_of(store)
    run, problem = run_of(problem, client, methods=["random_search"], seeds=[5])
    compared(run, problem, client)
    second, problem = run_of(problem, client, seeds=[0], most_warm=2)
    with pytest.raises(RecordError, match="which is not in the store any more"):
        compared(second, problem, client_of())


def test_a_warm_point_with_the_record_of_another_network_is_refused(problem):
    store = MemoryStore()
    client = client_of(store)
    run, problem = run_of(problem, client, methods=["random_search"], seeds=[5])
    compared(run, problem, client)
    second, problem = run_of(problem, client, seeds=[0], most_warm=2)
    (worst, *_), (_, key, record_id) = second.asked.warm
    rewritten = dataclasses.replace(second.asked, warm=[[worst, key, record_id]])
    with pytest.raises(RecordError, match="which is not in the store any more"):
        warm_of(rewritten, problem, client)


def test_a_warm_start_stays_with_its_records_whatever_stands_for_their_keys_later(problem):
    store = MemoryStore()
    client = client_of(store)
    run, problem = run_of(problem, client, methods=["random_search"], seeds=[5], evaluations=20)
    compared(run, problem, client)
    second, problem = run_of(problem, client, seeds=[0], most_warm=2)
    warm = warm_of(second.asked, problem, client)
    _, best = warm[-1]
    better = {"validation": {"accuracy": 1.0}, "test": {"accuracy": 1.0}}
    curated = {**best.provenance, "trust": "curated"}
    store.put(dataclasses.replace(best, metrics=better, provenance=curated).sealed())
    assert store.get(best.key).metrics == better
    assert warm_of(second.asked, problem, client) == warm


def test_a_bound_of_seconds_is_judged_by_what_is_known_before_anything_is_trained(problem):
    store = MemoryStore()
    client = client_of(store)
    with pytest.raises(TaskError, match="is judged by at least 10 trainings"):
        run_of(problem, client, most_seconds=1.0)
    run, problem = run_of(problem, client, methods=["random_search"], seeds=[5], evaluations=40)
    compared(run, problem, client)
    with pytest.raises(TaskError, match="is judged by at least 10 trainings of different networks"):
        run_of(problem, client, most_seconds=1.0)  # every record here says two seconds, so there is no line


def test_of_what_is_known_a_line_is_kept_with_the_run_and_judges_every_network(problem):
    store = MemoryStore()
    rng = random.Random(0)
    for point in {problem.space.sample(rng) for _ in range(30)}:
        task, macs = problem.task(point), problem.space.cost(point, (1, 8, 8), 10).macs
        record = record_for({"parts": task.parts, "dataset": "digits", "recipe": problem.recipe.to_dict()})
        cost = {**record.cost, "wall_seconds": 1.0 + macs / 1e5}
        store.put(dataclasses.replace(record, size={**record.size, "macs": macs}, cost=cost).sealed())
    client = client_of(store)
    run, bounded = run_of(problem, client, most_seconds=2.0)
    assert run.asked.seconds_line == {"intercept": pytest.approx(1.0), "slope": pytest.approx(1e-5), "r2": 1.0, "networks": 30}
    assert run.asked.bounds["most_seconds"] == 2.0
    for one in compared(run, bounded, client):
        for step in one.steps:
            cost = bounded.space.cost(bounded.space.read(step.point), (1, 8, 8), 10)
            assert cost.macs <= 1e5 * (1 + 1e-9)
    again, _ = run_of(problem, client_of(store), most_seconds=2.0)  # by now more is known, which says two seconds each
    assert again.asked.seconds_line == run.asked.seconds_line


def test_networks_that_would_take_too_long_are_not_asked_for(problem):
    space, seconds = problem.space, {}

    def seconds_of(point):
        return seconds.setdefault(point, space.cost(point, (1, 8, 8), 10).macs / 1e4)

    bounded = dataclasses.replace(problem, most_seconds=2.0, seconds_of=seconds_of)
    client = client_of()
    for method in shelf.names("searchers"):
        searcher = shelf.take("searchers", method).SEARCHER(bounded, seed=0)
        for _ in range(15):
            task = searcher.ask()
            assert seconds_of(searcher.asked(task.key).point) <= 2.0
            searcher.give_up(task)
    assert any(value > 2.0 for value in seconds.values())
    with pytest.raises(TaskError, match="nothing to judge by"):
        dataclasses.replace(problem, most_seconds=2.0)
    client.close()


def test_what_failed_or_lies_beyond_the_bounds_is_no_warm_start(problem):
    store, rng = MemoryStore(), random.Random(0)
    points = sorted({problem.space.sample(rng) for _ in range(12)})
    for number, point in enumerate(points):
        task = problem.task(point)
        item = {"parts": task.parts, "dataset": "digits", "recipe": problem.recipe.to_dict()}
        store.put(record_for(item, verdict="diverged" if number % 3 == 0 else "trained"))
    fine = {point for number, point in enumerate(points) if number % 3}
    assert {point for point, _ in known_points(problem, store, most=100)} == fine
    costs = {point: problem.space.cost(point, (1, 8, 8), 10).parameters for point in fine}
    middle = sorted(costs.values())[len(costs) // 2]
    bounded = dataclasses.replace(problem, most_parameters=middle)
    assert {point for point, _ in known_points(bounded, store, most=100)} == {p for p in fine if costs[p] <= middle}
    assert known_points(problem, store, most=0) == []
    assert known_points(dataclasses.replace(problem, aliases=None), store, most=5) == []


def test_seconds_are_judged_by_trainings_by_the_same_recipe_to_their_end_alone(problem):
    store, rng = MemoryStore(), random.Random(0)
    quick = shelf.take("recipes", "quick").RECIPE
    for number, point in enumerate(sorted({problem.space.sample(rng) for _ in range(40)})):
        plan = quick if number % 4 == 0 else problem.recipe
        task, macs = problem.task_by(point, plan), problem.space.cost(point, (1, 8, 8), 10).macs
        item = {"parts": task.parts, "dataset": "digits", "recipe": plan.to_dict()}
        lies = number % 4 == 0 or number % 4 == 1
        record = record_for(item, verdict="diverged" if number % 4 == 1 else "trained")
        cost = {**record.cost, "wall_seconds": 1e6 if lies else 1.0 + macs / 1e5}
        store.put(dataclasses.replace(record, size={**record.size, "macs": macs}, cost=cost).sealed())
    line = line_from(store, problem)
    assert (line.intercept, line.slope, line.networks) == (pytest.approx(1.0), pytest.approx(1e-5), 20)
