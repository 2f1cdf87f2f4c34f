"""Verification: what is whole is found whole, every kind of damage is named by file and line, and nothing is trusted."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.core.entry import Entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores import _verify_shared
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.places import CACHE, NoStore, Place, place_at
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import publish
from jitnas_fn.stores.tinydb import TinyStore
from jitnas_fn.stores.verification import joined, verify
from tests.stores.documented import architecture, entries, record

ROOT = Path(__file__).resolve().parents[2]
NOW = "2026-01-02T03:04:05Z"
ID = record(0).record_id.encode()


@pytest.fixture
def path(tmp_path):
    store = TinyStore(tmp_path / "cache.jsonl")
    store.extend(entries(0, 1, 2))
    return store.path


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        with_one = SegmentStore(tmp_path / "shared")
        with_one.extend(entries(number))
        with_one.close()
    return tmp_path / "shared"


@pytest.fixture
def snapshot(tmp_path):
    publish(tmp_path / "published", entries(0, 1), created=NOW)
    return tmp_path / "published"


def found(path, **named):
    return joined([verify(place_at(path), **named)])


def compacted(folder, **options):
    return SegmentStore(folder).compact(**{"idle_seconds": 0, "keep_seconds": -1, **options})


def the_merged_file(folder):
    (path,) = (folder / "merged").glob("*.jsonl")
    return path


# what is whole


@pytest.mark.parametrize("make", ["path", "folder", "snapshot"])
def test_nothing_is_bad_in_a_store_that_is_whole(make, request):
    fields = found(request.getfixturevalue(make))
    assert fields["bad"] == fields["torn"] == fields["undocumented"] == fields["unreadable"] == fields["more"] == 0
    assert fields["records"] == fields["architectures"] == (2 if make == "snapshot" else 3)
    assert fields["problems"] == []


def test_a_merged_store_is_as_whole_as_its_segments(folder):
    compacted(folder)
    late = SegmentStore(folder)
    late.extend(entries(3))
    fields = found(folder)
    assert (fields["bad"], fields["records"], fields["files"]) == (0, 4, 2)


def test_segments_that_were_merged_and_are_still_there_are_not_counted_twice(folder):
    compacted(folder, keep_seconds=600)
    fields = found(folder)
    assert len(list((folder / "segments").iterdir())) == 3
    assert (fields["bad"], fields["records"], fields["duplicates"]) == (0, 3, 0)


def test_duplicates_retractions_of_unknown_records_and_other_kinds_are_counted_and_not_bad(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[1]]))
    more = TinyStore(path)
    more.append(retraction_entry("0" * 64, "wrong", created=NOW))
    more.append(retraction_entry(record(0).record_id, "wrong", created=NOW))
    more.append(Entry("note", {"text": "hello"}))
    fields = found(path)
    names = ("bad", "duplicates", "retractions", "unknown_retractions", "others", "lines")
    assert [fields[name] for name in names] == [0, 1, 2, 1, 1, 10]


def test_a_redacted_record_is_whole_and_a_record_without_a_key_needs_no_document(path):
    TinyStore(path).put(record(9, fingerprint="opaque-00000000-0000-4000-8000-000000000000"))
    TinyStore(path).append(record_entry(record(0).redacted()))
    assert found(path)["bad"] == 0


def test_a_torn_end_is_counted_apart(path):
    path.write_bytes(path.read_bytes()[:-7])
    fields = found(path)
    assert (fields["torn"], fields["bad"], fields["records"]) == (1, 0, 2)


# damage


def spoilt(content, old, new):
    assert old in content
    return content.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"train_seconds":1.25', b'"train_seconds":1.35', "was changed"),
        (b'"record_id":"' + ID[:1], b'"record_id":"' + (b"0" if ID[:1] != b"0" else b"1"), "was changed"),
        (b'"seed":0', b'"seed":1', "is not the hash of its parts"),
        (b'"accuracy":0.25', b'"accuracy":0.75', "was"),
        (b'"salt":"5a', b'"salt":"5b', "test part is not the one that was committed to"),
        (b'{"entry_version":1,"kind":"record"', b'{"entry_version":1,"kind":"record', "not valid JSON"),
        (b'"kind":"record"', b'"kind":"retraction"', "a log entry of kind retraction has"),
        (b'"op":"relu"', b'"op":"silu"', "does not have this fingerprint"),
    ],
)
def test_a_changed_line_is_named_by_its_number(path, old, new, what):
    TinyStore(path)  # whatever an index says
    path.write_bytes(spoilt(path.read_bytes(), old, new))
    fields = found(path)
    assert fields["bad"] >= 1
    problem = fields["problems"][0]
    assert problem["file"] == str(path)
    assert problem["line"] == (1 if b"relu" in old else 2)
    assert what in problem["what"]


@pytest.mark.parametrize("line", [b"\n", b"null\n", b"[" * 5000 + b"\n", b"\xff\xfe\n", b"x" * 9_000_000 + b"\n", b"{}\n"])
def test_a_line_that_is_no_entry_is_bad_and_the_rest_is_counted(path, line):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], line, *lines[3:]]))
    fields = found(path)
    assert (fields["bad"], fields["records"], fields["problems"][0]["line"]) == (1, 3, 4)


def test_a_record_without_its_document_is_bad_unless_the_store_behind_has_it(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[1:]))
    fields = found(path)
    assert (fields["undocumented"], fields["bad"], fields["problems"][0]["line"]) == (1, 1, 1)
    behind = MemoryStore()
    behind.append(architecture_entry(architecture(0).fingerprint, architecture(0).document))
    assert found(path, behind=behind)["bad"] == 0


def test_a_document_that_comes_after_its_record_is_found(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[1:], lines[0]]))
    assert found(path)["bad"] == 0


def test_a_document_that_is_no_architecture_is_unreadable(path):
    from tests.samples import a_document, a_fingerprint

    TinyStore(path).append(architecture_entry(a_fingerprint(), a_document()))
    fields = found(path)
    assert (fields["unreadable"], fields["bad"], fields["problems"][0]["line"]) == (1, 1, 7)


def test_a_document_that_is_not_in_its_canonical_form_is_unreadable(path):
    from jitnas_fn.core.codec import digest

    nothing = {"op": "dropout", "attrs": {"p": 0.0, "kind": "element"}, "inputs": [["x", "n0"]]}
    document = {**architecture(5).document, "nodes": [*architecture(5).document["nodes"], nothing], "outputs": ["n1"]}
    TinyStore(path).append(architecture_entry(digest(document), document))
    fields = found(path)
    assert fields["unreadable"] == 1
    assert "canonical form" in fields["problems"][0]["what"]


def test_only_the_first_are_named_and_the_others_counted(path):
    path.write_bytes(path.read_bytes() + b"no entry\n" * 50)
    fields = found(path)
    assert (fields["bad"], len(fields["problems"]), fields["more"]) == (50, 20, 30)


@pytest.mark.parametrize("old", [b'"entry_version":1', b'"record_version":1', b'"key_version":1'])
def test_a_file_of_a_newer_version_is_refused(path, old):
    path.write_bytes(spoilt(path.read_bytes(), old, old[:-1] + b"2"))
    with pytest.raises(NewerVersion, match="upgrade"):
        found(path)


def test_escapes_do_not_come_out(tmp_path):
    path = tmp_path / "\x1b[31mred.jsonl"
    store = TinyStore(path)
    store.extend(entries(0))
    path.write_bytes(path.read_bytes() + b'{"entry_version":1,"kind":"record","record":"\\u001b[2Jgone"}\n' + b"\x1b[2J\n")
    fields = found(path)
    assert fields["bad"] == 2
    assert all("\x1b" not in problem["what"] + problem["file"] for problem in fields["problems"])


# snapshots


@pytest.mark.parametrize(
    ("name", "old", "new", "least"),
    [
        ("entries.json", b'"train_seconds":1.25', b'"train_seconds":1.35', 2),
        ("entries.json", b'\n"2":', b'\n"7":', 2),
        ("entries.json", b"}}\n", b"", 2),
        ("entries.json", b'{"entries":{\n', b'{"entries": {\n', 2),
        ("MANIFEST.json", b'"record":2', b'"record":3', 1),
        ("MANIFEST.json", b'"bytes":', b'"bytes":1', 1),
        ("MANIFEST.json", b'"schema":"jitnas_fn snapshot"', b'"schema":"something else"', 1),
        ("MANIFEST.json", b"{", b"[", 1),
    ],
)
def test_a_changed_snapshot_is_bad(snapshot, name, old, new, least):
    path = snapshot / name
    path.write_bytes(spoilt(path.read_bytes(), old, new))
    assert found(snapshot)["bad"] >= least


@pytest.mark.parametrize("name", ["entries.json", "MANIFEST.json"])
def test_half_a_snapshot_is_bad(snapshot, name):
    (snapshot / name).unlink()
    assert found(snapshot)["bad"] == 1


def test_a_data_card_that_was_edited_is_bad(tmp_path):
    publish(tmp_path / "published", entries(0), created=NOW, card=lambda: "what it is\n")
    assert found(tmp_path / "published")["bad"] == 0
    (tmp_path / "published" / "README.md").write_text("what it is not\n")
    assert found(tmp_path / "published")["bad"] == 1


def test_a_newer_snapshot_is_refused(snapshot):
    manifest = json.loads((snapshot / "MANIFEST.json").read_text())
    (snapshot / "MANIFEST.json").write_text(json.dumps({**manifest, "schema_version": 2}))
    with pytest.raises(NewerVersion):
        found(snapshot)


# shared stores


@pytest.mark.parametrize("place", [0.001, 0.3, 0.6, 0.999])
def test_a_bit_that_flips_in_a_merged_file_is_found(folder, place):
    compacted(folder)
    path = the_merged_file(folder)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    fields = found(folder)
    assert fields["bad"] >= 1
    assert {problem["file"] for problem in fields["problems"]} == {str(path)}


@pytest.mark.parametrize("change", [lambda content: content[:-50], lambda content: content + b"{}\n"])
def test_a_merged_file_of_another_length_is_bad(folder, change):
    compacted(folder)
    path = the_merged_file(folder)
    path.write_bytes(change(path.read_bytes()))
    assert found(folder)["bad"] >= 1


def test_a_missing_merged_file_is_bad(folder):
    compacted(folder)
    the_merged_file(folder).unlink()
    fields = found(folder)
    assert fields["bad"] >= 1
    assert "missing" in fields["problems"][0]["what"]


def test_a_missing_segment_that_the_catalogue_states_is_bad(folder):
    compacted(folder)
    late = SegmentStore(folder)
    late.extend(entries(3))
    compacted(folder, idle_seconds=1e9)
    assert found(folder)["bad"] == 0
    (segment,) = (folder / "segments").iterdir()
    segment.unlink()
    fields = found(folder)
    assert fields["bad"] == 1
    assert "missing" in fields["problems"][0]["what"]


def test_a_segment_whose_beginning_is_not_what_the_catalogue_states_is_bad(folder):
    compacted(folder)
    late = SegmentStore(folder)
    late.extend(entries(3))
    compacted(folder, idle_seconds=1e9)
    (segment,) = (folder / "segments").iterdir()
    segment.write_bytes(b"".join(entry.to_json().encode() + b"\n" for entry in entries(4)))
    assert found(folder)["bad"] == 1


def test_a_damaged_catalogue_is_bad_and_the_lines_are_read_all_the_same(folder):
    compacted(folder)
    (path,) = (folder / "catalogue").iterdir()
    path.write_text("{")
    fields = found(folder)
    assert (fields["bad"], fields["records"]) == (1, 3)


def test_merged_lines_that_no_catalogue_names_are_bad(folder):
    compacted(folder)
    (path,) = (folder / "catalogue").iterdir()
    path.unlink()
    fields = found(folder)
    assert fields["bad"] == 3
    assert "repair" in fields["problems"][0]["what"]


def test_a_store_that_is_merged_while_it_is_read_is_read_again(folder, monkeypatch):
    """Before the first segment is opened another process merges all of them and removes them."""
    opened = _verify_shared.opened

    def meanwhile(path, **named):
        if path.parent.name == "segments":
            monkeypatch.undo()
            compacted(folder)
        return opened(path, **named)

    monkeypatch.setattr(_verify_shared, "opened", meanwhile)
    fields = found(folder)
    assert (fields["bad"], fields["records"]) == (0, 3)


def test_a_shared_store_of_a_newer_version_is_refused(folder):
    (folder / "store.json").write_text('{"schema":"jitnas_fn shared store","schema_version":2}')
    with pytest.raises(NewerVersion):
        found(folder)


# hostile places


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/etc/hostname")])
@pytest.mark.parametrize("place", [f"segments/{'a' * 32}.jsonl", "catalogue/1.json", "store.json"])
def test_what_is_no_file_is_bad_and_not_waited_for(folder, make, place):
    path = folder / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    make(path)
    fields = found(folder)
    assert (fields["bad"], fields["records"]) == (1, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_store(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoStore, match="a pipe"):
        place_at(tmp_path / "pipe")


def test_what_is_no_store_says_what_there_is_instead(tmp_path, path, folder, snapshot):
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "other.json").write_text('{"created":"2026"}')
    compacted(folder)
    for place, message in [
        (tmp_path / "nowhere", "there is no"),
        (tmp_path / "text", "no log entry"),
        (tmp_path / "other.json", "no log entry"),
        (tmp_path, "give that file"),
        (the_merged_file(folder), "part of a shared store"),
        (snapshot / "entries.json", "file of a snapshot"),
        (Path("a\0b"), "no name"),
    ]:
        with pytest.raises(NoStore, match=message):
            place_at(place)


def test_every_beginning_of_a_cache_is_known_as_one(path):
    content = path.read_bytes()
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        assert place_at(path) == Place(CACHE, path)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is counted as Linux does")
def test_a_hundred_thousand_records_are_verified_in_little_memory(tmp_path):
    path = tmp_path / "cache.jsonl"
    with path.open("wb") as file:
        for number in range(50):
            file.write(b"".join(entry.to_json().encode() + b"\n" for entry in entries(number)[:1]))
        for seed in range(100_000):
            file.write(record_entry(record(seed % 50, seed=seed)).to_json().encode() + b"\n")
    code = f"""
import re, resource
from pathlib import Path
from jitnas_fn.stores.places import place_at
from jitnas_fn.stores.verification import verify
counts = verify(place_at(Path({str(path)!r}))).counts
assert (counts["records"], counts["bad"]) == (100_000, 0), counts
status = Path("/proc/self/status")  # what resource says may be the memory of the parent, before this program was loaded
peak = re.search("VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0
print(peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=110)
    assert int(done.stdout) * 1024 < 300e6
