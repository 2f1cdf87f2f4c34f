"""`jitnas cache export`: a table for people, lines for programs, and no harm to either."""

import csv
import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.client.export import COLUMNS
from jitnas_fn.core.entry import retraction_entry
from jitnas_fn.core.record import Record
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_record, sealed_with

ROOT = Path(__file__).parents[2]
RECORDS = [a_record(number, seed=seed, fixed_salt=SALT) for number in range(3) for seed in (10, 9)]


@pytest.fixture
def cache(own_home, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(tmp_path / "none"))
    store = TinyStore(own_home / "cache.jsonl")
    for record in RECORDS:
        store.put(record)
    return store.path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def exported(jitnas, path, form="csv", *words):
    code, out, err = jitnas("cache", "export", path, "--format", form, *words)
    assert code == 0, err
    return out if path == "-" else Path(path).read_text("utf-8")


def test_a_row_for_each_record_sorted_by_fingerprint_and_seed(jitnas, cache, tmp_path):
    table = rows(exported(jitnas, tmp_path / "table.csv"))
    assert list(table[0]) == list(COLUMNS)
    assert [(row["fingerprint"], int(row["seed"])) for row in table] == sorted(
        (record.parts["fingerprint"], record.parts["seed"]) for record in RECORDS
    )
    (row,) = [row for row in table if row["key"] == RECORDS[0].key]
    shown = {name: row[name] for name in ("record_id", "dataset", "recipe", "verdict", "metric", "validation", "test", "macs")}
    assert shown == {
        "record_id": RECORDS[0].record_id,
        "dataset": "digits",
        "recipe": "sample",
        "verdict": "trained",
        "metric": "accuracy",
        "validation": "0.5",
        "test": "0.25",
        "macs": "640",
    }
    assert (row["epochs"], row["train_seconds"], row["joules"], row["limit_seconds"]) == ("2", "1.25", "", "")


def test_lines_are_records_that_verify(jitnas, cache):
    lines = exported(jitnas, "-", "jsonl").splitlines()
    assert sorted(Record.from_json(line).record_id for line in lines) == sorted(record.record_id for record in RECORDS)
    assert all(line == Record.from_json(line).to_json() for line in lines)


def test_standard_output_holds_the_table_alone(jitnas, cache):
    code, out, err = jitnas("cache", "export", "-", "--format", "csv")
    assert (code, len(rows(out))) == (0, 6)
    assert err == "6 records written as csv\n"


@pytest.mark.parametrize(
    ("name", "words", "form"),
    [
        ("a.csv", (), "csv"),
        ("a.jsonl", (), "jsonl"),
        ("A.JSONL", (), "jsonl"),
        ("a.txt", ("--format", "csv"), "csv"),
        ("a.csv", ("--format", "jsonl"), "jsonl"),
        ("jsonl", (), "csv"),
    ],
)
def test_the_ending_says_the_format_unless_it_is_given(jitnas, cache, tmp_path, name, words, form):
    code, out, _ = jitnas("cache", "export", tmp_path / name, *words, "--json")
    assert (code, json.loads(out)["format"]) == (0, form)
    assert (tmp_path / name).read_text("utf-8").startswith("{" if form == "jsonl" else "key,")


def test_a_name_that_ends_otherwise_is_refused_without_a_format(jitnas, cache, tmp_path):
    for name in ("a.json", "a.parquet", "a.csv.gz"):
        code, _, err = jitnas("cache", "export", tmp_path / name)
        assert (code, (tmp_path / name).exists()) == (2, False)
        assert "say --format" in " ".join(err.split())


def test_standard_output_gets_csv_unless_told(jitnas, cache):
    code, out, err = jitnas("cache", "export", "-")
    assert (code, len(rows(out)), err) == (0, 6, "6 records written as csv\n")


def test_the_answer_says_where_the_table_is(jitnas, cache, tmp_path):
    code, out, _ = jitnas("cache", "export", tmp_path / "a.jsonl", "--format", "jsonl", "--json")
    assert code == 0
    assert json.loads(out) == {"records": 6, "file": str(tmp_path / "a.jsonl"), "format": "jsonl"}


