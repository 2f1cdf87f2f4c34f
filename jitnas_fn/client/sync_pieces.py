"""Which parts of which files of a shared store are to be read, so that many writers cost hardly more than one."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jitnas_fn.core.entry import MAX_ENTRY_BYTES
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Cursor
from jitnas_fn.stores.catalogue import CHUNK_BYTES, Catalogue, Part, located

BATCH_BYTES = 4 << 20
BATCH_RUNS = 64  # each is a request: with many open segments something is kept every few seconds


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk that is to be read: `size` bytes of a file from `start` on, after which so many lines of a writer are seen."""

    writer: str
    path: str
    start: int
    size: int
    lines: int
    sha256: str
    seen: int

    def is_followed_by(self, other: "Piece") -> bool:
        """Whether the other lies behind this one in the same file."""
        return (other.path, other.start) == (self.path, self.start + self.size)

    def is_in(self, content: bytes) -> bool:
        """Whether this is its content: by the hash, and the number of lines that the manifest says."""
        is_whole = content.endswith(b"\n") or not content
        return is_whole and content.count(b"\n") == self.lines and hashlib.sha256(content).hexdigest() == self.sha256


def unseen(catalogue: Catalogue, cursor: Cursor) -> list[Piece]:
    """What is to be read, file by file; raises `StoreError` for chunks that nobody makes."""
    return [piece for path, begins, part in located(catalogue) for piece in _unseen(path, begins, part, cursor)]


def batches(pieces: Iterable[Piece]) -> Iterator[list[list[Piece]]]:
    """Runs of neighbouring pieces, each run to be read in one request, and as many as are to be kept at once."""
    batch: list[list[Piece]] = []
    size = 0
    for piece in pieces:
        follows = bool(batch) and batch[-1][-1].is_followed_by(piece)
        if batch and (size + piece.size > BATCH_BYTES or (len(batch) == BATCH_RUNS and not follows)):
            yield batch
            batch, size, follows = [], 0, False
        if follows:
            batch[-1].append(piece)
        else:
            batch.append([piece])
        size += piece.size
    if batch:
        yield batch


def _unseen(path: str, begins: int, part: Part, cursor: Cursor) -> Iterator[Piece]:
    """The chunks of one writer after those that were seen; all of them if the cursor ends within one."""
    seen, edges = cursor.get(part.writer, 0), [0]
    for chunk in part.chunks:
        edges.append(edges[-1] + chunk.lines)
    skip = edges.index(seen) if seen in edges else 0
    if seen > edges[-1]:  # an older manifest than the one seen before
        return
    start = begins + sum(chunk.bytes for chunk in part.chunks[:skip])
    for chunk, end in zip(part.chunks[skip:], edges[skip + 1 :], strict=True):
        if chunk.bytes > CHUNK_BYTES + MAX_ENTRY_BYTES:
            raise StoreError(f"the manifest speaks of a chunk of {chunk.bytes:,} bytes, which is too large")
        yield Piece(part.writer, path, start, chunk.bytes, chunk.lines, chunk.sha256, end)
        start += chunk.bytes
