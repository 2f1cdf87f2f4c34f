"""Tables in the user's home: one that was imported stays whole, whatever happens to the next."""

from pathlib import Path

import pytest

from jitnas_fn.client import tables
from jitnas_fn.core.errors import NotTabulated, StoreError, TableError, UnknownName
from tests.tables import small


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_table_that_is_imported_again_replaces_the_one_before(tmp_path):
    for codes in (["333333"], ["333333", "012340"]):
        tables.import_table("nasbench201", small.written(small.nasbench201(codes), tmp_path / "table.csv"))
        (store,) = tables.imported_tables()
        assert len(store.rows) == len(codes)
    assert tables.imported_names() == ["nasbench201"]


def test_an_import_that_fails_leaves_what_was_there(tmp_path, home, monkeypatch):
    tables.import_table("nasbench201", small.written(small.nasbench201(["333333"]), tmp_path / "table.csv"))
    before = tables.file_of("nasbench201").read_bytes()
    with pytest.raises(TableError):
        tables.import_table("nasbench201", small.written(small.nasbench101([(0, 0, 0, 0)]), tmp_path / "other.csv"))

    def full(self, content):
        self.touch()
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StoreError, match="cannot be kept"):
        tables.import_table("nasbench201", tmp_path / "table.csv")
    assert tables.file_of("nasbench201").read_bytes() == before
    assert [path.name for path in (home / "tables").iterdir()] == ["nasbench201.csv.gz"]


def test_the_name_of_a_table_leads_nowhere_else(tmp_path):
    for name in ("../nasbench201", "nosuch", ""):
        with pytest.raises(UnknownName, match="there are nasbench101"):
            tables.file_of(name)
    with pytest.raises(NotTabulated, match="jitnas cache import --table nasbench201 FILE"):
        tables.file_of("nasbench201")


def test_networks_are_built_once_whoever_builds_them(tmp_path):
    built = []
    file = small.written(small.nasbench101([(0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8)]), tmp_path / "nb101.csv")
    first = tables.open_table("nasbench101", file, show=lambda done, total: built.append((done, total)))
    assert built == [(2, 2)]
    again = tables.open_table("nasbench101", file, show=lambda done, total: built.append((done, total)))
    assert built == [(2, 2)]
    assert [record.key for record in first.records()] == [record.key for record in again.records()]


def test_many_networks_are_built_by_several_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "FEW", 2)
    monkeypatch.setattr(tables, "BATCH", 3)
    values = [(0.1, 0.2, 0.3, 0.4)] * 8
    file = small.written(small.nasbench101(values), tmp_path / "nb101.csv")
    by_two = tables.open_table("nasbench101", file, book=tables.AliasBook(None), workers=2)
    by_one = tables.open_table("nasbench101", file, book=tables.AliasBook(None))
    assert [record.key for record in by_two.records()] == [record.key for record in by_one.records()]


def test_a_damaged_table_is_left_out_and_told(tmp_path):
    tables.import_table("nasbench201", small.written(small.nasbench201(["333333"]), tmp_path / "table.csv"))
    tables.file_of("nasbench201").write_bytes(b"\x1f\x8b\x08damaged")
    with pytest.warns(RuntimeWarning, match="the imported table nasbench201 is left out"):
        assert tables.imported_tables() == []


FIFTEEN = small.nasbench201([f"{number // 5}{number % 5}3333" for number in range(15)], timed=15)
SIZED = [{**row, "cifar10_macs": 2**61 + place, "imagenet16_120_macs": 2**61 + place} for place, row in enumerate(FIFTEEN)]
BRIEF = [
    {**row, "cifar10_train_seconds_200": f"{place + 1}e-200", "imagenet16_120_train_seconds_200": f"{place + 1}e-200"}
    for place, row in enumerate(FIFTEEN)
]


@pytest.mark.parametrize("rows", [SIZED, BRIEF], ids=["multiply-adds", "seconds"])
def test_where_numbers_hardly_differ_there_is_no_line(tmp_path, rows):
    """As floats they are one number, or their squares are."""
    store = tables.open_table("nasbench201", small.written(rows, tmp_path / "table.csv"))
    assert store.seconds.lines == {}


def test_a_table_with_a_cell_that_is_none_stops_no_other(tmp_path):
    (row,) = small.nasbench101([(0.1, 0.2, 0.3, 0.4)])
    tables.import_table("nasbench201", small.written(FIFTEEN, tmp_path / "table.csv"))
    small.written([{**row, "adjacency_upper_bits": "0" * 10}], tmp_path / "home" / "tables" / "nasbench101.csv.gz")
    with pytest.warns(RuntimeWarning, match="the imported table nasbench101 is left out"):
        assert [store.table.name for store in tables.imported_tables()] == ["nasbench201"]


def test_whoever_waits_for_many_networks_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "MANY", 1)
    file = small.written(small.nasbench101([(0.1, 0.2, 0.3, 0.4), (0.5, 0.6, 0.7, 0.8)]), tmp_path / "nb101.csv")
    with pytest.warns(RuntimeWarning, match="2 networks of nasbench101 are built once"):
        tables.open_table("nasbench101", file)
