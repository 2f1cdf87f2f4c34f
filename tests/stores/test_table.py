"""A published table as a store: each network once, its rows as replicates, and times that say whether they are judged."""

import dataclasses
from types import SimpleNamespace

import pytest

from jitnas_fn import open_table
from jitnas_fn.client.lookups import fitting
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.errors import RecordError, StoreError
from jitnas_fn.core.record import Record
from jitnas_fn.core.tabulated_seconds import Line
from jitnas_fn.core.task import Limits, task_of
from jitnas_fn.spaces.nasbench201 import SPACE
from jitnas_fn.stores.drawn import DrawnStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import a_record
from tests.tables import small

CODES = ("333333", "012340", *small.NO_PATH)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    return open_table("nasbench201", small.written(small.nasbench201(CODES), tmp_path / "table.csv.gz"))


def key_of(code, dataset="cifar10", recipe="nasbench201_200"):
    card = card_named(dataset)
    architecture = SPACE.architecture(tuple(map(int, code)), card.input_shape, card.outputs)
    return task_of(architecture.fingerprint, card, recipe_named(recipe), 7).key


def test_a_record_says_what_the_row_says_and_that_it_is_imported(table):
    record = table.get(key_of("333333"))
    assert record.metrics == {"test": {"accuracy": pytest.approx((10 + 18 * 3 + 0.7 + 20) / 100)}}
    assert (record.parts["seed"], record.parts["dataset"], record.parts["dataset_named"]) == (None, None, "cifar10")
    told = {"origin": "imported", "trust": "imported", "table": "nasbench201", "index": "0", "runs": None}
    assert record.provenance.items() >= told.items()
    assert record.size == {"parameters": 1000, "macs": 10**6, "counter": "as published"}
    early = table.get(key_of("333333", recipe="nasbench201_12"))
    assert early.metrics["validation"]["accuracy"] == pytest.approx(0.647)
    assert early.recipe["epochs"] == 12


def test_every_record_can_be_read_again_and_is_the_same_whenever_it_is_made(table, tmp_path):
    again = open_table("nasbench201", tmp_path / "table.csv.gz")
    for record in table.records():
        assert Record.from_json(record.to_json()) == record
    assert [record.record_id for record in table.records()] == [record.record_id for record in again.records()]
    assert len(table) == len(list(table.records())) == len(CODES) * 3 * 2


def test_cells_that_are_one_network_are_replicates_under_one_key(table):
    assert table.networks == len(CODES) - len(small.NO_PATH) + 1
    keys = {key_of(code) for code in small.NO_PATH}
    (key,) = keys
    found = table.replicates(key)
    assert sorted(record.provenance["index"] for record in found) == ["2", "3", "4"]
    assert found[0] == table.get(key) == max(found, key=lambda record: record.order)


def test_no_two_datasets_or_fidelities_share_a_key(table):
    places = {(record.key, record.dataset["name"], record.recipe["name"]) for record in table.records()}
    assert len({key for key, *_ in places}) == len(places) == table.networks * 3 * 2


def test_the_same_network_on_two_datasets_of_one_shape_has_two_keys():
    """Only their names tell CIFAR-10 from another of its shape, where the hash is not known."""
    fingerprint, plan = "0" * 64, recipe_named("nasbench201_12")
    cards = [card_named("cifar10"), card_named("cifar100")]
    assert len({task_of(fingerprint, card, plan, 0).key for card in cards}) == 2


@pytest.mark.parametrize(
    "changed",
    [
        {"dataset_named": "cifar100"},
        {"dataset_named": "../x"},
        {"dataset_named": None},
        {"seed": 0},
        {"dataset": "0" * 64},
        {"recipe": None},
    ],
)
def test_other_parts_are_refused(table, changed):
    fields = table.get(key_of("333333")).to_dict()
    with pytest.raises(RecordError):
        Record.from_dict({**fields, "parts": {**fields["parts"], **changed}})


def test_only_what_is_imported_may_leave_seed_and_dataset_open(table):
    record = table.get(key_of("333333"))
    fields = record.to_dict()
    with pytest.raises(RecordError, match="parts are"):
        Record.from_dict({**fields, "provenance": {**fields["provenance"], "origin": "trained"}})


def test_a_table_is_read_only_and_hands_nothing_on(table):
    record = a_record()
    for write in (
        lambda: table.put(record),
        lambda: table.append(record_entry(record)),
        lambda: table.extend([record_entry(record)]),
        lambda: table.take([b"{}"]),
    ):
        with pytest.raises(StoreError, match="read-only"):
            write()
    assert table.since({"a": 3}) == ([], {"a": 3})
    assert list(table.every_line()) == []
    assert table.document("0" * 64) is None
    assert not table.is_retracted("0" * 64)
    assert table.get("opaque-00000000-0000-0000-0000-000000000000") is None
    assert table.get("0" * 64) is None