def test_a_retracted_record_is_left_out_and_a_redacted_one_has_no_test_value(jitnas, cache):
    store = TinyStore(cache)
    store.append(retraction_entry(RECORDS[0].record_id, "wrong", created="2026-01-02T03:04:05Z"))
    store.put(a_record(9, fixed_salt=SALT).redacted())
    table = rows(exported(jitnas, "-"))
    assert len(table) == 6
    assert RECORDS[0].key not in {row["key"] for row in table}
    assert [row["test"] for row in table if row["key"] == a_record(9).key] == [""]


def test_another_store_is_exported_by_its_path(jitnas, cache, tmp_path):
    SegmentStore(tmp_path / "shared").put(a_record(7))
    assert [row["key"] for row in rows(exported(jitnas, "-", "csv", "--from", tmp_path / "shared"))] == [a_record(7).key]


def hostile(**named):
    record = dataclasses.replace(a_record(8), **named)
    return sealed_with(record, SALT)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_no_cell_is_a_formula(jitnas, cache, name):
    TinyStore(cache).put(hostile(environment={"device": name}))
    (device,) = [row["device"] for row in rows(exported(jitnas, "-")) if row["device"] != "cpu"]
    assert device.startswith("'")


def test_a_number_below_zero_stays_a_number(jitnas, cache):
    TinyStore(cache).put(hostile(metrics={"validation": {"accuracy": -0.5}}))
    assert "-0.5" in [row["validation"] for row in rows(exported(jitnas, "-"))]


def test_whatever_is_in_a_record_a_row_is_a_row(jitnas, cache):
    record = hostile(
        dataset={"name": 'a,"b"\n\x1b[2J\u202e', "version": ["x"], "metric": {"a": 1}},
        recipe={"name": None, "epochs": "\ud800"},
        size={"parameters": True},
        cost={},
        provenance={"site": {"=1": 2}},
    )
    TinyStore(cache).put(record)
    out = exported(jitnas, "-")
    assert len(rows(out)) == len(out.splitlines()) - 1 == 7
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_bad_format_says_which_there_are(jitnas, cache, tmp_path):
    code, out, err = jitnas("cache", "export", tmp_path / "x", "--format", "xml")
    assert (code, out) == (2, "")
    assert "csv, jsonl" in err
    assert not (tmp_path / "x").exists()


def test_a_file_is_replaced_only_whole(jitnas, cache, tmp_path, monkeypatch):
    path = tmp_path / "table.csv"
    path.write_text("what was there")

    def failing(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        code, _, err = jitnas("cache", "export", path, "--format", "csv")
    assert code == 1
    assert "unharmed" in err
    assert path.read_text() == "what was there"
    assert list(tmp_path.iterdir()) == [path]
    assert len(rows(exported(jitnas, path))) == 6


def test_a_store_is_not_overwritten(jitnas, cache, tmp_path):
    store = SegmentStore(tmp_path / "shared")
    store.put(a_record(7))
    (segment,) = (tmp_path / "shared" / "segments").iterdir()
    for path in (cache, segment, tmp_path / "shared" / "store.json", ROOT / "cache" / "entries.json"):
        before = path.read_bytes()
        code, _, err = jitnas("cache", "export", path, "--format", "csv")
        assert code == 2
        assert "belongs to a store" in err.replace("\n", " ")
        assert path.read_bytes() == before


def test_only_a_file_is_replaced(jitnas, cache, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "a pipe"),
        ("a\0b", "no name"),
        (tmp_path / "no" / "x", ""),
    ):
        code, _, err = jitnas("cache", "export", path, "--format", "csv")
        assert code in (1, 2)
        assert message in err
        assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_accident(cache):
    command = f"{sys.executable} -m jitnas_fn cache export - --format jsonl | head -c 10"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment, check=True)
    assert len(done.stdout) == 10
    assert "Traceback" not in done.stderr
