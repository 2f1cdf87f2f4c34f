"""Verifying a shared store while others write to it and merge it."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.core.codec import parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.stores._findings import Findings
from jitnas_fn.stores._generations import Generations
from jitnas_fn.stores._progress import Meter, Progress
from jitnas_fn.stores._segment import CLOSING
from jitnas_fn.stores._survey import catalogue_at, copies_in, merged_files, survey
from jitnas_fn.stores._verify_lines import Passed, differing, take_lines
from jitnas_fn.stores._writer import STORE, called_segments
from jitnas_fn.stores.careful import NoPlainFile, content_of, opened
from jitnas_fn.stores.catalogue import Chunk, Merged, check_schema

ROUNDS, PAUSE_SECONDS = 20, 0.2
MAX_STORE_BYTES = 100_000


class _Changed(Exception):
    """Something was merged while it was read."""


def verify_shared(folder: Path, behind: Store | None, progress: Progress) -> Findings:
    """Read all of a shared store; again from the beginning if what was being read was merged meanwhile."""
    for _ in range(ROUNDS):
        with contextlib.suppress(_Changed):
            return _Attempt(folder, behind, progress).made()
        time.sleep(PAUSE_SECONDS)
    raise StoreError(f"{folder} is merged faster than it can be read: try again when less is written to it")


class _Attempt:
    """One reading of the whole store, by one catalogue."""

    def __init__(self, folder: Path, behind: Store | None, progress: Progress) -> None:
        self._folder, self._findings = folder, Findings(behind)
        self._generation, self._catalogue, trouble = catalogue_at(folder)
        if trouble:
            self._findings.bad(folder / "catalogue" / f"{self._generation}.json", 0, trouble)
        self._files = [] if self._catalogue else merged_files(folder)
        self._segments = called_segments(folder / "segments")
        names = [*(folder / "merged" / one.file for one in self._merged), *self._files, *self._segments]
        self._meter = Meter(progress, sum(map(_size_of, names)))

    @property
    def _merged(self) -> tuple[Merged, ...]:
        return self._catalogue.merged if self._catalogue else ()

    def made(self) -> Findings:
        """What was found; raises `_Changed`."""
        check_store(self._folder, self._findings)
        known: dict[str, str] = {}
        for merged in self._merged:
            with self._reading(self._folder / "merged" / merged.file) as path:
                if self._take_merged(path, merged):  # else readers go to the segments that are left of it
                    known |= {part.writer: merged.file for part in merged.parts}
        for path in self._files:
            with self._reading(path):
                known |= {copy.writer: path.name for copy in copies_in(path)}
                self._take(path, passed=_is_head)
        open_ = {part.writer: part.chunks for part in self._catalogue.open} if self._catalogue else {}
        for path in self._segments:
            if path.stem not in known:
                with self._reading(path):
                    self._take_segment(path, open_.pop(path.stem, ()))
        self._check_nothing_is_missing(writer for writer in open_ if writer not in known)
        self._findings.finish()
        return self._findings

    def _take_merged(self, path: Path, merged: Merged) -> bool:
        """Whether it has its length at least."""
        with opened(path) as file:
            chunks = [chunk for part in merged.parts for chunk in part.chunks]
            for what in differing(file, merged.begins, chunks, meter=self._meter):
                self._findings.bad(path, 0, what)
            size = file.seek(0, 2)
        if size > merged.bytes:
            self._findings.bad(path, 0, f"it has {size - merged.bytes:,} bytes more than the catalogue states")
        stated, found = [(part.writer, part.bytes) for part in merged.parts], []
        with contextlib.suppress(StoreError):
            found = [(copy.writer, copy.stated) for copy in copies_in(path)]
        if stated != found:
            self._findings.bad(path, 1, "its first line does not name the writers that the catalogue states")
        self._take(path, passed=_is_head)
        return size >= merged.bytes

    def _take_segment(self, path: Path, chunks: tuple[Chunk, ...]) -> None:
        with opened(path) as file:
            for what in differing(file, 0, chunks, meter=self._meter):
                self._findings.bad(path, 0, what)
        self._take(path, passed=_is_closing)

    def _take(self, path: Path, *, passed: Passed) -> None:
        with opened(path) as file:
            take_lines(file, path, self._findings, meter=self._meter, passed=passed)

    def _check_nothing_is_missing(self, gone: Iterator[str]) -> None:
        """Find what no reader sees: segments that were there, and merged files that the catalogue should name."""
        for writer in gone:
            self._findings.bad(self._folder / "segments" / f"{writer}.jsonl", 0, "it is missing; the catalogue states it")
        if self._catalogue is None:
            return
        try:
            unseen = survey(self._folder).unseen(self._catalogue)
        except FileNotFoundError:
            raise _Changed from None
        if unseen and not self._is_current():
            raise _Changed
        for copy, seen in unseen:
            what = f"{copy.bytes - seen:,} bytes of writer {copy.writer[:8]}… are only in it, and not where the catalogue says"
            self._findings.bad(copy.path, 0, f"{what}: `jitnas cache repair` changes that")

    @contextlib.contextmanager
    def _reading(self, path: Path) -> Iterator[Path]:
        """Note what cannot be read, unless it is because somebody is merging."""
        try:
            yield path
        except NoPlainFile as reason:
            self._findings.bad(path, 0, reason)
        except OSError as reason:
            if path.parent.name == "segments" or not self._is_current():
                raise _Changed from None
            what = "it is missing; the catalogue states it" if isinstance(reason, FileNotFoundError) else f"{reason}"
            self._findings.bad(path, 0, what)

    def _is_current(self) -> bool:
        return Generations(self._folder / "catalogue").newest_called() == self._generation


def _is_head(number: int, line: bytes) -> bool:
    return number == 1


def _is_closing(number: int, line: bytes) -> bool:
    return line == CLOSING


def check_store(folder: Path, findings: Findings) -> None:
    """Look whether the folder says that it is a shared store; raises `NewerVersion`."""
    path = folder / STORE
    try:
        text = content_of(path, most_bytes=MAX_STORE_BYTES).decode("utf-8", "replace")
        check_schema(parse(text, max_bytes=MAX_STORE_BYTES, error=StoreError, what=f"file ({STORE})"), str(folder))
    except FileNotFoundError:
        return
    except OSError as reason:
        findings.bad(path, 0, reason)


def _size_of(path: Path) -> int:
    """How much [bytes] will be read of a file."""
    try:
        return 2 * path.stat().st_size
    except OSError:
        return 0
