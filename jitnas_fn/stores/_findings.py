"""What a verification found: how much there is of what, and what is wrong with it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from jitnas_fn.core.codec import Json
from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import JitnasError, RecordError
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.task import OPAQUE
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.stores._lines import entry_of, heading_of
from jitnas_fn.stores.careful import shown

MOST_NAMED = 20  # bad things
COUNTS = (
    "records",
    "bad",
    "architectures",
    "retractions",
    "others",
    "duplicates",
    "undocumented",
    "unreadable",
    "unknown_retractions",
    "torn",
    "lines",
    "files",
    "bytes",
)


class Problem(NamedTuple):
    """One bad thing.

    Attributes
    ----------
    file
        Its path.
    line
        Number of the line, from 1; 0 where the whole file is meant.
    what
        What is wrong.
    """

    file: str
    line: int
    what: str


@dataclass(slots=True)
class Findings:
    """Counted line by line. What is remembered of a record or document is 32 bytes, so that a store may be large.

    Attributes
    ----------
    behind
        A store that is looked up behind this one: a document may be there.
    counts
        One number for each of `COUNTS`. `records`, `architectures` and `retractions` count each once; `bad` is what is wrong,
        of which `undocumented` are records without a document and `unreadable` documents that are no architecture. Not bad are
        `duplicates`, `unknown_retractions` (of a record that is elsewhere) and `torn` ends of files, which somebody may be
        writing just now.
    problems
        The first `MOST_NAMED` bad things.
    """

    behind: Store | None = None
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    problems: list[Problem] = field(default_factory=list)
    _records: set[bytes] = field(default_factory=set)
    _documents: set[bytes] = field(default_factory=set)
    _retracted: set[bytes] = field(default_factory=set)
    _others: set[bytes] = field(default_factory=set)
    _awaited: dict[bytes, list[tuple[str, int]]] = field(default_factory=dict)

    def count(self, name: str, number: int = 1) -> None:
        """Add to one of the counts."""
        self.counts[name] += number

    def bad(self, file: object, line: int, what: object) -> None:
        """Note that something is wrong."""
        self.counts["bad"] += 1
        if len(self.problems) < MOST_NAMED:
            self.problems.append(Problem(shown(file), line, shown(" ".join(str(what).split()))))

    def take(self, file: object, line: int, content: bytes) -> str:
        """Verify one line in full and count what is on it.

        Returns
        -------
        str
            The kind of entry; empty for none.

        Raises
        ------
        NewerVersion
            If a later version of jitnas_fn wrote it.
        """
        self.count("lines")
        try:
            entry = entry_of(content)
        except RecordError as reason:
            self.bad(file, line, reason)
            return ""
        heading = heading_of(entry)
        name = bytes.fromhex(heading.name)
        kept, many = {
            "record": (self._records, "records"),
            "architecture": (self._documents, "architectures"),
            "retraction": (self._retracted, "retractions"),
        }.get(heading.kind, (self._others, "others"))
        if name in kept:
            self.count("duplicates")
            return entry.kind
        kept.add(name)
        self.count(many)
        if entry.kind == "record":
            self._await_document(str(entry.body["record"]["parts"]["fingerprint"]), str(file), line)
        elif entry.kind == "architecture":
            self._read_document(entry, file, line)
        return entry.kind

    def finish(self) -> None:
        """Look for what is missing, now that every line was seen."""
        for fingerprint, places in self._awaited.items():
            if fingerprint in self._documents or self._has_behind(fingerprint.hex()):
                continue
            for file, line in places:
                self.count("undocumented")
                self.bad(file, line, f"the document of this record's architecture {fingerprint.hex()[:12]}… is missing")
        self._awaited.clear()
        unknown = self._retracted - self._records
        if unknown and self.behind is not None:
            unknown -= set(map(bytes.fromhex, self.behind.record_ids()))
        self.count("unknown_retractions", len(unknown))

    def _await_document(self, fingerprint: str, file: str, line: int) -> None:
        if OPAQUE.fullmatch(fingerprint):  # it has none
            return
        name = bytes.fromhex(fingerprint)
        if name not in self._documents:
            self._awaited.setdefault(name, []).append((file, line))

    def _read_document(self, entry: Entry, file: object, line: int) -> None:
        name = str(entry.body["fingerprint"])
        try:
            found = Architecture.from_document(entry.body["document"]).fingerprint
        except (JitnasError, RecursionError) as reason:
            self.count("unreadable")
            self.bad(file, line, f"this jitnas_fn cannot read the document of architecture {name[:12]}…: {reason}")
            return
        if found != name:
            self.count("unreadable")
            self.bad(
                file, line, f"the document of architecture {name[:12]}… is not in its canonical form, which is {found[:12]}…"
            )

    def _has_behind(self, fingerprint: str) -> bool:
        return self.behind is not None and self.behind.document(fingerprint) is not None


def joined(findings: list[Findings]) -> Json:
    """The counts of several stores together, the first of what is wrong, and how many more there are."""
    sums: Json = {name: sum(one.counts[name] for one in findings) for name in COUNTS}
    problems = [problem._asdict() for one in findings for problem in one.problems][:MOST_NAMED]
    return {**sums, "problems": problems, "more": sums["bad"] - len(problems)}
