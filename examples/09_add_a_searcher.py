"""A way to search of one's own, in twenty lines: it climbs hills, and is compared with random search.

As jitnas_fn/searchers/hill_climbing.py, with a last line `SEARCHER = HillClimbing`, it has the tests of all others, and
`jitnas compare --methods hill_climbing` knows it.
"""

from jitnas_fn import compare
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point

PATIENCE = 6  # steps that were no better, after which it begins elsewhere


class HillClimbing(Searcher):
    """Goes to a neighbour that is better; `ask` and `tell`, tasks and records are those of all searchers."""

    about = "hill climbing with restarts"

    def __init__(self, problem: Problem, *, seed: int) -> None:
        super().__init__(problem, seed=seed)
        self.here: tuple[Point, float] | None = None
        self.in_vain = 0

    def propose(self) -> Point:
        """A neighbour of where it stands, or a start; `self.rng` alone draws, so the same seed asks for the same."""
        return self.space.sample(self.rng) if self.here is None else self.space.mutate(self.here[0], self.rng)

    def learn(self, point: Point, value: float) -> None:
        """Go there if it is better; several may be under way, so this may be told of a point that was proposed long ago."""
        if self.here is None or value > self.here[1]:
            self.here, self.in_vain = (point, value), 0
        else:
            self.in_vain += 1
        if self.in_vain == PATIENCE:
            self.here, self.in_vain = None, 0


found = compare(space="mlp", dataset="digits", recipe="quick", methods=[HillClimbing], seeds=3, evaluations=12)
print(found)  # random search and random sampling are always among them
print(f"jitnas report {found.run.name} draws it; behind @ is a hash of its source: changed, it is another method")
print("a difference means something only where it is well above the spread: these are three searches of twelve networks")
