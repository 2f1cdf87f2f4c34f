"""Asynchronous successive halving: whoever is among the best of a rung goes on at once, and nobody waits for the others.

References
----------
.. [1] L. Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020.
"""

import heapq
from bisect import bisect_left, insort

from jitnas_fn.graphs.halving import ETA, FAILED, Halving
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Trial
from jitnas_fn.graphs.space import Point


class Asha(Halving):
    """Promotes where it can, from the highest rung down; else draws a point, on the lowest: Algorithm 2 of [1]_, with s = 0."""

    about = "ASHA: successive halving that promotes at once, and waits for nobody (Li et al., 2020)"

    def __init__(self, problem: Problem, *, seed: int, eta: int = ETA) -> None:
        super().__init__(problem, seed=seed, eta=eta)
        self._rungs = [_Rung(eta) for _ in range(problem.top)]  # all but the highest, from which nothing is promoted

    def propose_trial(self) -> Trial:
        """What may be promoted, or a point that is drawn."""
        for rung in reversed(range(self.problem.top)):
            point = self._rungs[rung].promoted()
            if point is not None:
                return Trial(point, rung + 1)
        return Trial(self.propose(), 0)

    def learn_trial(self, trial: Trial, value: float) -> None:
        """Note what a point is worth on its rung, whoever has asked."""
        if trial.rung < self.problem.top:
            self._rungs[trial.rung].take(trial.point, value)
        else:
            self.learn(trial.point, value)


class _Rung:
    """Who was told of on a rung, and who of them was promoted."""

    def __init__(self, eta: int) -> None:
        self._eta = eta
        self._ranked: list[tuple[float, int, Point]] = []  # the best first, of equals the one that was told first
        self._staying: list[tuple[float, int, Point]] = []  # a heap of those that were not promoted and have not failed

    def take(self, point: Point, value: float) -> None:
        """One more."""
        entry = -value, len(self._ranked), point
        insort(self._ranked, entry)
        if value > FAILED:
            heapq.heappush(self._staying, entry)

    def promoted(self) -> Point | None:
        """The best that was not promoted yet, if it is among one in eta of all: from now on it counts as promoted."""
        best = self._staying[0] if self._staying else None
        if best is None or bisect_left(self._ranked, best) >= len(self._ranked) // self._eta:
            return None
        return heapq.heappop(self._staying)[2]


SEARCHER = Asha
