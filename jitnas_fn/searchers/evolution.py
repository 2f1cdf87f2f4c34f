"""Regularised evolution: of some of the population the best is mutated, and the oldest dies.

References
----------
.. [1] E. Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019.
.. [2] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

from collections import deque

from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point

POPULATION, SAMPLE = 10, 3  # of [2]_, whose budgets are small; [1]_ has 100 and 25


class Evolution(Searcher):
    """The first points are drawn; after them, each is a child of one that lives.

    Parameters
    ----------
    population
        How many live.
    sample
        Of how many, drawn from them, the best is the parent.
    """

    about = "regularised evolution: the best of a sample is mutated, the oldest dies (Real et al., 2019)"

    def __init__(self, problem: Problem, *, seed: int, population: int = POPULATION, sample: int = SAMPLE) -> None:
        super().__init__(problem, seed=seed)
        if not 1 <= sample <= population:
            raise TaskError(f"a sample of {sample} is not drawn from a population of {population}")
        self._sample = sample
        self._alive: deque[tuple[Point, float]] = deque(maxlen=population)
        self._drawn = self._under_way = 0

    def propose(self) -> Point:
        """A point drawn anew as long as the population is not full, then a child."""
        self._under_way += 1
        if self._drawn < (self._alive.maxlen or 0):
            self._drawn += 1
            return self.space.sample(self.rng)
        alive = self._alive
        if not alive:  # all that were drawn are still under way
            return self.space.sample(self.rng)
        drawn = [alive[int(self.rng.random() * len(alive))] for _ in range(self._sample)]
        parent, _ = max(drawn, key=lambda one: one[1])
        return self.space.mutate(parent, self.rng)

    def refuse(self, point: Point) -> None:
        """As long as the population is not full, another is drawn in the place of one beyond the bounds."""
        self._under_way -= 1
        if len(self._alive) < (self._alive.maxlen or 0):
            self._drawn = max(0, self._drawn - 1)

    def learn(self, point: Point, value: float) -> None:
        """Let it live; of too many the oldest dies. One that was not asked for is known from elsewhere: one less is drawn."""
        if self._under_way:
            self._under_way -= 1
        else:
            self._drawn += 1
        self._alive.append((point, value))


SEARCHER = Evolution
