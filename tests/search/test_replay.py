"""Searches on a published table: through the same client as all others, and as many processes as one likes."""

import contextlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.core.errors import PointError, TaskError, UnknownName
from jitnas_fn.graphs.listed import Listed
from jitnas_fn.search.replay import Replay
from jitnas_fn.search.replaying import replayed
from jitnas_fn.search.saved import SavedRun, names
from jitnas_fn.search.summary import rows
from jitnas_fn.search.ways import with_baselines
from jitnas_fn.searchers.evolution import Evolution
from jitnas_fn.spaces.nasbench201 import SPACE
from tests.spaces.tables import FOLDER
from tests.tables import small
from tests.waiting import until

CODES = [f"{first}3333{last}" for first in range(5) for last in range(5)]
PUBLISHED = {  # percent: mean and standard deviation of 100 evaluations, recomputed on the table
    "random_search": {"cifar10": (93.75, 0.35), "cifar100": (71.14, 1.04), "imagenet16_120": (44.78, 1.14)},
    "evolution": {"cifar10": (93.96, 0.36), "cifar100": (72.00, 1.05), "imagenet16_120": (45.61, 0.97)},
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))


@pytest.fixture
def file(tmp_path):
    return small.written(small.nasbench201(CODES, timed=12), tmp_path / "table.csv.gz")


def asked(replay, dataset="cifar10", *, methods=("evolution",), seeds=range(4), evaluations=12, seconds=None, in_flight=1):
    options = {"evaluations": evaluations, "seconds": seconds, "in_flight": in_flight}
    return replay.asked(dataset, methods=with_baselines(methods), seeds=seeds, **options)


def test_a_search_chooses_by_the_early_validation_and_its_late_test_is_read(file):
    replay = Replay("nasbench201", file)
    (found,) = replayed(replay, [SavedRun.begun(asked(replay, methods=["random_search"], seeds=[0]))])
    rows_of = {SPACE.written(row.point): row for row in replay.store.rows}
    one = next(one for one in found if one.method == "random_search")
    figures = {(figure.dataset, figure.recipe): figure for figure in rows_of[one.point].figures}
    assert one.validation == figures["cifar10", "nasbench201_12"].validation == max(step.value for step in one.steps)
    assert one.test == figures["cifar10", "nasbench201_200"].test
    assert one.key != one.final_key
    assert {step.source for step in one.steps} == {"cache"}
    assert all(incumbent.test is not None for incumbent in one.incumbents)


def test_one_search_is_as_one_of_a_comparison(file):
    replay = Replay("nasbench201", file)
    (found,) = replayed(replay, [SavedRun.begun(asked(replay, seeds=[3]))])
    one = replay.search("cifar10", "evolution", seed=3, evaluations=12)
    assert (one.steps, one.test, one.final_key) == (found[0].steps, found[0].test, found[0].final_key)
    assert replay.final.name == "nasbench201_200"
    mine = replay.search("cifar10", Evolution, seed=3, evaluations=12)
    assert mine.method.startswith("evolution@")
    assert mine.steps == one.steps


def test_on_cifar10_early_trainings_are_of_half_the_images_and_records_say_so(file):
    replay = Replay("nasbench201", file)
    seconds = {}
    for dataset in ("cifar10", "imagenet16_120"):
        problem = replay.problem(dataset)
        record = replay.store.get(problem.task(replay.store.rows[0].point).key)
        seconds[dataset] = record.cost["wall_seconds"]
        assert ("25,000 images" in (record.provenance["note"] or "")) is (dataset == "cifar10")
    assert seconds == {"cifar10": pytest.approx(3.0), "imagenet16_120": pytest.approx(6.0)}


def test_processes_beside_each_other_come_to_the_same(file, tmp_path, monkeypatch):
    ends = []
    for workers in (1, 2):
        monkeypatch.setenv("JITNAS_HOME", str(tmp_path / f"{workers}"))
        replay = Replay("nasbench201", file)
        runs = [SavedRun.begun(asked(replay, dataset, seeds=range(12))) for dataset in ("cifar10", "cifar100")]
        ends.append(replayed(replay, runs, workers=workers))
    for some, others in zip(*ends, strict=True):
        assert [(one.method, one.seed, one.steps, one.test) for one in some] == [
            (one.method, one.seed, one.steps, one.test) for one in others
        ]


def test_what_is_kept_is_not_searched_again(file):
    replay, counts = Replay("nasbench201", file), []
    run = SavedRun.begun(asked(replay))
    first = replayed(replay, [run], show=lambda done, total: counts.append((done, total)))
    assert counts[-1] == (12, 12)
    counts.clear()
    assert replayed(replay, [SavedRun.begun(asked(replay))], show=lambda *count: counts.append(count)) == first
    assert counts == []
    replayed(replay, [SavedRun.begun(asked(replay, seeds=range(5)))], show=lambda *count: counts.append(count))
    assert counts[-1] == (3, 3)


