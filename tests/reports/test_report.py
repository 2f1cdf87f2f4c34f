"""The page of a report, and what is kept away from it: damaged runs, and runs that somebody else has written."""

import json
import re

import pytest

from jitnas_fn.client.cache import users_store
from jitnas_fn.core.errors import NewerVersion, RecordError, StoreError, TableError
from jitnas_fn.reports.evidence import gathered
from jitnas_fn.reports.records import at_hand, beside
from jitnas_fn.reports.report import report
from jitnas_fn.search.saved import SavedRun
from tests.reports.runs import a_replay, a_run, a_table, rewritten

HOSTILE = '<img src=x onerror=alert(1)>|[x](y) `$"\x1b[2J ../../../etc/passwd'


@pytest.fixture
def run():
    return a_run("evolution", seeds=range(2), evaluations=5)


def rehearsed(run, change):
    """The run, each line of its searches changed."""
    path = run.folder / "searches.jsonl"
    lines = [json.loads(line) for line in path.read_text("ascii").splitlines() if line]
    path.write_text("".join(f"{json.dumps(change(line))}\n" for line in lines), "ascii")
    return SavedRun.opened(str(run.folder))


def test_a_report_lies_in_the_folder_of_its_run(run):
    made = report(at_hand(run))
    page = made.path.read_text("utf-8")
    assert made.path == run.folder / "report" / "report.md"
    for name in re.findall(r"\]\(([^)]+)\)", page):
        assert (made.path.parent / name).stat().st_size > 0
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert titles == [
        "What was asked",
        "What came out",
        "Figures",
        "The fourteen practices",
        "Where the numbers come from",
    ]
    assert len(re.findall(r"^\| \d+ \| .+ \| \*\*(?:yes|partly|no)\*\* \|", page, re.MULTILINE)) == 14
    (row,) = [row for row in made.methods if row["method"] == "evolution"]
    assert f"| {row['test_accuracy_mean']:.4f} ± {row['test_accuracy_std']:.4f} |" in page
    best = max((one for one in run.searches() if one.method == "evolution"), key=lambda one: one.validation)
    assert f"| evolution | {best.point} | {best.key[:12]}… | {best.seed} |" in page
    assert run.asked.dataset["sha256"] in page
    assert "- Regret against seconds: the best that there is is known only of a published table" in page


def test_a_report_may_lie_elsewhere_and_be_made_again(run, tmp_path):
    first = report(at_hand(run), out=tmp_path / "a" / "b")
    page = first.path.read_text("utf-8")
    assert report(at_hand(run), out=tmp_path / "a" / "b").path.read_text("utf-8") == page
    assert not (run.folder / "report").exists()


def test_figures_of_an_earlier_report_do_not_lie_among_those_of_a_later_one(run, tmp_path):
    folder = tmp_path / "report"
    report(at_hand(run), out=folder)
    (folder / "own.png").write_text("somebody's own")
    (folder / "cell-1-evolution.svg").rename(folder / "cell-9-older.svg")
    page = (folder / "report.md").read_text("utf-8").replace("cell-1-evolution.svg", "cell-9-older.svg")
    (folder / "report.md").write_text(f"{page}\n[up](../up.png) [away](/etc/away.csv)\n", "utf-8")
    (tmp_path / "up.png").write_text("elsewhere")
    report(at_hand(run), out=folder)
    assert not (folder / "cell-9-older.svg").exists()
    assert (folder / "cell-1-evolution.svg").exists()
    assert (folder / "own.png").read_text() == "somebody's own"
    assert (tmp_path / "up.png").exists()


def test_what_somebody_else_calls_a_report_loses_no_figure(run, tmp_path):
    (tmp_path / "report.md").write_text("# My report\n\n![mine](mine.png)\n")
    (tmp_path / "mine.png").write_text("somebody's own")
    report(at_hand(run), out=tmp_path)
    assert (tmp_path / "mine.png").read_text() == "somebody's own"


