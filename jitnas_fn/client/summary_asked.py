"""What the ledger says: questions, answers, and what it would have cost to train what was answered.

Besides `asked.jsonl` (`client.ledger`) there may be one or more `asked-<digits>.jsonl`, which nobody writes to any longer, and
`asked.folded.json`, into which older ones were folded: {folded_version, covers: [name of a folded file, ...], since, hits,
misses, avoided, inherited (each {records, seconds, joules, without_energy}), keys: 16 digits of each key that was answered}. A
file that is named in `covers` counts no more, whether it could be removed or not.
"""

import contextlib
import json
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jitnas_fn.client.summary_cost import (
    DEVICES,
    ESTIMATED,
    MEASURED,
    METHODS,
    ORIGINS,
    TRAINED,
    UNKNOWN,
    Cost,
    Spending,
    amount,
)
from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.core.task import HASH

ASKED, FOLDED = "asked.jsonl", "asked.folded.json"
FOLDED_VERSION = 1
MOST_LINE_BYTES = 2_000_000
MOST_FILE_BYTES = 200_000_000  # ten times what a ledger grows to
TAG = 16  # digits of a key by which it is known again: two of a million share them once in 40,000 times
LOOKS = 20
_WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_TAGS = re.compile(r"([0-9a-f]{16})*")


@dataclass(slots=True)
class Asked:
    """Questions, counted.

    Attributes
    ----------
    hits, misses
        Questions that this machine's stores answered at once, and those that they did not.
    since
        When the first was asked, empty if nothing was. [UTC, ISO 8601]
    avoided
        What the records cost that answered, those that were trained, each key once.
    inherited
        The same of records imported from somebody's table.
    keys
        The beginnings of the keys that were answered.
    """

    hits: int = 0
    misses: int = 0
    since: str = ""
    avoided: Spending = field(default_factory=Spending)
    inherited: Spending = field(default_factory=Spending)
    keys: set[str] = field(default_factory=set)

    def add(self, line: Json) -> None:
        """Count a line; what is not as it should be is left out."""
        for hit in _listed(line.get("hits")):
            found = _hit(hit)
            if found is not None:
                self._answered(*found)
        self.misses += sum(isinstance(key, str) and HASH.fullmatch(key) is not None for key in _listed(line.get("misses")))
        when = line.get("when")
        if isinstance(when, str) and _WHEN.fullmatch(when):
            self.since = min(self.since, when) if self.since else when

    def _answered(self, key: str, cost: Cost) -> None:
        self.hits += 1
        if key[:TAG] not in self.keys:
            self.keys.add(key[:TAG])
            (self.avoided if cost.origin == TRAINED else self.inherited).add(cost)


def asked_in(folder: Path) -> Asked:
    """Everything that was asked, as the ledger in `folder` says; nothing if it cannot be read."""
    for _ in range(LOOKS):
        before = _files(folder)
        found, covered = _folded(folder)
        for name in before[1]:
            if name not in covered:
                _count(folder / name, found)
        _count(folder / ASKED, found)
        if _files(folder) == before:  # nothing was put away or folded meanwhile
            break
    return found


def fold(folder: Path, *, settle_seconds: float) -> None:
    """Make numbers of the files that were put away; the caller holds the lock. Raises `OSError`.

    A kill at any moment loses nothing and counts nothing twice.

    Parameters
    ----------
    folder
        Of the ledger.
    settle_seconds
        Files that were written to since are left for the next time. [seconds]
    """
    found, covered = _folded(folder)
    settled = time.time() - settle_seconds
    names = [name for name in _files(folder)[1] if name in covered or (folder / name).stat().st_mtime <= settled]
    for name in names:
        if name not in covered:
            _count(folder / name, found)
    if not names:
        return
    spent = {"avoided": asdict(found.avoided), "inherited": asdict(found.inherited)}
    fields = {"folded_version": FOLDED_VERSION, "covers": names, "since": found.since, "hits": found.hits, **spent}
    draft = folder / f".{FOLDED}.{secrets.token_hex(4)}"
    draft.write_text(canonical({**fields, "misses": found.misses, "keys": "".join(sorted(found.keys))}), "ascii")
    draft.replace(folder / FOLDED)
    for name in names:
        (folder / name).unlink(missing_ok=True)


def _files(folder: Path) -> tuple[tuple[int, int], list[str]]:
    """What the folded file is known by, and the names of those that were put away."""
    try:
        status = (folder / FOLDED).stat()
        known_by = status.st_ino, status.st_mtime_ns
    except OSError:
        known_by = 0, 0
    return known_by, sorted(path.name for path in folder.glob("asked-*.jsonl"))


def _folded(folder: Path) -> tuple[Asked, set[str]]:
    """What was folded, and the names of the files that it covers."""
    with contextlib.suppress(OSError, ValueError, RecursionError, TypeError, AttributeError, KeyError):
        fields = json.loads((folder / FOLDED).read_text("ascii"))
        if fields["folded_version"] == FOLDED_VERSION and _TAGS.fullmatch(fields["keys"]):
            tags = {fields["keys"][start : start + TAG] for start in range(0, len(fields["keys"]), TAG)}
            spent = (_spending(fields["avoided"]), _spending(fields["inherited"]))
            when = fields["since"] if _WHEN.fullmatch(fields["since"]) else ""
            covers = {name for name in fields["covers"] if isinstance(name, str)}
            return Asked(_whole(fields["hits"]), _whole(fields["misses"]), when, *spent, tags), covers
    return Asked(), set()


def _spending(fields: Json) -> Spending:
    seconds = {device: amount(fields["seconds"].get(device)) or 0.0 for device in DEVICES}
    joules = {method: amount(fields["joules"].get(method)) or 0.0 for method in (MEASURED, ESTIMATED)}
    return Spending(_whole(fields["records"]), seconds, joules, _whole(fields["without_energy"]))


def _count(path: Path, found: Asked) -> None:
    """Count the lines of a file; damaged ones are left out."""
    for line in _lines(path):
        with contextlib.suppress(ValueError, RecursionError):
            fields = json.loads(line)
            if isinstance(fields, dict):
                found.add(fields)


def _lines(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(OSError), path.open("rb") as file:
        while file.tell() < MOST_FILE_BYTES and (line := file.readline(MOST_LINE_BYTES)):
            if len(line) > 1:
                yield line


def _hit(row: Any) -> tuple[str, Cost] | None:
    """Key and cost in a row of `hits`; None for anything else."""
    if not isinstance(row, list) or len(row) != 6:
        return None
    key, seconds, joules, device, method, origin = row
    took, used = amount(seconds), amount(joules)
    known = isinstance(key, str) and HASH.fullmatch(key) is not None and took is not None
    if not known or device not in DEVICES or method not in METHODS or origin not in ORIGINS:
        return None
    if (used is None) != (joules is None) or (used is None) != (method == UNKNOWN):
        return None
    return key, Cost(took or 0.0, used, device, method, origin)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**63 else 0
