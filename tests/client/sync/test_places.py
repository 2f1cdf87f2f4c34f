"""Places to fill a cache from: memory, servers that know ranges and servers that do not, with a login and offline."""

import contextlib
import functools
import http.server

import fsspec
import pytest

from jitnas_fn.client.remote import Remote, name_of
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.snapshot import publish
from tests.client.sync.reading import Reads, expected
from tests.client.sync.serving import Ranges, served
from tests.samples import ids

NOW = "2026-01-01T00:00:00Z"


def test_in_memory(client, cache, shared):
    files = fsspec.filesystem("memory")
    files.put(str(shared.folder), "/shared", recursive=True)
    try:
        assert client.sync("memory://shared").new == 30
    finally:
        files.rm("/shared", recursive=True)


class Whole(Ranges):
    """Knows no ranges, as many simple servers."""

    def send_head(self):
        return http.server.SimpleHTTPRequestHandler.send_head(self)


class Counting(Whole):
    sent = 0

    def copyfile(self, source, outputfile):
        content = source.read()
        type(self).sent += len(content)
        outputfile.write(content)


class Endless(http.server.BaseHTTPRequestHandler):
    """Sends a gigabyte, whatever is asked, as far as somebody takes it."""

    sent = 0

    def log_message(self, *given):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 30))
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(1 << 10):
                self.wfile.write(b" " * (1 << 20))
                type(self).sent += 1 << 20


@pytest.mark.parametrize("handler", [Ranges, Whole])
def test_over_http(client, cache, shared, handler):
    with served(functools.partial(handler, directory=str(shared.folder))) as url:
        assert client.sync(url).new == 30
        with pytest.raises(StoreError, match="there is no MANIFEST.json at"):
            client.sync(f"{url}/segments")
    done = client.sync(url)
    assert not done.reached
    assert "cannot be reached" in str(done)
    assert "last synchronised just now" in str(done)
    assert ids(cache) == expected(*range(20))


@pytest.mark.parametrize("kind", ["shared", "published"])
def test_a_server_that_knows_no_ranges_sends_each_file_once(client, cache, shared, tmp_path, monkeypatch, kind):
    monkeypatch.setattr("jitnas_fn.client.sync_pieces.BATCH_BYTES", 3_000)
    monkeypatch.setattr("jitnas_fn.client.sync_snapshot.PART_BYTES", 3_000)
    monkeypatch.setattr("jitnas_fn.stores._merging.CHUNK_BYTES", 3_000)
    shared.close()
    shared.compact()
    publish(tmp_path / "published", shared.since({})[0], created=NOW)
    reads = Reads(monkeypatch)
    counting = type("Counting", (Counting,), {})
    with served(functools.partial(counting, directory=str(tmp_path / kind))) as url:
        assert client.sync(url).new == 30
    names = {*reads.files, "MANIFEST.json"}
    assert len(reads.files) > 2 * len(names)
    assert counting.sent == sum((tmp_path / kind / name).stat().st_size for name in names)
    assert ids(cache) == expected(*range(20))


def test_a_part_before_the_last_one_is_asked_for_anew(shared):
    (path,) = (shared.folder / "merged").glob("*.jsonl")
    content = path.read_bytes()
    with served(functools.partial(Whole, directory=str(shared.folder))) as url, contextlib.closing(Remote(url)) as remote:
        for start, size in [(500, 100), (600, 50), (2_000, 10), (0, 10), (10, 5), (3, 4), (len(content) - 5, 99)]:
            found = remote.read(f"merged/{path.name}", start=start, size=size)
            assert found == content[start : start + size]


def test_no_more_comes_than_was_asked_for():
    with served(Endless) as url, contextlib.closing(Remote(url)) as remote:
        assert remote.read("MANIFEST.json", start=0, size=1_000) == b" " * 1_000
    assert Endless.sent < 1 << 27  # what fits into sockets and buffers


def test_a_file_that_was_cut_at_a_server_is_not_taken_for_being_offline(client, shared):
    (path,) = (shared.folder / "merged").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:10])
    with (
        served(functools.partial(Ranges, directory=str(shared.folder))) as url,
        pytest.raises(StoreError, match="does not have the content"),
    ):
        client.sync(url)


def test_a_login_in_a_url_is_neither_shown_nor_remembered(client, cache):
    done = client.sync("http://someone:secret@127.0.0.1:9/store")
    assert not done.reached
    assert "secret" not in f"{done} {done.to_dict()}"
    assert name_of("sftp://someone:secret@host/store/") == "sftp://host/store"