def test_a_report_that_cannot_be_made_leaves_the_one_before(run, tmp_path, monkeypatch):
    report(at_hand(run), out=tmp_path)
    files = sorted(path.name for path in tmp_path.iterdir())
    monkeypatch.setattr("jitnas_fn.reports.figures._plotting.save", lambda *_: (_ for _ in ()).throw(OSError("no")))
    with pytest.raises(StoreError, match="cannot be written"):
        report(at_hand(run), out=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def test_it_is_told_to_programs_as_well(run):
    fields = json.loads(json.dumps(report(at_hand(run)).to_dict()))
    assert [one["number"] for one in fields["checklist"]] == list(range(1, 15))
    assert {one["name"] for one in fields["figures"]} >= {"best-evaluations", "accuracy-cost", "cell-1-evolution"}
    assert {one["name"] for one in fields["not_made"]} >= {"regret-evaluations", "regret-seconds"}
    assert [one["method"] for one in fields["methods"]] == run.asked.methods


def test_a_replay_names_its_table_and_whose_numbers_they_are(tmp_path):
    file = a_table(tmp_path)
    run = a_replay(file, "evolution", seeds=[0])
    page = report(at_hand(run, table=file), out=tmp_path / "out").path.read_text("utf-8")
    assert f"SHA-256 {run.asked.table['sha256']}" in page
    assert "chosen on validation by nasbench201_12, read on test by nasbench201_200" in page
    assert "| seed of the trainings | unknown |" in page
    assert r"\|nor_conv_3x3\~0\|" in page
    away = report(at_hand(run), out=tmp_path / "away").path.read_text("utf-8")
    assert "Records: 0 of" in away
    assert "name its file with --table" in away


def test_a_file_that_is_another_table_is_refused(tmp_path, run):
    file = a_table(tmp_path)
    replay = a_replay(file, "evolution", seeds=[0])
    (tmp_path / "other").mkdir()
    other = a_table(tmp_path / "other", timed=3)
    with pytest.raises(TableError, match=f"one of SHA-256 {replay.asked.table['sha256']}"):
        at_hand(replay, table=other)
    with pytest.raises(TableError, match="is no replay"):
        at_hand(run, table=file)


def test_what_somebody_else_has_written_is_shown_and_never_read_as_markup(run, tmp_path):
    hostile = rewritten(
        run,
        methods=[*run.asked.methods, HOSTILE, "../outside"],
        space=HOSTILE,
        dataset={**run.asked.dataset, "name": HOSTILE, "version": HOSTILE, "metric": HOSTILE},
        versions={HOSTILE: HOSTILE},
    )
    for method in (HOSTILE, "../outside"):
        template = next(one for one in run.searches() if one.method == "evolution")
        hostile.add([_renamed(template, method)])
    rehearsed(hostile, lambda line: {**line, "point": HOSTILE})
    made = report(at_hand(hostile), out=tmp_path / "deep" / "out")
    page = made.path.read_text("utf-8")
    assert "<img" not in page
    assert "\x1b" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert not re.search(r"(?<!\\)\[x\]", page)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out"]
    for path in made.path.parent.iterdir():
        if path.suffix == ".svg":
            assert "<img" not in path.read_text("utf-8")


def test_hostile_names_are_drawn_as_plain_letters(run, tmp_path, recwarn):
    """Dollars would be a formula, letters of other alphabets squares and a warning."""
    named = rewritten(run, methods=["$\\frac{", "方法", *run.asked.methods])
    template = next(one for one in run.searches() if one.method == "evolution")
    named.add([_renamed(template, "$\\frac{"), _renamed(template, "方法")])
    report(at_hand(named), out=tmp_path / "out")
    assert not recwarn.list


def _renamed(found, method):
    return type(found)(**{**{name: getattr(found, name) for name in found.__slots__}, "method": method})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"dataset": []}, "its dataset cannot be read"),
        ({"dataset": {"name": "digits", "metric": 3, "direction": "maximise"}}, "its dataset cannot be read"),
        ({"dataset": {"name": "x", "metric": "y", "direction": "z", "splits": [1]}}, "its dataset cannot be read"),
        ({"table": {"name": "x", "optimum": {}, "seconds_judged": [1]}}, "its table cannot be read"),
        ({"seconds_line": {"intercept": 1.0}}, "its line of seconds cannot be read"),
        ({"seconds_line": {"intercept": 1.0, "slope": "x", "r2": 1.0, "networks": 10}}, "its line of seconds cannot be read"),
        ({"ladder": []}, "its ladder cannot be read"),
        ({"ladder": [7]}, "its ladder cannot be read"),
        ({"final": 7}, "its last recipe cannot be read"),
        ({"methods": "evolution"}, "its methods cannot be read"),
        ({"methods": [1]}, "its methods cannot be read"),
        ({"seeds": [0.5]}, "its seeds cannot be read"),
        ({"kind": []}, "its kind cannot be read"),
        ({"space": None}, "its space cannot be read"),
        ({"training_seed": "0"}, "its training seed cannot be read"),
        ({"bounds": {"most_macs": "many"}}, "its bounds cannot be read"),
        ({"budget": None}, "its budget cannot be read"),
        ({"in_flight": "4"}, "its number under way cannot be read"),
        ({"table": "nasbench201"}, "its table cannot be read"),
        ({"table": {"name": "nasbench201"}}, "its table cannot be read"),
        ({"table": {"name": "x", "optimum": {"test": "1"}}}, "its table cannot be read"),
        ({"versions": []}, "its versions cannot be read"),
        ({"warm": [["a"]]}, "its points known before cannot be read"),
    ],
)
def test_a_run_whose_form_is_another_is_refused(run, changed, told):
    with pytest.raises(RecordError, match=told):
        at_hand(rewritten(run, **changed))


