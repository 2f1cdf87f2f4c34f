"""What is kept on this machine, what it cost, how often it answered, and what that avoided."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jitnas_fn.client.standings import printable
from jitnas_fn.client.summary_cost import TRAINED, Spending
from jitnas_fn.client.summary_glance import Glances, Row, Withdrawn
from jitnas_fn.core.codec import Json
from jitnas_fn.core.collector import without_collector
from jitnas_fn.core.entry import MAX_ENTRY_BYTES

SYNC = "sync.json"
MOST_SYNC_BYTES = 1_000_000


@dataclass(slots=True)
class Kept:
    """The records on some lines, as the lines state them.

    Attributes
    ----------
    rows
        Record id → what its line says.
    withdrawn
        Ids of retracted records.
    """

    rows: dict[str, Row] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    @property
    def standing(self) -> dict[str, Row]:
        """Those that are not retracted."""
        return {name: row for name, row in self.rows.items() if name not in self.withdrawn}

    def behind(self, front: "Kept") -> "Kept":
        """These and those in front of them, each once."""
        return Kept(self.rows | front.rows, self.withdrawn | front.withdrawn)


def kept_on(lines: Iterable[bytes]) -> Kept:
    """What is on the lines of a store."""
    glances, kept = Glances(), Kept()
    with without_collector():
        for line in lines:
            found = glances.at(line)
            if isinstance(found, Row):
                kept.rows[found.record_id] = found
            elif isinstance(found, Withdrawn):
                kept.withdrawn.add(found.record_id)
    return kept


def lines_of(path: Path) -> Iterator[bytes]:
    """The whole lines of a file that grows; none if there is no such file."""
    with suppress(OSError), path.open("rb") as file:
        while line := file.readline(MAX_ENTRY_BYTES + 1):
            if line.endswith(b"\n"):
                yield line


def counted(own: Kept, published: Kept) -> Json:
    """How many records there are, and of what.

    Parameters
    ----------
    own
        Of the user's cache.
    published
        Of the snapshot.
    """
    everything = published.behind(own)
    rows = everything.standing.values()
    return {
        "records": len(rows),
        "own_records": len(own.standing),
        "published_records": len(published.standing),
        "retracted": len(everything.rows) - len(rows),
        "architectures": len({row.fingerprint for row in rows}),
        "replicates": len(rows) - len({row.key for row in rows}),
        "datasets": _by(row.dataset for row in rows),
        "recipes": _by(row.recipe for row in rows),
        "verdicts": _by(row.verdict for row in rows),
    }


def spent_on(kept: Kept) -> Spending:
    """What those cost that were trained, the retracted ones too: it was spent."""
    spent = Spending()
    for row in kept.rows.values():
        if row.cost.origin == TRAINED:
            spent.add(row.cost)
    return spent


def last_syncs(folder: Path) -> dict[str, str]:
    """When the user's cache was last brought up to date: source → time, as `sync.json` in the user's home says."""
    with suppress(OSError, ValueError, RecursionError), (folder / SYNC).open("rb") as file:
        found = json.loads(file.read(MOST_SYNC_BYTES))
        if isinstance(found, dict):
            return {
                printable(source): printable(state["when"])
                for source, state in sorted(found.items())
                if isinstance(state, dict) and isinstance(state.get("when"), str)
            }
    return {}


def _by(names: Iterable[str]) -> dict[str, int]:
    """How many of each, the most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
