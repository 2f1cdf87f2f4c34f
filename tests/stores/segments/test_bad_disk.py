"""A disk under a shared store that is full, fails or may only be read: told, and what was kept is unharmed."""

import errno
import hashlib
import os

import pytest

from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores import _writer, catalogue
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import fixed, ids
from tests.stores.shared import compacted


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_disk_that_fails_is_told_and_harms_nothing(folder, monkeypatch, number, call):
    store = SegmentStore(folder)
    store.put(fixed(0))
    real = getattr(os, call)

    def failing(descriptor, *given):
        if given:
            real(descriptor, given[0][:20])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(_writer.os, call, failing)
    with pytest.raises(StoreError, match=os.strerror(number)):
        store.put(fixed(1))
    monkeypatch.undo()
    left = {0} if call == "write" else {0, 1}  # a whole line stays: it was written, and is perhaps not on the disk
    assert ids(SegmentStore(folder)) == sorted(fixed(n).record_id for n in left)
    store.put(fixed(2))
    assert ids(SegmentStore(folder)) == ids(store) == sorted(fixed(n).record_id for n in {*left, 2})


def test_what_could_not_be_synced_is_written_again_when_it_is_put_again(folder, monkeypatch):
    store, fsync = SegmentStore(folder), os.fsync
    store.put(fixed(0))

    def failing(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_writer.os, "fsync", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        store.put(fixed(1))
    synced = []
    monkeypatch.setattr(_writer.os, "fsync", lambda descriptor: synced.append(1) or fsync(descriptor))
    store.put(fixed(1))
    assert synced
    assert ids(store) == ids(SegmentStore(folder)) == sorted(fixed(n).record_id for n in range(2))


@pytest.mark.parametrize("merged", [False, True])
def test_who_looked_while_a_write_failed_misses_nothing_that_comes_later(folder, monkeypatch, merged):
    """Lines were written, seen, and could not be synced: what comes next must not have their numbers."""
    store, reader, cursors = SegmentStore(folder), SegmentStore(folder), []
    store.put(fixed(0))

    def failing(descriptor):
        monkeypatch.undo()
        cursors.append(reader.since({})[1])
        if merged:
            compacted(SegmentStore(folder), idle_seconds=1e9)
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - 100)  # as a disk that cannot keep what it took
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_writer.os, "fsync", failing)
    with pytest.raises(StoreError, match="Input/output error"):
        store.extend(record_entry(fixed(number)) for number in (1, 2))
    for number in (3, 4):
        store.put(fixed(number))
    found = {entry.body["record"]["record_id"] for entry in reader.since(cursors[0])[0]}
    assert {fixed(number).record_id for number in (3, 4)} <= found
    compacted(SegmentStore(folder), idle_seconds=1e9)
    manifest = catalogue.Catalogue.from_json((folder / "MANIFEST.json").read_text())
    for path, begins, part in catalogue.located(manifest):
        content = (folder / path).read_bytes()[begins:] if (folder / path).exists() else b""
        for chunk in part.chunks:
            assert hashlib.sha256(content[: chunk.bytes]).hexdigest() == chunk.sha256
            content = content[chunk.bytes :]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_is_read(folder):
    SegmentStore(folder).put(fixed(0))
    (folder / "segments").chmod(0o555)
    try:
        store = SegmentStore(folder)
        assert store.get(fixed(0).key) == fixed(0)
        with pytest.raises(StoreError, match="cannot be written"):
            store.put(fixed(1))
    finally:
        (folder / "segments").chmod(0o755)
