"""Filling a cache from a URL or a site: incremental, resumable, verified, and honest about being offline."""

import contextlib
import functools
import hashlib
import http.server
import itertools
import json
import re
import threading
import tracemalloc
import warnings
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path

import fsspec
import pytest

from jitnas_fn import Client
from jitnas_fn.client import sync as syncing
from jitnas_fn.client.remote import Remote, name_of
from jitnas_fn.client.synced import Progress, ago
from jitnas_fn.core.entry import architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import EnvelopeError, NewerVersion, SiteUnavailable, StoreError, TaskError
from jitnas_fn.stores import catalogue
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from jitnas_fn.worker.site import Site, use
from tests.samples import SALT, a_document, a_fingerprint, a_record

NOW = "2026-01-01T00:00:00Z"


def fixed(number):
    return a_record(number, fixed_salt=SALT)


def ids(store):
    return sorted(record.record_id for record in store.records())


def expected(*numbers):
    return sorted(fixed(number).record_id for number in numbers)


@pytest.fixture
def shared(tmp_path):
    """A shared store with twenty records of two writers, one merged, and its manifest."""
    store = SegmentStore(tmp_path / "shared")
    for number in range(10):
        store.append(architecture_entry(a_fingerprint(number), a_document(number)))
        store.put(fixed(number))
    store.close()
    for number in range(10, 20):
        store.put(fixed(number))
    store.compact()
    return store


@pytest.fixture
def cache(tmp_path):
    return TinyStore(tmp_path / "home" / "cache.jsonl")


@pytest.fixture
def client(cache):
    return Client(store=LayeredStore([cache, MemoryStore()]))


class Reads:
    """Counts what is read from a place, and fails after so many parts."""

    def __init__(self, monkeypatch, *, least=10**9):
        self.parts, read = [], Remote.read

        def counted(remote, path, *, start, size):
            if len(self.parts) >= least:
                raise SiteUnavailable(f"{remote.name} cannot be reached: the cable was pulled")
            self.parts.append((path, size))
            return read(remote, path, start=start, size=size)

        monkeypatch.setattr(Remote, "read", counted)

    @property
    def files(self):
        return [path for path, _ in self.parts if path != "MANIFEST.json"]


def test_the_first_time_brings_everything(client, cache, shared):
    done = client.sync(str(shared.folder))
    assert (done.entries, done.new, done.damaged, done.reached) == (30, 30, 0, True)
    assert ids(cache) == expected(*range(20))
    assert cache.document(a_fingerprint(3)) == a_document(3)
    assert str(done).startswith(f"30 new of 30 entries from {shared.folder}")
    assert client.store.get(fixed(7).key) == fixed(7)


def test_later_only_what_is_new_is_read(client, cache, shared, monkeypatch):
    client.sync(str(shared.folder))
    reads = Reads(monkeypatch)
    assert client.sync(str(shared.folder)).entries == 0
    assert reads.files == []
    shared.put(fixed(20))
    shared.compact()
    done = client.sync(str(shared.folder))
    assert (done.entries, done.new) == (1, 1)
    assert len(reads.files) == 1
    assert ids(cache) == expected(*range(21))


def test_merging_makes_nothing_new(client, cache, shared, monkeypatch):
    client.sync(str(shared.folder))
    shared.close()
    shared.compact(idle_seconds=0, keep_seconds=-1)
    reads = Reads(monkeypatch)
    assert client.sync(str(shared.folder)).entries == 0
    assert reads.files == []


@pytest.mark.parametrize("least", range(1, 8))
def test_what_was_broken_off_goes_on_from_there(client, cache, shared, monkeypatch, least):
    monkeypatch.setattr("jitnas_fn.stores._merging.CHUNK_BYTES", 5_000)
    monkeypatch.setattr("jitnas_fn.client.sync_pieces.BATCH_BYTES", 5_000)
    shared.close()
    shared.compact(idle_seconds=0)
    with monkeypatch.context() as patch:
        first = Reads(patch, least=least)
        done = client.sync(str(shared.folder))
        assert not done.reached
        assert "the cable was pulled" in str(done)
    second = Reads(monkeypatch)
    done = client.sync(str(shared.folder))
    assert done.reached
    assert ids(cache) == expected(*range(20))
    now = catalogue.Catalogue.from_json((shared.folder / "MANIFEST.json").read_text())
    assert len(first.files) == least - 1
    assert len(first.files) + len(second.files) == sum(len(part.chunks) for _, _, part in catalogue.located(now)) == 8


