"""The numbers of figures, against those recomputed from the steps and records of a run."""

import dataclasses
import math
import statistics

import pytest
from scipy import stats

from jitnas_fn.analysis.bands import QUARTILES
from jitnas_fn.client.cache import users_store
from jitnas_fn.reports import ranks
from jitnas_fn.reports.evidence import gathered
from jitnas_fn.reports.figure import Absent
from jitnas_fn.reports.measures import by_recipe
from jitnas_fn.reports.records import at_hand, beside
from jitnas_fn.spaces.nasbench201 import SPACE
from tests.reports.runs import a_replay, a_run, a_table, figures, kept_without, rows_of, share
from tests.tables import small


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(ranks, "FEWEST", 3)


@pytest.fixture
def run():
    return a_run("evolution")


@pytest.fixture
def evidence(run):
    return gathered(run, users_store())


def lines(figure, split, method):
    return [row for row in rows_of(figure) if (row["split"], row["method"]) == (split, method)]


@pytest.mark.parametrize("against", ["evaluations", "seconds"])
def test_the_best_so_far_is_the_mean_over_seeds_of_the_best_by_then(run, evidence, against):
    own = lines(figures(evidence)[f"best-{against}"], "validation", "evolution")
    searches = [one for one in run.searches() if one.method == "evolution"]
    assert len(own) > 3
    for row in own:
        best = []
        for one in searches:
            places = [step.number if against == "evaluations" else step.clock for step in one.steps]
            by_then = [step.value for step, place in zip(one.steps, places, strict=True) if place <= row[against]]
            best.append(max(by_then))
        mean, error = statistics.mean(best), statistics.stdev(best) / math.sqrt(len(best))
        assert [row["middle"], row["low"], row["high"]] == pytest.approx([mean, mean - error, mean + error])
        assert row["seeds"] == 3
    ends = lines(figures(evidence)[f"best-{against}"], "test", "evolution")
    assert ends[-1]["middle"] == pytest.approx(statistics.mean(one.test for one in searches))


def test_regret_ends_at_the_mean_distance_to_the_best_of_the_table(tmp_path):
    file = a_table(tmp_path)
    run = a_replay(file, "evolution")
    found = figures(at_hand(run, table=file))["regret-evaluations"]
    for split, optimum in run.asked.table["optimum"].items():
        for method in run.asked.methods:
            own = lines(found, split, method)
            ends = [getattr(one, split) for one in run.searches() if one.method == method]
            assert own[-1]["middle"] == pytest.approx(statistics.mean(optimum - end for end in ends))
            assert all(row["middle"] >= -1e-12 for row in own)


def test_quartiles_stand_around_the_median_if_that_is_wished(run, evidence):
    found = figures(evidence, kind=QUARTILES)["best-evaluations"]
    assert "Line: median over seeds, from where all of them have begun; band: the quartiles." in found.caption
    ends = [one.test for one in run.searches() if one.method == "random_search"]
    assert lines(found, "test", "random_search")[-1]["middle"] == pytest.approx(statistics.median(ends))
    assert "band: one standard error of the mean" in figures(evidence)["best-evaluations"].caption


def test_each_network_is_once_in_accuracy_against_cost(run, evidence):
    rows = rows_of(figures(evidence)["accuracy-cost"])
    assert sorted(row["key"] for row in rows) == sorted({step.key for one in run.searches() for step in one.steps})
    for row in rows:
        value = share(row["key"])
        numbers = (row["validation"], row["seconds"], row["parameters"])
        assert numbers == (value, 1.0 + value, 100 + int(row["key"][:3], 16))
    chosen = {(one.key, one.method) for one in run.searches()}
    assert {(row["key"], method) for row in rows for method in row["chosen_by"].split()} == chosen


