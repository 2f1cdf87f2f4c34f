"""`jitnas cache info` where look-ups go on to shared storage."""

import json

import pytest

from jitnas_fn.client.cache import users_cache
from jitnas_fn.core.entry import record_entry, retraction_entry
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from tests.samples import fixed

NOW = "2026-01-02T03:04:05Z"


@pytest.fixture
def shared(own_home, tmp_path, monkeypatch):
    """Of five shared records one is in the cache, one in the snapshot, one withdrawn there, one withdrawn in the cache."""
    users_cache().put(fixed(0))
    users_cache().append(retraction_entry(fixed(3).record_id, "wrong", created=NOW))
    publish(tmp_path / "published", [record_entry(fixed(1))], created=NOW)
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(tmp_path / "published"))
    store = SegmentStore(tmp_path / "shared")
    for number in range(5):
        store.put(fixed(number))
    store.append(retraction_entry(fixed(2).record_id, "wrong", created=NOW))
    monkeypatch.setenv("JITNAS_SHARED", str(store.folder))
    return store


def told(jitnas):
    code, out, err = jitnas("cache", "info", "--json")
    assert code == 0
    return json.loads(out), err


@pytest.mark.parametrize("merged", [False, True])
def test_what_shared_storage_has_and_this_machine_has_not_is_counted(jitnas, shared, merged):
    if merged:
        shared.close()
        shared.compact()
    before = sorted(shared.folder.rglob("*"))
    found, err = told(jitnas)
    assert err == ""
    assert found["shared"] == {"path": str(shared.folder), "reached": True, "records": 4, "new_records": 1, "trouble": None}
    assert (found["records"], found["own_records"], found["published_records"]) == (2, 1, 1)
    assert jitnas("lookup", fixed(4).key)[0] == 0  # the one that is new
    assert jitnas("lookup", fixed(3).key)[0] == 3
    assert sorted(shared.folder.rglob("*")) == before


def test_people_are_told_in_one_line(jitnas, shared):
    lines = jitnas("cache", "info")[1].splitlines()
    assert f"shared         4 records, 1 of them not on this machine: {shared.folder}" in lines


def test_shared_storage_that_is_away_is_told_of_and_the_rest_is_counted(jitnas, shared, monkeypatch, tmp_path):
    monkeypatch.setenv("JITNAS_SHARED", str(tmp_path / "un\x1bmounted"))
    found, err = told(jitnas)
    assert found["records"] == 2
    assert (found["shared"]["reached"], found["shared"]["records"], found["shared"]["new_records"]) == (False, None, None)
    assert "is it mounted?" in found["shared"]["trouble"]
    assert "is it mounted?" in err
    code, out, _ = jitnas("cache", "info")
    assert code == 0
    assert f"shared         not reached, so look-ups go on without it: {tmp_path}/un?mounted" in out.splitlines()


def test_shared_storage_of_a_newer_version_is_told_of(jitnas, shared):
    (shared.folder / "store.json").write_text('{"schema": "jitnas_fn shared store", "schema_version": 99}')
    found, err = told(jitnas)
    assert found["shared"]["reached"] is False
    assert "99" in err


def test_where_no_shared_storage_is_named_none_is_told_of(jitnas, shared, monkeypatch):
    monkeypatch.delenv("JITNAS_SHARED")
    assert told(jitnas)[0]["shared"] is None
    assert "\nshared" not in jitnas("cache", "info")[1]
