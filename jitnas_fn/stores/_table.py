"""An index of a file of lines on the disk: where each record and document is, found without reading the file.

It is made anew when it is stale, never changed: written beside the file under another name and put in place at once. Nothing
depends on it, since every line is verified when it is read; without it, or with a damaged one, the lines are looked through.

After one line of JSON ({table_version, lines, bytes, first, last, sections, left_out, crc32}) come, little-endian and without
gaps: the end of each line (8 bytes); for each record its key, id (32 bytes each) and line (8 bytes, the highest bit for a
redacted copy), sorted; the places of these rows (4 bytes) in the order of ids; for each document fingerprint (32) and line
(8 bytes), sorted; ids of retracted records and hashes of other entries (32 bytes each), sorted. `first` and `last` are the
SHA-256 of the first and last line, by which the file is known again.
"""

import hashlib
import os
import secrets
import sys
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores.careful import opened

VERSION = 1
MAX_HEADER_BYTES = 1_000_000
MOST_BYTES = 4 << 30  # of a table
SHUT = 1 << 63
RECORD, PLACE, DOCUMENT, NAME, END = 72, 4, 40, 32, 8  # bytes of a row
ROWS = (END, RECORD, PLACE, DOCUMENT, NAME, NAME)


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its id, the number of its line, and whether that is a redacted copy."""

    record_id: str
    number: int
    shut: bool


class Table:
    """An index as it lies on the disk. It is read, not mapped: somebody may cut the file.

    Attributes
    ----------
    lines, bytes
        How much of the file it covers.
    first, last
        SHA-256 of the first and of the last line covered.
    left_out
        Numbers of damaged lines.
    ends
        End of each line, shape (lines,). [bytes]
    """

    def __init__(self, content: bytes) -> None:
        begins = content.find(b"\n", 0, MAX_HEADER_BYTES) + 1
        text = content[:begins].decode("ascii")
        fields = parse(text, max_bytes=MAX_HEADER_BYTES, error=StoreError, what="index")
        body = memoryview(content)[begins:]
        if sys.byteorder != "little" or fields["table_version"] != VERSION or zlib.crc32(body) != fields["crc32"]:
            raise ValueError("another version or machine, or damaged")
        self.lines, self.bytes = int(fields["lines"]), int(fields["bytes"])
        self.first, self.last, self.left_out = fields["first"], fields["last"], set(fields["left_out"])
        sections, start = [], begins
        for count, width in zip([self.lines, *fields["sections"]], ROWS, strict=True):
            sections.append(_Rows(content, start, width, count))
            start += count * width
        ends, self._records, places, self._documents, self._retracted, self._others = sections
        self.ends, self._places = ends.cast("Q"), places.cast("I")

    @classmethod
    def opened(cls, path: Path) -> "Table | None":
        """The table at `path`; None where there is none that can be used."""
        try:
            with opened(path, follow=True) as file:
                size = os.fstat(file.fileno()).st_size
                return cls(file.read(size)) if size <= MOST_BYTES else None
        except (OSError, ValueError, LookupError, TypeError, StoreError):
            return None

    def rows_under(self, key: str) -> list[Row]:
        """The records under a key."""
        return [self._row(at) for at in self._records.named(_name(key))]

    def rows_of(self, record_id: str) -> list[Row]:
        """Every line of one record."""
        name, places, found = bytes.fromhex(record_id), self._places, []
        at = bisect_left(places, name, key=lambda place: self._records[place][32:64])
        while at < len(places) and (row := self._row(places[at])).record_id == record_id:
            found.append(row)
            at += 1
        return found

    def lines_of_document(self, fingerprint: str) -> list[int]:
        """Numbers of the lines with the document of an architecture."""
        return [int.from_bytes(self._documents[at][32:], "little") for at in self._documents.named(_name(fingerprint))]

    def is_retracted(self, record_id: str) -> bool:
        """Whether a retraction of this record is on a line covered."""
        return bool(self._retracted.named(bytes.fromhex(record_id)))

    def has_other(self, digest: str) -> bool:
        """Whether an entry of another kind, with this hash, is on a line covered."""
        return bool(self._others.named(bytes.fromhex(digest)))

    def rows(self) -> Iterator[Row]:
        """All records, in the order of their lines."""
        return iter(sorted(map(self._row, range(len(self._places))), key=lambda row: row.number))

    def raw(self) -> tuple[list[bytes], list[bytes], list[bytes], list[bytes]]:
        """Rows of records, documents, retractions and others, as a new table takes them over."""
        return list(self._records), list(self._documents), list(self._retracted), list(self._others)

    def _row(self, at: int) -> Row:
        row = self._records[at]
        number = int.from_bytes(row[64:], "little")
        return Row(row[32:64].hex(), number & ~SHUT, bool(number & SHUT))


class _Rows(Sequence[bytes]):
    """Rows of one width, one after another; those of `named` are sorted by their first 32 bytes."""

    def __init__(self, content: bytes, begins: int, width: int, count: int) -> None:
        self._content, self._begins, self._width, self._count = content, begins, width, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: Any) -> Any:
        if not 0 <= at < self._count:
            raise IndexError(at)
        begins = self._begins + at * self._width
        return self._content[begins : begins + self._width]

    def named(self, name: bytes) -> list[int]:
        """Places of the rows that begin with these 32 bytes."""
        content, begins, width = self._content, self._begins, self._width
        first = bisect_left(range(self._count), name, key=lambda at: content[begins + at * width : begins + at * width + 32])
        end = first
        while end < self._count and self[end][:32] == name:
            end += 1
        return list(range(first, end))

    def cast(self, form: Any) -> Any:
        """All of it as numbers."""
        return memoryview(self._content)[self._begins : self._begins + self._count * self._width].cast(form)


def record_row(key: str, row: Row) -> bytes:
    """The row of a record in a table."""
    return _name(key) + bytes.fromhex(row.record_id) + (row.number | SHUT * row.shut).to_bytes(8, "little")


def document_row(fingerprint: str, number: int) -> bytes:
    """The row of a document in a table."""
    return _name(fingerprint) + number.to_bytes(8, "little")


def write_table(  # noqa: PLR0913  the sections of a file
    path: Path,
    *,
    ends: bytes,
    end: int,
    first: bytes,
    last: bytes,
    records: Iterable[bytes],
    documents: Iterable[bytes],
    retracted: Iterable[bytes],
    others: Iterable[bytes],
    left_out: Iterable[int],
) -> None:
    """Put a table in place of the one at `path`; raises `OSError` if the disk takes none.

    Parameters
    ----------
    path
        Where to.
    ends, end
        End of each line (8 bytes each), and of the last one. [bytes]
    first, last
        The first and the last line.
    records, documents, retracted, others
        Rows, in any order.
    left_out
        Numbers of damaged lines.
    """
    rows = sorted(records)
    places = sorted(range(len(rows)), key=lambda place: rows[place][32:64])
    sections = [rows, [place.to_bytes(4, "little") for place in places], *map(sorted, (documents, retracted, others))]
    body = b"".join([ends, *(b"".join(section) for section in sections)])
    header = {
        "table_version": VERSION,
        "lines": len(ends) // END,
        "bytes": end,
        "first": hashlib.sha256(first).hexdigest(),
        "last": hashlib.sha256(last).hexdigest(),
        "sections": [len(section) for section in sections],
        "left_out": sorted(left_out),
        "crc32": zlib.crc32(body),
    }
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        draft.write_bytes(canonical(header).encode("ascii") + b"\n" + body)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _name(key: str) -> bytes:
    """32 bytes for a hash, or for the id of an opaque model."""
    return bytes.fromhex(key) if len(key) == 64 else hashlib.sha256(key.encode("ascii")).digest()
