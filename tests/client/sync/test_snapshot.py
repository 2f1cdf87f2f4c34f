"""Filling a cache from a published snapshot: once, from where it was broken off, in little memory and little space."""

import hashlib
import json
import tracemalloc

import pytest

from jitnas_fn.client import sync as syncing
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.snapshot import publish
from tests.client.sync.reading import Reads, expected
from tests.samples import ids

NOW = "2026-01-01T00:00:00Z"


def test_a_published_snapshot(client, cache, shared, tmp_path, monkeypatch):
    publish(tmp_path / "published", shared.since({})[0], created=NOW)
    done = client.sync(str(tmp_path / "published"))
    assert (done.entries, done.new, done.as_of) == (30, 30, NOW)
    assert ids(cache) == expected(*range(20))
    reads = Reads(monkeypatch)
    assert client.sync(str(tmp_path / "published")).entries == 0
    assert reads.files == []


def test_a_snapshot_that_was_broken_off_goes_on_from_there(client, cache, shared, tmp_path, monkeypatch):
    publish(tmp_path / "published", shared.since({})[0], created=NOW)
    monkeypatch.setattr("jitnas_fn.client.sync_snapshot.PART_BYTES", 10_000)
    with monkeypatch.context() as patch:
        first = Reads(patch, least=3)
        assert not client.sync(str(tmp_path / "published")).reached
    second = Reads(monkeypatch)
    assert client.sync(str(tmp_path / "published")).new == 30
    size = (tmp_path / "published" / "entries.json").stat().st_size
    assert len(first.files) + len(second.files) == -(-size // 10_000)
    assert ids(cache) == expected(*range(20))


def stated(folder, content, **changes):
    folder.mkdir(exist_ok=True)
    (folder / "entries.json").write_bytes(content)
    fields = {"schema": "jitnas_fn snapshot", "schema_version": 1, "created": NOW, "bytes": len(content)}
    sha256 = hashlib.sha256(content).hexdigest()
    (folder / "MANIFEST.json").write_text(json.dumps({**fields, "sha256": sha256, **changes}))
    return str(folder)


def test_a_line_of_any_length_takes_little_memory(client, tmp_path, monkeypatch):
    monkeypatch.setattr(syncing, "MAX_CATALOGUE_BYTES", 1_000_000)  # room is made for a manifest as large as that
    url = stated(tmp_path / "published", b'{"entries":{\n"1":{' + b" " * (64 << 20))
    tracemalloc.start()
    try:
        assert client.sync(url).new == 0
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_many_long_lines_take_little_memory(client, tmp_path, monkeypatch):
    monkeypatch.setattr(syncing, "MAX_CATALOGUE_BYTES", 1_000_000)  # room is made for a manifest as large as that
    url = stated(tmp_path / "published", b"".join(b'"%d":{%s}\n' % (number, b" " * 1_000_000) for number in range(64)))
    tracemalloc.start()
    try:
        assert client.sync(url).damaged == 64
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_of_versions_that_were_broken_off_only_the_last_is_kept(client, cache, tmp_path):
    for number in range(3):
        with pytest.raises(StoreError, match="is shorter than its manifest says"):
            client.sync(stated(tmp_path / "published", b"x" * 1000, bytes=2000, sha256=str(number) * 64))
    assert [path.name for path in cache.path.parent.glob(".sync.*")] == [".sync." + "2" * 32]
    client.sync(stated(tmp_path / "published", b"x" * 1000))
    assert not list(cache.path.parent.glob(".sync.*"))


def test_a_draft_that_cannot_be_opened_is_told(client, cache, tmp_path):
    (cache.path.parent / (".sync." + "7" * 32)).mkdir(parents=True)
    with pytest.raises(StoreError, match="cannot be written"):
        client.sync(stated(tmp_path / "published", b"x", sha256="7" * 64))


def test_a_snapshot_that_fills_any_disk_is_refused(client, tmp_path):
    with pytest.raises(StoreError, match="does not say the bytes"):
        client.sync(stated(tmp_path / "published", b"x", bytes=10**12))