def test_what_is_merged_while_it_is_fetched_is_fetched_from_where_it_is_then(client, cache, shared, monkeypatch):
    read = Remote.read

    def meanwhile(remote, path, *, start, size):
        if path != "MANIFEST.json":
            monkeypatch.setattr(Remote, "read", read)
            shared.put(fixed(99))
            shared.close()
            shared.compact(idle_seconds=0, keep_seconds=-1)
            shared.compact(idle_seconds=0, keep_seconds=-1)
        return read(remote, path, start=start, size=size)

    monkeypatch.setattr(Remote, "read", meanwhile)
    done = client.sync(str(shared.folder))
    assert (done.reached, done.new) == (True, 31)
    assert ids(cache) == expected(*range(20), 99)


def test_many_writers_cost_one_request_and_one_turn_of_the_cache(client, cache, shared, monkeypatch):
    for number in range(20, 60):
        shared.put(fixed(number))
        shared.close()
    shared.compact()
    shared.compact()
    turns, remembered, take, reached = [], [], cache.take, Progress.reached
    monkeypatch.setattr(cache, "take", lambda lines: turns.append(1) or take(lines))
    monkeypatch.setattr(Progress, "reached", lambda *told, done: remembered.append(done) or reached(*told, done=done))
    reads = Reads(monkeypatch)
    assert client.sync(str(shared.folder)).new == 70
    merged = {name for name in reads.files if name.startswith("merged/")}
    assert len(reads.files) == len(merged) <= 2
    assert (len(turns), remembered) == (1, [False, True])
    assert ids(cache) == expected(*range(60))


def test_many_open_segments_are_kept_before_all_are_read(client, cache, shared, monkeypatch):
    monkeypatch.setattr("jitnas_fn.client.sync_pieces.BATCH_RUNS", 3)
    writers = [SegmentStore(shared.folder) for _ in range(8)]
    for number, writer in enumerate(writers, start=20):
        writer.put(fixed(number))
    shared.compact()
    kept, reached = [], Progress.reached
    monkeypatch.setattr(
        Progress, "reached", lambda self, name, cursor, done: kept.append(len(cache)) or reached(self, name, cursor, done=done)
    )
    client.sync(str(shared.folder))
    assert len(kept) == 5
    assert kept[0] < kept[1] < kept[2] < kept[3] == 28


def test_what_comes_before_a_damaged_chunk_is_kept(client, cache, shared):
    shared.close()
    shared.compact()
    changed(shared, lambda f: f["merged"][-1]["writers"][-1]["chunks"][-1].__setitem__(2, "0" * 64))
    with pytest.raises(StoreError, match="does not have the content"):
        client.sync(str(shared.folder))
    assert 0 < len(ids(cache)) < 20


def test_a_compactor_that_was_killed_is_in_nobodys_way(client, cache, shared, monkeypatch):
    shared.close()

    def killed(*told, **named):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("jitnas_fn.stores._compaction.merge", killed)
        with pytest.raises(KeyboardInterrupt):
            shared.compact()
    assert list((shared.folder / "segments").glob("*.merging"))
    assert client.sync(str(shared.folder)).new == 30
    shared.compact()
    assert client.sync(str(shared.folder)).new == 0
    assert ids(cache) == expected(*range(20))


def test_a_cache_that_was_removed_is_filled_from_the_beginning(client, cache, shared):
    client.sync(str(shared.folder))
    cache.path.unlink()
    fresh = TinyStore(cache.path)
    assert Client(store=fresh).sync(str(shared.folder)).new == 30
    assert ids(fresh) == expected(*range(20))


def test_a_cache_that_was_removed_and_begins_alike_is_filled_from_the_beginning(client, cache, shared):
    """Everybody who trains the same network first has the same first line."""
    first = architecture_entry(a_fingerprint(77), a_document(77))
    cache.append(first)
    client.sync(str(shared.folder))
    cache.path.unlink()
    fresh = TinyStore(cache.path)
    fresh.append(first)
    for number in range(100, 140):
        fresh.put(fixed(number))
    assert Client(store=fresh).sync(str(shared.folder)).new == 30
    assert set(expected(*range(20))) <= set(ids(fresh))


def test_a_retraction_hides_the_record_after_one_sync(client, cache, shared):
    client.sync(str(shared.folder))
    shared.append(retraction_entry(fixed(3).record_id, "wrong data", created=NOW))
    shared.compact()
    client.sync(str(shared.folder))
    assert client.store.get(fixed(3).key) is None
    assert ids(client.store) == expected(*(number for number in range(20) if number != 3))


# places


def test_in_memory(client, cache, shared):
    files = fsspec.filesystem("memory")
    files.put(str(shared.folder), "/shared", recursive=True)
    try:
        assert client.sync("memory://shared").new == 30
    finally:
        files.rm("/shared", recursive=True)


