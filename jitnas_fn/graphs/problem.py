"""What is searched for: the best point of a space on a dataset, trained by a recipe, as validation says."""

from dataclasses import dataclass, field

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import RecordError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.space import Point, Space

KEPT = 64  # architectures in memory: one may have a megabyte, and a search asks for thousands


@dataclass(frozen=True)
class Problem:
    """A space on a dataset under a recipe.

    Attributes
    ----------
    space, dataset, recipe
        What is chosen from, on which data, trained how.
    seed
        Of every training.
    most_parameters, most_macs
        What a network may have at most, as `Space.cost` counts; None for no bound.
    """

    space: Space
    dataset: Dataset
    recipe: Recipe
    seed: int
    most_parameters: int | None = None
    most_macs: int | None = None
    _tasks: dict[Point, Task] = field(default_factory=dict, init=False, repr=False, compare=False)
    _architectures: dict[Point, Architecture] = field(default_factory=dict, init=False, repr=False, compare=False)

    def task(self, point: Point) -> Task:
        """The task that evaluates a point."""
        known = self._tasks.get(point)
        if known is None:
            known = Task(self.architecture(point).fingerprint, self.dataset.name, self.dataset.sha256, self.recipe, self.seed)
            self._tasks[point] = known
        return known

    def architecture(self, point: Point) -> Architecture:
        """The network of a point, for this dataset."""
        known = self._architectures.get(point)
        if known is None:
            if len(self._architectures) >= KEPT:
                self._architectures.clear()
            known = self.space.architecture(point, self.dataset.input_shape, self.dataset.outputs)
            self._architectures[point] = known
        return known

    def allows(self, point: Point) -> bool:
        """Whether a network is within the bounds; it is counted, not trained."""
        if self.most_parameters is None and self.most_macs is None:
            return True
        cost = self.space.cost(point, self.dataset.input_shape, self.dataset.outputs)
        bounds = ((cost.parameters, self.most_parameters), (cost.macs, self.most_macs))
        return all(most is None or met <= most for met, most in bounds)

    def value(self, record: Record) -> float:
        """What a record says for its point: the dataset's metric on validation, so that more is better; −∞ if it has none.

        Raises
        ------
        RecordError
            If it has no validation part at all.
        """
        measured = record.metrics.get("validation")
        if not isinstance(measured, dict):
            raise RecordError(f"the record of key {record.key[:12]}… has no validation part")
        value = measured.get(self.dataset.metric)
        if not isinstance(value, int | float):
            return float("-inf")
        return float(value) if self.dataset.direction == "maximise" else -float(value)
