"""What a store knows of its lines without reading them: where each record and document is, and what is retracted."""

from collections.abc import Iterator

from jitnas_fn.stores._lines import Heading


class Index:
    """Headings by what they are asked for. Numbers are those of the lines, from 0."""

    def __init__(self) -> None:
        self._records: dict[str, tuple[int, bool]] = {}  # record id -> line, and whether that is a redacted copy
        self._by_key: dict[str, list[str]] = {}
        self._documents: dict[str, int] = {}
        self._retracted: set[str] = set()
        self._others: set[str] = set()

    def knows(self, heading: Heading) -> bool:
        """Whether a line with this heading adds nothing. A full record adds to its redacted copy."""
        if heading.kind == "record":
            held = self._records.get(heading.name)
            return held is not None and (heading.shut or not held[1])
        if heading.kind == "architecture":
            return heading.name in self._documents
        return heading.name in (self._retracted if heading.kind == "retraction" else self._others)

    def add(self, heading: Heading, number: int) -> None:
        """Take in the heading of line `number`."""
        if self.knows(heading):
            return
        if heading.kind == "record":
            if heading.name not in self._records:
                self._by_key.setdefault(heading.key, []).append(heading.name)
            self._records[heading.name] = (number, heading.shut)
        elif heading.kind == "architecture":
            self._documents[heading.name] = number
        else:
            (self._retracted if heading.kind == "retraction" else self._others).add(heading.name)

    def forget(self, number: int, heading: Heading) -> None:
        """Line `number` turned out to be damaged: what it was thought to hold may be written again."""
        if heading.kind == "record" and self._records.get(heading.name, (-1, False))[0] == number:
            del self._records[heading.name]
            self._by_key[heading.key].remove(heading.name)
        elif heading.kind == "architecture" and self._documents.get(heading.name) == number:
            del self._documents[heading.name]

    def lines_under(self, key: str) -> list[int]:
        """Lines of the records under `key` that are not retracted."""
        return [self._records[name][0] for name in self._by_key.get(key, ()) if name not in self._retracted]

    def line_of_document(self, fingerprint: str) -> int | None:
        """Line of the document of an architecture."""
        return self._documents.get(fingerprint)

    def record_ids(self) -> Iterator[str]:
        """Ids of all records that are not retracted."""
        return (name for name in self._records if name not in self._retracted)

    def line_of_record(self, record_id: str) -> int | None:
        """Line of a record, its fullest copy."""
        return self._records.get(record_id, (None, False))[0]

    def is_retracted(self, record_id: str) -> bool:
        """Whether a retraction of this record was seen."""
        return record_id in self._retracted
