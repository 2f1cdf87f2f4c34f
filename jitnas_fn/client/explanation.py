"""Why a look-up missed: what is known of the architecture otherwise, and of those nearest to it.

Otherwise is under other seeds, recipes, dataset versions and limits; `client.nearest` is about the others.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from jitnas_fn.client.glimpse import glimpsed
from jitnas_fn.client.nearest import Neighbour, Vicinity, vicinity
from jitnas_fn.client.request import Request
from jitnas_fn.client.standings import Standing, printable
from jitnas_fn.client.summary_glance import Row
from jitnas_fn.core.codec import Json
from jitnas_fn.core.interfaces import Store

T = TypeVar("T", int, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a store knows around one task.

    Attributes
    ----------
    key, fingerprint, dataset, recipe, seed
        What was looked up.
    answers
        Records that answer it; not 0 means that the look-up hits.
    limited
        Verdicts under this key that were reached under a smaller limit than asked for, and their numbers.
    seeds
        Other seed → records, all else equal.
    recipes
        Name of another recipe → records on the same dataset, any seed.
    versions
        Another version of the same dataset → records, any recipe and seed.
    datasets
        Name of another dataset → records, any recipe and seed.
    records
        Records in the store, of whatever architecture.
    nearest
        The nearest other architectures that have records on the same dataset; none if the look-up hits.
    compared
        Number of architectures that those are the nearest of.
    undocumented
        Records on the same dataset of architectures whose document is missing or cannot be read, so that they could not be
        compared.
    """

    key: str
    fingerprint: str
    dataset: str
    recipe: str
    seed: int
    answers: int
    limited: dict[str, int]
    seeds: dict[int, int]
    recipes: dict[str, int]
    versions: dict[str, int]
    datasets: dict[str, int]
    records: int
    nearest: tuple[Neighbour, ...] = ()
    compared: int = 0
    undocumented: int = 0

    @property
    def known(self) -> bool:
        """Whether anything is known of this architecture."""
        return bool(self.answers or self.limited or self.seeds or self.recipes or self.versions or self.datasets)

    def to_dict(self) -> Json:
        """All of it; seeds as text, since they are keys of a JSON object."""
        found = {name: getattr(self, name) for name in self.__slots__}
        seeds = {str(seed): count for seed, count in self.seeds.items()}
        return {**found, "seeds": seeds, "nearest": [one.to_dict() for one in self.nearest], "known": self.known}

    def __str__(self) -> str:
        """A few lines in plain words."""
        asked = f"{self.dataset} with recipe {self.recipe} and seed {self.seed}"
        if self.answers:
            return f"Known: {_records(self.answers)} for this architecture on {asked}."
        lines = [f"Not known: this architecture ({self.fingerprint[:12]}…) on {asked}."]
        lines += [f"Known as {verdict} under a smaller limit: {_records(n)}." for verdict, n in self.limited.items()]
        lines += _listed("with another seed", self.seeds)
        lines += _listed("with another recipe", self.recipes)
        lines += _listed(f"on another version of {self.dataset}", self.versions)
        lines += _listed("on another dataset", self.datasets)
        if not self.known:
            lines.append(f"Nothing is known of this architecture; {_records(self.records)} of others in the store.")
        if self.nearest:
            lines.append(
                f"Nearest with records on {self.dataset}, of {self.compared:,} compared (A is yours, B the one known):"
            )
            lines += map(str, self.nearest)
        return "\n".join(lines)


def explained(request: Request, *, store: Store) -> Explanation:
    """Sort what is known of an architecture by what differs from the request, and look around it if nothing answers.

    Every record of the store is glanced at. Verified are those of the architecture itself, and of the nearest ones.

    Parameters
    ----------
    request
        What was looked up.
    store
        Where; all of its layers count.
    """
    task, limits = request.task, request.limits
    rows = glimpsed(store)
    found = [record for key in _keys(rows, task.fingerprint) for record in store.replicates(key)]
    same = [record for record in found if record.parts["fingerprint"] == task.fingerprint]
    here = [record for record in same if record.parts["dataset"] == task.dataset_sha256]
    elsewhere = [record for record in same if record.parts["dataset"] != task.dataset_sha256]
    exact = [record for record in here if record.key == task.key]
    near = [record for record in here if record.parts["recipe"] == task.recipe.sha256 and record.key != task.key]
    named = [(printable(record.dataset.get("name")), printable(record.dataset.get("version"))) for record in elsewhere]
    answers = sum(record.answers(limits) for record in exact)
    around = Vicinity()
    if not answers and request.architecture is not None:
        around = vicinity(
            request.architecture,
            _others_on_the_dataset(rows, request),
            metric=request.card.metric,
            documents=store.document,
            standing=lambda rows: _standing(rows, request, store=store),
        )
    return Explanation(
        key=task.key,
        fingerprint=task.fingerprint,
        dataset=task.dataset,
        recipe=task.recipe.name,
        seed=task.seed or 0,
        answers=answers,
        limited=_counted(record.verdict for record in exact if not record.answers(limits)),
        seeds=_counted(int(record.parts["seed"]) for record in near),
        recipes=_counted(printable(r.recipe.get("name")) for r in here if r.parts["recipe"] != task.recipe.sha256),
        versions=_counted(version for name, version in named if name == task.dataset),
        datasets=_counted(name for name, _ in named if name != task.dataset),
        records=len({row.record_id for row in rows}),
        nearest=around.nearest,
        compared=around.compared,
        undocumented=around.undocumented,
    )


def _keys(rows: Iterable[Row], fingerprint: str) -> list[str]:
    """Under which an architecture has records."""
    return sorted({row.key for row in rows if row.fingerprint == fingerprint})


def _others_on_the_dataset(rows: Iterable[Row], request: Request) -> dict[str, list[Row]]:
    """Fingerprint → records on the dataset, of other architectures than the one asked for."""
    others: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.dataset_sha256 == request.task.dataset_sha256 and row.fingerprint != request.task.fingerprint:
            others[row.fingerprint].append(row)
    return others


def _standing(rows: Iterable[Row], request: Request, *, store: Store) -> Standing:
    """What these records say, verified: those that are of another architecture or dataset than their line says are left out."""
    standing, dataset = Standing(), request.task.dataset_sha256
    for key, fingerprint in sorted({(row.key, row.fingerprint) for row in rows}):
        for record in store.replicates(key):
            if (record.parts["fingerprint"], record.parts["dataset"]) == (fingerprint, dataset):
                standing.add(record, task=request.task, card=request.card)
    return standing


def _counted(values: Iterable[T]) -> dict[T, int]:
    return dict(sorted(Counter(values).items()))


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _listed(difference: str, counts: dict[str, int] | dict[int, int]) -> list[str]:
    if not counts:
        return []
    shown = ", ".join(str(value) for value in list(counts)[:8]) + (", …" if len(counts) > 8 else "")
    return [f"Known {difference}: {shown} ({_records(sum(counts.values()))})."]
