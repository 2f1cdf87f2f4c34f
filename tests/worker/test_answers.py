import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES, PROTOCOL, VERBS, Envelope
from jitnas_fn.core.errors import EnvelopeError
from jitnas_fn.core.record import Record
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.worker.entry import run_task
from tests.client.models import small
from tests.samples import a_record
from tests.worker.asking import asked, item_of, results_of

KEY, RUN = "b" * 64, "1" * 32


def test_hello_tells_versions_datasets_payloads_and_limits(site):
    site(seconds=60.0, accepts=("graph",))
    reply = asked("hello")
    assert reply["site"] == "test site"
    assert reply["protocols"] == [PROTOCOL]
    assert set(reply["versions"]) == {"jitnas_fn", "torch", "numpy", "python"}
    assert reply["datasets"] == {name: shelf.take("datasets", name).DATASET.sha256 for name in shelf.names("datasets")}
    assert reply["payloads"] == ["graph"]
    assert reply["limits"] == {"seconds": 60.0, "memory_bytes": None, "threads": 1, "payload_bytes": MAX_PAYLOAD_BYTES}


def test_hello_names_no_path(site):
    assert str(site().folder) not in run_task(Envelope("hello", {}).to_json())


def test_ping_comes_back():
    assert asked("ping") == {}


def test_a_site_without_a_store_knows_no_record():
    assert asked("lookup", keys=[KEY]) == {"results": [{"key": KEY, "record": None}]}
    assert asked("since", cursor={"w": 3}) == {"entries": [], "cursor": {"w": 3}}


def test_a_site_with_a_store_shows_what_it_has(site):
    store, record = MemoryStore(), a_record()
    store.put(record)
    site(store=store)
    found, missing = asked("lookup", keys=[record.key, KEY])["results"]
    assert Record.from_dict(found["record"]) == record
    assert missing["record"] is None
    reply = asked("since", cursor={})
    assert [entry["kind"] for entry in reply["entries"]] == ["record"]
    assert asked("since", cursor=reply["cursor"])["entries"] == []


@pytest.mark.parametrize("runs", [None, [RUN, None]])
def test_tasks_that_are_not_here_are_unknown(runs):
    unknown = {"key": KEY, "state": "unknown"}
    assert asked("status", keys=[KEY, KEY], runs=runs) == {"results": [unknown] * 2}
    named = {**unknown, "state": "cancelling"} if runs else unknown  # it may be on its way here
    assert asked("cancel", keys=[KEY, KEY], runs=runs) == {"results": [named, unknown]}


@pytest.mark.parametrize("verb", ["lookup", "status", "cancel"])
@pytest.mark.parametrize("keys", [None, "a" * 64, ["../../etc/passwd"], [["a" * 64]], [5]])
def test_hostile_keys_are_refused(verb, keys):
    with pytest.raises(EnvelopeError, match=r"needs a list|64 hexadecimal"):
        asked(verb, keys=keys)


@pytest.mark.parametrize("verb", ["status", "cancel"])
@pytest.mark.parametrize("runs", [RUN, [], [RUN, RUN], [KEY], ["../" + "1" * 29], [5], {}, 0])
def test_hostile_runs_are_refused(verb, runs):
    with pytest.raises(EnvelopeError, match=r"runs is null or a list as long as keys|32 hexadecimal"):
        asked(verb, keys=[KEY], runs=runs)


@pytest.mark.parametrize("run", ["", "../" + "1" * 29, "1" * 33, "A" * 32, 5, [RUN], {}])
def test_a_task_with_a_hostile_run_is_refused_under_its_key(site, run):
    (result,) = results_of({**GOOD, "run": run})
    assert result["key"] == GOOD["key"]
    assert result["error"]["type"] == EnvelopeError.__name__
    assert "32 hexadecimal digits" in result["error"]["message"]
    assert list(site().place().iterdir()) == []


@pytest.mark.parametrize("cursor", [5, [1], {"w": -1}, {"w": True}, {"w": "x"}])
def test_hostile_cursors_are_refused(cursor):
    with pytest.raises(EnvelopeError, match="cursor is a JSON object"):
        asked("since", cursor=cursor)


def _checked(text):
    reply = Envelope.from_json(run_task(text))
    assert reply.error is None or set(reply.error) == {"type", "message", "retryable"}
    return reply


@given(st.text(max_size=200) | st.binary(max_size=50) | st.none())
def test_any_text_gets_an_envelope_for_an_answer(text):
    assert _checked(text).error is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(VERBS), st.dictionaries(st.sampled_from(["keys", "runs", "tasks", "cursor", "limit", "x"]), JSON))
def test_any_body_gets_an_envelope_for_an_answer(verb, body):
    assert _checked(Envelope(verb, body).to_json()).verb == verb


def _places(value, place=()):
    yield place
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from _places(child, (*place, name))


GOOD = json.loads(json.dumps(item_of(lambda: small(outputs=4)) | {"run": RUN}))
PLACES = list(_places(GOOD))[1:]


def _changed(place, value):
    item = copy.deepcopy(GOOD)
    holder = item
    for name in place[:-1]:
        holder = holder[name]
    holder[place[-1]] = value
    return item


@settings(max_examples=200)
@given(st.sampled_from(PLACES), JSON)
def test_a_task_with_any_part_changed_is_trained_under_its_own_key_or_refused(place, value):
    reply = _checked(Envelope("train", {"tasks": [_changed(place, value)]}).to_json())
    (result,) = reply.items("results")
    if "record" in result:
        record = Record.from_dict(result["record"])
        assert record.key == result["key"] == GOOD["key"]
        assert record.parts == GOOD["parts"]
    else:
        assert result["error"]["type"]


@pytest.mark.parametrize(("verb", "count"), [("lookup", 10_001), ("cancel", 101), ("status", 101)])
def test_a_message_asks_about_a_bounded_number_of_keys(verb, count):
    text = Envelope(verb, {"keys": ["a" * 64] * count}).to_json()
    error = Envelope.from_json(run_task(text)).error
    assert error["type"] == "EnvelopeError"
    assert "keys at most, not" in error["message"]
