"""Successive halving: of the points on a rung, one in eta is evaluated on the next; then from the beginning with others.

References
----------
.. [1] K. Jamieson and A. Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016.
.. [2] L. Li et al., "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", JMLR 2018: eta in place of 2.
"""

from jitnas_fn.graphs.brackets import Bracket, InBrackets


class SuccessiveHalving(InBrackets):
    """Run after run, each of which ends with one point on the highest rung.

    The lowest of K rungs has eta^(K - 1) points: the fewest of which one is left if each step takes one in eta. [1]_ leaves it
    open; the first bracket of [2]_ has as many. While a rung waits for results, the next run is begun.
    """

    about = "successive halving: the best of a rung go on to the next (Jamieson and Talwalkar, 2016)"

    def next_bracket(self) -> Bracket:
        """One run."""
        return Bracket(0, [self._eta**above for above in reversed(range(self.problem.top + 1))])


SEARCHER = SuccessiveHalving
