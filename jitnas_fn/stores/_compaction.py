"""Merging segments whose writers have ended into few large files, while everybody goes on reading and writing.

Nothing is removed before a catalogue says where it is now, nor while readers of the catalogue before may still need it. A
compactor that is killed leaves what the next one finishes. One that is stopped, and comes back when another has been at work,
cannot make its catalogue the newest: only then would it remove anything, and only what was there before. A merged file that
was lost, cut or damaged stays as it is and is named, so that it is told; what is still there of its writers is kept.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import SHARED_ADVICE, failure, names_in, sync_folder, write_new
from jitnas_fn.stores._generations import Generations
from jitnas_fn.stores._merging import Source, as_stated, grown, merge, source_of, sources_of, whole_lines, writers_in
from jitnas_fn.stores._segment import CLOSING, MERGING, OPEN
from jitnas_fn.stores._writer import segments_in
from jitnas_fn.stores.careful import opened
from jitnas_fn.stores.catalogue import MANIFEST, Catalogue, Merged, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What one compaction did.

    Attributes
    ----------
    generation
        Of the catalogue that it made.
    segments, lines, bytes
        How much was merged.
    """

    generation: int
    segments: int
    lines: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compactor:
    """Merges the segments of one shared store. The caller holds its lease.

    Attributes
    ----------
    folder
        Of the store.
    idle_seconds
        After which a segment that was not closed is merged all the same: its writer was killed, or begins another. [seconds]
    keep_seconds
        How long what was merged stays for those who still read it. [seconds]
    clock
        Seconds since 1970.
    alive
        Says that this compactor lives; called for each file and chunk, and before anything is changed for good. What it raises
        ends the compaction.
    """

    folder: Path
    idle_seconds: float
    keep_seconds: float
    clock: Callable[[], float]
    alive: Callable[[], None]

    def compact(self) -> Compaction | None:
        """Merge what can be merged and make it known; None if somebody else was first. Raises `StoreError`."""
        generations = Generations(self.folder / "catalogue")
        before = generations.read(generations.newest())
        try:
            return None if before is None else self._compacted(generations, before)
        except StoreError:
            raise
        except OSError as reason:
            raise failure(self.folder, "merged", reason, advice=SHARED_ADVICE) from None

    def _compacted(self, generations: Generations, before: Catalogue) -> Compaction | None:
        sources = [self._source(path) for path in self._ripe(before)]
        files = self._worth_merging(before.merged, sum(source.bytes for source in sources)) if sources else ()
        inner = [source for file in files for source in sources_of(self._merged_folder, file)]
        merged = merge(self._merged_folder, [*inner, *sources], alive=self.alive) if sources else None
        after = self._catalogue(before, merged, files)
        rubbish = self._unnamed({one.file for one in (*before.merged, *after.merged)})
        if not self._committed(generations, after, merged):
            return None
        for file in files:  # from now on nobody new reads them
            with contextlib.suppress(OSError):
                os.utime(self._merged_folder / file.file)
        self._clear(after, rubbish)
        generations.forget(older_than=self.clock() - self.keep_seconds)
        self._point_to(generations, after)
        taken = merged.parts[len(inner) :] if merged else ()
        return Compaction(
            generation=after.generation,
            segments=len(taken),
            lines=sum(part.lines for part in taken),
            bytes=sum(part.bytes for part in taken),
        )

    def _committed(self, generations: Generations, after: Catalogue, merged: Merged | None) -> bool:
        """Whether this became the newest catalogue. If it did not, what was merged for it takes no room."""
        done = False
        try:
            self.alive()
            done = generations.commit(after)
        finally:
            newest = None if done else generations.read(generations.newest())
            if newest is not None and merged is not None and merged not in newest.merged:
                for name in (merged.file, f"{merged.file}.index"):
                    with contextlib.suppress(OSError):
                        (self._merged_folder / name).unlink()
        return done

    @property
    def _merged_folder(self) -> Path:
        return self.folder / "merged"

    def _worth_merging(self, merged: tuple[Merged, ...], size: int) -> tuple[Merged, ...]:
        """Merged files not much larger than what comes, the smallest first: so lines are copied a few times only."""
        found: list[Merged] = []
        for one in sorted(merged, key=lambda one: one.bytes):
            if one.bytes > 2 * size:
                break
            if len(as_stated(self._merged_folder, one, alive=self.alive)) == len(one.parts):
                found.append(one)
                size += one.bytes
        return tuple(one for one in merged if one in found)  # in the order in which they came

    def _ripe(self, catalogue: Catalogue) -> list[Path]:
        """Segments to be merged: closed ones, those nobody has written to for long, and those that a killed compactor began."""
        known = {part.writer for merged in catalogue.merged for part in merged.parts}
        found = [path for path in segments_in(self.folder / "segments") if path.stem not in known]
        ended = [path for path in found if path.suffix == MERGING or self._has_ended(path)]
        return sorted(ended, key=lambda path: path.stat().st_mtime)

    def _has_ended(self, path: Path) -> bool:
        with opened(path) as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, status.st_size - len(CLOSING)))
            return file.read() == CLOSING or self.clock() - status.st_mtime > self.idle_seconds

    def _source(self, path: Path) -> Source:
        self.alive()
        return source_of(self._taken(path))

    def _taken(self, path: Path) -> Path:
        """Take a segment from its writer, who looks after each line whether it is still there. Only then may it be read."""
        if path.suffix == MERGING:
            return path
        return path.rename(path.with_suffix(MERGING))

    def _catalogue(self, before: Catalogue, merged: Merged | None, files: tuple[Merged, ...]) -> Catalogue:
        kept = tuple(one for one in before.merged if one not in files)
        now = (*kept, merged) if merged else kept
        known = {part.writer for one in now for part in one.parts}
        seen = {part.writer: part for part in before.open}
        paths = [path for path in segments_in(self.folder / "segments") if path.stem not in known]
        parts = [self._grown(seen.get(path.stem, Part(path.stem, ())), path) for path in paths]
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.clock()))
        return Catalogue(before.generation + 1, created, now, tuple(part for part in parts if part.chunks))

    def _grown(self, part: Part, path: Path) -> Part:
        self.alive()
        return grown(part, path)

    def _unnamed(self, named: set[str]) -> list[Path]:
        """Merged files, and what belongs to them, that no catalogue names any longer, or yet."""
        try:
            names = names_in(self._merged_folder)
        except FileNotFoundError:
            return []
        return [self._merged_folder / name for name in names if name.removesuffix(".index") not in named]

    def _clear(self, catalogue: Catalogue, rubbish: list[Path]) -> None:
        """Remove what was merged some time ago; what came late into such a segment becomes one of its own."""
        sizes: dict[str, int] = {}
        old = {path.stem: path for path in segments_in(self.folder / "segments") if self._is_old(path)}
        for merged in filter(self._has_its_size, catalogue.merged):
            of_file = {part.writer: part.bytes for part in merged.parts}
            sizes |= of_file
            if old.keys() & of_file.keys():  # this was merged not long ago
                for writer in as_stated(self._merged_folder, merged, alive=self.alive) & old.keys():
                    _rescue(old[writer], of_file[writer])
                    old[writer].unlink()
        for path in rubbish:
            with contextlib.suppress(FileNotFoundError):
                if self._is_old(path) and (path.suffix != ".jsonl" or self._is_elsewhere(path, sizes)):
                    path.unlink()

    def _is_elsewhere(self, path: Path, sizes: dict[str, int]) -> bool:
        """Whether all lines of a merged file are in others, or in segments. After a catalogue was lost they are not."""
        folder = self.folder / "segments"
        known = {segment.stem: segment.stat().st_size for segment in segments_in(folder)} | sizes
        return all(known.get(writer, -1) >= size for writer, size in writers_in(path))

    def _has_its_size(self, merged: Merged) -> bool:
        """Whether a merged file was neither lost nor cut."""
        try:
            return (self._merged_folder / merged.file).stat().st_size >= merged.bytes
        except FileNotFoundError:
            return False

    def _is_old(self, path: Path) -> bool:
        """Whether a file was last changed, in its content or name, so long ago that nobody needs it for reading."""
        status = path.stat()
        return self.clock() - max(status.st_mtime, status.st_ctime) > self.keep_seconds

    def _point_to(self, generations: Generations, catalogue: Catalogue) -> None:
        """Copy the newest catalogue to where it is looked for from afar."""
        newest: Catalogue | None = catalogue
        while newest is not None:
            draft = self.folder / f".{secrets.token_hex(8)}"
            try:
                write_new(draft, newest.to_json().encode("ascii") + b"\n")
                draft.replace(self.folder / MANIFEST)
            finally:
                draft.unlink(missing_ok=True)
            number = generations.newest()
            newest = generations.read(number) if number > newest.generation else None


def _rescue(path: Path, merged: int) -> None:
    """Give lines that were written behind the first `merged` bytes a segment of their own."""
    with opened(path) as file:
        end = whole_lines(file)
        file.seek(merged)
        late = file.read(max(0, end - merged))
    if late:
        draft = path.with_name(f".{path.stem}.{secrets.token_hex(4)}")
        write_new(draft, late + CLOSING)
        draft.rename(path.with_name(f"{secrets.token_hex(16)}{OPEN}"))
        sync_folder(path.parent)
