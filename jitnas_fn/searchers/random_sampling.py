"""Random sampling: one point is drawn and taken, whatever it is worth. What the space itself is worth without any search.

References
----------
.. [1] M. Lindauer and F. Hutter, "Best Practices for Scientific Research on Neural Architecture Search", JMLR 2020.
"""

from jitnas_fn.graphs.searcher import Searcher, Trial
from jitnas_fn.graphs.space import Point


class RandomSampling(Searcher):
    """Draws points, and takes the first."""

    about = "one point drawn at random and taken, unseen (Lindauer and Hutter, 2020)"
    most_evaluations = 1
    learns = False

    def propose(self) -> Point:
        """A point, each as likely as any other."""
        return self.space.sample(self.rng)

    def learn(self, point: Point, value: float) -> None:
        """Nothing."""

    def take(self, trial: Trial, value: float) -> None:
        """Stay with the first, whatever comes later."""
        if self.best is None:
            self.best, self.best_rung = (trial.point, value), trial.rung


SEARCHER = RandomSampling