def test_points_of_a_table_have_their_own_parameters(tmp_path):
    """Cells that are one network differ in parts that no output needs; the record of one of them stands for all."""
    file = small.written(small.nasbench201([*small.NO_PATH, "333333", "012340"]), tmp_path / "table.csv.gz")
    others = []
    for seed in range(8):
        evidence = at_hand(a_replay(file, "random_search", seeds=[seed], evaluations=4), table=file)
        own = {SPACE.written(row.point): row.sizes["cifar10"][0] for row in evidence.table.rows}
        for row in rows_of(figures(evidence)["accuracy-cost"]):
            assert row["parameters"] == own[row["point"]]
            others.append(row["parameters"] != evidence.records[row["key"]].size["parameters"])
    assert any(others)


def test_what_is_on_the_front_is_beaten_by_none(evidence):
    rows = rows_of(figures(evidence)["accuracy-cost"])
    for kind in ("seconds", "parameters"):
        for row in rows:
            beaten = any(one[kind] <= row[kind] and one["validation"] > row["validation"] for one in rows)
            assert bool(row[f"on_front_{kind}"]) is not beaten


def test_learning_curves_are_those_of_the_records_of_what_was_chosen(run, evidence):
    rows, store = rows_of(figures(evidence)["learning-curves"]), users_store()
    for one in run.searches():
        own = [row for row in rows if (row["method"], row["seed"]) == (one.method, one.seed)]
        for split, metric in (("validation", "accuracy"), ("train", "loss")):
            curve = [row["value"] for row in own if (row["split"], row["metric"]) == (split, metric)]
            assert curve == store.get(one.key).curves[split][metric]
        assert {row["key"] for row in own} == {one.key}


def test_rungs_are_compared_over_the_networks_that_have_both():
    run = a_run("successive_halving", epochs=[1, 3], evaluations=40, seeds=range(2))
    found = figures(gathered(run, users_store()))
    assert "begin with the first network that was trained by the whole recipe" in found["best-evaluations"].caption
    rows = rows_of(found["rank-recipes"])
    pairs = {(row["first"], row["second"]) for row in rows}
    assert ("quick@1 epoch, validation", "quick@3 epochs, validation") in pairs
    for pair in pairs:
        own = [row for row in rows if (row["first"], row["second"]) == pair]
        values = [[row[name] for row in own] for name in ("first_value", "second_value")]
        assert own[0]["spearman"] == pytest.approx(stats.spearmanr(*values).statistic, abs=1e-9)
        assert {row["networks"] for row in own} == {len(own)}


def test_what_the_store_knows_of_the_same_networks_by_another_rung_counts_too():
    """One run trains networks by the whole recipe, another some of the same by a cheaper one."""
    a_run("local_search", evaluations=30, seeds=[0])
    halving = a_run("successive_halving", epochs=[1], evaluations=30, seeds=[0])
    with_store, without = (by_recipe(gathered(halving, store)) for store in (users_store(), None))
    assert with_store["quick@1 epoch, validation"] == without["quick@1 epoch, validation"]
    assert without["quick, validation"].items() <= with_store["quick, validation"].items()
    known = {
        step.point: step.value for one in a_run("local_search", evaluations=30, seeds=[0]).searches() for step in one.steps
    }
    more = with_store["quick, validation"].keys() - without["quick, validation"].keys()
    assert more == (known.keys() & without["quick@1 epoch, validation"].keys()) - without["quick, validation"].keys()
    assert all(with_store["quick, validation"][point] == known[point] for point in more)


def test_datasets_are_compared_by_runs_beside_and_by_what_the_store_knows():
    run = a_run("local_search", seeds=[0], evaluations=20)
    other = a_run("local_search", seeds=[0], evaluations=20, dataset="synthetic")
    (by_run,) = beside(run)
    assert by_run.run.name == other.name
    here, there = ({step.point: step.value for one in of.searches() for step in one.steps} for of in (run, other))
    both = here.keys() & there.keys()
    assert len(both) >= 3
    for others, store in (([by_run], None), ([], users_store())):
        rows = rows_of(figures(gathered(run, store), others=others)["rank-datasets"])
        found = {row["network"]: (row["first_value"], row["second_value"]) for row in rows}
        assert found == {point: (here[point], there[point]) for point in both}


