"""Local search: from a point to its best neighbour, as long as that is better; then from another start.

References
----------
.. [1] C. White, S. Nolen and Y. Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021.
"""

from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point


class LocalSearch(Searcher):
    """Climbs hills, one after the other."""

    about = "local search: the best neighbour as long as it is better, then a new start (White et al., 2021)"

    def __init__(self, problem: Problem, *, seed: int) -> None:
        super().__init__(problem, seed=seed)
        self._here: tuple[Point, float] | None = None
        self._to_ask: list[Point] = []
        self._open: set[Point] = set()  # of this round, asked for and not told
        self._round: list[tuple[Point, float]] = []
        self._seen: set[Point] = set()

    def propose(self) -> Point:
        """The next neighbour; while the last ones are under way, a start that is drawn."""
        if not self._to_ask:
            return self._noted(self.space.sample(self.rng))
        point = self._to_ask.pop()
        self._open.add(point)
        return self._noted(point)

    def learn(self, point: Point, value: float) -> None:
        """Begin at the first point, or at the best of those that are known; go on when all neighbours are told."""
        if point in self._open:
            self._open.discard(point)
            self._round.append((point, value))
            if not self._open and not self._to_ask:
                self._move()
        elif self._here is None or (not self._seen and value > self._here[1]):
            self._here = point, value
            self._look_around()

    def refuse(self, point: Point) -> None:
        """A neighbour beyond the bounds is none that could be gone to."""
        if point in self._open:
            self.learn(point, float("-inf"))

    def _move(self) -> None:
        """To the best neighbour if it is better; else this was a top, and another start is drawn."""
        assert self._here is not None
        best = max(self._round, key=lambda one: one[1])
        self._here = best if best[1] > self._here[1] else None
        self._round = []
        if self._here is not None:
            self._look_around()

    def _look_around(self) -> None:
        assert self._here is not None
        self._to_ask = [point for point in self.space.neighbours(self._here[0]) if point not in self._seen]
        self.rng.shuffle(self._to_ask)
        if not self._to_ask:
            self._here = None

    def _noted(self, point: Point) -> Point:
        self._seen.add(point)
        return point


SEARCHER = LocalSearch
