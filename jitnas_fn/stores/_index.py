"""What a store knows of its lines without reading them: where each record and document is, and what is retracted."""

from array import array
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.stores._lines import Heading
from jitnas_fn.stores._table import SHUT, Row, Table, document_row, record_row, write_table


class Index:
    """Headings by what they are asked for. Numbers are those of the lines, from 0.

    A line may not hold what its heading says: that is known when it is read. So all lines of a name are kept, and one that
    turns out to be damaged is forgotten.

    Parameters
    ----------
    table
        An index on the disk, which covers the first lines; None for an empty one. What is added is kept in memory.
    """

    def __init__(self, table: Table | None = None) -> None:
        self._table = table
        self._records: dict[str, list[Row]] = {}
        self._by_key: dict[str, list[Row]] = {}
        self._documents: dict[str, list[int]] = {}
        self._retracted: set[str] = set()
        self._others: set[str] = set()
        self._forgotten: set[int] = set()

    def knows(self, heading: Heading) -> bool:
        """Whether a line with this heading adds nothing. A full record adds to its redacted copy."""
        if heading.kind in ("record", "architecture"):
            return bool(self.lines_of(heading))
        if heading.kind == "retraction":
            return self.is_retracted(heading.name)
        return heading.name in self._others or (self._table is not None and self._table.has_other(heading.name))

    def add(self, heading: Heading, number: int) -> None:
        """Take in the heading of line `number`."""
        if heading.kind == "record":
            row = Row(heading.name, number, heading.shut)
            self._records.setdefault(heading.name, []).append(row)
            self._by_key.setdefault(heading.key, []).append(row)  # of one record another line may state another key
        elif heading.kind == "architecture":
            self._documents.setdefault(heading.name, []).append(number)
        else:
            (self._retracted if heading.kind == "retraction" else self._others).add(heading.name)

    def forget(self, number: int) -> None:
        """Line `number` turned out to be damaged: what it was thought to hold may be written again."""
        self._forgotten.add(number)

    def lines_under(self, key: str) -> list[list[int]]:
        """For each record under `key` that is not retracted its lines, the fullest first."""
        rows = self._table.rows_under(key) if self._table else []
        rows += self._by_key.get(key, ())
        found: dict[str, list[Row]] = {}
        for row in rows:
            found.setdefault(row.record_id, []).append(row)
        return [[row.number for row in self._whole(same)] for name, same in found.items() if not self.is_retracted(name)]

    def lines_of(self, heading: Heading) -> list[int]:
        """Lines that have all that a line with this heading, of a record or document, would have."""
        if heading.kind == "architecture":
            return self.lines_of_document(heading.name)
        return [row.number for row in self._rows(heading.name) if heading.shut or not row.shut]

    def lines_of_record(self, record_id: str) -> list[int]:
        """Lines of a record, the fullest first."""
        return [row.number for row in self._rows(record_id)]

    def lines_of_document(self, fingerprint: str) -> list[int]:
        """Lines with the document of an architecture."""
        numbers = self._table.lines_of_document(fingerprint) if self._table else []
        return [number for number in (*numbers, *self._documents.get(fingerprint, ())) if number not in self._forgotten]

    def record_ids(self) -> Iterator[str]:
        """Ids of all records that are not retracted, in the order of their lines."""
        first: dict[str, int] = {}
        for row in self._table.rows() if self._table else ():
            if row.number not in self._forgotten:
                first.setdefault(row.record_id, row.number)
        for name, rows in self._records.items():
            if name not in first and any(row.number not in self._forgotten for row in rows):
                first[name] = rows[0].number
        return (name for name in first if not self.is_retracted(name))

    def is_retracted(self, record_id: str) -> bool:
        """Whether a retraction of this record was seen."""
        return record_id in self._retracted or (self._table is not None and self._table.is_retracted(record_id))

    def _rows(self, record_id: str) -> list[Row]:
        """What is known of a record, full copies first."""
        return self._whole([*(self._table.rows_of(record_id) if self._table else ()), *self._records.get(record_id, ())])

    def _whole(self, rows: list[Row]) -> list[Row]:
        """Those that are not forgotten, full copies first."""
        if len(rows) > 1:
            rows.sort(key=lambda row: (row.shut, row.number))
        return [row for row in rows if row.number not in self._forgotten] if self._forgotten else rows

    def write(self, path: Path, *, ends: bytes, first: bytes, last: bytes, left_out: set[int]) -> None:
        """Put everything known into a table at `path`; raises `OSError`.

        Parameters
        ----------
        path
            Where to.
        ends
            End of each line, 8 bytes each. [bytes]
        first, last
            The first and the last line.
        left_out
            Numbers of damaged lines.
        """
        records, documents, retracted, others = self._table.raw() if self._table else ([], [], [], [])
        gone = {(number | bit).to_bytes(8, "little") for number in self._forgotten for bit in (0, SHUT)}
        records += [record_row(key, row) for key, rows in self._by_key.items() for row in rows]
        documents += [document_row(name, number) for name, numbers in self._documents.items() for number in numbers]
        records = [row for row in records if row[64:] not in gone]
        documents = [row for row in documents if row[32:] not in gone]
        write_table(
            path,
            ends=ends,
            end=int(array("Q", ends)[-1]) if ends else 0,
            first=first,
            last=last,
            records=records,
            documents=documents,
            retracted=[*retracted, *map(bytes.fromhex, self._retracted)],
            others=[*others, *map(bytes.fromhex, self._others)],
            left_out=left_out,
        )
