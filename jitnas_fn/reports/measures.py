"""Which networks were measured by several recipes, or on several datasets: of a table all, else those of a run."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import JitnasError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.problem import Aliases
from jitnas_fn.reports.evidence import Evidence, value_of
from jitnas_fn.reports.figure import Absent, Plot
from jitnas_fn.reports.ranks import rank_figure
from jitnas_fn.stores.table import TableStore

VALIDATION, TEST = "validation", "test"
Values = dict[str, float]  # network → what it is worth


def between_recipes(evidence: Evidence) -> Plot | Absent:
    """Whether the recipes of the ladder, and the last one, put networks in the same order."""
    if evidence.table is None:
        measures = by_recipe(evidence)
    else:
        dataset = evidence.asked.dataset["name"]
        measures = of_table(evidence.table, {plan.name: (dataset, plan.name) for plan in evidence.plans})
    return rank_figure(
        measures,
        name="rank-recipes",
        title="Rank correlation between recipes",
        caption=f"{evidence.metric.capitalize()} by one recipe against another; ρ is Spearman's. {_which(evidence)}",
        unit=evidence.bracketed_unit,
        nothing=_why_nothing(evidence, "its networks were trained by one recipe only"),
    )


def between_datasets(evidence: Evidence, beside: Sequence[Evidence], known: Aliases) -> Plot | Absent:
    """Whether datasets put networks in the same order.

    Parameters
    ----------
    evidence
        Of a run.
    beside
        Of runs on other datasets, in the same space and by the same recipe.
    known
        The fingerprints of points, by which records on other datasets are found.
    """
    if evidence.table is None:
        measures = by_dataset(evidence, beside, known)
    else:
        datasets, last = evidence.table.table.splits, evidence.read_by.name
        measures = of_table(evidence.table, {dataset: (dataset, last) for dataset in datasets})
    return rank_figure(
        measures,
        name="rank-datasets",
        title="Rank correlation between datasets",
        caption=f"{evidence.metric.capitalize()} on one dataset against another; ρ is Spearman's. {_which(evidence)}",
        unit=evidence.bracketed_unit,
        nothing=_why_nothing(evidence, "its networks are known on one dataset only"),
    )


def by_recipe(evidence: Evidence) -> dict[str, Values]:
    """Recipe → point → validation: what the run evaluated, and what the store knows of the same networks."""
    plans = evidence.plans
    found: list[Values] = [{} for _ in plans]
    for network in evidence.networks():
        found[network.rung][network.point] = network.validation
    for point, fingerprint in _fingerprints(evidence).items():
        for values, plan in zip(found, plans, strict=True):
            if point not in values:
                values.update(_looked_up(evidence, point, fingerprint, evidence.asked.dataset, plan))
    names = [plan.name for plan in plans]
    alike = {name for name in names if names.count(name) > 1}
    told = [f"{plan.name} {plan.sha256[:6]}" if plan.name in alike else plan.name for plan in plans]
    return {f"{name}, {VALIDATION}": values for name, values in zip(told, found, strict=True) if values}


def by_dataset(evidence: Evidence, beside: Sequence[Evidence], known: Aliases) -> dict[str, Values]:
    """Dataset → point → validation by the recipe that counts: what runs evaluated, and what the store knows besides."""
    found = {evidence.asked.dataset["name"]: _whole(evidence)}
    points = list(found[evidence.asked.dataset["name"]])
    for other in beside:
        found.setdefault(other.asked.dataset["name"], {}).update(_whole(other))
    for card in _cards():
        values = found.setdefault(card.name, {})
        about = {"name": card.name, "sha256": card.sha256}
        for point, fingerprint in _aliased(evidence, [point for point in points if point not in values], card, known):
            values.update(_looked_up(evidence, point, fingerprint, about, evidence.plans[evidence.top]))
    return {f"{name}, {VALIDATION}": values for name, values in found.items() if values}


def of_table(table: TableStore, wanted: Mapping[str, tuple[str, str]]) -> dict[str, Values]:
    """What all networks of a table are worth, under several names.

    Like is compared with like: validation, or test where the table has no validation of most of them.

    Parameters
    ----------
    table
        Which.
    wanted
        Name → dataset and recipe.
    """
    found: dict[str, dict[str, Values]] = {split: {name: {} for name in wanted} for split in (VALIDATION, TEST)}
    names = {place: name for name, place in wanted.items()}
    for row in table.rows:
        for figure in row.figures:
            name = names.get((figure.dataset, figure.recipe))
            for split, value in ((VALIDATION, figure.validation), (TEST, figure.test)):
                if name is not None and value is not None:
                    found[split][name][row.index] = value
    most = all(len(values) * 2 >= len(table.rows) for values in found[VALIDATION].values())
    split = VALIDATION if most else TEST
    return {f"{name}, {split}": values for name, values in found[split].items() if values}


def _whole(evidence: Evidence) -> Values:
    """Point → validation, of the networks that were trained by the whole recipe."""
    return {network.point: network.validation for network in evidence.networks() if network.rung == evidence.top}


def _fingerprints(evidence: Evidence) -> dict[str, str]:
    """Point → fingerprint, as far as records are at hand."""
    records = {network.point: evidence.records.get(network.key) for network in evidence.networks()}
    return {point: record.parts["fingerprint"] for point, record in records.items() if record is not None}


def _looked_up(evidence: Evidence, point: str, fingerprint: str, dataset: Json, plan: Recipe | Published) -> Values:
    """What the store's record of a task says; nothing if there is none."""
    if evidence.store is None:
        return {}
    with contextlib.suppress(JitnasError):  # of a table that is not at hand, or a dataset without a hash
        task = Task(fingerprint, str(dataset["name"]), str(dataset["sha256"]), plan, evidence.asked.training_seed)
        record = evidence.store.get(task.key)
        value = None if record is None else value_of(record, VALIDATION)
        return {} if value is None else {point: value}
    return {}


def _cards() -> Iterator[Dataset]:
    yield from (shelf.take("datasets", name).DATASET for name in shelf.names("datasets"))


def _aliased(evidence: Evidence, points: Sequence[str], card: Dataset, known: Aliases) -> Iterator[tuple[str, str]]:
    """Those of some points whose fingerprint for a dataset is known, with it."""
    if evidence.asked.space not in shelf.names("spaces"):
        return
    space = shelf.take("spaces", evidence.asked.space).SPACE
    for point in points:
        with contextlib.suppress(JitnasError):
            fingerprint = known.get(space, space.read(point), card.input_shape, card.outputs)
            if fingerprint is not None:
                yield point, fingerprint


def _why_nothing(evidence: Evidence, why: str) -> str:
    if evidence.asked.table is not None and evidence.table is None:
        return "the table of this replay is not at hand: name its file with --table"
    return why


def _which(evidence: Evidence) -> str:
    if evidence.table is not None:
        return f"All rows of table {evidence.table.table.name} that have both."
    return "Networks of this run that have both: those that methods asked for, not a sample of the space."
