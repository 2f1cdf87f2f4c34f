"""Why a look-up missed: what is known of the architecture under other seeds, recipes, dataset versions and limits."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from jitnas_fn.core.codec import Json
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Limits, Task

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

    @property
    def known(self) -> bool:
        """Whether anything is known of this architecture."""
        return bool(self.answers or self.limited or self.seeds or self.recipes or self.versions or self.datasets)

    def to_dict(self) -> Json:
        """All of it; seeds as text, since they are keys of a JSON object."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return {**found, "seeds": {str(seed): count for seed, count in self.seeds.items()}, "known": self.known}

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
        return "\n".join(lines)


def explained(task: Task, limits: Limits, *, records: Iterable[Record]) -> Explanation:
    """Sort what is known of the task's architecture by what differs from the task.

    Parameters
    ----------
    task
        What was looked up.
    limits
        Under which.
    records
        Everything in the store.
    """
    everything = list(records)
    same = [record for record in everything if record.parts["fingerprint"] == task.fingerprint]
    here = [record for record in same if record.parts["dataset"] == task.dataset_sha256]
    elsewhere = [record for record in same if record.parts["dataset"] != task.dataset_sha256]
    exact = [record for record in here if record.key == task.key]
    near = [record for record in here if record.parts["recipe"] == task.recipe.sha256 and record.key != task.key]
    named = [(str(record.dataset.get("name")), str(record.dataset.get("version"))) for record in elsewhere]
    return Explanation(
        key=task.key,
        fingerprint=task.fingerprint,
        dataset=task.dataset,
        recipe=task.recipe.name,
        seed=task.seed,
        answers=sum(record.answers(limits) for record in exact),
        limited=_counted(record.verdict for record in exact if not record.answers(limits)),
        seeds=_counted(int(record.parts["seed"]) for record in near),
        recipes=_counted(str(r.recipe.get("name")) for r in here if r.parts["recipe"] != task.recipe.sha256),
        versions=_counted(version for name, version in named if name == task.dataset),
        datasets=_counted(name for name, _ in named if name != task.dataset),
        records=len(everything),
    )


def _counted(values: Iterable[T]) -> dict[T, int]:
    return dict(sorted(Counter(values).items()))


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


def _listed(difference: str, counts: dict[str, int] | dict[int, int]) -> list[str]:
    if not counts:
        return []
    shown = ", ".join(str(value) for value in list(counts)[:8]) + (", …" if len(counts) > 8 else "")
    return [f"Known {difference}: {shown} ({_records(sum(counts.values()))})."]
