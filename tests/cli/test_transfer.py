"""`jitnas transfer`: from a run to other datasets."""

import json

import pytest

from tests.tables import small

CODES = [f"{first}3333{last}" for first in range(5) for last in range(5)]


def test_the_best_of_a_replay_are_taken_to_other_datasets(jitnas, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    file = small.written(small.nasbench201(CODES), tmp_path / "table.csv.gz")
    words = ("compare", "--replay", "nasbench201", "--table", file, "--dataset", "cifar10", "--methods", "evolution")
    run = json.loads(jitnas(*words, "--evaluations", 8, "--seeds", 2, "--json")[1])["runs"][0]
    ask = ("transfer", run, "--to", "cifar100,imagenet16_120", "--most", 2, "--table", file)
    code, out, err = jitnas(*ask)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("cifar10 to cifar100: rank correlation 1.000 over 25 points known on both")
    assert lines[4].startswith("cifar10 to imagenet16_120: ")
    assert all(" of 25  |" in line for line in (*lines[2:4], *lines[6:8]))
    fields = json.loads(jitnas(*ask, "--json")[1])
    assert [(move["dataset"], len(move["moved"])) for move in fields["transfers"]] == [("cifar100", 2), ("imagenet16_120", 2)]
    assert jitnas("transfer", run, "--to", "digits", "--table", file)[0] == 2
    assert jitnas("transfer", run, "--to", "cifar100")[0] == 1  # whose table was not imported
    assert lines[-1] == "test accuracy by nasbench201_200; the best on validation first"
    code, out, _ = jitnas("transfer", run, "--to", "cifar100,cifar100", "--table", file, "--json")
    assert [move["dataset"] for move in json.loads(out)["transfers"]] == ["cifar100"]
    other = small.written([{**row, "cifar100_test_12": 3} for row in small.nasbench201(CODES)], tmp_path / "other.csv.gz")
    for words, told in (
        (("--to", ",", "--table", file), "name other datasets"),
        (("--to", "cifar100", "--table", other), "was made with another file"),
        (("--to", "cifar100", "--table", file, "--endpoint", "0" * 8), "is a replay: nothing is trained"),
    ):
        code, out, err = jitnas("transfer", run, *words)
        assert (code, out) == (2, "")
        assert told in err


@pytest.mark.slow
def test_the_best_of_a_real_search_is_trained_on_another_dataset(jitnas, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    words = ("search", "--space", "mlp", "--dataset", "digits", "--recipe", "instant", "--method", "random_search")
    run = json.loads(jitnas(*words, "--evaluations", 4, "--json")[1])["run"]
    code, out, _ = jitnas("transfer", run, "--to", "synthetic", "--json")
    assert code == 0
    (move,) = json.loads(out)["transfers"]
    assert move["moved"][0]["source"] == "trained"
    assert 0 < move["moved"][0]["there"] <= 1
    assert move["spearman"] is None
    code, _, err = jitnas("transfer", run, "--to", "synthetic", "--table", tmp_path / "x.csv")
    assert code == 2
    assert "is no replay" in err
    assert "too few points" in jitnas("transfer", run, "--to", "synthetic")[1]


def test_a_run_without_a_search_that_ended_is_told(jitnas, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    words = ("search", "--space", "mlp", "--dataset", "digits", "--recipe", "instant", "--method", "random_search")
    run = json.loads(jitnas(*words, "--evaluations", 1, "--json")[1])["run"]
    (tmp_path / "home" / "runs" / run / "searches.jsonl").unlink()
    code, out, err = jitnas("transfer", run, "--to", "synthetic")
    assert (code != 0, out) == (True, "")
    assert "no search of run" in err


def test_a_run_that_is_not_there_is_told(jitnas, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    code, _, err = jitnas("transfer", "../../etc", "--to", "digits")
    assert code == 2
    assert "no run '../../etc'; there are none yet" in err
