"""The ledger: what was asked is counted once, whatever happens to the file and whoever else writes to it."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from torch import nn

from jitnas_fn import Client
from jitnas_fn.client.ledger import Ledger
from jitnas_fn.client.summary_asked import ASKED, FOLDED, asked_in, fold
from jitnas_fn.stores.memory import MemoryStore
from tests.samples import a_record

RECORD = a_record()


def costing(number=0, origin="trained", device="cpu", **cost):
    record = a_record(number)
    provenance = {**record.provenance, "origin": origin}
    return dataclasses.replace(record, cost={**cost}, provenance=provenance, environment={"device": device})


def model():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.ReLU(), nn.Linear(7, 10))


def test_hits_and_misses_are_counted_and_each_key_costs_once(tmp_path):
    ledger = Ledger(tmp_path)
    dear = costing(1, wall_seconds=7200.0, joules=50.0, joules_method="measured: a meter", device="a GPU")
    ledger.note(hits=[RECORD, RECORD, dear], misses=["a" * 64])
    ledger.note(hits=[dear], misses=["b" * 64, "a" * 64])
    found = asked_in(tmp_path)
    assert (found.hits, found.misses) == (4, 3)
    spent = found.avoided.to_dict()
    assert spent["records"] == 2
    assert (spent["gpu_hours"], spent["cpu_hours"]) == (2.0, pytest.approx(2 / 3600))
    assert (spent["joules"], spent["measured_share"], spent["without_energy"]) == ([50.0, 50.0], 1.0, 1)


def test_what_was_imported_is_inherited_and_not_avoided(tmp_path):
    Ledger(tmp_path).note(hits=[costing(origin="imported", wall_seconds=5, joules=3.0)], misses=[])
    found = asked_in(tmp_path)
    assert found.avoided.records == 0
    assert found.inherited.to_dict()["joules"] == [0.0, 3.0]


def test_the_ledger_holds_no_name_and_no_path(tmp_path):
    Ledger(tmp_path).note(hits=[RECORD], misses=["c" * 64])
    (line,) = (tmp_path / ASKED).read_text().split()
    found = json.loads(line)
    assert set(found) == {"when", "hits", "misses"}
    assert found["hits"] == [[RECORD.key, 2.0, None, "cpu", "unknown", "trained"]]
    assert found["misses"] == ["c" * 64]


def test_a_client_counts_what_its_own_cache_is_asked(own_home):
    client = Client()
    assert client.lookup(model, dataset="digits", recipe="instant") is None
    client.evaluate(model, dataset="digits", recipe="instant")
    client.map([model, model], dataset="digits", recipe="instant")
    assert client.lookup(model, dataset="digits", recipe="instant") is not None
    found = asked_in(own_home)
    assert (found.misses, found.hits, found.avoided.records) == (2, 3, 1)


def test_a_client_with_a_store_of_its_own_is_not_counted(own_home):
    with Client(store=MemoryStore()) as client:
        client.evaluate(model, dataset="digits", recipe="instant")
        client.lookup(model, dataset="digits", recipe="instant")
    assert not (own_home / ASKED).exists()


def test_a_model_without_a_key_is_no_question(own_home):
    with Client() as client:
        client.evaluate(model, dataset="digits", recipe="instant", identity="none")
    assert asked_in(own_home).misses == 0


def test_where_it_cannot_be_written_there_is_none(tmp_path):
    (tmp_path / ASKED).mkdir()  # not even root writes to a folder
    Ledger(tmp_path).note(hits=[RECORD], misses=[])
    assert asked_in(tmp_path).hits == 0


def test_a_torn_line_harms_no_other(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.note(hits=[RECORD], misses=[])
    with (tmp_path / ASKED).open("ab") as file:
        file.write(b'\n{"hits":[["' + b"ab" * 20)  # killed here
    ledger.note(hits=[RECORD], misses=["d" * 64])
    assert (asked_in(tmp_path).hits, asked_in(tmp_path).misses) == (2, 1)


HOSTILE = [
    b"\xff\xfe\x00",
    b"null",
    b"[" * 100_000,
    b'{"hits":' + b"9" * 5000 + b"}",
    b'{"hits":[["' + b"a" * 64 + b'",1e999,1.0,"cpu","measured","trained"]]}',
    b'{"hits":[["' + b"a" * 64 + b'",-1.0,1.0,"cpu","measured","trained"]]}',
    b'{"hits":[["' + b"a" * 64 + b'",1.0,NaN,"cpu","measured","trained"]]}',
    b'{"hits":[["' + b"a" * 64 + b'",1.0,1.0,["cpu"],{},null]]}',
    b'{"hits":[["' + b"a" * 63 + b'",1.0,1.0,"cpu","measured","trained"]]}',
    b'{"hits":{"a":1},"misses":"' + b"a" * 64 + b'","when":7}',
    b'{"misses":[1,null,{}],"when":"' + b"x" * 3_000_000 + b'"}',
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_lines_count_for_nothing(tmp_path, line):
    ledger = Ledger(tmp_path)
    ledger.note(hits=[RECORD], misses=[])
    with (tmp_path / ASKED).open("ab") as file:
        file.write(b"\n" + line + b"\n")
    ledger.note(hits=[RECORD], misses=[])
    found = asked_in(tmp_path)
    assert (found.hits, found.misses, found.avoided.records) == (2, 0, 1)


@pytest.mark.parametrize("cost", [{"wall_seconds": "long"}, {"joules": -1}, {"wall_seconds": 10**400}, {"joules": True}])
def test_a_record_with_an_absurd_cost_is_counted_without_it(tmp_path, cost):
    Ledger(tmp_path).note(hits=[costing(**cost)], misses=[])
    found = asked_in(tmp_path)
    assert found.hits == 1
    assert found.avoided.to_dict() == {**found.avoided.to_dict(), "records": 1, "cpu_hours": 0.0, "joules": [0.0, 0.0]}


def test_a_file_that_grows_is_folded_and_nothing_is_lost(tmp_path):
    ledger = Ledger(tmp_path, most_bytes=20_000, settle_seconds=0.0)
    for number in range(400):
        ledger.note(hits=[costing(number % 20, wall_seconds=36.0, joules=2.0)], misses=["e" * 64])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 80_000
    assert (tmp_path / FOLDED).is_file()
    found = asked_in(tmp_path)
    assert (found.hits, found.misses) == (400, 400)
    spent = found.avoided.to_dict()
    assert spent["records"] == 20
    assert spent["cpu_hours"] == pytest.approx(0.2)
    assert spent["joules"] == [0.0, pytest.approx(40.0)]


def test_a_kill_after_folding_counts_nothing_twice(tmp_path):
    Ledger(tmp_path).note(hits=[RECORD], misses=["f" * 64])
    archive = tmp_path / "asked-0123456789abcdef.jsonl"
    (tmp_path / ASKED).replace(archive)
    content = archive.read_bytes()
    fold(tmp_path, settle_seconds=0.0)
    archive.write_bytes(content)  # killed before it was removed
    assert (asked_in(tmp_path).hits, asked_in(tmp_path).misses) == (1, 1)
    fold(tmp_path, settle_seconds=0.0)
    assert (asked_in(tmp_path).hits, asked_in(tmp_path).misses) == (1, 1)
    assert not archive.exists()


@pytest.mark.parametrize("text", ["", "null", "{}", '{"folded_version":1,"keys":"zz"}', "[" * 100_000])
def test_a_damaged_folded_file_counts_for_nothing(tmp_path, text):
    (tmp_path / FOLDED).write_text(text)
    Ledger(tmp_path).note(hits=[RECORD], misses=[])
    assert asked_in(tmp_path).hits == 1


WRITER = """
import sys
from pathlib import Path
from jitnas_fn.client.ledger import Ledger
from tests.samples import a_record
ledger, record = Ledger(Path(sys.argv[1]), most_bytes=int(sys.argv[2]), settle_seconds=1.0), a_record()
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    ledger.note(hits=[record] * 3, misses=["a" * 64])
"""


def writing(folder, most_bytes, times):
    words = [sys.executable, "-c", WRITER, str(folder), str(most_bytes), str(times)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def begin(process):
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("most_bytes", [10**9, 30_000])
def test_several_processes_write_at_once_and_all_is_counted(tmp_path, most_bytes):
    processes = [writing(tmp_path, most_bytes, 500) for _ in range(3)]
    for process in processes:
        begin(process)
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    for process in processes:
        process.stdin.close()
        process.stdout.close()
    found = asked_in(tmp_path)
    assert (found.hits, found.misses, found.avoided.records) == (4500, 1500, 1)
    assert (most_bytes < 10**9) == any(path.name.startswith("asked-") for path in tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="kills")
def test_a_killed_writer_leaves_a_ledger_that_goes_on(tmp_path):
    process = writing(tmp_path, 30_000, 10**6)
    begin(process)
    time.sleep(0.4)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    process.stdin.close()
    process.stdout.close()
    before = asked_in(tmp_path)
    assert before.hits > 0
    assert abs(before.hits - 3 * before.misses) <= 3
    ledger = Ledger(tmp_path, most_bytes=30_000)
    for _ in range(200):
        ledger.note(hits=[RECORD], misses=[])
    assert asked_in(tmp_path).hits == before.hits + 200


def test_a_large_batch_is_split_into_lines_below_a_megabyte(tmp_path):
    hits = [dataclasses.replace(RECORD) for _ in range(12_000)]
    Ledger(tmp_path).note(hits=hits, misses=["a" * 64] * 25_000)
    assert all(len(line) < 1_000_000 for line in (tmp_path / ASKED).read_bytes().splitlines())
    assert (asked_in(tmp_path).hits, asked_in(tmp_path).misses) == (12_000, 25_000)