def test_of_a_table_like_is_compared_with_like(tmp_path):
    file = a_table(tmp_path)
    found = figures(at_hand(a_replay(file, "evolution", seeds=[0]), table=file))
    rows = rows_of(found["rank-recipes"])
    assert {(row["first"], row["second"]) for row in rows} == {("nasbench201_12, test", "nasbench201_200, test")}
    assert len(rows) == len({row["network"] for row in rows}) == 50
    assert {row["spearman"] for row in rows} == {1.0}
    assert {row["second"] for row in rows_of(found["rank-datasets"])} == {"cifar100, test", "imagenet16_120, test"}


def test_few_networks_make_no_correlation(monkeypatch):
    monkeypatch.setattr(ranks, "FEWEST", 100)
    run = a_run("successive_halving", epochs=[1], evaluations=20, seeds=[0])
    why = figures(gathered(run, users_store()))["rank-recipes"].why
    assert "a correlation is told of 100" in why


def test_a_seed_that_has_not_ended_is_not_counted():
    run = kept_without(a_run("evolution"), lambda method, seed: (method, seed) == ("evolution", 2))
    rows = rows_of(figures(gathered(run, users_store()))["best-evaluations"])
    counted = {(row["method"], row["seeds"]) for row in rows}
    assert counted == {("evolution", 2), ("random_sampling", 3), ("random_search", 3)}


def test_one_seed_has_no_band():
    rows = rows_of(figures(gathered(a_run("evolution", seeds=[0]), users_store()))["best-evaluations"])
    assert {(row["low"], row["high"]) for row in rows} == {(None, None)}


def test_where_the_best_along_the_way_was_not_read_there_is_no_line_of_test(run):
    """Two networks were the best, one after the other, and of the first nobody read the test."""
    searches = list(run.searches())
    several = next(place for place, one in enumerate(searches) if len(one.incumbents) > 1)
    first = dataclasses.replace(searches[several].incumbents[0], test=None)
    changed = dataclasses.replace(searches[several], incumbents=(first, *searches[several].incumbents[1:]))
    evidence = dataclasses.replace(gathered(run, None), searches=[*searches[:several], changed, *searches[several + 1 :]])
    found = figures(evidence)["best-evaluations"]
    assert lines(found, "test", changed.method) == []
    assert lines(found, "validation", changed.method) != []
    assert f"Not known along the way on test: {changed.method}." in found.caption


def test_without_records_what_the_run_itself_says_is_drawn(run):
    found = figures(gathered(run, None))
    assert found["learning-curves"].why == "no record at hand has curves"
    assert "No record at hand says how many parameters there are." in found["accuracy-cost"].caption
    assert "parameters" not in rows_of(found["accuracy-cost"])[0]
    assert rows_of(found["best-seconds"])


def test_without_seconds_there_is_no_figure_against_them(tmp_path):
    run = a_run("evolution", changing=lambda key: {"cost": {"wall_seconds": None, "attempts": 1}})
    found = figures(gathered(run, users_store()))
    assert found["best-seconds"].why == "no record says how many seconds its training took"
    assert "No record says how many seconds its training took." in found["accuracy-cost"].caption


def test_what_is_to_be_minimised_is_told_as_it_was_measured(run):
    run.asked = dataclasses.replace(run.asked, dataset={**run.asked.dataset, "direction": "minimise"})
    rows = rows_of(figures(gathered(run, None))["accuracy-cost"])
    assert {row["validation"] for row in rows} == {-share(row["key"]) for row in rows}
    cheapest = min(rows, key=lambda row: row["seconds"])
    assert cheapest["on_front_seconds"] == 1


def test_a_point_that_cannot_be_read_has_no_picture(run):
    evidence = gathered(run, None)
    broken = [dataclasses.replace(one, point="no such point") for one in evidence.searches]
    found = figures(dataclasses.replace(evidence, searches=broken))
    assert isinstance(found["cell-1-evolution"], Absent)
    assert "its point cannot be read" in found["cell-1-evolution"].why
