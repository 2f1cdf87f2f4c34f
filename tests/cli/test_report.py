"""`jitnas report`: a run by its name or folder, and the list of all."""

import json
import sys

import pytest

from jitnas_fn.client.tables import import_table
from tests.reports.runs import a_replay, a_run, a_table


@pytest.fixture
def run():
    return a_run("evolution", seeds=range(2), evaluations=5)


def test_a_run_is_reported_by_its_name_and_by_its_folder(jitnas, run, tmp_path):
    code, out, err = jitnas("report", run.name)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[:2] == [str(run.folder / "report" / "report.md"), "7 figures"]
    assert "not made: Regret against seconds: " in out
    assert lines[-3:] == ["practices yes: 1, 2, 4, 6, 7, 8, 11, 13, 14", "practices partly: 9", "practices no: 3, 5, 10, 12"]
    code, out, _ = jitnas("report", run.folder, "--out", tmp_path / "out", "--json")
    fields = json.loads(out)
    assert code == 0
    assert fields["run"] == run.name
    assert fields["report"] == str(tmp_path / "out" / "report.md")
    assert len(fields["checklist"]) == 14
    assert (tmp_path / "out" / fields["figures"][0]["files"][0]).is_file()


def test_without_a_run_all_are_listed(jitnas, run):
    assert jitnas("report")[1] == f"{run.name}: mlp on digits, 3 methods, 2 seeds\n"
    (told,) = json.loads(jitnas("report", "--json")[1])["runs"]
    assert told == {
        "name": run.name,
        "kind": "compare",
        "space": "mlp",
        "dataset": "digits",
        "methods": ["evolution", "random_sampling", "random_search"],
        "seeds": 2,
    }
    (run.folder / "asked.json").write_text("{")
    assert jitnas("report") == (0, "no run that can be read: jitnas search and jitnas compare make them\n", "")


def test_a_replay_finds_the_table_that_was_imported_or_named(jitnas, tmp_path):
    file = a_table(tmp_path)
    run = a_replay(file, "evolution", seeds=[0])
    absent = "not made: Rank correlation between recipes: the table of this replay is not at hand: name its file with --table"
    assert absent in jitnas("report", run.name)[1]
    assert absent not in jitnas("report", run.name, "--table", file)[1]
    import_table("nasbench201", file)
    assert absent not in jitnas("report", run.name)[1]
    (tmp_path / "other").mkdir()
    import_table("nasbench201", a_table(tmp_path / "other", timed=3))
    assert absent in jitnas("report", run.name)[1]


def test_bands_may_be_quartiles(jitnas, run):
    assert jitnas("report", run.name, "--band", "interquartile range")[0] == 0
    assert "band: the quartiles" in (run.folder / "report" / "report.md").read_text("utf-8")
    code, _, err = jitnas("report", run.name, "--band", "all")
    assert code == 2
    assert "there are standard error, interquartile range" in err


@pytest.mark.parametrize("name", ["nosuch", "../../etc", "..", "a\x00b", "<b>", "", "x" * 500])
def test_a_run_that_there_is_not_is_told_with_those_there_are(jitnas, run, name):
    code, out, err = jitnas("report", name)
    assert (code, out) == (2, "")
    assert run.name in err
    assert len(err.splitlines()) == 1


def test_a_run_of_which_nothing_has_ended_is_told(jitnas, run):
    (run.folder / "searches.jsonl").unlink()
    code, _, err = jitnas("report", run.name)
    assert code == 1
    assert "has come to its end; jitnas compare goes on with it" in err


def test_a_missing_matplotlib_is_told_with_what_to_do(jitnas, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = jitnas("report", run.name)
    assert (code, out) == (1, "")
    assert "pip install 'jitnas_fn[plots]'" in err
    assert not (run.folder / "report").exists()


def test_a_folder_that_cannot_be_written_to_is_told(jitnas, run, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = jitnas("report", run.name, "--out", tmp_path / "file" / "out")
    assert code == 1
    assert "the report cannot be written to" in err
