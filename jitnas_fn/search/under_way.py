"""What a search knows while it is under way: what it has asked for, what it was told, what was the best when."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from jitnas_fn.client.client import Client
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.core.bounds import LONGEST_SECONDS, finite
from jitnas_fn.core.errors import ModelFailed, OutputMismatch, TaskError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.searcher import NothingAllowed, Searcher, Trial
from jitnas_fn.graphs.space import Point
from jitnas_fn.search.found import Found, Incumbent, Step
from jitnas_fn.search.sealed import sealed

MOST_IDLE = 1000
OF_THE_NETWORK = (ModelFailed, OutputMismatch)  # errors that say something of the point; others end the search
NOTHING = float("-inf")


@dataclass(frozen=True, slots=True)
class _Best:
    """What was the best from one step on."""

    number: int
    trial: Trial
    validation: float
    record: Record


class Run:
    """A search under way."""

    def __init__(self, searcher: Searcher, client: Client, *, is_timed: bool) -> None:
        self._searcher, self._client, self._problem = searcher, client, searcher.problem
        self._is_timed = is_timed  # whether its budget is in seconds
        self.under_way: deque[tuple[Task, Evaluation, float]] = deque()
        self.steps: list[Step] = []
        self.asked, self.spent_seconds, self.clock = 0, 0.0, 0.0
        self._began = time.monotonic()
        self._idle = 0  # evaluations in a row that cost nothing new
        self._keys: set[str] = set()
        self._bests: list[_Best] = []

    def spends_towards(self, seconds: float) -> bool:
        """Whether a budget of so much is left, and is still drawn upon."""
        return self.spent_seconds < seconds and self._idle < MOST_IDLE

    def know(self, warm: Sequence[tuple[Point, Record]]) -> None:
        """Tell what was known before."""
        for point, record in warm:
            value, trial = self._problem.value(record), Trial(point, self._problem.top)
            self._searcher.take(trial, value)
            self._note_best(0, trial, value, record)

    def asks(self) -> bool:
        """One more; whether there is one within the bounds, by what is known so far."""
        try:
            problem, task = self._problem, self._searcher.ask()
        except NothingAllowed:
            if not self.asked:
                raise
            return False
        point, rung = self._searcher.asked(task.key)
        architecture, plan = problem.architecture(point), problem.ladder[rung]
        self.asked += 1
        evaluation = self._client.submit(architecture, dataset=problem.dataset.name, recipe=plan, seed=problem.seed)
        self.under_way.append((task, evaluation, self.clock))
        return True

    def tell(self) -> Step:
        """Wait for the first that was asked for, and tell of it."""
        task, evaluation, began = self.under_way.popleft()
        point, rung = self._searcher.asked(task.key)
        record, source = _record_of(evaluation)
        again = task.key in self._keys
        seconds = 0.0 if record is None or again else self._seconds_of(record)
        if record is None:
            self._searcher.give_up(task)
            value = NOTHING
        else:
            value = self._problem.value(record)
            self._searcher.tell(sealed(record))
            self._note_best(len(self.steps) + 1, Trial(point, rung), value, record)
        self._keys.add(task.key)
        self.spent_seconds += seconds
        self.clock = max(self.clock, began + seconds)
        self._idle = 0 if seconds else self._idle + 1
        best = self._searcher.best
        step = Step(
            number=len(self.steps) + 1,
            point=self._problem.space.written(point),
            rung=rung,
            key=task.key,
            value=_or_none(value),
            best=None if best is None else _or_none(best[1]),
            source=source,
            again=again,
            seconds=seconds,
            clock=self.clock,
        )
        self.steps.append(step)
        return step

    def end(self, seed: int, *, final: Recipe | Published | None, warm: int) -> Found:
        """What was found; the only place that reads the test part."""
        problem, best = self._problem, self._bests[-1] if self._bests else None
        last = None
        if best is not None:
            is_read = final is None and best.trial.rung == problem.top
            last = best.record if is_read else self._evaluated(best.trial.point, final or problem.recipe)
        return Found(
            method=self._searcher.name,
            seed=seed,
            point=None if best is None else problem.space.written(best.trial.point),
            key=None if best is None else best.record.key,
            validation=None if best is None else best.record.metrics["validation"][problem.dataset.metric],
            test=None if last is None else self._test_of(last),
            final_key=None if last is None else last.key,
            seconds=self.spent_seconds,
            took_seconds=time.monotonic() - self._began,
            warm=warm,
            incumbents=tuple(self._incumbent(one, final) for one in self._bests),
            steps=tuple(self.steps),
        )

    def _seconds_of(self, record: Record) -> float:
        seconds = finite(record.cost.get("wall_seconds"), least=0, most=LONGEST_SECONDS)
        if seconds is None and self._is_timed:
            raise TaskError(
                f"the record of key {record.key[:12]}… does not say how long its training took, so no budget in seconds can be "
                "counted: give one in evaluations"
            )
        return seconds or 0.0

    def _note_best(self, number: int, trial: Trial, value: float, record: Record) -> None:
        is_best = self._searcher.best == (trial.point, value) and self._searcher.best_rung == trial.rung
        is_new = not self._bests or self._bests[-1].record.key != record.key
        if is_best and value > NOTHING and is_new:
            self._bests.append(_Best(number, trial, value, record))

    def _evaluated(self, point: Point, plan: Recipe | Published) -> Record | None:
        """The record by another recipe; None if the network fails by that."""
        problem = self._problem
        architecture = problem.architecture(point)
        asked = self._client.submit(architecture, dataset=problem.dataset.name, recipe=plan, seed=problem.seed)
        return _record_of(asked)[0]

    def _incumbent(self, best: _Best, final: Recipe | Published | None) -> Incumbent:
        """With its test part, where a record of it is there already."""
        problem, (point, rung) = self._problem, best.trial
        record: Record | None = best.record
        if final is not None or rung < problem.top:
            record = self._client.store.get(problem.task_by(point, final or problem.recipe).key)
        test = None if record is None else self._test_of(record)
        return Incumbent(number=best.number, point=problem.space.written(point), validation=best.validation, test=test)

    def _test_of(self, record: Record) -> float | None:
        value = record.metrics.get("test", {}).get(self._problem.dataset.metric)
        return float(value) if isinstance(value, int | float) else None


def _record_of(evaluation: Evaluation) -> tuple[Record | None, str]:
    """The record and where it came from; None where the network itself failed."""
    try:
        return evaluation.result(), evaluation.source or "trained"
    except OF_THE_NETWORK:
        return None, "failed"


def _or_none(value: float) -> float | None:
    return value if value > NOTHING else None
