"""Hyperband: successive halving with many points from the lowest rung, with fewer from the next, and so on to random search.

References
----------
.. [1] L. Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 2018.
"""

from jitnas_fn.graphs.brackets import Bracket, InBrackets
from jitnas_fn.graphs.halving import ETA
from jitnas_fn.graphs.problem import Problem


class Hyperband(InBrackets):
    """Algorithm 1 of [1]_, again and again. While a rung waits for results, the next bracket is begun.

    Bracket s climbs s steps to the highest rung. How many steps there are at most, the ladder says; [1]_ computes it from the
    largest budget R, whose rungs are R, R/eta, and so on. For R = 81 and eta = 3 that makes five rungs, and brackets that begin
    with 81, 34, 15, 8 and 5 points. The table that [1]_ prints as an example has 27, 9 and 6 in the middle: it was rounded in
    another way than the algorithm says.
    """

    about = "Hyperband: successive halving from each rung of the ladder in turn (Li et al., 2018)"

    def __init__(self, problem: Problem, *, seed: int, eta: int = ETA) -> None:
        super().__init__(problem, seed=seed, eta=eta)
        self._steps = problem.top  # of the next bracket; s in [1]_

    def next_bracket(self) -> Bracket:
        """The next of them; after random search the first again."""
        top, steps = self.problem.top, self._steps
        self._steps = steps - 1 if steps else top
        points = -(-(top + 1) * self._eta**steps // (steps + 1))  # rounded up; on each rung one in eta, rounded down
        return Bracket(top - steps, [points // self._eta**step for step in range(steps + 1)])


SEARCHER = Hyperband
