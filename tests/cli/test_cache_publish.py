"""`jitnas cache publish`: what is published, what is not, and that readers never see half of it."""

import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tinydb import TinyDB

from jitnas_fn.client.cache import users_cache
from jitnas_fn.client.summary_card import BEGIN, END
from jitnas_fn.core.codec import digest
from jitnas_fn.core.entry import Entry, alias_entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import SnapshotStore, publish
from jitnas_fn.stores.tinydb import TinyStore
from tests.samples import SALT, a_document, a_fingerprint, a_record

NOW = "2026-01-02T03:04:05Z"
RECORDS = [a_record(number, fixed_salt=SALT) for number in range(4)]
UNDOCUMENTED, RETRACTED = RECORDS[2], RECORDS[3]


@pytest.fixture
def filled(own_home):
    """The user's cache: four records, one without a document and one retracted; an alias; a kind of a later version."""
    store = users_cache()
    for record in RECORDS:
        store.put(record)
    for number in (0, 1, 3, 9):
        store.append(architecture_entry(a_fingerprint(number), a_document(number)))
    store.append(alias_entry("cells", "7", input_shape=(1, 8, 8), outputs=10, fingerprint=a_fingerprint(9)))
    store.append(retraction_entry(RETRACTED.record_id, "wrong", created=NOW))
    store.append(Entry("of a later version", {"anything": 1}))
    return store


@pytest.fixture
def folder(filled, jitnas, tmp_path):
    assert jitnas("cache", "publish", tmp_path / "out", "--created", NOW)[0] == 0
    return tmp_path / "out"


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_stands_and_is_documented_is_published(folder):
    store = SnapshotStore(folder)
    assert sorted(record.record_id for record in store.records()) == sorted(record.record_id for record in RECORDS[:2])
    assert store.is_retracted(RETRACTED.record_id)
    assert [store.document(a_fingerprint(number)) is not None for number in (0, 1, 2, 3, 9)] == [True, True, False, False, True]
    assert store.manifest["counts"] == {"record": 2, "architecture": 3, "alias": 1, "retraction": 1}
    assert store.manifest["created"] == NOW
    with TinyDB(folder / "entries.json", access_mode="r") as database:
        assert len(database.table("entries")) == 7


def test_what_is_left_out_is_told(filled, jitnas, tmp_path):
    code, out, said = jitnas("cache", "publish", tmp_path / "out", "--json")
    assert code == 0
    assert json.loads(out)["left_out"] == {
        "records that are retracted": 1,
        "records whose architecture has no document": 1,
        "entries of kinds that this version does not know": 1,
    }
    assert "left out: 1 records that are retracted" in said


def test_the_manifest_states_every_file(folder):
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    for name, stated in manifest["files"].items():
        content = (folder / name).read_bytes()
        assert stated == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert set(manifest["files"]) == {"entries.json", "README.md"}
    assert manifest["sha256"] == manifest["files"]["entries.json"]["sha256"]
    assert {path.name for path in folder.iterdir()} == {"MANIFEST.json", "entries.json", "README.md"}


def test_the_same_entries_give_the_same_bytes(folder, jitnas, tmp_path):
    before = content_of(folder)
    other = TinyStore(tmp_path / "another.jsonl")
    entries, _ = users_cache().since({})
    for entry in reversed(entries):
        other.append(entry)
    for words in (["--from", other.path], ["--from", folder], ["--from", folder, "--from", other.path]):
        code, out, said = jitnas("cache", "publish", tmp_path / f"again{len(words)}{words[1].name}", "--created", NOW, *words)
        assert code == 0, said
        assert content_of(Path(re.search(r"in (\S+):", out)[1])) == before


def test_a_shared_store_is_published(filled, jitnas, tmp_path):
    shared = SegmentStore(tmp_path / "shared")
    shared.extend(filled.since({})[0])
    assert jitnas("cache", "publish", tmp_path / "out", "--from", tmp_path / "shared")[0] == 0
    assert len(SnapshotStore(tmp_path / "out")) == 2


def test_a_retraction_in_one_source_counts_for_all(filled, jitnas, tmp_path):
    other = TinyStore(tmp_path / "other.jsonl")
    other.append(retraction_entry(RECORDS[0].record_id, "wrong too", created=NOW))
    own = filled.path
    assert jitnas("cache", "publish", tmp_path / "out", "--from", own, "--from", other.path)[0] == 0
    assert [record.record_id for record in SnapshotStore(tmp_path / "out").records()] == [RECORDS[1].record_id]


