"""Brackets: runs of successive halving, in which a rung is begun when all results of the one below are there."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from jitnas_fn.graphs.halving import ETA, FAILED, Halving
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Trial
from jitnas_fn.graphs.space import Point


class Bracket:
    """Points that are drawn on one rung, the best of them on the next, and so on. A failed one is not promoted.

    Parameters
    ----------
    first
        The rung on which points are drawn.
    sizes
        How many points are on each rung from there on; they are fewer where too many have failed.
    """

    def __init__(self, first: int, sizes: Sequence[int]) -> None:
        self._first = self._rung = first
        self._to_draw, *later = sizes
        self._sizes = deque(later)
        self._to_ask: deque[Point] = deque()
        self._under_way = 0
        self._told: list[tuple[Point, float]] = []  # of this rung, without what failed

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be asked or told."""
        return not (self._to_draw or self._to_ask or self._under_way)

    def next_trial(self, draw: Callable[[], Point]) -> Trial | None:
        """The next point of this rung; None while the rung waits for those that are under way."""
        if self._to_draw:
            point = draw()
            self._to_draw -= 1
        elif self._to_ask:
            point = self._to_ask.popleft()
        else:
            return None
        self._under_way += 1
        return Trial(point, self._rung)

    def take(self, point: Point, value: float) -> None:
        """Note what a point is worth that was under way; the last one of a rung decides who is promoted."""
        self._under_way -= 1
        if value > FAILED:
            self._told.append((point, value))
        if self.is_over:
            self._promote()

    def refuse(self, point: Point) -> None:
        """Let another be drawn in place of one under way; one that was promoted before has failed."""
        if self._rung > self._first:
            self.take(point, FAILED)
        else:
            self._under_way -= 1
            self._to_draw += 1

    def _promote(self) -> None:
        ranked = sorted(self._told, key=lambda one: one[1], reverse=True)
        size = self._sizes.popleft() if self._sizes else 0
        self._to_ask.extend(point for point, _ in ranked[:size])
        self._rung, self._told = self._rung + 1, []


class InBrackets(Halving):
    """One bracket after the other; the next is begun early while those before it only wait for results."""

    def __init__(self, problem: Problem, *, seed: int, eta: int = ETA) -> None:
        super().__init__(problem, seed=seed, eta=eta)
        self._begun: list[Bracket] = []  # and not over
        self._under_way: list[tuple[Trial, Bracket]] = []  # the oldest first; a point may be there twice

    @abstractmethod
    def next_bracket(self) -> Bracket:
        """What is begun next."""

    def propose_trial(self) -> Trial:
        """Of the oldest bracket that has something to ask for."""
        for bracket in self._begun:
            trial = bracket.next_trial(self.propose)
            if trial is not None:
                self._under_way.append((trial, bracket))
                return trial
        self._begun.append(self.next_bracket())
        return self.propose_trial()

    def learn_trial(self, trial: Trial, value: float) -> None:
        """Tell the bracket that has waited longest for it; none waits for what is known from elsewhere."""
        waiting = [place for place, (asked, _) in enumerate(self._under_way) if asked == trial]
        if waiting:
            self._bracket_of(waiting[0]).take(trial.point, value)
            self._leave_what_is_over()
        else:
            self.learn(trial.point, value)

    def refuse(self, point: Point) -> None:
        """Tell the bracket that has asked for it last."""
        waiting = [place for place, (asked, _) in enumerate(self._under_way) if asked.point == point]
        if waiting:
            self._bracket_of(waiting[-1]).refuse(point)
            self._leave_what_is_over()

    def _bracket_of(self, place: int) -> Bracket:
        _, bracket = self._under_way.pop(place)
        return bracket

    def _leave_what_is_over(self) -> None:
        self._begun = [bracket for bracket in self._begun if not bracket.is_over]