class Ranges(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *given):
        pass

    def send_head(self):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if not wanted:
            return super().send_head()
        first, last = int(wanted[1]), int(wanted[2])
        try:
            content = Path(self.translate_path(self.path)).read_bytes()
        except OSError:
            self.send_error(404)
            return None
        if first >= len(content):
            self.send_error(416)
            return None
        content = content[first : last + 1]
        self.send_response(206)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None


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


@contextlib.contextmanager
def served(handler):
    pytest.importorskip("aiohttp")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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


def test_a_login_in_a_url_is_neither_shown_nor_remembered(client, cache):
    done = client.sync("http://someone:secret@127.0.0.1:9/store")
    assert not done.reached
    assert "secret" not in f"{done} {done.to_dict()}"
    assert name_of("sftp://someone:secret@host/store/") == "sftp://host/store"


# what is refused


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


def changed(shared, change):
    path = shared.folder / "MANIFEST.json"
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda f: f.update(schema_version=9), NewerVersion, "please upgrade"),
        (lambda f: f.update(schema="something"), StoreError, "is neither a"),
        (lambda f: f.update(merged=7), StoreError, "malformed"),
        (lambda f: f["merged"][0].update(file="../../etc/passwd"), StoreError, "malformed"),
        (lambda f: f["open"][0].update(writer="../x"), StoreError, "malformed"),
        (lambda f: f["merged"][0]["writers"][0]["chunks"][0].__setitem__(1, 1 << 40), StoreError, "too large"),
        (lambda f: f["merged"][0]["writers"][0]["chunks"][0].__setitem__(2, "0" * 64), StoreError, "does not have the content"),
        (lambda f: f["merged"][0]["writers"][0]["chunks"][0].__setitem__(0, 10**9), StoreError, "does not have the content"),
        (lambda f: f["merged"][0].update(begins=-1), StoreError, "malformed"),
        (lambda f: f["merged"][0].update(begins=f["merged"][0]["begins"] + 1), StoreError, "does not have the content"),
    ],
)
def test_a_manifest_that_lies_is_refused_and_nothing_of_it_is_kept(client, cache, shared, change, error, told):
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


# through a site


@pytest.fixture
def site(shared):
    with ThreadPoolExecutor(1, initializer=use, initargs=(Site(store=shared),)) as executor:
        yield executor


def test_through_a_site_page_by_page(cache, shared, site, monkeypatch):
    monkeypatch.setattr(syncing, "PAGE_BYTES", 10_000)
    client = Client(store=cache, control=site)
    done = client.sync()
    assert (done.entries, done.new, done.source) == (30, 30, "site")
    assert ids(cache) == expected(*range(20))
    assert client.sync().entries == 0
    shared.put(fixed(30))
    assert client.sync().new == 1


def test_a_page_is_never_larger_than_a_service_takes(shared, site, monkeypatch):
    monkeypatch.setattr("jitnas_fn.worker.answers.PAGE_BYTES", 6_000)
    entries, cursor, size = syncing._page(site, {})
    assert 0 < size < 8_000
    assert 0 < len(entries) < 30
    assert cursor


class Answering(Executor):
    def __init__(self, reply):
        self.reply = reply

    def submit(self, function, text):
        future = Future()
        if isinstance(self.reply, Exception):
            future.set_exception(self.reply)
        else:
            future.set_result(self.reply)
        return future


def test_a_site_that_does_not_answer_is_told(cache):
    done = Client(store=cache, control=Answering(OSError("no route"))).sync()
    assert not done.reached
    assert "the site does not answer" in str(done)
    assert "was never synchronised" in str(done)


@pytest.mark.parametrize(
    "body",
    [
        {"entries": [{}], "cursor": {}},
        {"entries": [], "cursor": []},
        {"entries": 3, "cursor": {}},
        {"entries": [], "cursor": {"a": -1}},
        {"entries": [], "cursor": {"a": True}},
    ],
)
def test_a_site_that_answers_nonsense_is_refused(cache, body):
    reply = json.dumps({"protocol": 1, "verb": "since", "error": None, **body})
    with pytest.raises(EnvelopeError):
        Client(store=cache, control=Answering(reply)).sync()


class Pages(Executor):
    """A site that answers with one (entries, cursor) after another, and with the last for ever."""

    def __init__(self, pages):
        self.pages, self.asked = iter(pages), []

    def submit(self, function, text):
        self.asked.append(json.loads(text)["cursor"])
        entries, self.last = next(self.pages, ([], getattr(self, "last", {})))
        future = Future()
        future.set_result(Envelope("since", {"entries": entries, "cursor": self.last}).to_json())
        return future


def entries_of(*numbers):
    return [record_entry(fixed(number)).to_dict() for number in numbers]


