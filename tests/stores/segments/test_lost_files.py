"""A merged file that is lost or cut: what is left goes on being read, merged and written, and what can come back does."""

import pytest

from jitnas_fn.stores._lines import line_for
from jitnas_fn.stores.places import place_at
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.verification import verify
from tests.samples import fixed
from tests.stores.shared import compacted, segments

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is gone or was cut:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:.*damaged entr"),
]


def names(numbers):
    return {fixed(number).record_id for number in numbers}


def merged_files(folder):
    return sorted((folder / "merged").glob("*.jsonl"))


def stored(folder, numbers):
    """Write records with one more writer, who then ends."""
    store = SegmentStore(folder)
    for number in numbers:
        store.put(fixed(number))
    store.close()


def damaged(folder):
    """What `verify` finds, but for the documents that these records lack."""
    counts = verify(place_at(folder)).counts
    return counts["bad"] - counts["undocumented"]


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), cut], ids=["lost", "cut"])
def test_what_is_left_is_merged_and_the_harm_stays_told(folder, harm):
    stored(folder, range(3))
    compacted(SegmentStore(folder))
    (first,) = merged_files(folder)
    harm(first)
    stored(folder, range(10, 30))  # more than the first file, which would be copied into theirs
    assert compacted(SegmentStore(folder)).segments == 1
    assert names(range(10, 30)) <= set(SegmentStore(folder).record_ids())
    named = (folder / "MANIFEST.json").read_text()
    assert first.name in named
    assert segments(folder) == []


@pytest.mark.parametrize(
    "harm", [lambda path: path.unlink(), cut, lambda path: path.write_bytes(b"")], ids=["lost", "cut", "empty"]
)
def test_segments_of_a_harmed_file_are_read_and_kept(folder, harm):
    stored(folder, range(3))
    compacted(SegmentStore(folder), keep_seconds=3600)
    (first,) = merged_files(folder)
    harm(first)
    entries, _ = SegmentStore(folder).since({})
    assert sorted(entry.body["record"]["record_id"] for entry in entries) == sorted(names(range(3)))
    assert set(SegmentStore(folder).record_ids()) == names(range(3))
    compacted(SegmentStore(folder))  # would remove what was merged
    assert set(SegmentStore(folder).record_ids()) == names(range(3))


def test_a_cursor_holds_while_a_file_is_lost(folder):
    stored(folder, range(3))
    compacted(SegmentStore(folder), keep_seconds=3600)
    _, cursor = SegmentStore(folder).since({})
    merged_files(folder)[0].unlink()
    stored(folder, [7])
    entries, _ = SegmentStore(folder).since(cursor)
    assert [entry.body["record"]["record_id"] for entry in entries] == [fixed(7).record_id]


def test_lines_merged_while_they_were_written_are_counted(folder, monkeypatch):
    store, other = SegmentStore(folder), SegmentStore(folder)
    store.put(fixed(0))
    there, writer = store._writer._is_there, store._writer

    def merged_first():
        monkeypatch.setattr(writer, "_is_there", there)
        compacted(other)
        return there()

    monkeypatch.setattr(writer, "_is_there", merged_first)
    assert store.take([line_for(fixed(1))[1]]).new == 1
    assert set(store.record_ids()) == names([0, 1])


def test_a_file_that_is_lost_under_an_open_store_is_done_without_and_taken_in_when_it_is_back(folder):
    stored(folder, range(3))
    compacted(SegmentStore(folder))
    store = SegmentStore(folder, look_seconds=0)
    assert store.get(fixed(0).key) == fixed(0)
    (first,) = merged_files(folder)
    content = first.read_bytes()
    first.unlink()
    store.put(fixed(9))
    assert store.get(fixed(0).key) is None
    assert [record.record_id for record in store.records()] == [fixed(9).record_id]
    assert len(list(store.every_line())) == 1
    assert store.since({})[0][0].body["record"]["record_id"] == fixed(9).record_id
    first.write_bytes(content)
    assert store.get(fixed(0).key) == fixed(0)
    assert set(store.record_ids()) == names([0, 1, 2, 9])


@pytest.mark.parametrize("change", [(b'"accuracy":0.5', b'"accuracy":0.9'), (b'"}}\n{', b'"}} {')], ids=["digit", "newline"])
def test_a_damaged_file_is_neither_certified_nor_in_the_way(folder, change):
    stored(folder, range(2))
    stored(folder, range(2, 4))
    compacted(SegmentStore(folder))
    (first,) = merged_files(folder)
    content = first.read_bytes()
    harmed = content.replace(*change, 1)
    first.write_bytes(harmed)
    assert harmed != content
    stored(folder, range(10, 30))
    assert compacted(SegmentStore(folder)).segments == 1
    assert first.read_bytes() == harmed
    assert damaged(folder) >= 1
    first.write_bytes(content)
    assert damaged(folder) == 0


def test_a_segment_is_kept_while_its_copy_is_damaged(folder):
    stored(folder, range(2))
    compacted(SegmentStore(folder), keep_seconds=3600)
    (first,) = merged_files(folder)
    first.write_bytes(first.read_bytes().replace(b'"accuracy":0.5', b'"accuracy":0.9', 1))
    compacted(SegmentStore(folder))
    assert len(segments(folder)) == 1
