"""Random search: points are drawn, and the best of them on validation is taken. The baseline that each method has to beat.

References
----------
.. [1] J. Bergstra and Y. Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012.
"""

from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point


class RandomSearch(Searcher):
    """Draws every point anew."""

    about = "points drawn at random, the best on validation taken (Bergstra and Bengio, 2012)"

    def propose(self) -> Point:
        """A point, each as likely as any other."""
        return self.space.sample(self.rng)

    def learn(self, point: Point, value: float) -> None:
        """Nothing."""


SEARCHER = RandomSearch
