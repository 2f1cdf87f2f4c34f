"""Repair of a shared store's catalogue: made anew of what is there, and what no copy can replace is said."""

import os
import time

import pytest

from jitnas_fn.core.entry import architecture_entry
from jitnas_fn.stores.places import SHARED, Place
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.verification import verify
from tests.stores.documented import architecture, entries
from tests.stores.verify_and_repair.checked import all_of, compacted, everything, repaired, seen

LATER = time.time() + 1e6  # every segment is idle then


def the_catalogue(folder):
    return max((folder / "catalogue").iterdir(), key=lambda path: int(path.stem))


def two_merged_files(folder):
    """One of three writers, and a smaller one of another; and what is in them."""
    compacted(folder)
    (first,) = (folder / "merged").glob("*.jsonl")
    store = SegmentStore(folder)
    store.append(architecture_entry(architecture(9).fingerprint, architecture(9).document))
    store.close()
    compacted(folder)
    assert len(list((folder / "merged").glob("*.jsonl"))) == 2
    return first


LOST = {
    "removed": lambda folder: [path.unlink() for path in (folder / "catalogue").iterdir()],
    "with its folder and copy": lambda folder: [
        *(path.unlink() for path in (folder / "catalogue").iterdir()),
        (folder / "catalogue").rmdir(),
        (folder / "MANIFEST.json").unlink(),
    ],
    "unreadable": lambda folder: the_catalogue(folder).write_text('{"generation":'),
    "empty": lambda folder: the_catalogue(folder).write_text(""),
    "a folder": lambda folder: (path := the_catalogue(folder), path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
@pytest.mark.parametrize("keep_seconds", [-1, 600])
def test_a_catalogue_that_is_lost_is_made_anew(folder, lose, keep_seconds):
    two_merged_files(folder)
    store = SegmentStore(folder)
    store.extend(entries(3))
    store.close()
    compacted(folder, keep_seconds=keep_seconds)
    late = SegmentStore(folder)
    late.extend(entries(4))
    expected = seen(folder)
    generation = int(the_catalogue(folder).stem)
    lose(folder)
    done = repaired(folder)
    assert done.generation >= (1 if lose is LOST["with its folder and copy"] else generation + 1)
    assert done.lost == []
    assert seen(folder) == expected
    assert verify(Place(SHARED, folder)).counts["bad"] == 0
    before = everything(folder)
    assert repaired(folder).generation == 0
    assert everything(folder) == before
    late.close()
    compacted(folder)
    compacted(folder)
    assert seen(folder) == expected


def test_superseded_files_that_are_still_there_do_not_double_anything(folder):
    """A catalogue names a file that was merged into a larger one; then it is lost."""
    compacted(folder)
    (small,) = (folder / "merged").glob("*.jsonl")
    kept = small.read_bytes()
    for number in range(3, 6):
        store = SegmentStore(folder)
        store.extend(entries(number))
        store.close()
    compacted(folder)
    small.write_bytes(kept)
    the_catalogue(folder).write_text("{")
    repaired(folder)
    assert seen(folder) == all_of(*range(6))


def test_of_two_copies_the_one_with_more_lines_counts(folder):
    """A merged file lost its end; the segments that it was made of are still there."""
    compacted(folder, keep_seconds=600)
    (path,) = (folder / "merged").glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-100])
    assert verify(Place(SHARED, folder)).counts["bad"] > 0
    assert repaired(folder).generation == 2
    assert seen(folder) == all_of(0, 1, 2)
    assert verify(Place(SHARED, folder)).counts["bad"] == 0


def test_an_older_catalogue_whose_files_are_gone_is_replaced(folder):
    """The newest catalogue is lost, and the one before names a file that is removed already."""
    compacted(folder)
    old = the_catalogue(folder).read_bytes()
    store = SegmentStore(folder)
    for number in range(3, 9):
        store.extend(entries(number))
    store.close()
    compacted(folder)
    the_catalogue(folder).unlink()
    (folder / "catalogue" / "1.json").write_bytes(old)
    assert verify(Place(SHARED, folder)).counts["bad"] > 0
    repaired(folder)
    assert seen(folder) == all_of(*range(9))


def test_a_merged_file_that_no_copy_can_replace_is_said_and_not_forgotten(folder):
    compacted(folder)
    (path,) = (folder / "merged").glob("*.jsonl")
    content = path.read_bytes()
    path.unlink()
    done = repaired(folder)
    assert len(done.lost) == 3
    assert "backup" in str(done)
    assert done.generation == 0
    path.write_bytes(content)
    assert repaired(folder).lost == []
    assert seen(folder) == all_of(0, 1, 2)


def test_a_merged_file_that_does_not_say_whose_lines_it_holds_is_kept_from_the_compactor(folder):
    compacted(folder)
    (path,) = (folder / "merged").glob("*.jsonl")
    content = b"[" + path.read_bytes()[1:]
    path.write_bytes(content)
    the_catalogue(folder).write_text("{")
    done = repaired(folder)
    assert "does not say whose lines" in done.lost[-1]
    assert (folder / "aside" / path.name).read_bytes() == content


def test_a_compactor_that_was_killed_before_its_catalogue_needs_no_repair(folder, monkeypatch):
    monkeypatch.setattr("jitnas_fn.stores._generations.Generations.commit", lambda *given: os._exit(9))
    child = os.fork()
    if child == 0:
        compacted(folder)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert len(list((folder / "merged").glob("*.jsonl"))) == 1
    assert repaired(folder, clock=lambda: LATER).generation == 0
    assert verify(Place(SHARED, folder)).counts["bad"] == 0
    assert seen(folder) == all_of(0, 1, 2)


def test_a_wrong_index_of_a_merged_file_is_removed(folder):
    compacted(folder)
    assert repaired(folder).indexes == 0
    (index,) = (folder / "merged").glob("*.index")
    index.write_bytes(b"anything")
    assert repaired(folder).indexes == 1
    assert seen(folder) == all_of(0, 1, 2)
