"""What is remembered of earlier synchronisations: forgotten, damaged or of another cache, everything comes again."""

import pytest

from jitnas_fn import Client
from jitnas_fn.client.synced import Progress, ago
from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.stores.tinydb import TinyStore
from tests.client.sync.reading import expected
from tests.samples import a_document, a_fingerprint, fixed, ids


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
