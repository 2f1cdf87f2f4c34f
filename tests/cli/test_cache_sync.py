"""`jitnas cache sync`, `compact` and `retract`: one store, several people."""

import json

import pytest

from jitnas_fn.stores.leases import Leases
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import fixed, put_documented


@pytest.fixture
def shared(tmp_path):
    store = SegmentStore(tmp_path / "shared")
    put_documented(store, range(3))
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
    assert told(jitnas, "retract", fixed(1).record_id, "--reason", "wrong data", shared.folder)["reason"] == "wrong data"
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


def test_a_retraction_that_cannot_be_announced_now_is_in_the_next_manifest(jitnas, shared):
    shared.compact()
    lease = Leases(shared.folder / "leases").claim("compaction")
    code, out, _ = jitnas("cache", "retract", fixed(1).record_id, "--reason", "wrong", shared.folder)
    lease.release(done=True)
    assert code == 0
    assert "in the next manifest: another process is at it" in out
    assert SegmentStore(shared.folder).is_retracted(fixed(1).record_id)
    code, out, _ = jitnas("cache", "retract", fixed(2).record_id, "--reason", "wrong", shared.folder)
    assert "it is in manifest 2" in out


def test_a_retraction_may_come_before_its_record_and_says_so(jitnas, shared):
    fields = told(jitnas, "retract", fixed(9).record_id, "--reason", "wrong", shared.folder)
    assert fields == {"record_id": fixed(9).record_id, "reason": "wrong", "is_here": False}
    shared.put(fixed(9))
    assert SegmentStore(shared.folder).get(fixed(9).key) is None
    assert "no such record here yet" in jitnas("cache", "retract", "0" * 64, "--reason", "wrong")[1]
    assert told(jitnas, "retract", fixed(1).record_id, "--reason", "wrong", shared.folder)["is_here"]
    assert told(jitnas, "retract", fixed(1).record_id, "--reason", "twice", shared.folder)["is_here"]


def test_the_digits_that_our_answers_print_name_a_record(jitnas, shared):
    shared.compact()
    told(jitnas, "sync", shared.folder)
    name = fixed(1).record_id
    assert told(jitnas, "retract", f"{name[:12]}…", "--reason", "mine alone")["record_id"] == name
    assert jitnas("lookup", fixed(1).key)[0] == 3
    assert told(jitnas, "retract", name[:20], "--reason", "wrong", shared.folder)["record_id"] == name
    for given, problem in [(name[:11], "record id"), ("0" * 12, "no record here begins with")]:
        code, _, err = jitnas("cache", "retract", given, "--reason", "wrong", shared.folder)
        assert code == 2
        assert problem in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize("words", [("compact",), ("retract", "0" * 64, "--reason", "wrong")])
def test_what_is_no_shared_store_is_left_as_it_is(jitnas, shared, tmp_path, words):
    publish(tmp_path / "published", shared.since({})[0], created="2026-01-01T00:00:00Z")
    (tmp_path / "empty").mkdir()
    TinyStore(tmp_path / "cache.jsonl").put(fixed(1))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for name in ("published", "cache.jsonl", "typo"):
        assert jitnas("cache", *words, tmp_path / name)[0] == 2
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf"])
def test_a_writer_is_idle_for_a_number_of_seconds(jitnas, shared, seconds):
    assert jitnas("cache", "compact", shared.folder, "--idle-seconds", seconds)[0] == 2