def test_a_recipe_of_a_later_version_is_refused(run):
    with pytest.raises(NewerVersion, match="does not know: magic"):
        at_hand(rewritten(run, ladder=[{**run.asked.ladder[0], "magic": 1}]))


@pytest.mark.parametrize(
    "change",
    [
        lambda line: {**line, "validation": "1"},
        lambda line: {**line, "seconds": None},
        lambda line: {**line, "incumbents": [{**line["incumbents"][0], "number": 10**6}]},
        lambda line: {**line, "incumbents": [{**line["incumbents"][0], "validation": float("nan")}]},
        lambda line: {**line, "steps": {**line["steps"], "rung": [9] * len(line["steps"]["rung"])}},
        lambda line: {**line, "steps": {**line["steps"], "value": ["x"] * len(line["steps"]["value"])}},
        lambda line: {**line, "steps": {**line["steps"], "key": [7] * len(line["steps"]["key"])}},
        lambda line: {**line, "point": 7},
        lambda line: {**line, "key": ["a"]},
        lambda line: {**line, "warm": "x"},
    ],
)
def test_a_search_that_no_search_has_made_is_refused(run, change):
    with pytest.raises(RecordError, match="the search of 'evolution' with seed 0 cannot be read"):
        gathered(rehearsed(run, change), users_store())


def test_a_run_of_which_nothing_has_ended_is_told(run):
    (run.folder / "searches.jsonl").write_text("")
    with pytest.raises(RecordError, match="has come to its end"):
        at_hand(run)


def test_runs_that_stand_beside_are_those_of_the_same_space_and_recipe(run):
    other = a_run("evolution", seeds=[0], evaluations=5, dataset="synthetic")
    a_run("evolution", seeds=[0], evaluations=5, dataset="synthetic", recipe="instant")
    damaged = a_run("random_search", seeds=[0], evaluations=6, dataset="synthetic")
    (damaged.folder / "asked.json").write_text("{")
    assert [one.run.name for one in beside(run)] == [other.name]
