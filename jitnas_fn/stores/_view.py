"""What one process sees of a shared store: the newest catalogue, and the segments that are not in it."""

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from jitnas_fn.core.codec import parse
from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Cursor
from jitnas_fn.stores._disk import SHARED_ADVICE, failure
from jitnas_fn.stores._generations import Generations
from jitnas_fn.stores._indexed import seen_of
from jitnas_fn.stores._lines import Heading
from jitnas_fn.stores._segment import Lines, MergedFile, Segment
from jitnas_fn.stores._writer import STORE, segments_in
from jitnas_fn.stores.catalogue import Catalogue, check_schema

LOOKS, PAUSE_SECONDS = 200, 0.01  # at a store that changes faster than it can be looked at


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
        self._look_seconds, self._looked = look_seconds, float("-inf")
        self._generations = Generations(folder / "catalogue")
        self._catalogue = Catalogue()
        self._merged: dict[str, MergedFile] = {}
        self._segments: dict[str, Segment] = {}
        self._check_version()

    def files(self) -> list[Lines]:
        """All files with lines, merged ones first, after a look if the last one is too long ago."""
        if time.monotonic() - self._looked > self._look_seconds:
            self.look()
        return [*self._merged.values(), *self._segments.values()]

    def look(self) -> None:
        """Take in what others merged and appended."""
        for _ in range(LOOKS):
            generation = self._generations.newest()
            if self._take_generation(generation) and self._take_segments() and self._generations.newest() == generation:
                self._looked = time.monotonic()
                return
            time.sleep(PAUSE_SECONDS)
        raise StoreError(f"{self._folder} changes faster than it can be read: try again")

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
        for writer, lines, first, count in self._parts():
            seen = seen_of(cursor, writer, count)
            new, end = lines.entries_between(first + seen, first + count, max_bytes=max_bytes, at_least=0 if entries else 1)
            entries += new
            after[writer] = end - first
            if max_bytes is not None:
                max_bytes = max(0, max_bytes - lines.bytes_of(range(first + seen, end)))
        return entries, {writer: seen for writer, seen in after.items() if seen}

    def knows(self, heading: Heading) -> bool:
        """Whether an entry need not be written: not if it is only in a segment being merged, which it may have reached late."""
        settled = [segment for segment in self._segments.values() if not segment.is_merging]
        return any(lines.knows(heading) for lines in (*self._merged.values(), *settled))

    def note(self, writer: str, descriptor: int, lines: Mapping[Heading, bytes]) -> None:
        """Take in lines that this process has just written."""
        if writer not in self._segments:
            self._segments[writer] = Segment(self._folder / "segments", writer)
        self._segments[writer].note(descriptor, lines)

    def _parts(self) -> list[tuple[str, Lines, int, int]]:
        """(writer, the file its lines are in, number of its first line there, how many) of all writers."""
        merged = [(writer, file, *file.place_of(writer)) for file in self._merged.values() for writer in file.places]
        return [*merged, *((writer, segment, 0, segment.lines) for writer, segment in self._segments.items())]

    def _take_generation(self, generation: int) -> bool:
        if generation == self._catalogue.generation:
            return True
        catalogue = self._generations.read(generation)
        if catalogue is None:
            return False
        known, folder = self._merged, self._folder / "merged"
        files = {one.file: known[one.file] if one.file in known else MergedFile(folder, one) for one in catalogue.merged}
        if not all(file.look() for file in files.values()):
            return False
        self._catalogue, self._merged = catalogue, files
        return True

    def _take_segments(self) -> bool:
        folder, merged = self._folder / "segments", {writer for file in self._merged.values() for writer in file.places}
        writers, known = [path.stem for path in segments_in(folder) if path.stem not in merged], self._segments
        self._segments = {writer: known[writer] if writer in known else Segment(folder, writer) for writer in writers}
        gone = [writer for writer, segment in self._segments.items() if not segment.look()]
        for writer in gone:
            del self._segments[writer]
        return not gone

    def _check_version(self) -> None:
        path = self._folder / STORE
        try:
            text = path.read_text("utf-8", errors="replace")
        except FileNotFoundError:
            return
        except (OSError, ValueError) as reason:
            raise failure(path, "read", reason, advice=SHARED_ADVICE) from None
        check_schema(parse(text, max_bytes=100_000, error=StoreError, what=f"file ({path})"), str(self._folder))
