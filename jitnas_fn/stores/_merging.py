"""Copying lines of several writers into one file, byte for byte, and saying what is in it."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import sync_folder
from jitnas_fn.stores._segment import CLOSING, MergedFile, nothing
from jitnas_fn.stores.careful import opened
from jitnas_fn.stores.catalogue import CHUNK_BYTES, MAX_CATALOGUE_BYTES, Chunk, Merged, Part

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """Lines of one writer and where they are: `bytes` of a file from `begins` on."""

    writer: str
    path: Path
    begins: int
    bytes: int


def source_of(segment: Path) -> Source:
    """All whole lines of a segment; raises `OSError`."""
    with opened(segment) as file:
        return Source(segment.stem, segment, 0, whole_lines(file))


def sources_of(folder: Path, merged: Merged) -> Iterator[Source]:
    """The lines of each writer in a merged file."""
    begins = merged.begins
    for part in merged.parts:
        yield Source(part.writer, folder / merged.file, begins, part.bytes)
        begins += part.bytes


def as_stated(folder: Path, merged: Merged, *, alive: Callable[[], None] = nothing) -> set[str]:
    """The writers whose lines in a merged file are those that the catalogue states; none if the file is lost."""
    found: set[str] = set()
    with contextlib.suppress(FileNotFoundError), opened(folder / merged.file) as file:
        file.seek(merged.begins)
        for part in merged.parts:
            alive()
            digests = [hashlib.sha256(file.read(chunk.bytes)).hexdigest() for chunk in part.chunks]
            if digests == [chunk.sha256 for chunk in part.chunks]:
                found.add(part.writer)
    return found


def merge(folder: Path, sources: Sequence[Source], *, alive: Callable[[], None] = nothing) -> Merged:
    """Make one file of all these lines in `folder`, synced to the disk, with an index.

    Parameters
    ----------
    folder
        Of merged files.
    sources
        What to copy.
    alive
        Called again and again meanwhile; what it raises ends the merging, and nothing of it is left.

    Raises
    ------
    OSError
        If the disk does not take it; nothing of it is left then.
    """
    head = canonical({"merged_version": 1, "writers": [[source.writer, source.bytes] for source in sources]}) + "\n"
    name = secrets.token_hex(16)
    draft = folder / f".{name}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with draft.open("xb") as file:
            file.write(head.encode("ascii"))
            parts = tuple(Part(source.writer, tuple(_copied(source, file, alive=alive))) for source in sources)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(folder / f"{name}.jsonl")
        sync_folder(folder)
    finally:
        draft.unlink(missing_ok=True)
    merged = Merged(f"{name}.jsonl", len(head), parts)
    with contextlib.suppress(OSError):  # readers do without an index
        MergedFile(folder, merged).make_table(alive=alive)
    return merged


def writers_in(merged: Path) -> list[tuple[str, int]]:
    """(writer, bytes) of each writer in a merged file, as its first line says; one that nobody is if it is no such line."""
    with opened(merged) as file:
        line = file.readline(MAX_CATALOGUE_BYTES)
    try:
        fields = parse(line.decode("ascii"), max_bytes=MAX_CATALOGUE_BYTES, error=StoreError, what="merged file")
        return [(str(writer), int(size)) for writer, size in fields["writers"]]
    except (KeyError, TypeError, ValueError, StoreError):
        return [("", 0)]


def grown(part: Part, segment: Path) -> Part:
    """What is known of an open segment, and what came since; raises `OSError`."""
    with opened(segment) as file:
        end = whole_lines(file)
        part = part if part.bytes <= end else replace(part, chunks=())  # what a failed write took back
        file.seek(part.bytes)
        return replace(part, chunks=(*part.chunks, *(chunk for chunk, _ in _chunks(file, end - part.bytes))))


def whole_lines(file: BinaryIO) -> int:
    """Length of a segment up to its last newline, without the line that closes it [bytes]."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        begins = max(0, end - BLOCK_BYTES)
        file.seek(begins)
        newline = file.read(end - begins).rfind(b"\n")
        if newline >= 0:
            end = begins + newline + 1
            break
        end = begins
    file.seek(max(0, end - len(CLOSING)))
    return end - len(CLOSING) if end and file.read(len(CLOSING)) == CLOSING else end


def _copied(source: Source, target: BinaryIO, *, alive: Callable[[], None]) -> Iterator[Chunk]:
    """Copy lines, chunk by chunk."""
    alive()
    with opened(source.path) as file:
        file.seek(source.begins)
        for chunk, content in _chunks(file, source.bytes):
            target.write(content)
            alive()
            yield chunk


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[Chunk, bytes]]:
    """The next `size` bytes, which are whole lines, in chunks."""
    while size > 0:
        content = file.read(min(size, CHUNK_BYTES))
        if not content.endswith(b"\n"):
            content += file.readline()
        if not content or len(content) > size:
            raise StoreError("a segment changed while it was merged")
        size -= len(content)
        yield Chunk(content.count(b"\n"), len(content), hashlib.sha256(content).hexdigest()), content
