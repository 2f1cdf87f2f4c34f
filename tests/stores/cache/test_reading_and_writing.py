"""The user's cache on disk: one line for each entry, whoever writes at the same time and is killed."""

import io
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jitnas_fn.core.entry import record_entry, retraction_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import next_line
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed
from tests.stores.cache.filling import filled

APPENDING = Path(__file__).parents[1] / "appending.py"


def test_nothing_is_made_before_something_is_put(path):
    assert TinyStore(path).get(fixed(0).key) is None
    assert list(path.parent.iterdir()) == []


def test_the_folder_is_made_by_the_first_put(tmp_path):
    store = TinyStore(tmp_path / "a" / "b" / "cache.jsonl")
    store.put(fixed(0))
    assert TinyStore(store.path).get(fixed(0).key) == fixed(0)


def test_each_line_is_one_canonical_entry(path):
    records = filled(path)
    lines = path.read_text().splitlines(keepends=True)
    assert lines == [record_entry(record).to_json() + "\n" for record in records]


def test_what_was_put_is_there_when_it_is_opened_again(path):
    records = filled(path)
    store = TinyStore(path)
    assert [store.get(record.key) for record in records] == records
    assert len(store) == 5


def test_a_cursor_holds_when_the_store_is_opened_again(path):
    filled(path, 3)
    _, cursor = TinyStore(path).since({})
    TinyStore(path).put(fixed(9))
    entries, _ = TinyStore(path).since(cursor)
    assert [entry.body["record"]["key"] for entry in entries] == [fixed(9).key]


def test_another_process_is_read_on(path):
    mine, other = TinyStore(path), TinyStore(path)
    other.put(fixed(1))
    assert mine.get(fixed(1).key) == fixed(1)
    mine.put(fixed(2))
    other.put(fixed(2))
    assert len(mine) == len(other) == 2
    other.append(retraction_entry(fixed(1).record_id, "wrong", created="2026-01-01T00:00:00Z"))
    assert mine.get(fixed(1).key) is None


@pytest.mark.filterwarnings("ignore:.*a damaged entry left out")  # it may be killed in the midst of a line
@pytest.mark.parametrize("kill_after_seconds", [0.0, 0.003, 0.011, 0.027, 0.05])
def test_what_was_acknowledged_survives_kill_9(path, kill_after_seconds):
    writer = subprocess.Popen([sys.executable, APPENDING, path, "0", "100000"], stdout=subprocess.PIPE, text=True)
    first = writer.stdout.readline()
    time.sleep(kill_after_seconds)
    writer.kill()
    acknowledged = [int(line) for line in [first, *writer.stdout] if line.endswith("\n")]
    writer.wait()
    writer.stdout.close()
    store = TinyStore(path)
    assert acknowledged
    assert all(store.get(fixed(number).key) == fixed(number) for number in acknowledged)
    store.put(fixed(10**6))
    assert TinyStore(path).get(fixed(10**6).key) == fixed(10**6)
    assert len(TinyStore(path)) in (len(acknowledged) + 1, len(acknowledged) + 2)


def test_two_processes_that_write_at_once_lose_nothing(path):
    count = 150
    writers = [
        subprocess.Popen([sys.executable, APPENDING, path, str(first), str(count)], stdout=subprocess.DEVNULL)
        for first in (0, 100)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    store = TinyStore(path)
    assert len(store) == 250
    assert all(store.get(fixed(number).key) == fixed(number) for number in range(250))
    assert len(path.read_bytes().splitlines()) == 250


def test_a_file_that_was_removed_or_replaced_is_read_anew(path):
    filled(path, 3)
    store = TinyStore(path)
    path.unlink()
    assert len(store) == 0
    store.put(fixed(7))
    assert len(store) == 1
    other = path.with_name("other.jsonl")
    filled(other, 2)
    other.replace(path)
    assert store.get(fixed(7).key) is None
    assert store.get(fixed(1).key) == fixed(1)


def test_a_writer_that_never_ends_is_named(path):
    from filelock import FileLock

    store = TinyStore(path, lock_timeout_seconds=0.1)
    with FileLock(f"{path}.lock"), pytest.raises(StoreError, match="another process has been writing"):
        store.put(fixed(0))
    store.put(fixed(0))
    assert len(store) == 1


def test_a_line_that_is_finished_while_it_is_read_is_read_later_and_whole():
    """The reader meets the end in the middle of a line; by the time it asks for more, the writer has written the rest."""
    line = record_entry(fixed(0)).to_json().encode() + b"\n"

    class Growing(io.BytesIO):
        def readline(self, size=-1):
            found = super().readline(size)
            if not found.endswith(b"\n"):
                here = self.tell()
                self.seek(0, io.SEEK_END)
                self.write(line[100:])
                self.seek(here)
            return found

    file = Growing(line[:100])
    assert next_line(file) is None
    file.seek(0)
    assert next_line(file) == (line, len(line))
