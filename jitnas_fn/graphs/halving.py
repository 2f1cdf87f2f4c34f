"""What ways to search share that begin on cheap rungs: points are drawn, and the best of a rung are promoted to the next.

References
----------
.. [1] L. Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 2018.
"""

from jitnas_fn.core.bounds import whole
from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point

ETA = 3  # of [1]_, which finds 3 or 4 good in practice, and e best in theory
FAILED = float("-inf")  # what a network is worth that failed


class Halving(Searcher):
    """Chooses among points that are drawn, by what they are worth on the rungs of `Problem.ladder`.

    A rung is whatever recipe is there. It need not cost `eta` times the one below, though the papers count on that, so that all
    rungs cost the same. On a ladder of one rung nothing is promoted, and this is random search.

    Parameters
    ----------
    eta
        Of so many points on a rung, one is promoted.
    """

    needs_cheaper = True

    def __init__(self, problem: Problem, *, seed: int, eta: int = ETA) -> None:
        super().__init__(problem, seed=seed)
        if whole(eta, least=2) is None:
            raise TaskError(f"one of eta points is promoted, and eta is a whole number from 2, not {str(eta)[:40]}")
        self._eta = eta

    def propose(self) -> Point:
        """A point to begin with, each as likely as any other."""
        return self.space.sample(self.rng)

    def learn(self, point: Point, value: float) -> None:
        """Nothing: what is known on the highest rung is promoted nowhere."""