def test_a_part_of_a_space_is_searched_within(file):
    replay = Replay("nasbench201", file)
    assert isinstance(replay.space, Listed)
    assert replay.space.size == len(CODES)
    rng = random.Random(0)
    for _ in range(50):
        point = replay.space.sample(rng)
        for near in (*replay.space.neighbours(point), replay.space.mutate(point, rng)):
            replay.space.check(near)
    missing = SPACE.written((1, 1, 1, 1, 1, 1))
    with pytest.raises(PointError, match="is none of the 25 points of nasbench201 that are listed"):
        replay.space.read(missing)
    written = SPACE.written(near)
    assert replay.space.read(written) == near


def test_the_optimum_and_what_is_judged_are_told(file):
    replay = Replay("nasbench201", file)
    run = SavedRun.begun(asked(replay))
    best = max(figure.test for row in replay.store.rows for figure in row.figures if figure.dataset == "cifar10")
    assert run.asked.table["optimum"]["test"] == best
    assert run.asked.table["seconds_judged"] == {
        "the published time of 200 epochs, 12/200 of it for 50% of the samples": None,
        "a line over multiply-adds through 12 published times of cifar10, 12/200 of it for 50% of the samples": 1.0,
    }
    (found,) = replayed(replay, [run])
    row = rows(found, run.asked)[0]
    assert row["regret_mean"] == pytest.approx(best - row["test_accuracy_mean"])
    assert json.loads(json.dumps(run.asked.to_dict()))["training_seed"] is None


def test_a_budget_in_seconds_is_spent_by_the_tables_times(file):
    replay = Replay("nasbench201", file)
    (found,) = replayed(replay, [SavedRun.begun(asked(replay, evaluations=None, seconds=15.0))])
    for one in found:
        dearest = max(step.seconds for step in one.steps)
        assert one.seconds < 15 + dearest
        assert one.seconds >= 15 or one.method == "random_sampling"


def test_a_bound_of_seconds_leaves_out_what_the_table_says_takes_longer(file):
    replay = Replay("nasbench201", file, most_seconds=5.5)
    (found,) = replayed(replay, [SavedRun.begun(asked(replay))])
    assert 0 < max(step.seconds for one in found for step in one.steps) <= 5.5
    assert SavedRun.begun(asked(replay)).asked.table["optimum"] == {"validation": None, "test": None}


def test_multi_fidelity_begins_with_the_tables_cheaper_budgets(tmp_path):
    values = [[random.Random(number + place).random() for place in range(4)] for number in range(27)]
    file = small.written(small.nasbench101(values), tmp_path / "nb101.csv")
    replay = Replay("nasbench101", file)
    run = SavedRun.begun(asked(replay, methods=["hyperband", "asha"], seeds=range(2), evaluations=80))
    (found,) = replayed(replay, [run])
    for one in found:
        rungs = {step.rung for step in one.steps}
        assert rungs == ({0, 1, 2, 3} if one.method in ("hyperband", "asha") else {3})
        for step in one.steps:
            assert step.seconds in (0.0, [4.0, 12.0, 36.0, 108.0][step.rung])
    row = rows(found, run.asked)[0]
    assert row["test_accuracy_mean"] is None
    assert row["validation_accuracy_mean"] > 0.5


def test_a_table_without_validation_is_none_to_search_on(tmp_path):
    file = small.written(small.nasbench_macro(["00000000", "01201201"]), tmp_path / "macro.csv")
    with pytest.raises(TaskError, match="has no validation accuracies"):
        Replay("nasbench_macro", file)


def test_a_dataset_that_the_table_does_not_have_is_told(file):
    with pytest.raises(UnknownName, match="it has cifar10, cifar100, imagenet16_120"):
        asked(Replay("nasbench201", file), "digits")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_methods_come_to_their_published_accuracies():
    """On the whole table, through the client: chosen by 12 epochs, read after 200, within two standard errors."""
    path = FOLDER / "nb201.csv.gz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
    replay = Replay("nasbench201", path)
    assert replay.space is SPACE
    datasets = list(replay.table.splits)
    runs = [
        SavedRun.begun(asked(replay, dataset, methods=list(PUBLISHED), seeds=range(200), evaluations=100))
        for dataset in datasets
    ]
    optima = [run.asked.table["optimum"]["test"] for run in runs]
    assert optima == pytest.approx([0.94373, 0.73513, 0.47311], abs=1e-5)
    for run, found in zip(runs, replayed(replay, runs, workers=2), strict=True):
        for row in rows(found, run.asked):
            if row["method"] in PUBLISHED:
                mean, deviation = PUBLISHED[row["method"]][row["dataset"]]
                error = row["test_accuracy_std"] / math.sqrt(200)
                assert abs(row["test_accuracy_mean"] - mean / 100) < 2 * error
                assert row["test_accuracy_std"] == pytest.approx(deviation / 100, rel=0.25)


