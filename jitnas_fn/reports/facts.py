"""What the records of a run say together."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from jitnas_fn.core.bounds import finite
from jitnas_fn.core.record import Record
from jitnas_fn.reports.evidence import Evidence

Place = tuple[str, ...]  # of a field in a record, such as ("environment", "versions", "torch")


class Facts:
    """The records at hand, counted.

    Parameters
    ----------
    evidence
        Of which run.

    Attributes
    ----------
    wanted
        How many records the run asked for.
    records
        Those at hand.
    imported, trained
        Those of them that come from somebody's table, and the others.
    """

    def __init__(self, evidence: Evidence) -> None:
        failed = {step.key for search in evidence.searches for step in search.steps if step.source == "failed"}
        self.wanted = len(evidence.keys - failed)
        self.records: Sequence[Record] = list(evidence.records.values())
        self.imported = [record for record in self.records if record.provenance.get("origin") != "trained"]
        self.trained = [record for record in self.records if record.provenance.get("origin") == "trained"]

    @property
    def missing(self) -> int:
        """How many records are not at hand."""
        return max(0, self.wanted - len(self.records))

    def counted(self, *place: str) -> Counter[str]:
        """What records that were trained say at a place, with how many say it; "unknown" for those that do not."""
        return Counter(_said(record, place) for record in self.trained)

    @property
    def seconds(self) -> float:
        """What all trainings of which that is known cost, each once [s]."""
        return sum(finite(record.cost.get("wall_seconds"), least=0) or 0.0 for record in self.records)

    @property
    def untimed(self) -> int:
        """How many records do not say what they cost."""
        return sum(not finite(record.cost.get("wall_seconds"), least=0) for record in self.records)

    @property
    def estimated(self) -> int:
        """How many have seconds that were judged, not measured."""
        return sum(record.cost.get("estimated") is not None for record in self.records)

    @property
    def joules(self) -> tuple[float, int]:
        """Energy, and how many records state one [J]."""
        stated = [joules for record in self.records if (joules := finite(record.cost.get("joules"), least=0)) is not None]
        return sum(stated), len(stated)


def _said(record: Record, place: Place) -> str:
    found: Any = getattr(record, place[0])
    for name in place[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    return "unknown" if found is None or found == "" else str(found)[:80]
