"""Filling a cache through a site: page by page, whatever the site answers."""

import itertools
import json
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from jitnas_fn import Client
from jitnas_fn.client import sync_site as syncing
from jitnas_fn.client.synced import Progress
from jitnas_fn.core.entry import record_entry
from jitnas_fn.core.envelope import Envelope
from jitnas_fn.core.errors import EnvelopeError, TaskError
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.tinydb import TinyStore
from jitnas_fn.worker.site import Site, use
from tests.client.sync.reading import expected
from tests.samples import fixed, ids


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
    monkeypatch.setattr("jitnas_fn.worker.questions.PAGE_BYTES", 6_000)
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
