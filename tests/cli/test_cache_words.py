"""What the commands of `jitnas cache` have in common: how a store is named, seconds, usage, and a store nobody wrote to yet."""

import json

import pytest

from jitnas_fn.core.entry import architecture_entry, record_entry
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import a_document, a_fingerprint, fixed

RECORD = fixed(1)
ENTRIES = [architecture_entry(a_fingerprint(1), a_document(1)), record_entry(RECORD)]
ON_A_STORE = [("compact",), ("verify",), ("repair",), ("retract", RECORD.record_id, "--reason", "wrong")]


def plain(err):
    """What was said, without the frame that typer may draw."""
    return " ".join(err.replace("│", " ").split())


@pytest.fixture
def shared(tmp_path):
    store = SegmentStore(tmp_path / "shared")
    store.extend(ENTRIES)
    store.close()
    return store.folder


@pytest.mark.parametrize("words", ON_A_STORE, ids=lambda words: words[0])
def test_the_store_that_a_command_acts_on_is_the_path_behind_it(jitnas, shared, words):
    code, out, err = jitnas("cache", *words, shared, "--json")
    assert code == (1 if words == ("verify",) else 0), err  # the documents of samples are no networks
    assert json.loads(out)
    assert jitnas("cache", *words, "--store", shared)[0] == 2


@pytest.mark.parametrize("words", [("export", "records.csv"), ("publish", "published")], ids=lambda words: words[0])
def test_a_command_that_says_where_to_write_reads_from_elsewhere_by_from(jitnas, shared, tmp_path, words):
    name, target = words
    assert jitnas("cache", name, tmp_path / target, "--from", shared)[0] == 0
    files = [path for path in tmp_path.rglob("*") if path.name in ("records.csv", "entries.json")]
    assert [RECORD.record_id in path.read_text() for path in files] == [True]
    code, _, err = jitnas("cache", name, tmp_path / "another", "--from", tmp_path / "nowhere")
    assert (code, "there is no" in plain(err)) == (2, True)
    assert not (tmp_path / "another").exists()


def test_a_record_is_withdrawn_where_the_path_says_and_else_in_the_own_cache(jitnas, own_home, shared):
    TinyStore(own_home / "cache.jsonl").put(RECORD)
    for path, here, there in [((), True, False), ((shared,), True, True)]:
        assert jitnas("cache", "retract", RECORD.record_id, *path, "--reason", "wrong")[0] == 0
        assert TinyStore(own_home / "cache.jsonl").is_retracted(RECORD.record_id) is here
        assert SegmentStore(shared).is_retracted(RECORD.record_id) is there


@pytest.mark.parametrize("command", ["compact", "repair"])
@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "-inf"])
def test_a_writer_has_ended_after_a_number_of_seconds(jitnas, shared, command, seconds):
    code, out, err = jitnas("cache", command, shared, f"--idle-seconds={seconds}")
    assert (code, out) == (2, "")
    assert f"{seconds} is no number of seconds" in plain(err)


@pytest.mark.parametrize(
    ("command", "usage"),
    [("sync", "[OPTIONS] [URL]"), ("verify", "[OPTIONS] [PATH]"), ("repair", "[OPTIONS] [PATH]"), ("retract", "} [PATH]")],
)
def test_what_may_be_left_out_stands_in_brackets(jitnas, command, usage):
    first = jitnas("cache", command, "--help")[1].strip().splitlines()[0]
    assert first.endswith(usage)
    assert "[[" not in first


def test_in_an_empty_folder_there_is_nothing_to_merge_and_nothing_is_made(jitnas, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = jitnas("cache", "compact", tmp_path / "empty")
    assert (code, out, err) == (0, f"nothing to merge yet: {tmp_path}/empty is empty (is it mounted?)\n", "")
    code, out, _ = jitnas("cache", "compact", tmp_path / "empty", "--json")
    assert (code, json.loads(out)) == (0, {"merged": False, "segments": 0, "entries": 0, "bytes": 0})
    assert jitnas("cache", "retract", RECORD.record_id, tmp_path / "empty", "--reason", "wrong")[0] == 2
    assert list((tmp_path / "empty").iterdir()) == []


def test_of_a_store_that_is_only_begun_there_is_nothing_to_merge_and_it_can_be_synchronised_from(jitnas, shared, tmp_path):
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "store.json").write_bytes((shared / "store.json").read_bytes())
    code, out, _ = jitnas("cache", "compact", tmp_path / "begun")
    assert (code, out) == (0, "nothing to merge; the manifest is generation 1\n")
    assert jitnas("cache", "sync", tmp_path / "begun")[0] == 0


def test_what_is_not_there_or_is_no_store_is_not_merged(jitnas, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("hello\n")
    for name in ("typo", "other", "other/notes.txt"):
        code, out, _ = jitnas("cache", "compact", tmp_path / name)
        assert (code, out) == (2, "")
    assert not (tmp_path / "typo").exists()
