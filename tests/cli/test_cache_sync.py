"""`jitnas cache sync`, `compact` and `retract`: one store, several people."""

import json

import pytest

from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import SALT, a_document, a_fingerprint, a_record


def fixed(number):
    return a_record(number, fixed_salt=SALT)


@pytest.fixture
def shared(tmp_path):
    store = SegmentStore(tmp_path / "shared")
    for number in range(3):
        store.append(architecture_entry(a_fingerprint(number), a_document(number)))
        store.put(fixed(number))
    store.close()
    return store


def told(jitnas, *words):
    code, out, err = jitnas("cache", *words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_what_is_shared_is_found_after_a_sync(jitnas, shared):
    assert told(jitnas, "compact", shared.folder) == {
        "merged": True,
        "segments": 1,
        "entries": 6,
        "bytes": pytest.approx(6000, rel=0.5),
    }
    assert jitnas("lookup", fixed(1).key)[0] == 3
    code, out, err = jitnas("cache", "sync", shared.folder)
    assert (code, err) == (0, "")
    assert out.startswith(f"6 new of 6 entries from {shared.folder} (0.0 MB), which is as of just now")
    assert jitnas("lookup", fixed(1).key)[0] == 0


def test_the_last_place_need_not_be_named_again(jitnas, shared, monkeypatch, tmp_path):
    assert jitnas("cache", "sync")[0] == 2
    shared.compact()
    told(jitnas, "sync", shared.folder)
    assert told(jitnas, "sync")["source"] == str(shared.folder)
    monkeypatch.setenv("JITNAS_SYNC", str(tmp_path / "elsewhere"))
    code, _, err = jitnas("cache", "sync")
    assert (code, "elsewhere" in err) == (1, True)


def test_offline_it_says_how_old_the_cache_is_and_goes_on(jitnas):
    code, out, err = jitnas("cache", "sync", "http://127.0.0.1:9/shared")
    assert (code, out) == (0, "nothing new: offline\n")
    assert "cannot be reached" in err
    assert "was never synchronised from there" in err
    assert told(jitnas, "sync", "http://127.0.0.1:9/shared")["reached"] is False


def test_a_withdrawn_record_is_hidden_by_one_sync(jitnas, shared):
    shared.compact()
    told(jitnas, "sync", shared.folder)
    assert (
        told(jitnas, "retract", fixed(1).record_id, "--reason", "wrong data", "--store", shared.folder)["reason"]
        == "wrong data"
    )
    told(jitnas, "compact", shared.folder)
    told(jitnas, "sync")
    assert jitnas("lookup", fixed(1).key)[0] == 3
    told(jitnas, "retract", fixed(2).record_id, "--reason", "mine alone")
    assert jitnas("lookup", fixed(2).key)[0] == 3
    assert SegmentStore(shared.folder).get(fixed(2).key) == fixed(2)


@pytest.mark.parametrize("words", [("abc", "--reason", "x"), ("0" * 64, "--reason", "  "), ("0" * 64,)])
def test_a_retraction_names_a_record_and_a_reason(jitnas, words):
    code, _, err = jitnas("cache", "retract", *words)
    assert code == 2
    assert "reason" in err or "record id" in err
