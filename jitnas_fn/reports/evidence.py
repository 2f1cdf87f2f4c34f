"""What a report is made of: the searches of a run, and the records of what they asked for. Nothing else is believed."""

import contextlib
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from jitnas_fn.core import shelf
from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.cards import card_named
from jitnas_fn.core.errors import RecordError, UnknownName
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.published import Published, plan_in
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.comparison import ordered
from jitnas_fn.search.found import Found
from jitnas_fn.search.saved import SavedRun
from jitnas_fn.stores.table import TableStore


@dataclass(frozen=True, slots=True)
class Network:
    """A network that a run evaluated by one recipe.

    Attributes
    ----------
    key, point, rung
        Of its task; as it is written; by which recipe of the ladder.
    validation
        Its metric, in the dataset's unit.
    seconds
        That its record says it cost; None where it does not say. [s]
    """

    key: str
    point: str
    rung: int
    validation: float
    seconds: float | None


@dataclass(frozen=True)
class Evidence:
    """A run with the records at hand.

    Attributes
    ----------
    run
        As it is kept.
    searches
        Those that came to their end, by method and seed.
    records
        Key → record without its curves, of all keys that the run asked for and whose records are at hand.
    store
        Where those are; None if there is none to look in.
    table
        The published table of a replay, if it is at hand.
    """

    run: SavedRun
    searches: Sequence[Found]
    records: Mapping[str, Record]
    store: Store | None = field(repr=False)
    table: TableStore | None = field(repr=False)

    @property
    def asked(self) -> Asked:
        """What the run was asked for."""
        return self.run.asked

    @property
    def metric(self) -> str:
        """What is measured."""
        return str(self.asked.dataset["metric"])

    @property
    def unit(self) -> str:
        """Of the metric; empty where the dataset is not known here."""
        with contextlib.suppress(UnknownName):
            return card_named(self.asked.dataset["name"]).unit
        return ""

    @property
    def bracketed_unit(self) -> str:
        """The unit as it stands behind the name of an axis; empty where it is not known."""
        return f" [{self.unit}]" if self.unit else ""

    @property
    def top(self) -> int:
        """The rung of the recipe that counts."""
        return len(self.asked.ladder) - 1

    @property
    def optimum(self) -> Mapping[str, float]:
        """Split → the best that there is, where that is known."""
        said = (self.asked.table or {}).get("optimum") or {}
        return {split: value for split in ("validation", "test") if (value := finite(said.get(split))) is not None}

    @property
    def plans(self) -> list[Recipe | Published]:
        """The recipes of the ladder, at the places of its rungs, and the last one if it is another."""
        ladder = [plan_in(fields) for fields in self.asked.ladder]
        final = None if self.asked.final is None else plan_in(self.asked.final)
        return ladder if final is None or final in ladder else [*ladder, final]

    @property
    def read_by(self) -> Recipe | Published:
        """The recipe by which the chosen networks were read on test."""
        return plan_in(self.asked.final or self.asked.ladder[-1])

    @property
    def keys(self) -> set[str]:
        """Of all tasks that the run asked for."""
        steps = {step.key for found in self.searches for step in found.steps}
        return steps | {found.final_key for found in self.searches if found.final_key} | {key for _, key, _ in self.asked.warm}

    def of(self, method: str) -> list[Found]:
        """The searches of a method."""
        return [found for found in self.searches if found.method == method]

    def measured(self, value: float) -> float:
        """A value of which more is better, as the metric that it was."""
        return value if self.asked.dataset["direction"] == "maximise" else -value

    def networks(self) -> list[Network]:
        """Every network that was evaluated, once for each recipe, in the order in which it was first asked for."""
        found: dict[str, Network] = {}
        for step in (step for search in self.searches for step in search.steps):
            if step.value is not None and step.key not in found and not step.again:
                seconds = step.seconds or None
                found[step.key] = Network(step.key, step.point, step.rung, self.measured(step.value), seconds)
        return list(found.values())

    def parameters_of(self, network: Network) -> int | None:
        """How many parameters a network has; in a table those of its point: cells of one network may differ in dead parts."""
        if self.table is not None:
            return self._parameters.get(network.point)
        record = self.records.get(network.key)
        return None if record is None else whole(record.size.get("parameters"), least=1)

    @cached_property
    def _parameters(self) -> dict[str, int]:
        """Point → parameters, as far as the table says."""
        if self.table is None:
            return {}
        space, dataset = shelf.take("spaces", self.table.table.space).SPACE, self.asked.dataset["name"]
        sizes = ((row.point, row.sizes.get(dataset, (None, None))[0]) for row in self.table.rows)
        return {space.written(point): parameters for point, parameters in sizes if parameters}


def gathered(run: SavedRun, store: Store | None, *, table: TableStore | None = None) -> Evidence:
    """Read a run, and the records of what it asked for.

    Parameters
    ----------
    run
        Which.
    store
        Where the records are; None if they are nowhere at hand.
    table
        The table of a replay, which then is where the records are.

    Raises
    ------
    RecordError, RecipeError
        If no search has come to its end, or what is kept is damaged.
    NewerVersion
        If a recipe has fields that this version does not know.
    """
    searches = ordered(run.searches(), run.asked)
    if not searches:
        raise RecordError(f"no search of run {run.name[:120]!r} has come to its end; jitnas compare goes on with it")
    store = table if table is not None else store
    evidence = Evidence(run, searches, {}, store, table)
    if store is None:
        return evidence
    records = {key: dataclasses.replace(record, curves={}) for key in sorted(evidence.keys) if (record := store.get(key))}
    return dataclasses.replace(evidence, records=records)


def value_of(record: Record, split: str) -> float | None:
    """What a record says that its network is worth; None if it does not."""
    return finite(record.metrics.get(split, {}).get(str(record.dataset.get("metric"))))
