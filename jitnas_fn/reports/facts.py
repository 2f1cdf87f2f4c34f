"""What the records of a run say together."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from jitnas_fn.client.summary_cost import Spending, cost_of
from jitnas_fn.core.bounds import finite
from jitnas_fn.core.record import Record
from jitnas_fn.reports.evidence import Evidence
from jitnas_fn.reports.practices.finding import listed
from jitnas_fn.search.summary import judged

Place = tuple[str, ...]  # of a field in a record, such as ("environment", "versions", "torch")


class Facts:
    """The records at hand, counted.

    Parameters
    ----------
    evidence
        Of which run.

    Attributes
    ----------
    wanted, missing
        How many records the run asked for, and how many of them are not at hand.
    records
        Those at hand.
    imported, trained
        Those of them that come from somebody's table, and the others.
    """

    def __init__(self, evidence: Evidence) -> None:
        failed = {step.key for search in evidence.searches for step in search.steps if step.source == "failed"}
        self._table = evidence.asked.table
        wanted = evidence.keys - failed
        self.wanted, self.missing = len(wanted), len(wanted - evidence.records.keys())
        self.records: Sequence[Record] = list(evidence.records.values())
        self.imported = [record for record in self.records if record.provenance.get("origin") != "trained"]
        self.trained = [record for record in self.records if record.provenance.get("origin") == "trained"]

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
    def on_seconds(self) -> str:
        """What is to be known of the seconds: a sentence; empty where all were measured."""
        ways = (self._table or {}).get("seconds_judged") or {}
        told = f": {judged(ways)}" if ways else ""
        if self.estimated:
            return f"The seconds of {self.estimated:,} of {len(self.records):,} records are judged, not measured{told}."
        if ways and self.missing:
            return f"Seconds that were not published are judged, not measured{told}."
        return ""

    @property
    def energy(self) -> str:
        """What is known of it: a sentence; empty where no record states any."""
        spent = Spending()
        for record in self.records:
            spent.add(cost_of(record))
        stated = spent.records - spent.without_energy
        told = listed(f"{joules:,.0f} J {how}" for how, joules in spent.joules.items() if joules)
        return f"Energy: {told} by {stated:,} records." if told else ""


def _said(record: Record, place: Place) -> str:
    found: Any = getattr(record, place[0])
    for name in place[1:]:
        found = found.get(name) if isinstance(found, dict) else None
    return "unknown" if found is None or found == "" else str(found)[:80]
