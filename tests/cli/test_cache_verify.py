"""`jitnas cache verify` and `jitnas cache repair`: what they say, and with which code they exit."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from tests.stores.documented import entries

ROOT = Path(__file__).parents[2]


@pytest.fixture
def snapshot(tmp_path, monkeypatch):
    """A published snapshot of two documents and records, which the command finds."""
    publish(tmp_path / "published", entries(0, 1), created="2026-01-02T03:04:05Z")
    monkeypatch.setenv("JITNAS_SNAPSHOT", str(tmp_path / "published"))
    return tmp_path / "published"


@pytest.fixture
def cache(own_home, snapshot):
    """A cache with a record whose document is in the snapshot, and one with its own."""
    store = TinyStore(own_home / "cache.jsonl")
    store.extend([*entries(0)[1:], *entries(2)])
    return store.path


def told(answer):
    code, out, err = answer
    return code, json.loads(out), err


def spoil(path):
    path.write_bytes(path.read_bytes().replace(b'"train_seconds":1.25', b'"train_seconds":1.35', 1))


def test_nothing_is_bad_and_the_code_is_0(jitnas, cache, snapshot):
    code, fields, err = told(jitnas("cache", "verify", "--json"))
    assert (code, err) == (0, "")
    assert (fields["records"], fields["bad"]) == (4, 0)
    assert [store["path"] for store in fields["stores"]] == [str(snapshot), str(cache)]
    code, out, _ = jitnas("cache", "verify")
    assert code == 0
    assert out.startswith("nothing bad: 4 records, 3 architectures")


def test_something_is_bad_and_the_code_is_1(jitnas, cache):
    spoil(cache)
    code, fields, _ = told(jitnas("cache", "verify", cache, "--json"))
    assert (code, fields["records"], fields["bad"]) == (1, 1, 1)
    assert fields["problems"] == [{"file": str(cache), "line": 1, "what": fields["problems"][0]["what"]}]
    code, out, _ = jitnas("cache", "verify")
    assert code == 1
    assert out.startswith("1 bad: ")
    assert f"{cache}:1: record" in out


def test_of_the_users_own_cache_documents_may_be_in_the_snapshot_and_of_others_not(jitnas, cache, tmp_path):
    assert jitnas("cache", "verify", cache)[0] == 0
    other = tmp_path / "other.jsonl"
    other.write_bytes(cache.read_bytes())
    code, fields, _ = told(jitnas("cache", "verify", other, "--json"))
    assert (code, fields["undocumented"], fields["bad"]) == (1, 1, 1)


def test_a_shared_folder_and_a_snapshot_are_known_for_what_they_are(jitnas, snapshot, tmp_path):
    SegmentStore(tmp_path / "shared").extend(entries(0))
    for path, kind in ((tmp_path / "shared", "shared store"), (snapshot, "snapshot")):
        code, fields, _ = told(jitnas("cache", "verify", path, "--json"))
        assert (code, fields["bad"], fields["stores"]) == (0, 0, [{"kind": kind, "path": str(path)}])


@pytest.mark.parametrize("command", [("verify",), ("repair",), ("export", "-", "--from")])
@pytest.mark.parametrize(("place", "message"), [("nowhere", "there is no"), ("text", "no log entry"), ("a\0b", "no name")])
def test_what_is_no_store_is_bad_input(jitnas, tmp_path, command, place, message):
    (tmp_path / "text").write_text("hello\n")
    code, out, err = jitnas("cache", *command, f"{tmp_path}/{place}")
    assert (code, out) == (2, "")
    assert message in err.replace("\n", " ")


def test_a_newer_version_is_refused(jitnas, cache):
    cache.write_bytes(b'{"entry_version":2,"kind":"record"}\n')
    for command in ("verify", "repair"):
        code, out, err = jitnas("cache", command, cache)
        assert (code, out) == (1, "")
        assert "please upgrade" in err


def test_escapes_in_names_do_not_reach_the_terminal(jitnas, tmp_path):
    path = tmp_path / "\x1b[31mred.jsonl"
    TinyStore(path).extend(entries(0))
    path.write_bytes(path.read_bytes() + b"\x1b[2J\n" + b"torn")
    for command in ("verify", "repair"):
        _, out, err = jitnas("cache", command, path)
        assert "\x1b" not in out + err


def test_a_terminal_gets_a_bar_and_the_answer_is_without_it(cache, own_home):
    leader, follower = pty.openpty()
    answer = subprocess.run(
        [sys.executable, "-m", "jitnas_fn", "cache", "verify", "--json"],
        stdout=subprocess.PIPE,
        stderr=follower,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
    )
    os.close(follower)
    assert json.loads(answer.stdout)["bad"] == 0
    assert b"verifying" in os.read(leader, 100_000)
    os.close(leader)


def test_repair_says_what_it_did(jitnas, cache):
    cache.write_bytes(cache.read_bytes() + b"torn")
    code, out, _ = jitnas("cache", "repair")
    assert code == 0
    assert out == f"{cache}: 1 torn end (4 bytes) moved to {cache}.corrupt\n"
    code, fields, _ = told(jitnas("cache", "repair", "--json"))
    assert (code, fields["torn"], fields["lost"]) == (0, 0, [])


def test_repair_of_a_shared_store_waits_as_long_as_it_is_told(jitnas, tmp_path):
    SegmentStore(tmp_path / "shared").extend(entries(0))
    segment = tmp_path / "shared" / "segments" / f"{'a' * 32}.jsonl"
    segment.write_bytes(b"torn")
    assert told(jitnas("cache", "repair", tmp_path / "shared", "--json"))[1]["left"] == 1
    os.utime(segment, (1e9, 1e9))
    assert told(jitnas("cache", "repair", tmp_path / "shared", "--json", "--idle-seconds", "60"))[1]["torn"] == 1


def test_what_is_lost_makes_repair_fail(jitnas, tmp_path):
    store = SegmentStore(tmp_path / "shared")
    store.extend(entries(0))
    store.close()
    store.compact(keep_seconds=-1)
    for path in (tmp_path / "shared" / "merged").iterdir():
        path.unlink()
    code, out, _ = jitnas("cache", "repair", tmp_path / "shared")
    assert code == 1
    assert "backup" in out


def test_a_snapshot_is_not_repaired(jitnas, snapshot):
    code, out, err = jitnas("cache", "repair", snapshot)
    assert (code, out) == (2, "")
    assert "publish it again" in err
