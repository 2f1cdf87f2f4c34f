"""A merged file that is lost or cut: what is left goes on being read, merged and written, and what can come back does."""

import pytest

from jitnas_fn.stores._lines import line_for
from jitnas_fn.stores.segments import SegmentStore
from tests.samples import fixed
from tests.stores.shared import compacted, segments

pytestmark = pytest.mark.filterwarnings("ignore:.*is gone:RuntimeWarning")


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


def test_segments_of_a_lost_file_are_read_and_kept(folder):
    stored(folder, range(3))
    compacted(SegmentStore(folder), keep_seconds=3600)
    (first,) = merged_files(folder)
    first.unlink()
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
