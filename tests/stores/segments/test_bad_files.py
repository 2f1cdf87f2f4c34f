"""Lines that lie, files that are none, catalogues and merged files that are lost: good lines are read all the same."""

import os
import shutil
import warnings

import pytest

from jitnas_fn.core.entry import architecture_entry, record_entry
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import a_document, a_fingerprint, fixed, ids
from tests.stores.shared import compacted


def lying(record):
    """A line in the form of a record, whose content is not that of its id."""
    line = record_entry(record).to_json().encode() + b"\n"
    assert b'"train_seconds":1.25' in line
    return line.replace(b'"train_seconds":1.25', b'"train_seconds":9.75')


def test_lines_that_lie_hide_no_good_ones_before_and_after_merging(folder):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
    store.append(architecture_entry(a_fingerprint(0), a_document(0)))
    store.close()
    liar = folder / "segments" / f"{'0' * 32}.jsonl"
    document = architecture_entry(a_fingerprint(0), a_document(0)).to_json().encode().replace(b'"features":0', b'"features":1')
    liar.write_bytes(b"".join(lying(fixed(number)) for number in range(3)) + document + b"\n")
    os.utime(liar, (1, 1))
    with pytest.warns(UserWarning, match="damaged"):
        assert [SegmentStore(folder).get(fixed(number).key) for number in range(3)] == [fixed(number) for number in range(3)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert SegmentStore(folder).document(a_fingerprint(0)) == a_document(0)
        compacted(store)
        fresh = SegmentStore(folder)
        assert [fresh.get(fixed(number).key) for number in range(3)] == [fixed(number) for number in range(3)]
        assert fresh.document(a_fingerprint(0)) == a_document(0)
        assert ids(fresh) == sorted(fixed(number).record_id for number in range(3))


def test_what_is_put_beside_a_line_that_lies_is_kept(folder):
    SegmentStore(folder).put(fixed(9))
    (folder / "segments" / f"{'0' * 32}.jsonl").write_bytes(lying(fixed(0)))
    store = SegmentStore(folder)
    with pytest.warns(UserWarning, match="damaged"):
        store.put(fixed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert SegmentStore(folder).get(fixed(0).key) == fixed(0)


def test_files_of_other_names_are_left_alone(folder):
    store = SegmentStore(folder)
    store.put(fixed(0))
    line = record_entry(fixed(1)).to_json() + "\n"
    for name in ("x.jsonl", f"{'A' * 32}.jsonl", f"{'a' * 31}.jsonl", f"{'a' * 32}.json", f".{'a' * 32}.jsonl", "évil\n.jsonl"):
        (folder / "segments" / name).write_text(line)
    assert ids(SegmentStore(folder)) == [fixed(0).record_id]
    compacted(store)
    assert len(list((folder / "segments").iterdir())) == 6


DAMAGED = [
    b"\n",
    b"null\n",
    b"[" * 5000 + b"\n",
    b'{"closed":true}',
    b"\xff\xfe\n",
    b'{"kind":"record"}\n',
    b"x" * 10_000_000 + b"\n",
]


@pytest.mark.parametrize("line", DAMAGED)
def test_damaged_lines_are_left_out_and_said(folder, line):
    store = SegmentStore(folder)
    store.put(fixed(0))
    (folder / "segments" / f"{'a' * 32}.jsonl").write_bytes(
        record_entry(fixed(1)).to_json().encode() + b"\n" + line + record_entry(fixed(2)).to_json().encode() + b"\n"
    )
    if line.endswith(b"\n"):
        with pytest.warns(UserWarning, match="a damaged entry left out"):
            fresh = SegmentStore(folder)
        assert ids(fresh) == sorted(fixed(number).record_id for number in range(3))
    else:
        with pytest.warns(UserWarning, match="damaged"):
            assert fixed(1).record_id in ids(SegmentStore(folder))


@pytest.mark.timeout(20)
def test_what_is_no_file_is_no_segment(folder, tmp_path):
    """A pipe would be waited for; a link would lead out of the store."""
    store = SegmentStore(folder)
    store.put(fixed(0))
    os.mkfifo(folder / "segments" / f"{'a' * 32}.jsonl")
    outside = tmp_path / "outside"
    outside.write_text(record_entry(fixed(1)).to_json() + "\n")
    (folder / "segments" / f"{'b' * 32}.jsonl").symlink_to(outside)
    (folder / "segments" / f"{'c' * 32}.merging").mkdir()
    assert ids(SegmentStore(folder)) == [fixed(0).record_id]
    compacted(store)
    assert outside.exists()
    assert len(list((folder / "segments").iterdir())) == 3


def test_after_a_lost_catalogue_nothing_is_removed(folder):
    store = SegmentStore(folder)
    for number in range(3):
        store.put(fixed(number))
        store.close()
        compacted(store)
    shutil.rmtree(folder / "catalogue")
    fresh = SegmentStore(folder)
    for number in range(3, 6):
        fresh.put(fixed(number))
        fresh.close()
        compacted(fresh)
    lines = b"".join(path.read_bytes() for path in (folder / "merged").glob("*.jsonl"))
    assert all(fixed(number).record_id.encode() in lines for number in range(6))


def test_a_merged_file_that_is_lost_is_told_and_the_rest_is_read_and_written(folder):
    store = SegmentStore(folder)
    for number in range(2):
        store.put(fixed(number))
    store.close()
    compacted(store)
    compacted(store)
    store.put(fixed(2))
    (lost,) = (folder / "merged").glob("*.jsonl")
    content = lost.read_bytes()
    lost.unlink()
    with pytest.warns(RuntimeWarning, match=f"{lost.name} is gone"):
        fresh = SegmentStore(folder)
    assert fixed(2).record_id in ids(fresh)
    fresh.put(fixed(0))
    entries, cursor = fresh.since({})
    assert {fixed(number).record_id for number in (0, 2)} <= {entry.body["record"]["record_id"] for entry in entries}
    lost.write_bytes(content)
    restored = SegmentStore(folder)
    assert ids(restored) == sorted(fixed(number).record_id for number in range(3))
    assert {entry.body["record"]["record_id"] for entry in restored.since(cursor)[0]} <= set(ids(restored))


def test_a_merged_file_that_was_cut_gives_what_is_left(folder):
    store = SegmentStore(folder)
    for number in range(4):
        store.put(fixed(number))
    store.close()
    compacted(store)
    (merged,) = (folder / "merged").glob("*.jsonl")
    content = merged.read_bytes()
    merged.write_bytes(content[: content.rindex(b"\n", 0, -1) - 500])
    with pytest.warns(RuntimeWarning, match="was cut"):
        fresh = SegmentStore(folder)
    entries, cursor = fresh.since({})
    assert len(entries) == len(fresh) == 2
    merged.write_bytes(content)
    assert len(SegmentStore(folder).since(cursor)[0]) == 2
