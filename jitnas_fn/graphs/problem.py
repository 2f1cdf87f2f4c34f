"""What is searched for: the best point of a space on a dataset, trained by a recipe, as validation says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task, task_of
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.promised import Promised
from jitnas_fn.graphs.space import Point, Space

KEPT = 64  # architectures in memory: one may have a megabyte, and a search asks for thousands


class Aliases(Protocol):
    """What knows the fingerprints of points that were built before."""

    def get(self, space: Space, point: Point, input_shape: tuple[int, ...], outputs: int) -> str | None:
        """The fingerprint; None if it is not known."""

    def put(self, space: Space, point: Point, input_shape: tuple[int, ...], outputs: int, fingerprint: str) -> None:
        """Keep one that was found by building."""

    def known(self, space: Space, input_shape: tuple[int, ...], outputs: int) -> Iterator[tuple[Point, str]]:
        """All points of a space that are known, in a fixed order."""


@dataclass(frozen=True)
class Problem:
    """A space on a dataset under a recipe.

    Attributes
    ----------
    space, dataset, recipe
        What is chosen from, on which data, trained how.
    seed
        Of every training.
    cheaper
        Recipes of lower fidelity, the cheapest first, for methods that begin with those; none for others.
    most_parameters, most_macs
        What a network may have at most, as `Space.cost` counts; None for no bound.
    most_seconds, seconds_of
        What the training of a network may take at most by `recipe`, also where it is asked for by a cheaper one first; and what
        says so before it is trained: an estimate for a point, None where nobody knows, which is allowed. [s]
    aliases
        Fingerprints that are known already; None if nobody keeps them.
    """

    space: Space
    dataset: Dataset
    recipe: Recipe | Published
    seed: int
    cheaper: tuple[Recipe | Published, ...] = ()
    most_parameters: int | None = None
    most_macs: int | None = None
    most_seconds: float | None = None
    seconds_of: Callable[[Point], float | None] | None = field(default=None, repr=False, compare=False)
    aliases: Aliases | None = field(default=None, repr=False, compare=False)
    _fingerprints: dict[Point, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    _tasks: dict[tuple[Point, int], Task] = field(default_factory=dict, init=False, repr=False, compare=False)
    _architectures: dict[Point, Architecture] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        hashes = [plan.sha256 for plan in self.ladder]
        if len(set(hashes)) != len(hashes):
            raise TaskError(f"the recipes of a ladder differ; here are {', '.join(plan.name for plan in self.ladder)}")
        if not all(bound is None or whole(bound, least=1) for bound in (self.most_parameters, self.most_macs)):
            raise TaskError(
                f"bounds of parameters and multiply-adds are whole numbers from 1, not {str(self.most_parameters)[:40]} and "
                f"{str(self.most_macs)[:40]}"
            )
        if self.most_seconds is not None and not finite(self.most_seconds, least=0):
            raise TaskError(f"a bound of seconds is a number above 0, not {str(self.most_seconds)[:40]}")
        if self.most_seconds is not None and self.seconds_of is None:
            raise TaskError("a bound of seconds needs an estimate for each network, and here is nothing to judge by")

    @property
    def ladder(self) -> tuple[Recipe | Published, ...]:
        """The recipes from the cheapest to the one that counts; each is a rung."""
        return (*self.cheaper, self.recipe)

    @property
    def top(self) -> int:
        """The highest rung."""
        return len(self.cheaper)

    def task(self, point: Point, rung: int | None = None) -> Task:
        """The task that evaluates a point; on the highest rung if none is named."""
        place = point, self.top if rung is None else rung
        known = self._tasks.get(place)
        if known is None:
            known = self._tasks[place] = self.task_by(point, self.ladder[place[1]])
        return known

    def task_by(self, point: Point, plan: Recipe | Published) -> Task:
        """The task of a point by another recipe than those of the ladder."""
        return task_of(self.architecture(point).fingerprint, self.dataset, plan, self.seed)

    def architecture(self, point: Point) -> Architecture:
        """The network of a point, for this dataset; where its fingerprint is known it is built when it is needed."""
        known = self._architectures.get(point)
        if known is None:
            if len(self._architectures) >= KEPT:
                self._architectures.clear()
            known = self._architectures[point] = self._promised(point) or self._built(point)
        return known

    def allows(self, point: Point) -> bool:
        """Whether a network is within the bounds; it is counted and judged, not trained."""
        if self.most_seconds is not None and self.seconds_of is not None:
            seconds = self.seconds_of(point)
            if seconds is not None and seconds > self.most_seconds:
                return False
        if self.most_parameters is None and self.most_macs is None:
            return True
        cost = self.space.cost(point, self.dataset.input_shape, self.dataset.outputs)
        bounds = ((cost.parameters, self.most_parameters), (cost.macs, self.most_macs))
        return all(most is None or met <= most for met, most in bounds)

    def value(self, record: Record) -> float:
        """What a record says for its point: the dataset's metric on validation, so that more is better; −∞ if it has none."""
        value = record.metrics.get("validation", {}).get(self.dataset.metric)
        if not isinstance(value, int | float):
            return float("-inf")
        return float(value) if self.dataset.direction == "maximise" else -float(value)

    def _promised(self, point: Point) -> Architecture | None:
        shape, outputs = self.dataset.input_shape, self.dataset.outputs
        known = self._fingerprints.get(point)
        if known is None and self.aliases is not None:
            known = self.aliases.get(self.space, point, shape, outputs)
        if known is None:
            return None
        build = partial(self.space.architecture, point, shape, outputs)
        return Promised(known, build, input_shape=shape, outputs=outputs)

    def _built(self, point: Point) -> Architecture:
        shape, outputs = self.dataset.input_shape, self.dataset.outputs
        built = self.space.architecture(point, shape, outputs)
        self._fingerprints[point] = built.fingerprint
        if self.aliases is not None:
            self.aliases.put(self.space, point, shape, outputs, built.fingerprint)
        return built
