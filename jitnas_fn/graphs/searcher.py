"""What every way to search does with tasks and records, whatever it proposes."""

import random
from abc import ABC, abstractmethod
from functools import cached_property
from typing import ClassVar, NamedTuple

from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.record import Record
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.space import Point

SHELF = "jitnas_fn.searchers"
MOST_TRIES = 1000  # to propose a point within the bounds


class NothingAllowed(TaskError):
    """What is proposed is beyond the bounds of the problem again and again."""


class Trial(NamedTuple):
    """A point, and the rung on which it is evaluated: which recipe of `Problem.ladder`."""

    point: Point
    rung: int


class Searcher(ABC):
    """Asks for tasks, and is told what they measured; any number may be under way.

    Parameters
    ----------
    problem
        What is searched for.
    seed
        Of everything that is drawn: the same seed, told the same in the same order, asks for the same.

    Attributes
    ----------
    about
        One line: what it is, and who published it.
    needs_cheaper
        Whether it begins with cheaper trainings: where there are none it is another method, and not compared.
    learns
        Whether it makes anything of what it is told; where not, it is told nothing that was known before.
    most_evaluations
        After how many its end does not change any more; None if it goes on.
    best
        The best point that was told of and its value, on the highest rung that was told of; None before the first.
    best_rung
        That rung; -1 before the first.
    """

    about: str
    needs_cheaper: ClassVar[bool] = False
    learns: ClassVar[bool] = True
    most_evaluations: int | None = None

    def __init__(self, problem: Problem, *, seed: int) -> None:
        self.problem, self.space = problem, problem.space
        self.rng = random.Random(f"{self.name}/{seed}")  # of its own for each method
        self.best: tuple[Point, float] | None = None
        self.best_rung = -1
        self._best_by: tuple[bool, int, float] = (False, -1, float("-inf"))
        self._asked: dict[str, list[Trial]] = {}  # by key, what is under way

    @cached_property
    def name(self) -> str:
        """That of its file; of a class that is on no shelf, its own."""
        room, _, file = type(self).__module__.rpartition(".")
        return file if room == SHELF else type(self).__name__.lower()

    @abstractmethod
    def propose(self) -> Point:
        """The next point to be evaluated."""

    @abstractmethod
    def learn(self, point: Point, value: float) -> None:
        """Take what a point was worth, whether it was proposed here or is known from elsewhere; more is better."""

    def propose_trial(self) -> Trial:
        """The next point and its rung: the highest, for all methods but those that begin with cheaper ones."""
        return Trial(self.propose(), self.problem.top)

    def learn_trial(self, trial: Trial, value: float) -> None:
        """Take what a point was worth on a rung."""
        self.learn(trial.point, value)

    def refuse(self, point: Point) -> None:  # noqa: B027  most ways just propose another
        """Take that a point is beyond the bounds of the problem: it is asked of nobody."""

    def ask(self) -> Task:
        """The next task. It may have been asked for before: then its record is there already, and costs nothing.

        Raises
        ------
        NothingAllowed
            If hardly any point is within the bounds of the problem.
        """
        trial = self._allowed()
        task = self.problem.task(*trial)
        self._asked.setdefault(task.key, []).append(trial)
        return task

    def asked(self, key: str) -> Trial:
        """What is told next of the task with this key; raises `TaskError` if none is under way."""
        if key not in self._asked:
            raise TaskError(f"key {str(key)[:12]}… was not asked for by this search, or was told already")
        return self._asked[key][0]

    def tell(self, record: Record) -> None:
        """Take the record of a task, once for each time that it was asked for.

        Raises
        ------
        TaskError
            If it was not asked for, or is told already.
        """
        self.take(self._ended(record.key), self.problem.value(record))

    def give_up(self, task: Task) -> None:
        """Take that there is no record of a task, since its network failed; raises as `tell`."""
        self.take(self._ended(task.key), float("-inf"))

    def take(self, trial: Trial, value: float) -> None:
        """Note what a point was worth, and learn from it."""
        by = value > float("-inf"), trial.rung, value
        if self.best is None or by > self._best_by:
            self.best, self.best_rung, self._best_by = (trial.point, value), trial.rung, by
        self.learn_trial(trial, value)

    def _allowed(self) -> Trial:
        for _ in range(MOST_TRIES):
            trial = self.propose_trial()
            if self.problem.allows(trial.point):
                return trial
            self.refuse(trial.point)
        raise NothingAllowed(
            f"of {MOST_TRIES:,} points of {self.space.name} that were proposed in a row, none is within the bounds of "
            "parameters, multiply-adds and seconds: hardly any network is, so loosen them"
        )

    def _ended(self, key: str) -> Trial:
        trial = self.asked(key)
        self._asked[key].pop(0)
        if not self._asked[key]:
            del self._asked[key]
        return trial
