"""Whatever happens to the bytes of a cache: never a wrong record, never an error that is not ours."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitnas_fn.core.entry import architecture_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_document, a_fingerprint, a_record

RECORDS = {record.key: record for record in (a_record(number, fixed_salt=SALT) for number in range(4))}
NEW = a_record(99, fixed_salt=SALT)


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    store = TinyStore(tmp_path_factory.mktemp("intact") / "cache.jsonl")
    for number, record in enumerate(RECORDS.values()):
        store.append(architecture_entry(a_fingerprint(number), a_document(number)))
        store.put(record)
    store.append(retraction_entry("0" * 64, "of no record here", created="2026-01-01T00:00:00Z"))
    return store.path.read_bytes()


def check(content, folder, least=0):
    """Open, read in every way, append: what comes out is what went in."""
    path = folder / "cache.jsonl"
    for old in folder.iterdir():
        old.unlink()
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            store = TinyStore(path)
        except NewerVersion:
            return
        found = [record for key in RECORDS if (record := store.get(key)) is not None]
        assert all(record in (RECORDS[record.key], RECORDS[record.key].redacted()) for record in found)
        assert len(found) >= least
        assert all(record.record_id in {one.record_id for one in RECORDS.values()} for record in store.records())
        assert all(store.document(a_fingerprint(number)) in (None, a_document(number)) for number in range(4))
        store.since({})
        for record in (NEW, *RECORDS.values()):
            store.put(record)
            assert record in TinyStore(path).replicates(record.key)


@given(st.data())
def test_flipped_bits(intact, tmp_path, data):
    flips = data.draw(st.lists(st.integers(0, 8 * len(intact) - 1), min_size=1, max_size=3, unique=True))
    content = bytearray(intact)
    for bit in flips:
        content[bit // 8] ^= 1 << bit % 8
    check(bytes(content), tmp_path, least=4 - 2 * len(flips))


def test_a_record_whose_key_was_flipped_is_kept_under_its_own(intact, tmp_path):
    record = next(iter(RECORDS.values()))
    other = record.key[:20] + ("0" if record.key[20] != "0" else "1") + record.key[21:]
    assert intact.count(record.key.encode()) == 1
    check(intact.replace(record.key.encode(), other.encode()), tmp_path)


@given(st.data())
def test_truncation(intact, tmp_path, data):
    length = data.draw(st.integers(0, len(intact)))
    check(intact[:length], tmp_path, least=intact[:length].count(b'"kind":"record"') - 1)


@given(st.data())
def test_bytes_that_were_overwritten(intact, tmp_path, data):
    start = data.draw(st.integers(0, len(intact)))
    junk = data.draw(st.binary(max_size=200))
    check(intact[:start] + junk + intact[start + len(junk) :], tmp_path)


@given(st.binary(max_size=400))
def test_any_bytes(tmp_path, content):
    check(content, tmp_path)


@given(st.permutations(range(9)), st.integers(0, 9))
def test_lines_in_another_order(intact, tmp_path, order, cut):
    lines = intact.splitlines(keepends=True)
    check(b"".join(lines[place] for place in order[cut:]), tmp_path)
