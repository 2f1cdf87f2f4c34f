"""Whatever happens to the bytes of a shared store: never a wrong record, never an error that is not ours."""

import shutil
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.core.entry import architecture_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import SALT, a_document, a_fingerprint, a_record

RECORDS = {record.key: record for record in (a_record(number, fixed_salt=SALT) for number in range(3))}
NEW = a_record(99, fixed_salt=SALT)
FILES = ("segments/*.jsonl", "merged/*.jsonl", "merged/*.index", "catalogue/*.json", "store.json")


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    """Two records merged, one in a segment; documents in both."""
    folder = tmp_path_factory.mktemp("intact") / "shared"
    store = SegmentStore(folder)
    for number, record in enumerate(RECORDS.values()):
        store.append(architecture_entry(a_fingerprint(number), a_document(number)))
        store.put(record)
        if number == 1:
            store.append(retraction_entry("0" * 64, "of no record here", created="2026-01-01T00:00:00Z"))
            store.close()
            store.compact(idle_seconds=1e9, keep_seconds=-1)
            store.compact(idle_seconds=1e9, keep_seconds=-1)
    return folder


def damaged(intact, folder, name, change):
    """A copy of the store, one file of which is changed."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(intact, folder)
    (path,) = folder.glob(name)
    path.write_bytes(change(path.read_bytes()))
    return folder


def check(folder):
    """Open, read in every way, append and merge: what comes out is what went in, or an error of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            store = SegmentStore(folder)
            right(store)
            for record in (NEW, *RECORDS.values()):
                store.put(record)
                assert record in SegmentStore(folder).replicates(record.key)
            store.close()
            store.compact(idle_seconds=0, keep_seconds=-1)
            right(SegmentStore(folder))
            assert SegmentStore(folder).get(NEW.key) == NEW
        except (NewerVersion, StoreError):
            return False
    return True


def right(store):
    for key, record in RECORDS.items():
        assert store.get(key) in (None, record, record.redacted())
    assert {record.record_id for record in store.records()} <= {record.record_id for record in (NEW, *RECORDS.values())}
    assert all(store.document(a_fingerprint(number)) in (None, a_document(number)) for number in range(3))
    entries, cursor = store.since({})
    assert store.since(cursor)[0] == []
    assert len(entries) <= 12


def lengths(intact):
    (path,) = intact.glob(FILES[0])
    return range(path.stat().st_size)


@pytest.mark.timeout(300)
def test_a_segment_cut_at_every_byte(intact, tmp_path):
    for length in lengths(intact):
        damaged(intact, tmp_path / "shared", FILES[0], lambda content, length=length: content[:length])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            store = SegmentStore(tmp_path / "shared")
            right(store)
            assert len(store) >= 2


@pytest.mark.timeout(300)
def test_a_bit_flipped_in_every_byte_of_a_segment(intact, tmp_path):
    for place in lengths(intact):

        def flipped(content, place=place):
            return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]

        damaged(intact, tmp_path / "shared", FILES[0], flipped)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                store = SegmentStore(tmp_path / "shared")
            except NewerVersion:
                continue
            right(store)
            assert len(store) >= 2


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_any_file_flipped(intact, tmp_path, name, data):
    def flipped(content):
        changed = bytearray(content)
        for bit in data.draw(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=3, unique=True)):
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    check(damaged(intact, tmp_path / "shared", name, flipped))


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_any_file_cut_or_overwritten(intact, tmp_path, name, data):
    def changed(content):
        start = data.draw(st.integers(0, len(content)))
        junk = data.draw(st.binary(max_size=200))
        return content[:start] + junk + (content[start + len(junk) :] if data.draw(st.booleans()) else b"")

    check(damaged(intact, tmp_path / "shared", name, changed))


def test_an_intact_one_passes(intact, tmp_path):
    assert check(damaged(intact, tmp_path / "shared", FILES[0], lambda content: content))
