"""Figures of a real small run, in a folder: all are drawn, and the same run makes the same files."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from jitnas_fn.client.cache import users_store
from jitnas_fn.client.tables import aliases
from jitnas_fn.core.errors import StoreError
from jitnas_fn.reports import ranks
from jitnas_fn.reports._plotting import Look
from jitnas_fn.reports.evidence import gathered
from jitnas_fn.reports.figure import Absent, Plot
from jitnas_fn.reports.figures import Made, figures_of, make_figures
from jitnas_fn.reports.records import at_hand, beside
from jitnas_fn.reports.sheets import write_sheet
from tests.reports.runs import a_replay, a_run, a_table, figures, sheet, told_rows

ENDINGS = ("png", "svg", "csv")
PNG = b"\x89PNG\r\n\x1a\n"


def made(evidence, folder, *, others=()):
    drawn = make_figures(figures_of(evidence, beside=others, known=aliases()), folder)
    return {figure.name: figure for figure in drawn}


@pytest.fixture
def evidence():
    return gathered(a_run("evolution", seeds=range(2), evaluations=8), users_store())


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(ranks, "FEWEST", 3)


def assert_whole(figure, folder):
    """All files of a figure are there and can be read, and its table has its numbers."""
    assert [name.rpartition(".")[2] for name in figure.files] in ([*ENDINGS], ["svg"])
    for name in figure.files:
        if name.endswith("png"):
            assert (folder / name).read_bytes().startswith(PNG)
        if name.endswith("svg"):
            assert ET.parse(folder / name).getroot().tag.endswith("svg")


def test_a_run_has_all_figures_that_its_records_allow(evidence, tmp_path):
    found = made(evidence, tmp_path)
    absent = {name: figure.why for name, figure in found.items() if isinstance(figure, Absent)}
    assert set(absent) == {"regret-evaluations", "regret-seconds", "rank-recipes", "rank-datasets"}
    assert "known only of a published table" in absent["regret-evaluations"]
    assert absent["rank-recipes"] == "its networks were trained by one recipe only"
    assert absent["rank-datasets"] == "its networks are known on one dataset only"
    drawn = ["best-evaluations", "best-seconds", "accuracy-cost", "learning-curves"]
    assert [name for name in found if name not in absent][:4] == drawn
    assert list(found)[-3:] == ["cell-1-evolution", "cell-2-random_sampling", "cell-3-random_search"]
    for figure in found.values():
        if isinstance(figure, Made):
            assert_whole(figure, tmp_path)
    for name, figure in figures(evidence).items():
        if isinstance(figure, Plot):
            assert sheet(tmp_path / f"{name}.csv") == told_rows(figure)


def test_a_replay_has_regret_and_both_rank_correlations_too(tmp_path):
    file = a_table(tmp_path, timed=12)
    found = made(at_hand(a_replay(file, "evolution", seeds=range(2)), table=file), tmp_path / "out")
    assert {name: figure.why for name, figure in found.items() if isinstance(figure, Absent)} == {
        "learning-curves": "records of a published table have no curves"
    }
    for figure in found.values():
        if isinstance(figure, Made):
            assert_whole(figure, tmp_path / "out")


def test_two_datasets_and_rungs_are_drawn_as_well(tmp_path):
    run = a_run("successive_halving", "local_search", seeds=[0], evaluations=20, epochs=[1])
    a_run("local_search", seeds=[0], evaluations=20, dataset="synthetic")
    found = made(gathered(run, users_store()), tmp_path, others=beside(run))
    assert_whole(found["rank-recipes"], tmp_path)
    assert_whole(found["rank-datasets"], tmp_path)


def test_where_test_is_not_known_one_panel_is_drawn(evidence, tmp_path):
    untested = [replace(one, incumbents=[replace(best, test=None) for best in one.incumbents]) for one in evidence.searches]
    changed = replace(evidence, searches=untested)
    figure = figures(changed)["best-evaluations"]
    assert figure.panels == 1
    assert "What was the best along the way was not measured on test." in figure.caption
    (found,) = make_figures(iter([figure]), tmp_path)
    assert_whole(found, tmp_path)


def test_a_method_with_settings_of_its_own_has_its_picture(tmp_path):
    found = made(gathered(a_run("evolution:sample=2", seeds=[0], evaluations=4), users_store()), tmp_path)
    assert found["cell-1-evolution-sample-2"].title == "What evolution:sample=2 found"
    assert_whole(found["cell-1-evolution-sample-2"], tmp_path)


def test_the_same_numbers_make_the_same_files(evidence, tmp_path):
    for folder in ("first", "second"):
        made(evidence, tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert len(names) > 10
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
        assert b"<dc:date>" not in (tmp_path / "first" / name).read_bytes()


def test_a_missing_matplotlib_is_told_before_anything_is_written(evidence, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(StoreError, match=r"pip install 'jitnas_fn\[plots\]'"):
        made(evidence, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to_is_told(evidence, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the report cannot be written to"):
        made(evidence, tmp_path / "file")


def test_a_name_that_leads_elsewhere_is_no_file(tmp_path):
    plot = Plot(
        name="../outside", title="t", caption="c", columns=["x"], rows=[[1]], panels=1, draw=lambda figure, panels: None
    )
    (found,) = make_figures(iter([plot]), tmp_path / "in")
    assert isinstance(found, Absent)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_numbers_and_names_are_safe_in_a_spreadsheet(tmp_path):
    write_sheet(tmp_path / "s.csv", ["a", "b"], [["=1+1", -0.5], ["\x1b[2J@x", None], ["plain", 1]])
    assert sheet(tmp_path / "s.csv") == [{"a": "'=1+1", "b": "-0.5"}, {"a": "?[2J@x", "b": ""}, {"a": "plain", "b": "1"}]


def test_a_method_keeps_its_looks_and_no_two_look_alike():
    few, more = Look(["evolution", "random_search"]), Look(["evolution", "random_search", "asha", "reinforce"])
    assert (few.colour("evolution"), few.colour("random_search")) == (more.colour("evolution"), more.colour("random_search"))
    many = Look([f"method{number}" for number in range(12)])
    assert len({(many.colour(method), str(many.dashes(method))) for method in many.methods}) == 12


def test_matplotlib_is_imported_when_it_draws_and_pyplot_never(evidence):
    code = (
        "import sys; from jitnas_fn.search.saved import SavedRun; from jitnas_fn.reports.records import at_hand;"
        "from jitnas_fn.reports.report import report; assert 'matplotlib' not in sys.modules;"
        f"report(at_hand(SavedRun.opened({evidence.run.name!r}))); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=100)