def test_a_page_without_entries_is_not_the_last_while_the_cursor_moves(cache):
    pages = Pages([(entries_of(1), {"a": 1}), ([], {"a": 2}), ([], {"a": 2, "b": 7}), (entries_of(2), {"a": 3, "b": 7})])
    assert Client(store=cache, control=pages).sync().new == 2
    assert ids(cache) == expected(1, 2)


@pytest.mark.parametrize("entries", [[], [{"x": 1}], entries_of(1)])
def test_a_site_that_never_ends_is_not_believed(cache, monkeypatch, entries):
    monkeypatch.setattr(syncing, "PAGES_WITHOUT_NEWS", 20)
    pages = Pages((entries, {"a": number}) for number in itertools.count(1))
    with pytest.raises(EnvelopeError, match="nothing new on 20"):
        Client(store=cache, control=pages).sync()
    assert len(pages.asked) <= 22


@pytest.mark.parametrize("cursor", [{"a" * 101: 1}, {str(number): 1 for number in range(30)}])
def test_a_cursor_that_cannot_be_remembered_is_refused(cache, monkeypatch, cursor):
    monkeypatch.setattr(syncing, "MAX_NAMES", 20)
    with pytest.raises(EnvelopeError, match="a cursor has at most 20 names"):
        Client(store=cache, control=Pages([(entries_of(1), cursor)])).sync()


def test_what_another_site_has_sent_is_not_forgotten(cache):
    Client(store=cache, control=Pages([(entries_of(1), {"a": 1})])).sync()
    Client(store=cache, control=Pages([(entries_of(2), {"b": 1})])).sync()
    again = Pages([([], {"a": 1})])
    Client(store=cache, control=again).sync()
    assert again.asked == [{"a": 1, "b": 1}]


def test_a_site_of_one_file_is_remembered_once(cache, tmp_path):
    theirs = TinyStore(tmp_path / "theirs.jsonl")
    with ThreadPoolExecutor(1, initializer=use, initargs=(Site(store=LayeredStore([theirs, MemoryStore()])),)) as site:
        for number in range(3):
            theirs.put(fixed(number))
            assert Client(store=cache, control=site).sync().new == 1
    assert len(Progress(cache).cursor("site")) == 1


def test_without_a_site_a_url_is_needed(client):
    with pytest.raises(TaskError, match="name a URL"):
        client.sync()


# what is remembered


def test_where_nothing_can_be_remembered_everything_is_asked_again(client, cache, shared, monkeypatch):
    monkeypatch.setattr(Progress, "reached", lambda *given, **named: None)
    assert client.sync(str(shared.folder)).new == 30
    done = client.sync(str(shared.folder))
    assert (done.entries, done.new) == (30, 0)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", '{"x":3}', "\x00", '{"SOURCE":{"cursor":{"a":"b"},"into":{},"when":9}}', "{" * 99]
)
def test_a_damaged_memory_is_none(client, cache, shared, text):
    client.sync(str(shared.folder))
    (cache.path.parent / "sync.json").write_text(text.replace("SOURCE", str(shared.folder)))
    done = client.sync(str(shared.folder))
    assert (done.entries, done.new, done.reached) == (30, 0, True)


@pytest.mark.parametrize(
    ("when", "told"), [("2000-01-01T00:00:00Z", "days ago"), ("nonsense", "at an unknown time"), (None, "unknown")]
)
def test_how_long_ago(when, told):
    assert told in ago(when)


# shared storage that this machine can see


def test_shared_storage_is_the_third_layer_while_it_is_there(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("JITNAS_SHARED", str(shared.folder))
    monkeypatch.setattr("jitnas_fn.client.cache.LOOK_SECONDS", 0.0)
    client = Client()
    assert client.store.get(fixed(5).key) == fixed(5)
    shared.put(fixed(77))
    assert client.store.get(fixed(77).key) == fixed(77)
    client.store.put(fixed(78))
    assert shared.get(fixed(78).key) is None
    monkeypatch.setenv("JITNAS_SHARED", str(tmp_path / "not mounted"))
    with pytest.warns(RuntimeWarning, match="is it mounted"):
        assert Client().store.get(fixed(5).key) is None
    assert not (tmp_path / "not mounted").exists()


def test_a_mount_point_where_nothing_is_mounted_is_no_empty_store(tmp_path, monkeypatch):
    (tmp_path / "mount").mkdir()
    monkeypatch.setenv("JITNAS_SHARED", str(tmp_path / "mount"))
    with pytest.warns(RuntimeWarning, match="is it mounted"):
        assert Client().store.get(fixed(5).key) is None
    assert not list((tmp_path / "mount").iterdir())