def test_published_times_are_told_as_such_and_others_are_judged_and_say_so(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    codes = (
        [f"33333{last}" for last in range(5)] + [f"3333{last}3" for last in range(3)] + [f"333{last}33" for last in range(3)]
    )
    table = open_table("nasbench201", small.written(small.nasbench201(codes, timed=10), tmp_path / "table.csv"))
    line = table.seconds.lines["cifar10", "nasbench201_200"]
    assert (line.intercept, line.slope, line.r2) == (pytest.approx(90), pytest.approx(1e-5), 1.0)
    published = table.get(key_of(codes[0]))
    assert (published.cost["wall_seconds"], published.cost["estimated"]) == (100.0, None)
    short = table.get(key_of(codes[0], recipe="nasbench201_12"))
    assert short.cost["wall_seconds"] == pytest.approx(3.0)
    what = "the published time of 200 epochs, 12/200 of it for 50% of the samples"
    assert short.cost["estimated"] == {"by": what, "r2": None}
    judged = next(one for one in table.replicates(key_of(codes[10])) if one.provenance["index"] == "10")
    assert judged.cost["wall_seconds"] == pytest.approx(200.0)
    assert judged.cost["estimated"]["r2"] == 1.0
    other = table.get(key_of(codes[0], dataset="cifar100"))
    assert (other.cost["wall_seconds"], other.cost["estimated"]["by"]) == (100.0, "the published time of cifar10 of 200 epochs")
    judged_there = table.replicates(key_of(codes[10], dataset="cifar100"))[0]
    assert "published times of cifar10" in judged_there.cost["estimated"]["by"]
    assert published.dataset["splits"] == {"train": 50_000, "test": 10_000}
    assert short.dataset["splits"]["train"] == 25_000


def test_without_published_times_there_are_none(table):
    assert table.seconds.lines == {}
    assert table.get(key_of("333333")).cost["wall_seconds"] is None


def test_of_replicates_a_search_is_told_one_that_its_seed_draws_the_same_for_all_recipes(table):
    early, late = (key_of(small.NO_PATH[0], recipe=recipe) for recipe in ("nasbench201_12", "nasbench201_200"))
    view, drawn = DrawnStore(table), []
    for seed in range(60):
        view.seed = seed
        rows = [view.get(key).provenance["index"] for key in (early, late, early)]
        assert len(set(rows)) == 1
        drawn.append(rows[0])
    assert {index: 10 < drawn.count(index) < 32 for index in drawn} == {"2": True, "3": True, "4": True}
    assert view.get("0" * 64) is None
    assert view.get("opaque-00000000-0000-0000-0000-000000000000") is None
    assert (len(view), view.replicates(early)) == (len(table), table.replicates(early))


def test_a_record_tells_the_splits_of_its_table_and_no_time_below_zero(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    table = open_table("nasbench101", small.written(small.nasbench101([(0.1, 0.2, 0.3, 0.4)]), tmp_path / "nb101.csv"))
    record = next(table.records())
    assert record.dataset["splits"] == {"train": 40_000, "validation": 10_000, "test": 10_000}
    assert Line(-5.0, 1.0, 1.0, 10).at(2) == 0.0


def test_no_other_store_keeps_what_a_table_tells_since_there_it_could_be_forged(table, tmp_path):
    record = table.get(key_of("333333"))
    forged = dataclasses.replace(record, metrics={"test": {"accuracy": 0.999}}).sealed()
    stores = [MemoryStore(), TinyStore(tmp_path / "cache.jsonl"), SegmentStore(tmp_path / "shared")]
    for store in stores:
        for one in (record, forged):
            with pytest.raises(RecordError, match="kept in that table alone"):
                store.put(one)
            line = record_entry(one).to_json().encode("ascii") + b"\n"
            assert store.take([line]).damaged == 1
        assert store.get(record.key) is None
    path = tmp_path / "cache.jsonl"  # and where somebody has written it into the file itself
    with path.open("ab") as file:
        file.write(record_entry(forged).to_json().encode("ascii") + b"\n")
    with pytest.warns(UserWarning, match="a damaged entry left out"):
        assert TinyStore(path).get(record.key) is None


@pytest.mark.parametrize(
    "changed", [{"trust": "curated"}, {"trust": "local"}, {"token": 1}, {"token": False}, {"origin": "trained"}]
)
def test_no_record_of_a_table_ranks_before_another(table, changed):
    fields = table.get(key_of("333333")).to_dict()
    with pytest.raises(RecordError, match="parts are"):
        Record.from_dict({**fields, "provenance": {**fields["provenance"], **changed}})


@pytest.mark.parametrize("written", [str.upper, lambda key: " ".join(key), lambda key: key + "\n", lambda key: key[:-1]])
def test_a_key_has_one_spelling(table, written):
    key = key_of("333333")
    assert table.get(key) is not None
    assert table.get(written(key)) is None


@pytest.mark.parametrize("trust", ["imported", "curated"])
def test_what_is_imported_under_an_ordinary_key_is_no_record(trust):
    """Else it would answer whoever has not accepted what others have published."""
    record = a_record()
    forged = dataclasses.replace(record, provenance={**record.provenance, "origin": "imported", "trust": trust}).sealed()
    with pytest.raises(RecordError, match="parts are"):
        MemoryStore().put(forged)
    with pytest.raises(RecordError, match="parts are"):
        Record.from_dict(forged.to_dict())


def test_no_site_tells_what_a_table_does(table):
    record = table.get(key_of("333333"))
    task = next(task for task, _ in table._places.values() if task.key == record.key)
    assert fitting({"record": record.to_dict()}, SimpleNamespace(task=task, limits=Limits())) is None
