"""What one process sees of a shared store: the newest catalogue, and the segments that are not in it."""

import contextlib
import os
import time
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path

from jitnas_fn.core.codec import parse
from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Cursor
from jitnas_fn.stores._crowd import Crowd
from jitnas_fn.stores._disk import SHARED_ADVICE, failure
from jitnas_fn.stores._generations import Generations
from jitnas_fn.stores._indexed import seen_of
from jitnas_fn.stores._lines import Heading
from jitnas_fn.stores._segment import Lines, MergedFile, Segment
from jitnas_fn.stores._writer import MOST_BYTES, STORE, segments_in
from jitnas_fn.stores.careful import content_of
from jitnas_fn.stores.catalogue import Catalogue, check_schema

LOOKS, PAUSE_SECONDS = 200, 0.01  # at a store that changes faster than it can be looked at
MOST_STORE_BYTES = 100_000  # of store.json
# Lines, the shortest of 32 bytes, that a cursor may have seen in a segment and that were not merged with it: they came late,
# and have another writer now.
MOST_LATE = MOST_BYTES // 32


class View:
    """The files of a shared store, as they were when last looked at. The caller sees to it that one thread uses it at a time.

    Parameters
    ----------
    folder
        Of the store.
    look_seconds
        For how long a look may be relied on. [seconds]

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn wrote to it.
    StoreError
        If it cannot be read.
    """

    def __init__(self, folder: Path, *, look_seconds: float) -> None:
        self._folder = folder
        self._look_seconds = look_seconds
        self._generations = Generations(folder / "catalogue")
        self.forget()
        self._check_version()

    def forget(self) -> None:
        """Be ready to look at everything anew."""
        self._looked = float("-inf")
        self._catalogue = Catalogue()
        self._merged: dict[str, MergedFile] = {}
        self._merged_writers: set[str] = set()
        self._harmed: set[str] = set()  # merged files that are lost or cut
        self._segments: dict[str, Segment] = {}
        self._crowd = Crowd()

    def files(self) -> list[Lines]:
        """All files with lines, merged ones first, after a look if the last one is too long ago."""
        self._look_if_due()
        return [*self._merged.values(), *self._segments.values()]

    def files_with(self, name: str) -> list[Lines]:
        """As `files`, but of segments only those which may have something of this name: a key, a record or a fingerprint."""
        self._look_if_due()
        return [*self._merged.values(), *dict.fromkeys((*self._crowd.having(name), *self._crowd.retracting(name)))]

    def is_retracted(self, record_id: str) -> bool:
        """Whether a retraction of a record was seen."""
        files: tuple[Lines, ...] = (*self._crowd.retracting(record_id), *self._merged.values())
        return any(lines.is_retracted(record_id) for lines in files)

    def look(self) -> None:
        """Take in what others merged and appended."""
        for look in range(LOOKS):
            generation, patient = self._generations.newest(), look < LOOKS // 2
            if (
                self._take_generation(generation, patient=patient)
                and self._take_segments()
                and self._generations.newest() == generation
            ):
                self._looked = time.monotonic()
                return
            time.sleep(PAUSE_SECONDS)
        raise StoreError(f"{self._folder} changes faster than it can be read: try again")

    def look_for_lost(self) -> None:
        """Take in what others merged, and which of the merged files are no longer there."""
        self._catalogue = Catalogue()
        self.look()

    def look_afresh(self) -> None:
        """Make sure that what any machine kept until now is seen from now on.

        NFS may answer a listing from memory for a minute, unless it learns that the folder was changed: it is, by this machine.
        """
        for name in ("segments", "catalogue"):
            with contextlib.suppress(OSError):
                os.utime(self._folder / name)
        self._looked = float("-inf")

    def since(self, cursor: Cursor, max_bytes: int | None) -> tuple[list[Entry], Cursor]:
        """Entries that came after `cursor`, and the cursor after them; see `SegmentStore.since`."""
        entries: list[Entry] = []
        after: Cursor = {}
        self.look()
        for file in self._merged.values():
            if file.is_whole() and file.counts.items() <= cursor.items():
                after |= file.counts
        for writer, lines, first, count in self._parts(after.keys()):
            late = MOST_LATE if writer in self._merged_writers else 0
            seen = min(count, seen_of(cursor, writer, count + late))
            if seen == count or (entries and max_bytes == 0):
                after[writer] = seen
                continue
            new, end = lines.entries_between(first + seen, first + count, max_bytes=max_bytes, at_least=0 if entries else 1)
            entries += new
            after[writer] = end - first
            if max_bytes is not None:
                max_bytes = max(0, max_bytes - lines.bytes_of(range(first + seen, end)))
        return entries, {writer: seen for writer, seen in after.items() if seen}

    def knows(self, heading: Heading) -> bool:
        """Whether an entry need not be written: not if it is only in a segment being merged, which it may have reached late."""
        having = self._crowd.retracting if heading.kind == "retraction" else self._crowd.having
        settled = [segment for segment in having(heading.name) if not segment.is_merging]
        return any(lines.knows(heading) for lines in (*self._merged.values(), *settled))

    def note(self, writer: str, descriptor: int, lines: Mapping[Heading, bytes]) -> None:
        """Take in lines that this process has just written."""
        if writer in self._segments:
            self._segments[writer].note(descriptor, lines)
        else:  # whatever else is in it
            self._segments[writer] = Segment(self._folder / "segments", writer)
            self._segments[writer].look()
        self._crowd.add(self._segments[writer], self._segments[writer].news())

    def _parts(self, done: Collection[str]) -> list[tuple[str, Lines, int, int]]:
        """(writer, the file its lines are in, number of its first line there, how many) of all writers that are not `done`."""
        files = [file for file in self._merged.values() if not all(writer in done for writer in file.counts)]
        places = [(writer, file) for file in files for writer in file.places if writer not in self._segments]
        merged = [(writer, file, *file.place_of(writer)) for writer, file in places]
        return [*merged, *((writer, segment, 0, segment.lines) for writer, segment in self._segments.items())]

    def _look_if_due(self) -> None:
        if time.monotonic() - self._looked > self._look_seconds:
            self.look()

    def _take_generation(self, generation: int, *, patient: bool) -> bool:
        """Whether this catalogue's files are here. One that stays away is lost: what was in it is missed, the rest is read."""
        if generation == self._catalogue.generation and not any(self._is_back(name) for name in self._harmed):
            return True
        catalogue = self._generations.read(generation)
        if catalogue is None:
            return False
        known, folder = self._merged, self._folder / "merged"
        files = {one.file: known[one.file] if one.file in known else MergedFile(folder, one) for one in catalogue.merged}
        lost = {name for name, file in files.items() if not file.look()}
        if lost and patient:
            return False
        files |= {one.file: MergedFile(folder, one) for one in catalogue.merged if one.file in lost}  # nothing of it is known
        harmed = lost | {name for name, file in files.items() if not file.is_whole()}
        if harmed - self._harmed:
            told = f"{folder}: {', '.join(sorted(harmed)[:3])} is gone or was cut; `jitnas cache verify` says more"
            warnings.warn(told, RuntimeWarning, stacklevel=2)
        self._catalogue, self._merged, self._harmed = catalogue, files, harmed
        self._merged_writers = {writer for name, file in files.items() if name not in harmed for writer in file.places}
        return True

    def _is_back(self, name: str) -> bool:
        """Whether a merged file that was lost or cut is whole again."""
        file = self._merged[name]
        return file.look() and file.is_whole()

    def _take_segments(self) -> bool:
        folder, merged = self._folder / "segments", self._merged_writers
        writers, known = [path.stem for path in segments_in(folder) if path.stem not in merged], self._segments
        self._segments = {writer: known[writer] if writer in known else Segment(folder, writer) for writer in writers}
        gone = [writer for writer, segment in self._segments.items() if not self._seen(segment)]
        for writer in gone:
            del self._segments[writer]
        self._crowd.keep(self._segments.values())
        return not gone

    def _seen(self, segment: Segment) -> bool:
        """Take in what is new of a segment; whether it is there."""
        is_there = segment.look()
        self._crowd.add(segment, segment.news())
        return is_there

    def _check_version(self) -> None:
        path = self._folder / STORE
        try:
            content = content_of(path, most_bytes=MOST_STORE_BYTES)
        except FileNotFoundError:
            return
        except StoreError:
            raise
        except OSError as reason:
            raise failure(path, "read", reason, advice=SHARED_ADVICE) from None
        if not content:  # just made, by one who is about to write it or was killed before
            return
        text = content.decode("utf-8", "replace")
        check_schema(parse(text, max_bytes=MOST_STORE_BYTES, error=StoreError, what=f"file ({path})"), str(self._folder))
