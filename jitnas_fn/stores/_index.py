"""What a store knows of its lines without reading them: where each record and document is, and what is retracted."""

from array import array
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.stores._lines import Heading
from jitnas_fn.stores._table import SHUT, Row, Table, document_row, record_row, write_table


class Index:
    """Headings by what they are asked for. Numbers are those of the lines, from 0.

    Parameters
    ----------
    table
        An index on the disk, which covers the first lines; None for an empty one. What is added is kept in memory.
    """

    def __init__(self, table: Table | None = None) -> None:
        self._table = table
        self._records: dict[str, Row] = {}
        self._by_key: dict[str, list[str]] = {}
        self._documents: dict[str, int] = {}
        self._retracted: set[str] = set()
        self._others: set[str] = set()
        self._forgotten: set[int] = set()

    def knows(self, heading: Heading) -> bool:
        """Whether a line with this heading adds nothing. A full record adds to its redacted copy."""
        if heading.kind == "record":
            held = self._row(heading.name)
            return held is not None and (heading.shut or not held.shut)
        if heading.kind == "architecture":
            return self.line_of_document(heading.name) is not None
        if heading.kind == "retraction":
            return self.is_retracted(heading.name)
        return heading.name in self._others or (self._table is not None and self._table.has_other(heading.name))

    def add(self, heading: Heading, number: int) -> None:
        """Take in the heading of line `number`."""
        if self.knows(heading):
            return
        if heading.kind == "record":
            if self._records.pop(heading.name, None) is None:
                self._by_key.setdefault(heading.key, []).append(heading.name)
            self._records[heading.name] = Row(heading.name, number, heading.shut)
        elif heading.kind == "architecture":
            self._documents[heading.name] = number
        else:
            (self._retracted if heading.kind == "retraction" else self._others).add(heading.name)

    def forget(self, number: int, heading: Heading) -> None:
        """Line `number` turned out to be damaged: what it was thought to hold may be written again."""
        self._forgotten.add(number)
        if heading.kind == "record" and heading.name in self._records and self._records[heading.name].number == number:
            del self._records[heading.name]
            self._by_key[heading.key].remove(heading.name)
        elif heading.kind == "architecture" and self._documents.get(heading.name) == number:
            del self._documents[heading.name]

    def lines_under(self, key: str) -> list[int]:
        """Lines of the records under `key` that are not retracted."""
        rows = {row.record_id: row for row in self._table.rows_under(key)} if self._table else {}
        rows |= {name: self._records[name] for name in (*rows, *self._by_key.get(key, ())) if name in self._records}
        return [row.number for name, row in rows.items() if row.number not in self._forgotten and not self.is_retracted(name)]

    def line_of_document(self, fingerprint: str) -> int | None:
        """Line of the document of an architecture."""
        number = self._documents.get(fingerprint)
        if number is None and self._table:
            number = self._table.line_of_document(fingerprint)
        return None if number in self._forgotten else number

    def record_ids(self) -> Iterator[str]:
        """Ids of all records that are not retracted, in the order of their fullest copies."""
        rows = [row for row in self._table.rows() if row.number not in self._forgotten] if self._table else []
        names = [*(row.record_id for row in rows if row.record_id not in self._records), *self._records]
        return (name for name in names if not self.is_retracted(name))

    def line_of_record(self, record_id: str) -> int | None:
        """Line of a record, its fullest copy."""
        row = self._row(record_id)
        return None if row is None else row.number

    def is_retracted(self, record_id: str) -> bool:
        """Whether a retraction of this record was seen."""
        return record_id in self._retracted or (self._table is not None and self._table.is_retracted(record_id))

    def _row(self, record_id: str) -> Row | None:
        row = self._records.get(record_id)
        if row is None and self._table:
            row = self._table.row_of(record_id)
        return None if row is None or row.number in self._forgotten else row

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
        newer = {bytes.fromhex(name) for name in self._records}
        records = [row for row in records if row[32:64] not in newer and row[64:] not in gone]
        documents = [row for row in documents if row[32:] not in gone]
        records += [record_row(key, self._records[name]) for key, names in self._by_key.items() for name in names]
        documents += [document_row(name, number) for name, number in self._documents.items()]
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
