"""Where the lines of each writer of a shared store lie, found without a catalogue: what is in one is held against it.

Lines of one writer may lie in several merged files, of which all but one are superseded, and in a segment. They are the same
lines, but the one copy may have more of them.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.codec import parse
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores._disk import names_in
from jitnas_fn.stores._generations import Generations
from jitnas_fn.stores._merging import whole_lines
from jitnas_fn.stores._writer import called_segments
from jitnas_fn.stores.careful import content_of, opened, whole_end
from jitnas_fn.stores.catalogue import MAX_CATALOGUE_BYTES, WRITER, Catalogue

MERGED_VERSION = 1
LOOKS = 200


@dataclass(frozen=True, slots=True)
class Copy:
    """Lines of one writer.

    Attributes
    ----------
    writer
        Whose.
    path
        The segment or merged file that they lie in.
    begins, bytes
        Where, and how much is really there, in whole lines. [bytes]
    stated
        How much should be there. [bytes]
    merged
        Whether it is a merged file.
    """

    writer: str
    path: Path
    begins: int
    bytes: int
    stated: int
    merged: bool


@dataclass(slots=True)
class Survey:
    """All copies in one shared store.

    Attributes
    ----------
    copies
        Of each writer.
    headless
        Merged files that do not say whose lines they hold, and why not.
    """

    copies: dict[str, list[Copy]] = field(default_factory=dict)
    headless: dict[Path, str] = field(default_factory=dict)

    def best(self, writer: str) -> Copy | None:
        """The copy with the most lines of a writer; of several the one in the largest merged file, None if there is none."""
        copies = self.copies.get(writer, [])
        return max(copies, key=lambda copy: (copy.bytes, copy.merged, _size(copy), copy.path.name), default=None)

    def seen_of(self, writer: str, merged: dict[str, str]) -> int:
        """How much of a writer [bytes] readers see who know which writers lie in which merged file."""
        place = merged.get(writer)
        return max(
            (copy.bytes for copy in self.copies.get(writer, []) if (copy.path.name if copy.merged else None) == place),
            default=0,
        )

    def unseen(self, catalogue: Catalogue) -> list[tuple[Copy, int]]:
        """Copies with lines that nobody sees who goes by this catalogue, and how much [bytes] is seen of their writers."""
        merged = place_of_writers(catalogue)
        best = [copy for writer in sorted(self.copies) if (copy := self.best(writer))]
        return [(copy, seen) for copy in best if (seen := self.seen_of(copy.writer, merged)) < copy.bytes]

    def lost(self, catalogue: Catalogue) -> list[tuple[str, int]]:
        """Writers of whom a catalogue states more than is anywhere, and how much [bytes] is missing."""
        parts = [*(part for one in catalogue.merged for part in one.parts), *catalogue.open]
        stated: dict[str, int] = {}
        for part in parts:
            stated[part.writer] = max(stated.get(part.writer, 0), part.bytes)
        there = {writer: copy.bytes if (copy := self.best(writer)) else 0 for writer in stated}
        return [(writer, size - there[writer]) for writer, size in sorted(stated.items()) if there[writer] < size]


def catalogue_at(folder: Path) -> tuple[int, Catalogue | None, str]:
    """The newest catalogue of a shared store.

    Returns
    -------
    (int, Catalogue | None, str)
        Its number, itself, or else what is wrong with it.

    Raises
    ------
    NewerVersion
        If a later version of jitnas_fn wrote it.
    StoreError
        If the folder cannot be read.
    """
    generations = Generations(folder / "catalogue")
    for _ in range(LOOKS):
        number = generations.newest_called()
        if not number:
            return 0, Catalogue(), ""
        try:
            content = content_of(folder / "catalogue" / f"{number}.json", most_bytes=MAX_CATALOGUE_BYTES)
            catalogue = Catalogue.from_json(content.decode("utf-8", "replace"))
        except FileNotFoundError:  # a newer one took its place
            continue
        except OSError as reason:
            return number, None, str(reason)
        if catalogue.generation != number:
            return number, None, f"it calls itself generation {catalogue.generation}"
        return number, catalogue, ""
    raise StoreError(f"{folder} changes faster than it can be read: try again")


def place_of_writers(catalogue: Catalogue) -> dict[str, str]:
    """Writer → name of its merged file."""
    return {part.writer: merged.file for merged in catalogue.merged for part in merged.parts}


def survey(folder: Path) -> Survey:
    """Look at all segments and merged files of a shared store.

    Raises
    ------
    NewerVersion
        If a later version of jitnas_fn merged something.
    OSError
        If the disk refuses, or a file vanishes meanwhile.
    """
    found = Survey()
    for path in called_segments(folder / "segments"):
        try:
            with opened(path) as file:
                size = whole_lines(file)
        except StoreError:  # no file: told by whoever reads the lines
            continue
        found.copies.setdefault(path.stem, []).append(Copy(path.stem, path, 0, size, size, merged=False))
    for path in merged_files(folder):
        try:
            copies = list(copies_in(path))
        except NewerVersion:
            raise
        except StoreError as reason:
            found.headless[path] = str(reason)
            continue
        for copy in copies:
            found.copies.setdefault(copy.writer, []).append(copy)
    return found


def merged_files(folder: Path) -> list[Path]:
    """Everything that has the name of a merged file."""
    try:
        names = names_in(folder / "merged")
    except FileNotFoundError:
        return []
    return [folder / "merged" / name for name in sorted(names) if name.endswith(".jsonl") and WRITER.fullmatch(name[:-6])]


def copies_in(path: Path) -> Iterator[Copy]:
    """Whose lines a merged file holds, as its first line says; raises `StoreError` if it does not say so."""
    with opened(path) as file:
        head = file.readline(MAX_CATALOGUE_BYTES)
        fields = parse(head.decode("utf-8", "replace"), max_bytes=MAX_CATALOGUE_BYTES, error=StoreError, what="merged file")
        version = fields.get("merged_version")
        if type(version) is int and version > MERGED_VERSION:
            raise NewerVersion(f"{path} has format {version}; this jitnas_fn reads up to {MERGED_VERSION}: please upgrade")
        begins = len(head)
        for writer, size in _writers(fields.get("writers") if version == MERGED_VERSION else None):
            yield Copy(writer, path, begins, _there(file, begins, size), size, merged=True)
            begins += size


def _writers(fields: object) -> list[tuple[str, int]]:
    """Writers and how much there is of each [bytes], each once; raises `StoreError` for anything else."""
    pairs = [tuple(pair) for pair in fields if isinstance(pair, list)] if isinstance(fields, list) else []
    fits = bool(pairs) and all(
        len(pair) == 2 and WRITER.fullmatch(str(pair[0])) and type(pair[1]) is int and 0 <= pair[1] < 1 << 62 for pair in pairs
    )
    if not fits or len({pair[0] for pair in pairs}) < len(pairs):
        raise StoreError("its first line does not say whose lines it holds")
    return [(str(writer), size) for writer, size in pairs]


def _there(file: BinaryIO, begins: int, size: int) -> int:
    """How much of a part [bytes] is there, in whole lines."""
    there = min(size, max(0, file.seek(0, io.SEEK_END) - begins))
    return max(0, whole_end(file, begins + there) - begins)


def _size(copy: Copy) -> int:
    return copy.path.stat().st_size if copy.merged else 0
