"""Making the catalogue of a shared store anew from its merged files, where it is lost or names what is no longer there.

Of each writer the copy with the most lines counts (`jitnas_fn.stores._survey`). A merged file all of whose lines count is named
as it is; lines that count in another are copied into a new merged file; so no line is lost and none is named twice. Nothing is
removed: what the catalogue does not name is left to the compactor, who gives readers time.
"""

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores._disk import write_new
from jitnas_fn.stores._generations import Generations
from jitnas_fn.stores._merging import Source, _chunks, grown, merge
from jitnas_fn.stores._survey import Copy, catalogue_at, merged_files, survey
from jitnas_fn.stores._writer import called_segments
from jitnas_fn.stores.careful import content_of, kind_of, opened
from jitnas_fn.stores.catalogue import MANIFEST, MAX_CATALOGUE_BYTES, Catalogue, Merged, Part

MOST_GENERATIONS = 10**11


class Rebuilding:
    """One look at a shared store, and what follows from it. The caller holds the compactor's lease.

    Parameters
    ----------
    folder
        Of the store.
    clock
        Seconds since 1970.

    Attributes
    ----------
    is_needed
        Whether readers miss something that a new catalogue would show them.
    lost
        What nobody can read and no catalogue brings back, in words. As long as a catalogue states such a thing, none is made
        in its place: it would be forgotten.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder, clock
        self._generation, catalogue, trouble = catalogue_at(folder)
        self._survey = survey(folder)
        self._is_gone = catalogue is None or not self._generation  # then a file that says nothing is nowhere described
        self._copied = _copy_of_catalogue(folder)
        stated = self._copied if self._is_gone else catalogue
        self.lost = list(self._missing(stated)) if stated else []
        unseen = self._survey.unseen(catalogue or Catalogue())
        self.is_needed = bool(trouble or (unseen and (self._is_gone or not self.lost)))

    def made(self) -> int:
        """Make the catalogue; its generation.

        Raises
        ------
        StoreError
            If somebody else made one meanwhile.
        OSError
            If the disk refuses.
        """
        if self._is_gone:
            self.lost += list(self._moved_aside())
        best = [copy for writer in sorted(self._survey.copies) if (copy := self._survey.best(writer)) and copy.merged]
        chosen = frozenset(best)
        kept = [path for path in merged_files(self._folder) if self._counts_in_full(path, chosen)]
        merged = [_described(path, [copy for copy in best if copy.path == path]) for path in kept]
        rest = [Source(copy.writer, copy.path, copy.begins, copy.bytes) for copy in best if copy.path not in kept]
        if rest:
            merged.append(merge(self._folder / "merged", rest))
        self._spare({one.file for one in merged})
        return self._committed(tuple(merged))

    def _missing(self, stated: Catalogue) -> Iterator[str]:
        for writer, size in self._survey.lost(stated):
            yield f"{size:,} bytes of writer {writer[:8]}…, which the catalogue states, are nowhere: get them from a backup"

    def _moved_aside(self) -> Iterator[str]:
        """Keep what cannot be named in a catalogue from the compactor, who removes what is not named."""
        for path, reason in self._survey.headless.items():
            if not kind_of(path):
                aside = self._folder / "aside"
                aside.mkdir(exist_ok=True)
                path.rename(aside / path.name)
                yield f"merged/{path.name} does not say whose lines it holds ({reason}): moved to aside"

    def _counts_in_full(self, path: Path, best: frozenset[Copy]) -> bool:
        """Whether all lines of a merged file are the best copies, and it holds nothing else."""
        here = [copy for copies in self._survey.copies.values() for copy in copies if copy.path == path]
        end = max((copy.begins + copy.stated for copy in here), default=0)
        return bool(here) and all(copy in best and copy.bytes == copy.stated for copy in here) and path.stat().st_size == end

    def _spare(self, named: set[str]) -> None:
        """Begin the time that superseded files are kept for those who read them."""
        for path in merged_files(self._folder):
            if path.name not in named and not kind_of(path):
                with contextlib.suppress(OSError):
                    os.utime(path, follow_symlinks=False)

    def _committed(self, merged: tuple[Merged, ...]) -> int:
        known = {part.writer for one in merged for part in one.parts}
        paths = [path for path in called_segments(self._folder / "segments") if path.stem not in known and not kind_of(path)]
        parts = [grown(Part(path.stem, ()), path) for path in paths]
        copied = self._copied.generation if self._copied else 0
        number = 1 + max(self._generation, copied if copied < MOST_GENERATIONS else 0)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock()))
        catalogue = Catalogue(number, created, merged, tuple(part for part in parts if part.chunks))
        if not Generations(self._folder / "catalogue").commit(catalogue):
            raise StoreError(f"somebody else merged {self._folder} while its catalogue was made: run repair again")
        draft = self._folder / f".{secrets.token_hex(8)}"
        try:
            write_new(draft, catalogue.to_json().encode("ascii") + b"\n")
            draft.replace(self._folder / MANIFEST)
        finally:
            draft.unlink(missing_ok=True)
        return number


def _copy_of_catalogue(folder: Path) -> Catalogue | None:
    """What MANIFEST.json says; None if it says nothing."""
    try:
        content = content_of(folder / MANIFEST, most_bytes=MAX_CATALOGUE_BYTES)
        return Catalogue.from_json(content.decode("utf-8", "replace"))
    except NewerVersion:
        raise
    except OSError:
        return None


def _described(path: Path, copies: list[Copy]) -> Merged:
    """A merged file as a catalogue names it."""
    ordered = sorted(copies, key=lambda copy: copy.begins)
    with opened(path) as file:
        parts = []
        for copy in ordered:
            file.seek(copy.begins)
            parts.append(Part(copy.writer, tuple(chunk for chunk, _ in _chunks(file, copy.bytes))))
    return Merged(path.name, ordered[0].begins, tuple(parts))