def test_bounds_hold_in_every_process(file):
    costs = sorted(SPACE.cost(tuple(map(int, code)), (3, 32, 32), 10).parameters for code in CODES)
    replay = Replay("nasbench201", file, most_parameters=costs[len(costs) // 2])
    (found,) = replayed(replay, [SavedRun.begun(asked(replay, seeds=range(25), evaluations=4))], workers=2)
    allowed = {SPACE.written(row.point) for row in replay.store.rows if replay.problem("cifar10").allows(row.point)}
    assert {step.point for one in found for step in one.steps} <= allowed
    assert len(allowed) < len(CODES)


def test_a_bound_of_seconds_is_that_of_the_training_that_is_drawn(tmp_path):
    """Of networks with several trainings, what is asked for takes no longer than may be, whichever training a seed draws."""
    rows = small.nasbench201([*small.NO_PATH, *CODES[:12]], timed=15)
    for number, row in enumerate(rows[:3]):
        row["cifar10_train_seconds_200"] = [10.0, 1000.0, 2000.0][number]
    replay = Replay("nasbench201", small.written(rows, tmp_path / "table.csv"), most_seconds=20.0)
    (found,) = replayed(replay, [SavedRun.begun(asked(replay, seeds=range(20), evaluations=8))])
    assert max(step.seconds for one in found for step in one.steps) <= 20.0


def test_each_search_is_told_the_trainings_that_its_seed_draws(tmp_path):
    rows = small.nasbench201([*small.NO_PATH, *CODES[:3]])
    for number, row in enumerate(rows[:3]):
        row["cifar10_val_12"] = 60 + number
    replay = Replay("nasbench201", small.written(rows, tmp_path / "table.csv"))
    (found,) = replayed(replay, [SavedRun.begun(asked(replay, seeds=range(30), methods=["random_search"]))])
    code = {SPACE.written(tuple(map(int, code))) for code in small.NO_PATH}
    told = {
        one.seed: {step.value for step in one.steps if step.point in code} for one in found if one.method == "random_search"
    }
    assert {len(values) for values in told.values()} <= {0, 1}  # within a search one network is one training
    assert set().union(*told.values()) == {0.6, 0.61, 0.62}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_replay_that_makes_no_sense_leaves_no_run(file, workers):
    replay = Replay("nasbench201", file, most_parameters=1)
    runs = [SavedRun.begun(asked(replay, dataset, methods=["local_search"])) for dataset in ("cifar10", "cifar100")]
    with pytest.raises(TaskError, match="none is within the bounds"):
        replayed(replay, runs, workers=workers)
    assert names() == []
    with pytest.raises(TaskError, match="has a budget above 0"):
        asked(replay, evaluations=-5)


def test_whoever_cannot_search_a_table_waits_for_none_of_its_networks(tmp_path, monkeypatch):
    monkeypatch.setattr("jitnas_fn.search.replay.open_table", lambda *_, **__: pytest.fail("networks are built"))
    file = small.written(small.nasbench_macro(["01201201", "00000000"]), tmp_path / "macro.csv")
    with pytest.raises(TaskError, match="it has no validation accuracies"):
        Replay("nasbench_macro", file)


def test_what_begins_with_cheaper_trainings_needs_a_table_that_has_them(file):
    with pytest.raises(TaskError, match="asha begins with cheaper trainings, and here are none"):
        asked(Replay("nasbench201", file), methods=["asha"])


LONG = """
import sys
from jitnas_fn.search.replay import Replay
from jitnas_fn.search.replaying import replayed
from jitnas_fn.search.saved import SavedRun

if __name__ == "__main__":
    replay = Replay("nasbench201", sys.argv[1])
    methods = ["random_search", "random_sampling"]
    asked = replay.asked("cifar10", methods=methods, seeds=range(200), evaluations=100_000, seconds=None, in_flight=1)
    run = SavedRun.begun(asked)
    print(run.name, flush=True)
    replayed(replay, [run], workers=2, show=lambda done, total: print(done, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "to"), [(signal.SIGINT, "all"), (signal.SIGINT, "one"), (signal.SIGKILL, "one")])
def test_processes_end_at_once_with_the_one_that_waits_for_them(file, tmp_path, number, to):
    """Ctrl-C goes to every process of a terminal. Each is in the midst of ten searches that take it a minute."""
    (tmp_path / "long.py").write_text(LONG)
    words = [sys.executable, str(tmp_path / "long.py"), str(file)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as child:
        name = child.stdout.readline().strip()
        until(lambda: len(busy(child.pid)) == 2)
        began = time.monotonic()
        (os.killpg if to == "all" else os.kill)(child.pid, number)
        child.communicate(timeout=60)
    until(lambda: not busy(child.pid))
    assert time.monotonic() - began < 8
    assert child.returncode != 0
    assert list(SavedRun.opened(name).searches()) == []


def busy(session):
    """The processes of a session that have worked for more than two seconds, but for its first."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session != int(place.name) and int(fields[11]) > 2 * os.sysconf("SC_CLK_TCK"):
                found.append(int(place.name))
    return found