def test_nothing_is_redacted_unless_that_is_asked_for(folder, jitnas, tmp_path):
    assert SnapshotStore(folder).get(RECORDS[0].key) == RECORDS[0]
    assert jitnas("cache", "publish", tmp_path / "shut", "--redact")[0] == 0
    (found,) = SnapshotStore(tmp_path / "shut").replicates(RECORDS[0].key)
    assert found == RECORDS[0].redacted()
    assert "test" not in found.metrics


def test_an_opaque_model_is_not_published(filled, jitnas, tmp_path):
    opaque = "opaque-01234567-89ab-4def-8123-456789abcdef"
    record = a_record(1)
    parts = {**record.parts, "fingerprint": opaque}
    filled.put(dataclasses.replace(record, parts=parts, key=opaque).sealed())
    assert jitnas("cache", "publish", tmp_path / "out")[0] == 0
    assert len(SnapshotStore(tmp_path / "out")) == 2


@pytest.mark.filterwarnings("default")
def test_what_does_not_verify_is_not_published(folder, filled, jitnas, tmp_path):
    content = filled.path.read_bytes()
    filled.path.write_bytes(content.replace(b'"accuracy":[0.25,0.5]', b'"accuracy":[0.25,0.9]', 1))
    code, _, said = jitnas("cache", "publish", tmp_path / "later", "--created", NOW)
    assert code == 0, said
    assert "a damaged entry left out" in said
    assert len(SnapshotStore(tmp_path / "later")) == 1
    assert b"0.9]" not in (tmp_path / "later" / "entries.json").read_bytes()


def test_a_data_card_keeps_what_was_written_by_hand(folder, jitnas):
    card = folder / "README.md"
    card.write_text(f"# Mine\n\nBefore.\n\n{BEGIN}\nold\n{END}\n\nAfter, with {END}.\n", "utf-8")
    assert jitnas("cache", "publish", folder, "--created", NOW)[0] == 0
    text = card.read_text("utf-8")
    assert text.startswith(f"# Mine\n\nBefore.\n\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\n\nAfter, with {END}.\n")
    assert "old" not in text
    assert "2 records of 2 architectures." in text
    assert "| digits 1 | sample | trained | 2 |" in text
    before = content_of(folder)
    assert jitnas("cache", "publish", folder, "--created", NOW)[0] == 0
    assert content_of(folder) == before


def test_hostile_names_do_not_break_the_card(filled, jitnas, tmp_path):
    record = dataclasses.replace(a_record(0, seed=5), recipe={"name": f"| a |\n{END}<script>"})
    filled.put(record)
    assert jitnas("cache", "publish", tmp_path / "out")[0] == 0
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert text.count(END) == 1
    assert "<script>" not in text
    assert "\\| a \\|?" in text


@pytest.mark.parametrize("names", [["notes.txt"], ["README.md"], ["store.json", "MANIFEST.json"], ["segments/"]])
def test_a_folder_of_other_things_is_left_alone(filled, jitnas, tmp_path, names):
    out = tmp_path / "out"
    out.mkdir()
    for name in names:
        (out / name).mkdir() if name.endswith("/") else (out / name).write_text("{}")
    code, _, said = jitnas("cache", "publish", out)
    assert code == 1
    assert "holds other things" in said
    assert sorted(path.name for path in out.iterdir()) == sorted(name.rstrip("/") for name in names)


@pytest.mark.parametrize("words", [["--from", "nowhere"], ["--created", "yesterday"]])
def test_a_wrong_word_is_refused_and_nothing_is_written(filled, jitnas, tmp_path, words):
    assert jitnas("cache", "publish", tmp_path / "out", *words)[0] in (1, 2)
    assert not (tmp_path / "out").exists()


def test_a_disk_that_takes_nothing_harms_nothing(folder, monkeypatch, jitnas):
    before = content_of(folder)
    users_cache().put(a_record(0, seed=9))

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    code, _, said = jitnas("cache", "publish", folder)
    assert code == 1
    assert "No space left" in said
    assert content_of(folder) == before


PUBLISHER = """
import itertools, sys
from pathlib import Path
from jitnas_fn.core.entry import record_entry
from jitnas_fn.stores.snapshot import publish
from tests.samples import a_record
print("ready", flush=True)
for number in itertools.count():
    publish(Path(sys.argv[1]), [record_entry(a_record(0)), record_entry(a_record(1, seed=number % 50))], created="now")
"""


