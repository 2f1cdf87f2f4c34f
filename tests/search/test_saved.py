"""Runs on disk: the same is found again, kills harm nothing, and hostile names lead nowhere."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import canonical
from jitnas_fn.core.errors import NewerVersion, RecordError, StoreError, TaskError, UnknownName
from jitnas_fn.search import columns, forms, saved
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.found import Found, Incumbent, Step
from jitnas_fn.search.saved import SavedRun

FIRST = [["1", "a" * 64, "c" * 64]]
QUICK = shelf.take("recipes", "quick").RECIPE.to_dict()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path))
    return tmp_path


def asked(**changed):
    fields = {
        "kind": "compare",
        "space": "mlp",
        "dataset": {"name": "digits", "version": "1", "sha256": "0" * 64, "metric": "accuracy", "direction": "maximise"},
        "ladder": [QUICK],
        "final": None,
        "training_seed": 0,
        "bounds": {"most_parameters": None, "most_macs": None, "most_seconds": None},
        "budget": {"evaluations": 3, "seconds": None},
        "in_flight": 1,
        "most_warm": 0,
        "methods": ["random_search"],
        "seeds": [0, 1],
    }
    return Asked(**{**fields, **changed})


def found(method="random_search", seed=0, count=3):
    steps = [
        Step(
            number=number + 1,
            point=f"{number}",
            rung=0,
            key=f"{number:064x}",
            value=0.5 if number else None,
            best=0.5 if number else None,
            source="trained",
            again=False,
            seconds=2.0,
            clock=2.0 * number,
        )
        for number in range(count)
    ]
    return Found(
        method=method,
        seed=seed,
        point="1",
        key=f"{1:064x}",
        validation=0.5,
        test=0.4,
        final_key=f"{1:064x}",
        seconds=6.0,
        took_seconds=0.1,
        warm=0,
        incumbents=(Incumbent(number=2, point="1", validation=0.5, test=0.4),) if count else (),
        steps=tuple(steps),
    )


def test_what_was_kept_is_read_again():
    run = SavedRun.begun(asked())
    run.add([found(), found(seed=1, count=0)])
    again = SavedRun.opened(run.name)
    assert again.asked == run.asked
    assert list(again.searches()) == [found(), found(seed=1, count=0)]
    assert again.done() == {("random_search", 0), ("random_search", 1)}
    assert saved.names() == [run.name]
    assert list(SavedRun.opened(str(run.folder)).searches()) == list(again.searches())


def test_whoever_asks_the_same_again_gets_the_same_run_and_may_add_methods_and_seeds():
    run = SavedRun.begun(asked())
    run.add([found()])
    more = SavedRun.begun(asked(methods=["evolution"], seeds=[2]))
    assert more.folder == run.folder
    assert more.asked.methods == ["random_search", "evolution"]
    assert more.asked.seeds == [0, 1, 2]
    assert more.done() == {("random_search", 0)}


@pytest.mark.parametrize(
    "changed",
    [
        {"space": "macro"},
        {"dataset": {"name": "digits", "version": "1", "sha256": "1" * 64}},
        {"ladder": [{**QUICK, "epochs": 13}]},
        {"final": QUICK},
        {"training_seed": 1},
        {"bounds": {"most_parameters": 5}},
        {"budget": {"evaluations": 4, "seconds": None}},
        {"in_flight": 2},
        {"most_warm": 1},
        {"versions": {"jitnas_fn": "9"}},
        {"table": {"name": "nasbench201", "sha256": "0" * 64}},
        {"kind": "search"},
    ],
)
def test_whatever_decides_the_end_makes_another_run(changed):
    assert SavedRun.begun(asked(**changed)).folder != SavedRun.begun(asked()).folder


def test_what_was_known_when_a_run_began_stays_what_it_is():
    first, later = ({"intercept": 0.0, "slope": slope, "r2": 1.0, "networks": 10} for slope in (1e-9, 2e-9))
    SavedRun.begun(asked(warm=FIRST, seconds_line=first))
    again = SavedRun.begun(asked(warm=[["2", "b" * 64, "d" * 64]], seconds_line=later))
    assert (again.asked.warm, again.asked.seconds_line) == (FIRST, first)


def test_points_may_be_of_brackets():
    """Those of NAS-Bench-101 are matrices."""
    run = SavedRun.begun(asked())
    steps = [dataclasses.replace(step, point='[[0,1],[["]]]{') for step in found(count=30_000).steps]
    long = dataclasses.replace(found(), steps=tuple(steps))
    run.add([long])
    assert list(run.searches()) == [long]


def test_a_search_that_could_not_be_read_again_is_not_kept(monkeypatch):
    monkeypatch.setattr(saved, "MOST_LINE_BYTES", 500)
    run = SavedRun.begun(asked())
    with pytest.raises(StoreError, match="a search of so many steps cannot be kept"):
        run.add([found()])
    assert list(run.searches()) == []


def test_a_run_does_not_grow_beyond_what_can_be_read_again(monkeypatch):
    for module in (saved, forms):
        monkeypatch.setattr(module, "MOST_SEARCHES", 6)
    SavedRun.begun(asked(methods=["a", "b"], seeds=[0, 1, 2]))
    with pytest.raises(TaskError, match="of more than 6 searches"):
        SavedRun.begun(asked(methods=["c"], seeds=[0]))
    assert len(SavedRun.opened(saved.names()[0]).wanted) == 6


def test_searches_that_cannot_be_read_are_told():
    run = SavedRun.begun(asked())
    (run.folder / saved.SEARCHES).mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        list(run.searches())


def test_a_line_of_brackets_is_left_out_unread(monkeypatch):
    run = SavedRun.begun(asked())
    run.add([found()])
    with (run.folder / saved.SEARCHES).open("ab") as file:
        file.write(b"\n[" + b"[]," * 200_000 + b"[]]\n")
    run.add([found(seed=1)])
    monkeypatch.setattr(columns.json, "loads", lambda line, read=columns.json.loads: read(line) if len(line) < 9_000 else 1 / 0)
    assert [one.seed for one in run.searches()] == [0, 1]


@pytest.mark.parametrize(
    "changed", [{"again": "x"}, {"again": 1}, {"seconds": 1.7e308}, {"clock": 1.7e308}, {"value": -1.7e308}, {"seconds": -1.0}]
)
def test_a_step_with_what_no_step_has_is_told(changed):
    run = SavedRun.begun(asked())
    first, *rest = found().steps
    run.add([dataclasses.replace(found(), steps=(dataclasses.replace(first, **changed), *rest))])
    with pytest.raises(RecordError, match="cannot be read"):
        list(run.searches())


def test_a_small_file_cannot_ask_for_very_many_searches():
    run = SavedRun.begun(asked())
    path = run.folder / saved.ASKED
    fields = json.loads(path.read_text())
    path.write_text(canonical({**fields, "methods": [f"m{n}" for n in range(2000)], "seeds": list(range(10_000))}))
    with pytest.raises(RecordError, match="its number of searches cannot be read"):
        SavedRun.opened(run.name)


def test_what_is_missing_of_a_run_or_too_many_is_named():
    run = SavedRun.begun(asked())
    path = run.folder / saved.ASKED
    path.write_text("{}")
    with pytest.raises(RecordError, match="missing or too many: bounds, budget, dataset"):
        SavedRun.opened(run.name)
    path.write_text(canonical({**asked().to_dict(), "more": 1}))
    with pytest.raises(RecordError, match="missing or too many: more"):
        SavedRun.opened(run.name)


def test_a_run_that_somebody_else_has_begun_stays():
    mine = SavedRun.begun(asked())
    other = SavedRun.begun(asked(methods=["evolution"]))
    other.forget_if_empty()
    mine.forget_if_empty()
    mine.add([found()])
    assert list(SavedRun.opened(mine.name).searches()) == [found()]


def test_a_run_that_nobody_else_has_begun_is_forgotten_if_it_is_empty():
    run = SavedRun.begun(asked())
    run.forget_if_empty()
    assert saved.names() == []
    run = SavedRun.begun(asked())
    run.add([found()])
    run.forget_if_empty()
    assert saved.names() == [run.name]


@pytest.mark.parametrize(
    "torn", [b'{"method":"random_search","se', b"\x00\xff\n", b"[]\n", b"{}\n", b'{"steps":{}}\n', b"METHOD"]
)
def test_a_torn_line_harms_no_other(torn):
    run = SavedRun.begun(asked())
    run.add([found()])
    if torn == b"METHOD":
        torn = (run.folder / saved.SEARCHES).read_bytes().replace(b'"method":"random_search"', b'"method":["random_search"]')
    with (run.folder / saved.SEARCHES).open("ab") as file:
        file.write(torn)
    run.add([found(seed=1)])
    assert [one.seed for one in run.searches()] == [0, 1]


def test_a_search_that_was_kept_twice_counts_once():
    run = SavedRun.begun(asked())
    run.add([found(), found()])
    assert len(list(run.searches())) == 1


@pytest.mark.parametrize("name", ["nosuch", "../..", "/etc/passwd", "a\x00b", "x" * 5000, "..", ""])
def test_names_that_lead_nowhere_are_told(name):
    SavedRun.begun(asked())
    with pytest.raises(UnknownName, match="no run .*there are compare-mlp-digits"):
        SavedRun.opened(name)


def test_a_later_format_and_a_damaged_one_are_told():
    run = SavedRun.begun(asked())
    path = run.folder / saved.ASKED
    text = path.read_text()
    path.write_text(text.replace('"run_version":1', '"run_version":2'))
    with pytest.raises(NewerVersion, match="please upgrade"):
        SavedRun.opened(run.name)
    for damaged in ("{", "[]", text.replace('"kind":', '"sort":')):
        path.write_text(damaged)
        with pytest.raises(RecordError):
            SavedRun.opened(run.name)


def test_a_folder_that_cannot_be_written_is_told(home):
    (home / "runs").write_text("")
    with pytest.raises(StoreError, match="cannot be kept"):
        SavedRun.begun(asked())


def test_a_search_as_json_is_read_again():
    assert Found.from_dict(found().to_dict()) == found()
    with pytest.raises(RecordError, match="no search that was kept"):
        Found.from_dict({**found().to_dict(), "more": 1})
    assert dataclasses.asdict(found())["steps"][0]["value"] is None


def test_what_is_kept_is_on_the_disk(monkeypatch):
    synced = []
    monkeypatch.setattr(saved.os, "fsync", synced.append)
    SavedRun.begun(asked()).add([found()])
    assert len(synced) == 1


def test_what_is_written_bit_by_bit_is_whole(monkeypatch):
    write = saved.os.write
    monkeypatch.setattr(saved.os, "write", lambda descriptor, content: write(descriptor, bytes(content)[:100]))
    run = SavedRun.begun(asked())
    run.add([found(), found(seed=1)])
    assert list(run.searches()) == [found(), found(seed=1)]


def test_a_disk_that_is_full_is_told(monkeypatch):
    def full(descriptor, content):
        raise OSError("no space left on device")

    run = SavedRun.begun(asked())
    monkeypatch.setattr(saved.os, "write", full)
    with pytest.raises(StoreError, match="a search cannot be kept"):
        run.add([found()])


def test_many_begin_the_same_run_at_once():
    def begin(seed):
        for _ in range(20):
            SavedRun.begun(asked(seeds=[seed]))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(begin, range(8)))
    assert SavedRun.opened(saved.names()[0]).asked.seeds == list(range(8))


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"method":' * 50_000])
def test_a_line_that_is_nested_without_end_is_left_out(deep):
    run = SavedRun.begun(asked())
    (run.folder / saved.SEARCHES).write_bytes(deep + b"\n")
    run.add([found()])
    assert list(run.searches()) == [found()]


def test_what_is_wanted_now_is_what_was_asked_for_now():
    SavedRun.begun(asked())
    more = SavedRun.begun(asked(methods=["evolution"], seeds=[7]))
    assert more.wanted == [("evolution", 7)]
    assert SavedRun.opened(more.name).wanted == more.asked.searches
    assert len(more.asked.searches) == 6
