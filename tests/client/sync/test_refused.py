"""What is not taken into a cache: places that are none, manifests that lie, damaged lines, later versions."""

import warnings

import pytest

from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.client.sync.reading import changed
from tests.samples import fixed, ids


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuch://x", "Protocol not known"),
        ("", "a URL is printable text"),
        ("a\x00b", "a URL is printable text"),
        ("x" * 3000, "a URL is printable text"),
        (7, "a URL is printable text"),
    ],
)
def test_what_is_no_url_is_refused(client, url, told):
    with pytest.raises(StoreError, match=told):
        client.sync(url)


def test_a_folder_without_a_manifest_is_told(client, tmp_path):
    with pytest.raises(StoreError, match="jitnas cache compact"):
        client.sync(str(tmp_path))


def test_a_folder_that_is_not_there_is_told(client, tmp_path):
    for url in (str(tmp_path / "not mounted"), f"file://{tmp_path}/absent"):
        with pytest.raises(StoreError, match="there is no folder .*: is it mounted"):
            client.sync(url)


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda f: f.update(schema_version=9), NewerVersion, "please upgrade"),
        (lambda f: f.update(schema="something"), StoreError, "is neither a"),
        (lambda f: f.update(merged=7), StoreError, "malformed"),
        (lambda f: f["merged"][0].update(file="../../etc/passwd"), StoreError, "malformed"),
        (lambda f: f["open"][0].update(writer="../x"), StoreError, "malformed"),
        (lambda f: f["merged"][0]["writers"][0]["chunks"][0].__setitem__(1, 1 << 40), StoreError, "too large"),
        (lambda f: f["merged"][0].update(begins=-1), StoreError, "malformed"),
    ],
)
def test_a_malformed_manifest_is_refused_and_nothing_of_it_is_kept(client, cache, shared, change, error, told):
    changed(shared, change)
    with pytest.raises(error, match=told):
        client.sync(str(shared.folder))
    assert ids(cache) == []


def test_a_manifest_that_says_no_time_has_none(client, shared):
    changed(shared, lambda f: f.update(created="yesterday"))
    assert "as of" not in str(client.sync(str(shared.folder)))


def test_damaged_lines_at_the_source_are_left_out_and_counted(client, cache, shared):
    (segment,) = (shared.folder / "segments").glob("*.jsonl")
    content = segment.read_bytes()
    segment.write_bytes(content.replace(b'"accuracy":0.5', b'"accuracy":0.9', 1))
    changed(shared, lambda f: f["open"].clear())
    (shared.folder / "catalogue" / "1.json").write_text((shared.folder / "MANIFEST.json").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        SegmentStore(shared.folder).compact()
    done = client.sync(str(shared.folder))
    assert done.damaged == 1
    assert "1 damaged ones left out" in str(done)
    assert len(ids(cache)) == 19


def test_lines_of_a_newer_version_are_refused_and_the_cache_stays_readable(client, cache, shared):
    store = SegmentStore(shared.folder)
    line = record_entry(fixed(50)).to_json().replace('"entry_version":1', '"entry_version":2') + "\n"
    (shared.folder / "segments" / f"{'a' * 32}.jsonl").write_text(line)
    store.compact()
    with pytest.raises(NewerVersion, match="please upgrade"):
        client.sync(str(shared.folder))
    assert TinyStore(cache.path).get(fixed(5).key) in (fixed(5), None)