@pytest.fixture
def publisher(tmp_path):
    """A process that publishes one snapshot after another, and the folder; it is killed after the test."""
    folder = tmp_path / "out"
    publish(folder, [record_entry(a_record(0))], created=NOW)
    with subprocess.Popen([sys.executable, "-c", PUBLISHER, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        try:
            process.stdout.readline()
            yield process, folder
        finally:
            process.kill()


def trouble_with(folder):
    """What opening a snapshot says; empty if it opens, and then it has what it should."""
    try:
        store = SnapshotStore(folder)
    except StoreError as reason:
        return str(reason)
    assert store.get(a_record(0).key) is not None
    return ""


@pytest.mark.parametrize("pause", [0.05, 0.2, 0.4])
def test_a_publisher_that_is_killed_leaves_a_snapshot_or_one_that_is_told_of(publisher, pause):
    process, folder = publisher
    until, told = time.monotonic() + pause, set()
    while time.monotonic() < until:
        told.add(trouble_with(folder))
    process.kill()
    process.wait()
    told.add(trouble_with(folder))
    assert all("its sha256 is not the one in MANIFEST.json" in trouble for trouble in told - {""})
    publish(folder, [record_entry(a_record(0))], created=NOW)  # and it can be published over
    assert len(SnapshotStore(folder)) == 1


def test_a_reader_who_has_it_open_goes_on_while_it_is_replaced(publisher):
    _, folder = publisher
    store = SnapshotStore(folder)
    seen, until = set(), time.monotonic() + 1.0
    while time.monotonic() < until:
        assert store.get(a_record(0).key) is not None
        seen.add(store.manifest["sha256"])
    assert len(seen) > 2


def test_a_snapshot_that_is_opened_between_its_two_files_gets_a_moment(tmp_path):
    folder, other = tmp_path / "out", tmp_path / "other"
    publish(folder, [record_entry(a_record(0))], created=NOW)
    publish(other, [record_entry(a_record(0)), record_entry(a_record(1, seed=1))], created=NOW)
    (other / "entries.json").replace(folder / "entries.json")
    timer = threading.Timer(0.3, lambda: (other / "MANIFEST.json").replace(folder / "MANIFEST.json"))
    timer.start()
    assert len(SnapshotStore(folder)) == 2
    timer.join()


def test_one_that_was_damaged_long_ago_is_told_of_at_once(tmp_path):
    publish(tmp_path / "out", [record_entry(a_record(0))], created=NOW)
    path = tmp_path / "out" / "entries.json"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6"))
    for file in path.parent.iterdir():
        os.utime(file, (time.time() - 3600,) * 2)
    began = time.monotonic()
    with pytest.raises(StoreError, match="is damaged or was edited"):
        SnapshotStore(path.parent)
    assert time.monotonic() - began < 1


def test_the_snapshot_of_this_checkout_is_that_of_its_card():
    folder = Path(__file__).resolve().parents[2] / "cache"
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    assert manifest["files"]["README.md"]["sha256"] == hashlib.sha256((folder / "README.md").read_bytes()).hexdigest()
    store = SnapshotStore(folder)
    assert len(store) >= 200
    assert (
        f"{len(store):,} records of {manifest['counts']['architecture']} architectures." in (folder / "README.md").read_text()
    )
    for record in store.records():
        assert record.dataset["name"] == "digits"
        assert (record.provenance["site"], record.provenance["origin"]) == ("local", "trained")
        assert digest(store.document(record.parts["fingerprint"])) == record.parts["fingerprint"]


@pytest.mark.slow
def test_what_the_card_says_was_trained_is_what_is_there(monkeypatch):
    from jitnas_fn import Client

    monkeypatch.delenv("JITNAS_SNAPSHOT", raising=False)
    asked, map_them = [], Client.map

    def noting(self, *arguments, **choices):
        asked.extend(map_them(self, *arguments, **choices))

    monkeypatch.setattr(Client, "map", noting)
    card = (Path(__file__).resolve().parents[2] / "cache" / "README.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", card, re.MULTILINE | re.DOTALL)
    exec(compile(code, "README.md", "exec"), {"__name__": "card"})
    assert {evaluation.source for evaluation in asked} == {"cache"}
    folder = Path(__file__).resolve().parents[2] / "cache"
    assert {evaluation.key for evaluation in asked} == {record.key for record in SnapshotStore(folder).records()}
