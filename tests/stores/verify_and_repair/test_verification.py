"""Verification: what is whole is found whole, every kind of damage is named by file and line, and nothing is trusted."""

import pytest

from jitnas_fn.core.entry import Entry, architecture_entry, record_entry, retraction_entry
from jitnas_fn.core.errors import NewerVersion
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.tinydb import TinyStore
from tests.stores.documented import architecture, entries, record
from tests.stores.verify_and_repair.checked import compacted, found, spoilt

NOW = "2026-01-02T03:04:05Z"
ID = record(0).record_id.encode()


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
