"""A cache with torn, damaged and changed lines, or of a later version: never handed out, never lost, or refused."""

import pytest

from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed
from tests.stores.cache.filling import filled


def test_a_torn_last_line_is_not_read_and_then_moved_aside(path):
    records = filled(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    store = TinyStore(path)
    assert len(store) == 4
    with pytest.warns(UserWarning, match=r"cache\.jsonl\.corrupt"):
        store.put(records[4])
    assert path.read_bytes() == whole
    assert path.with_name("cache.jsonl.corrupt").read_bytes().rstrip(b"\n") == whole.splitlines()[4][:-99]


def test_a_whole_last_line_that_lacks_only_its_newline_is_kept(path):
    records = filled(path)
    path.write_bytes(path.read_bytes()[:-1])
    store = TinyStore(path)
    store.put(fixed(9))
    assert [store.get(record.key) for record in records] == records
    assert not path.with_name("cache.jsonl.corrupt").exists()


@pytest.mark.parametrize(
    "bad", [b"no JSON", b"{", b"[]", b"\xff\xfe", b"", b'{"entry_version":1}', b"x" * 9_000_000, b"[" * 100_000]
)
def test_a_bad_line_is_copied_aside_once_and_the_rest_is_read(path, bad):
    records = filled(path)
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([*lines[:2], bad, *lines[2:]]) + b"\n")
    with pytest.warns(UserWarning, match=r"a damaged entry left out \(copied to .*cache\.jsonl\.corrupt\)"):
        store = TinyStore(path)
    assert [store.get(record.key) for record in records] == records
    assert len(store) == 5
    aside = path.with_name("cache.jsonl.corrupt").read_bytes()
    assert aside.startswith(bad[:1000])
    store = TinyStore(path)  # no second warning
    store.put(fixed(9))
    assert len(TinyStore(path)) == 6
    assert path.with_name("cache.jsonl.corrupt").read_bytes() == aside


def test_a_changed_record_is_never_handed_out(path):
    records = filled(path)
    path.write_bytes(path.read_bytes().replace(b'"train_seconds":1.25', b'"train_seconds":1.35', 1))
    store = TinyStore(path)
    with pytest.warns(UserWarning, match="damaged"):
        assert store.get(records[0].key) is None
    assert list(store.records()) == records[1:]
    assert len(store.since({})[0]) == 4
    store.put(records[0])
    assert store.get(records[0].key) == records[0]


@pytest.mark.parametrize(
    ("old", "new"), [(b'"entry_version":1', b'"entry_version":2'), (b'"record_version":1', b'"record_version":2')]
)
def test_a_file_of_a_newer_version_is_refused(path, old, new):
    filled(path)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(NewerVersion, match="upgrade"):
        TinyStore(path)


def test_what_a_newer_version_appends_is_refused_each_time(path):
    filled(path)
    store = TinyStore(path)
    with path.open("ab") as file:
        file.write(b'{"entry_version":2,"kind":"retraction"}\n')
    for _ in range(2):
        with pytest.raises(NewerVersion):
            store.get(fixed(0).key)
        with pytest.raises(NewerVersion):
            store.put(fixed(9))
