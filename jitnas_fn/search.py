"""One search: a way to search and a client, until the budget is spent. What is asked for twice is paid for once.

Records are told in the order in which they were asked for, however many are under way and whichever ends first. So a search
that was killed and is started again, with the same seed, asks for the same, finds it in the store, and goes on to the same end.
"""

import dataclasses
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jitnas_fn.client.client import Client
from jitnas_fn.client.evaluation import Evaluation
from jitnas_fn.core.bounds import finite
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import ModelFailed, NotAllowed, OutputMismatch, TaskError
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.searcher import Searcher

IN_FLIGHT = 4
MOST_IDLE = 1000
OF_THE_NETWORK = (ModelFailed, OutputMismatch)  # errors that say something of the point; others end the search


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One evaluation of a search.

    Attributes
    ----------
    number
        From 1.
    point
        As it is written.
    key
        Of its task.
    value
        Of validation, more is better; None if its network failed or diverged.
    best
        The best value so far; None before the first.
    source
        "trained", or "cache" or "shared" for what was known; "failed".
    again
        Whether this search had asked for the same key before.
    seconds
        That its record says it cost. [s]
    """

    number: int
    point: str
    key: str
    value: float | None
    best: float | None
    source: str
    again: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search came to.

    Attributes
    ----------
    method, seed
        Which search.
    point
        The best on validation, as it is written; None if every network failed.
    validation, test
        What it was worth; the test part was read once, now.
    steps
        Every evaluation.
    """

    method: str
    seed: int
    point: str | None
    validation: float | None
    test: float | None
    steps: tuple[Step, ...]

    def to_dict(self) -> Json:
        """As JSON values."""
        return dataclasses.asdict(self)


class Sealed(dict[str, Any]):
    """The metrics or curves of a record without its test part: who asks for that is told why there is none."""

    def __missing__(self, name: str) -> Any:
        if name == "test":
            raise NotAllowed("the test part is sealed while a search runs: it chooses on validation; test is read at its end")
        raise KeyError(name)


def search(
    searcher: Searcher,
    client: Client,
    *,
    seed: int,
    evaluations: int | None = None,
    seconds: float | None = None,
    in_flight: int = IN_FLIGHT,
    show: Callable[[Step], None] = lambda _: None,
) -> Found:
    """Search until the budget is spent.

    Parameters
    ----------
    searcher
        What to ask for next.
    client
        Whom to ask.
    seed
        Of the searcher, for what is told.
    evaluations
        The budget: how many, duplicates included; None for no bound.
    seconds
        The budget: what records may have cost together; nothing more is asked for beyond it, nor after a thousand evaluations
        in a row that cost nothing new, as where a small space is known. None for no bound. [s]
    in_flight
        How many are under way at most.
    show
        Called with each step when it is told.

    Raises
    ------
    TaskError
        If there is no budget, or nothing may be under way.
    JitnasError
        What ends an evaluation and is no fault of its network, such as a site that is away.
    """
    bounds = [bound for bound in (evaluations, seconds) if bound is not None]
    if not bounds or not all(finite(bound, least=0) for bound in (*bounds, in_flight)):
        raise TaskError("a search has a budget above 0, in evaluations or seconds, and something under way")
    run = _Run(searcher, client)
    while True:
        may_ask = (evaluations is None or run.asked < evaluations) and (seconds is None or run.spends_towards(seconds))
        if may_ask and len(run.under_way) < in_flight:
            run.ask()
        elif run.under_way:
            show(run.tell())
        else:
            return run.end(seed)


class _Run:
    """A search under way."""

    def __init__(self, searcher: Searcher, client: Client) -> None:
        self._searcher, self._client, self._problem = searcher, client, searcher.problem
        self.under_way: deque[tuple[Task, Evaluation]] = deque()
        self.steps: list[Step] = []
        self.asked, self.spent_seconds = 0, 0.0
        self._idle = 0  # evaluations in a row that cost nothing new
        self._keys: set[str] = set()
        self._best: Record | None = None

    def spends_towards(self, seconds: float) -> bool:
        """Whether a budget of so much is left, and is still drawn upon."""
        return self.spent_seconds < seconds and self._idle < MOST_IDLE

    def ask(self) -> None:
        """One more."""
        problem, task = self._problem, self._searcher.ask()
        architecture = problem.architecture(self._searcher.latest or ())
        self.asked += 1
        evaluation = self._client.submit(architecture, dataset=problem.dataset.name, recipe=problem.recipe, seed=problem.seed)
        self.under_way.append((task, evaluation))

    def tell(self) -> Step:
        """Wait for the first that was asked for, and tell of it."""
        task, evaluation = self.under_way.popleft()
        point = self._searcher.asked(task.key)
        written = self._problem.space.written(point)
        record, source = _record_of(evaluation)
        if record is None:
            self._searcher.give_up(task)
        else:
            self._searcher.tell(_sealed(record))
        value = None if record is None else self._problem.value(record)
        seconds = 0.0 if record is None else float(record.cost.get("wall_seconds") or 0.0)
        best = self._searcher.best
        if best is not None and best[0] == point:
            self._best = record
        step = Step(
            number=len(self.steps) + 1,
            point=written,
            key=task.key,
            value=value if value != float("-inf") else None,
            best=None if best is None or best[1] == float("-inf") else best[1],
            source=source,
            again=task.key in self._keys,
            seconds=seconds,
        )
        self._keys.add(task.key)
        spent_seconds = 0.0 if step.again else seconds
        self.spent_seconds += spent_seconds
        self._idle = 0 if spent_seconds else self._idle + 1
        self.steps.append(step)
        return step

    def end(self, seed: int) -> Found:
        """What was found; the only place that reads the test part."""
        best = self._searcher.best
        written = None if best is None or best[1] == float("-inf") else self._problem.space.written(best[0])
        record = None if written is None else self._best
        metric = self._problem.dataset.metric
        return Found(
            method=self._searcher.name,
            seed=seed,
            point=written,
            validation=None if record is None else record.metrics["validation"][metric],
            test=None if record is None else record.metrics["test"][metric],
            steps=tuple(self.steps),
        )


def _record_of(evaluation: Evaluation) -> tuple[Record | None, str]:
    """The record and where it came from; None where the network itself failed."""
    try:
        return evaluation.result(), evaluation.source or "trained"
    except OF_THE_NETWORK:
        return None, "failed"


def _sealed(record: Record) -> Record:
    shut = record.redacted()
    return dataclasses.replace(shut, metrics=Sealed(shut.metrics), curves=Sealed(shut.curves))
