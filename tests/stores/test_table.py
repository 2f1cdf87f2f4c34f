"""The index on the disk: whatever is wrong with it, the store answers as if it were not there."""

import random
import shutil
import warnings

import pytest

from jitnas_fn.core.entry import Entry, alias_entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.stores import _file_store
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import a_document, a_fingerprint, fixed

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(_file_store.FileStore, "few", 10)


def entries():
    """Records with replicates, redacted and full copies, retractions before and after, documents, aliases, unknown kinds."""
    found = []
    for number in range(30):
        record = fixed(number, token=number % 3)
        found += [architecture_entry(a_fingerprint(number), a_document(number)), record_entry(record)]
        found += [record_entry(fixed(number, token=7))] if number % 4 == 0 else []
        found += [record_entry(fixed(100 + number).redacted())] if number % 5 == 0 else []
        found += [retraction_entry(record.record_id, "wrong", created=NOW)] if number % 6 == 0 else []
        found += [retraction_entry(fixed(number + 3).record_id, "wrong", created=NOW)] if number % 7 == 0 else []
    found += [record_entry(fixed(100 + number)) for number in range(0, 30, 10)]
    found += [alias_entry("s", "p", input_shape=(1,), outputs=2, fingerprint=a_fingerprint()), Entry("new", {"x": 1})]
    return found


def everything(store):
    keys = [fixed(number).key for number in range(140)]
    return (
        [[record.to_json() for record in store.replicates(key)] for key in keys],
        [store.document(a_fingerprint(number)) for number in range(31)],
        [record.record_id for record in store.records()],
        len(store),
        [entry.to_json() for entry in store.since({})[0]],
        [store.is_retracted(fixed(number, token=number % 3).record_id) for number in range(40)],
    )


@pytest.fixture
def without(tmp_path, monkeypatch):
    """What the store says that has no index."""
    with monkeypatch.context() as patch:
        patch.setattr(_file_store.FileStore, "few", None)
        store = TinyStore(tmp_path / "plain.jsonl")
        store.extend(entries())
        return everything(store)


@pytest.fixture
def path(tmp_path):
    store = TinyStore(tmp_path / "cache.jsonl")
    for entry in entries():
        store.append(entry)
    assert index_of(store.path).is_file()
    return store.path


def index_of(path):
    return path.with_name(f"{path.name}.index")


def test_a_store_with_an_index_says_the_same_as_one_without(path, without):
    assert everything(TinyStore(path)) == without


def test_a_store_that_is_opened_with_an_index_reads_only_what_came_after(path, monkeypatch):
    TinyStore(path)  # brings the index up to date
    read, log = [], _file_store.Log.new_lines

    def counted(self, status):
        for number, line in log(self, status):
            read.append(number)
            yield number, line

    monkeypatch.setattr(_file_store.Log, "new_lines", counted)
    store = TinyStore(path)
    assert len(read) <= 10 + len(entries()) // 4
    new = fixed(500)
    store.put(new)
    assert store.get(new.key) == new
    assert TinyStore(path).get(new.key) == new


def test_entries_that_the_index_covers_are_not_kept_twice(path):
    before = path.read_bytes()
    store = TinyStore(path)
    store.extend(entries())
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_an_index_that_is_cut_or_flipped_is_not_used(path, without, share):
    content = index_of(path).read_bytes()
    index_of(path).write_bytes(content[: int(share * len(content))])
    assert everything(TinyStore(path)) == without
    draw = random.Random(int(10 * share))
    for _ in range(40):
        flipped = bytearray(content)
        flipped[draw.randrange(len(flipped))] ^= 1 << draw.randrange(8)
        index_of(path).write_bytes(flipped)
        assert everything(TinyStore(path)) == without


def test_the_index_of_another_file_is_not_used(path, tmp_path, without):
    other = TinyStore(tmp_path / "other.jsonl")
    other.extend([record_entry(fixed(900 + number)) for number in range(200)])
    TinyStore(other.path)
    shutil.copy(index_of(other.path), index_of(path))
    assert everything(TinyStore(path)) == without


def test_a_file_that_was_put_in_place_of_the_indexed_one_is_read_anew(path, without):
    store = TinyStore(path)
    lines = path.read_bytes().splitlines(keepends=True)
    draft = path.with_name("draft")
    draft.write_bytes(b"".join(lines[5:]))
    draft.replace(path)
    records = [record.record_id for record in store.records()]
    assert records == [record.record_id for record in TinyStore(path).records()]
    assert fixed(0, token=7).record_id not in records


def test_a_damaged_line_that_the_index_covers_is_left_out_when_it_is_read(path):
    TinyStore(path)
    record = fixed(29, token=2)
    content = path.read_bytes()
    assert content.count(b'"token":2') > 1
    at = content.index(record.record_id.encode()) + 5
    path.write_bytes(content[:at] + (b"0" if content[at : at + 1] != b"0" else b"1") + content[at + 1 :])
    store = TinyStore(path)
    with pytest.warns(UserWarning, match="damaged"):
        assert store.get(record.key) is None
    store.put(record)
    assert store.get(record.key) == record
    assert TinyStore(path).get(record.key) == record


def test_a_folder_that_takes_no_index_has_none(tmp_path, monkeypatch, without):
    def full(*given, **named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_file_store.Index, "write", full)
    store = TinyStore(tmp_path / "cache.jsonl")
    for entry in entries():
        store.append(entry)
    assert not index_of(store.path).exists()
    assert everything(store) == everything(TinyStore(store.path)) == without


def test_an_index_that_names_other_lines_gives_nothing_wrong(path, without):
    """Made for other content, but with the first and last line of this: as if the file had been edited in place."""
    lines = path.read_bytes().splitlines(keepends=True)
    swapped = [lines[0], *reversed(lines[1:-1]), lines[-1]]
    other = path.with_name("other.jsonl")
    other.write_bytes(b"".join(swapped))
    TinyStore(other)
    shutil.copy(index_of(other), index_of(path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        store = TinyStore(path)
        for number in range(31):
            assert store.document(a_fingerprint(number)) in (None, a_document(number))
            assert all(record.key == fixed(number).key for record in store.replicates(fixed(number).key))
            store.put(fixed(number, token=9))
            assert fixed(number, token=9) in TinyStore(path).replicates(fixed(number).key)
