"""A disk under a cache that is full, fails, may only be read or has no such file: a clear error, and no harm."""

import errno
import os
from pathlib import Path

import pytest

from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed
from tests.stores.cache.filling import filled


def failing(monkeypatch, function, number, at_byte=None):
    """Let `os.function` fail as a disk does; a write takes some bytes first."""
    real = getattr(os, function)
    monkeypatch.setattr(os, function, fails := _Failing(real, number, at_byte))
    return fails


class _Failing:
    def __init__(self, real, number, at_byte):
        self.real, self.number, self.at_byte = real, number, at_byte

    def __call__(self, descriptor, *content):
        if self.at_byte:
            written = self.real(descriptor, content[0][: self.at_byte])
            self.at_byte = None
            return written
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize(("function", "at_byte"), [("write", None), ("write", 700), ("fsync", None)])
def test_a_full_or_broken_disk_is_a_clear_error_and_harms_nothing(path, monkeypatch, number, function, at_byte):
    records = filled(path)
    before = path.read_bytes()
    store = TinyStore(path)
    with monkeypatch.context() as patch:
        failing(patch, function, number, at_byte)
        with pytest.raises(StoreError, match="JITNAS_HOME"):
            store.put(fixed(9))
    whole = record_entry(fixed(9)).to_json().encode() + b"\n"  # written, perhaps not on the disk
    assert path.read_bytes() == before + (whole if function == "fsync" else b"")
    assert [store.get(record.key) for record in records] == records
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(1) or fsync(descriptor))
    store.put(fixed(9))
    assert synced
    assert TinyStore(path).get(fixed(9).key) == fixed(9)
    assert path.read_bytes() == before + whole


@pytest.mark.filterwarnings("ignore:.*damaged entry:UserWarning")
def test_what_cannot_even_be_cut_off_is_made_harmless(path, monkeypatch):
    filled(path)
    store = TinyStore(path)
    with monkeypatch.context() as patch:
        failing(patch, "write", errno.ENOSPC, 700)
        patch.setattr(os, "ftruncate", _Failing(os.ftruncate, errno.EIO, None))
        with pytest.raises(StoreError):
            store.put(fixed(9))
    assert len(TinyStore(path)) == 5
    store.put(fixed(8))
    assert len(TinyStore(path)) == 6


def test_ctrl_c_while_writing_leaves_nothing_half_written(path, monkeypatch):
    filled(path)
    before = path.read_bytes()

    def interrupted(descriptor):
        raise KeyboardInterrupt

    store = TinyStore(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.put(fixed(9))
    assert path.read_bytes() == before + record_entry(fixed(9)).to_json().encode() + b"\n"
    store.put(fixed(9))
    assert len(TinyStore(path)) == 6


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_device_that_is_really_full(tmp_path):
    link = tmp_path / "cache.jsonl"
    link.symlink_to("/dev/full")
    with pytest.raises(StoreError, match="cannot be written"):
        TinyStore(link).put(fixed(0))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_can_still_be_read(path):
    records = filled(path)
    path.with_name("cache.jsonl.lock").unlink(missing_ok=True)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        store = TinyStore(path)
        assert store.get(records[0].key) == records[0]
        with pytest.raises(StoreError, match="JITNAS_HOME"):
            store.put(fixed(9))
    finally:
        path.parent.chmod(0o700)


def test_where_no_file_can_be_a_store_error_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be"):
        TinyStore(tmp_path / "file" / "cache.jsonl").put(fixed(0))
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        TinyStore(tmp_path / "folder")
    with pytest.raises(StoreError, match="cannot be"):
        TinyStore("\0").put(fixed(0))
