"""The best of one dataset on others: values, ranks and rank correlations, on a small table, a real one, and by training."""

import dataclasses

import pytest

from jitnas_fn import Client
from jitnas_fn.core import shelf
from jitnas_fn.core.cards import recipe_named
from jitnas_fn.search.replay import Replay
from jitnas_fn.search.replaying import replayed
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.search.transfer import known_tests, transferred
from jitnas_fn.search.ways import with_baselines
from jitnas_fn.spaces.nasbench201 import SPACE
from jitnas_fn.stores.aliases import AliasBook
from jitnas_fn.stores.memory import MemoryStore
from tests.search.searches import Counting, a_search, worth
from tests.searchers.problems import problem_of
from tests.spaces.tables import FOLDER
from tests.tables import small

CODES = [f"{first}3333{last}" for first in range(5) for last in range(5)]
SPACE_POINTS = [tuple(map(int, code)) for code in CODES]
PLAN = "nasbench201_200"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))


def found_on(replay, dataset, **options):
    options = {"evaluations": 12, "seconds": None, "in_flight": 1, "seeds": range(4), **options}
    run = SavedRun.begun(replay.asked(dataset, methods=with_baselines(["evolution"]), **options))
    return replayed(replay, [run])[0]


def test_the_best_by_validation_are_taken_and_ranked_there(tmp_path):
    rows = small.nasbench201(CODES)
    for number, row in enumerate(rows):  # on the other dataset the order is turned around
        row["cifar100_test_200_mean"] = 50 - number
        row["cifar10_test_200_mean"] = 50 + number
        row["cifar10_val_12"] = 50 + number
    replay = Replay("nasbench201", small.written(rows, tmp_path / "table.csv"))
    found = found_on(replay, "cifar10")
    home, there = replay.problem("cifar10"), replay.problem("cifar100")
    move = transferred(found, home, there, replay.client, plan=recipe_named(PLAN), most=3)
    assert move.spearman == pytest.approx(-1.0)
    assert move.points == len(CODES)
    assert [one.home for one in move.moved] == sorted((one.home for one in move.moved), reverse=True)
    best = max(one.validation for one in found)
    assert home.space.read(move.moved[0].point) == next(
        row.point for row in replay.store.rows if any(figure.validation == best for figure in row.figures)
    )
    for one in move.moved:
        worth_there = known_tests(replay.client, there, recipe_named(PLAN))
        better = sum(value > one.there for value in worth_there.values())
        assert (one.rank, one.of) == (better + 1, len(CODES))
    assert move.to_dict()["moved"][0]["source"] == "cache"


def test_what_is_not_known_there_is_trained_there_once():
    store, executor, book = MemoryStore(), Counting(), AliasBook(None)
    home = dataclasses.replace(problem_of(), aliases=book)
    there = dataclasses.replace(home, dataset=shelf.take("datasets", "synthetic").DATASET)
    found = [a_search(store=store, executor=executor, problem=home, evaluations=20, seed=seed) for seed in range(3)]
    trained = executor.trained
    client = Client(store=store, executor=executor)
    for already in ("trained", "cache"):
        move = transferred(found, home, there, client, plan=home.recipe, most=2)
        assert executor.trained == trained + 2
        assert [one.source for one in move.moved] == [already] * 2
    for one in move.moved:
        task = there.task(there.space.read(one.point))
        assert one.there == worth(task.key[10:])
        assert one.of == 2
    assert move.points == 2


@pytest.mark.slow
def test_the_published_rank_correlations_between_datasets_are_found():
    path = FOLDER / "nb201.csv.gz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
    replay, plan = Replay("nasbench201", path), recipe_named(PLAN)
    found = found_on(replay, "cifar10", evaluations=50)
    moves = {}
    for home, there in (("cifar10", "cifar100"), ("cifar10", "imagenet16_120"), ("cifar100", "imagenet16_120")):
        problems = replay.problem(home), replay.problem(there)
        moves[home, there] = transferred(found, *problems, replay.client, plan=plan, most=5)
    assert [round(move.spearman, 3) for move in moves.values()] == [0.980, 0.959, 0.964]
    assert {move.points for move in moves.values()} == {15_625}
    for one in moves["cifar10", "cifar100"].moved:
        assert one.rank < 1_500  # what is good on one of them is good on the other


def test_where_less_is_better_the_least_is_taken_and_ranks_first(tmp_path):
    replay = Replay("nasbench201", small.written(small.nasbench201(CODES), tmp_path / "table.csv"))
    home, there = replay.problem("cifar10"), replay.problem("cifar100")
    least = [dataclasses.replace(one, dataset=dataclasses.replace(one.dataset, direction="minimise")) for one in (home, there)]
    found = found_on(replay, "cifar10")
    move = transferred(found, *least, replay.client, plan=recipe_named(PLAN), most=3)
    chosen = sorted({one.point: one.validation for one in found}.items(), key=lambda pair: (pair[1], pair[0]))
    assert [one.point for one in move.moved] == [point for point, _ in chosen[:3]]
    known = known_tests(replay.client, there, recipe_named(PLAN))
    for one in move.moved:
        assert one.rank == 1 + sum(value < one.there for value in known.values())


def test_a_point_that_several_searches_found_counts_by_the_best_of_them(tmp_path):
    """Each was told another row of the network."""
    replay = Replay("nasbench201", small.written(small.nasbench201(CODES), tmp_path / "table.csv"))
    first, second, *_ = found_on(replay, "cifar10")
    other = dataclasses.replace(second, point=next(p for p in map(SPACE.written, SPACE_POINTS) if p != first.point))
    searches = [dataclasses.replace(first, validation=0.9), dataclasses.replace(other, validation=0.8)]
    searches.append(dataclasses.replace(first, validation=0.1))
    problems = replay.problem("cifar10"), replay.problem("cifar100")
    move = transferred(searches, *problems, replay.client, plan=recipe_named(PLAN), most=1)
    assert move.moved[0].point == first.point


@pytest.mark.parametrize(("codes", "told"), [(CODES[:9], None), (CODES[:10], 1.0)])
def test_a_correlation_is_told_of_ten(tmp_path, codes, told):
    replay = Replay("nasbench201", small.written(small.nasbench201(codes), tmp_path / "table.csv"))
    problems = replay.problem("cifar10"), replay.problem("cifar100")
    move = transferred(found_on(replay, "cifar10"), *problems, replay.client, plan=recipe_named(PLAN), most=1)
    assert move.spearman == told


def test_a_network_is_taken_once_however_it_is_written(tmp_path):
    """Cells without a way from input to output are one network, and here the best."""
    rows = small.nasbench201([*CODES[:6], *small.NO_PATH])
    for row in rows:
        row["cifar10_val_12"] = 90 if row["code"] in small.NO_PATH else 50
    replay = Replay("nasbench201", small.written(rows, tmp_path / "table.csv"))
    found = found_on(replay, "cifar10", seeds=range(12))
    move = transferred(
        found, replay.problem("cifar10"), replay.problem("cifar100"), replay.client, plan=recipe_named(PLAN), most=9
    )
    keys = [replay.problem("cifar10").task(replay.space.read(one.point)).key for one in move.moved]
    assert len(keys) == len(set(keys))
    assert len({one.point for one in found}) > len(keys)
