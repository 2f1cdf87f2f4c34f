"""REINFORCE: a distribution over the options at each place, moved towards what was better than usual.

References
----------
.. [1] R. Williams, "Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning", 1992.
.. [2] B. Zoph and Q. Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017.
.. [3] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020: one
   categorical distribution for each edge in place of [2]_'s recurrent network.
.. [4] D. Kingma and J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
"""

import math

from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point

LEARNING_RATE, MOMENTUM, START = 0.01, 0.9, 1e-3  # of [3]_'s code: Adam, the moving average, and the spread of the first logits
PERCENT = 100.0  # rewards are accuracies in percent there
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of [4]_


class Reinforce(Searcher):
    """A policy without memory, on spaces of choices.

    Parameters
    ----------
    learning_rate
        Of Adam.
    """

    about = "REINFORCE: a distribution for each choice, moved by the reward (Williams, 1992; Dong and Yang, 2020)"

    def __init__(self, problem: Problem, *, seed: int, learning_rate: float = LEARNING_RATE) -> None:
        super().__init__(problem, seed=seed)
        if not isinstance(self.space, Choices):
            raise TaskError(f"reinforce needs a space whose points are choices at places; {self.space.name} is none")
        self._rate = learning_rate
        self._logits = [[self.rng.gauss(0.0, START) for _ in names] for names in self.space.options]
        self._moments = [[[0.0, 0.0] for _ in names] for names in self.space.options]
        self._steps = 0
        self._usual, self._weight = 0.0, 1.0
        self._lowest = 0.0  # reward; a network that fails gets twice that: nothing of an accuracy, else less than the worst

    def propose(self) -> Point:
        """A point drawn from the distributions as they are now."""
        return tuple(self.rng.choices(range(len(logits)), _softmax(logits))[0] for logits in self._logits)

    def learn(self, point: Point, value: float) -> None:
        """One step of Adam up the gradient of the expected reward."""
        if math.isfinite(value):
            reward = value * PERCENT
            self._lowest = min(self._lowest, reward)
        elif self._lowest < 0 or self.problem.dataset.direction == "maximise":
            reward = 2 * self._lowest
        else:  # nothing to measure a failure by yet
            return
        self._usual = MOMENTUM * self._usual + (1 - MOMENTUM) * reward
        self._weight *= MOMENTUM
        advantage = reward - self._usual / (1 - self._weight)
        self._steps += 1
        for place, option in enumerate(point):
            chances = _softmax(self._logits[place])
            for other, chance in enumerate(chances):
                self._step(place, other, advantage * ((other == option) - chance))

    def _step(self, place: int, option: int, gradient: float) -> None:
        moments, (first, second) = self._moments[place][option], BETAS
        moments[0] = first * moments[0] + (1 - first) * gradient
        moments[1] = second * moments[1] + (1 - second) * gradient**2
        mean, square = moments[0] / (1 - first**self._steps), moments[1] / (1 - second**self._steps)
        self._logits[place][option] += self._rate * mean / (math.sqrt(square) + EPSILON)


def _softmax(logits: list[float]) -> list[float]:
    largest = max(logits)
    powers = [math.exp(logit - largest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


SEARCHER = Reinforce
