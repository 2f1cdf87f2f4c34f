"""Bayesian optimisation: a model of what was measured says where a better point is likeliest. The model is Optuna's.

References
----------
.. [1] J. Bergstra, R. Bardenet, Y. Bengio and B. Kégl, "Algorithms for Hyper-Parameter Optimization", NeurIPS 2011.
.. [2] S. Falkner, A. Klein and F. Hutter, "BOHB: Robust and Efficient Hyperparameter Optimization at Scale", ICML 2018: one
   estimator over all places together.
.. [3] T. Akiba et al., "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD 2019.
"""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.graphs.space import Point

if TYPE_CHECKING:
    import optuna

NEEDS = {"tpe": ("optuna",), "gp": ("optuna", "scipy", "torch")}  # what each sampler imports
DRAWN = 10  # points before anything is modelled
TRIES = 3  # to be proposed a point that is new
STEPS = 100  # at most, from a point that is not to one that is


class Bayesian(Searcher):
    """A study in memory, whose parameters are the places of a space of choices. It needs `pip install 'jitnas_fn[search]'`.

    Parameters
    ----------
    sampler
        "tpe" for Parzen estimators over all places together, "gp" for a Gaussian process, which takes longer to think.
    """

    about = "Bayesian optimisation by Optuna: Parzen estimators or a Gaussian process (Akiba et al., 2019)"

    def __init__(self, problem: Problem, *, seed: int, sampler: str = "tpe") -> None:
        super().__init__(problem, seed=seed)
        if not isinstance(self.space, Choices):
            raise TaskError(f"bayesian needs a space whose points are choices at places; {self.space.name} is none")
        self._study = _study(sampler, self.rng.randrange(2**32))
        self._places = _places(self.space)
        self._open: dict[Point, list[optuna.Trial]] = {}  # asked for and not told
        self._seen: set[Point] = set()  # proposed, known from elsewhere, or beyond the bounds
        self._works = False  # whether anything does, so far

    def propose(self) -> Point:
        """What the model proposes; a point that is drawn as long as none is known that works."""
        with _quiet():
            point, trial = self._modelled() if self._works else self._chosen(self.space.sample(self.rng))
        self._seen.add(point)
        self._open.setdefault(point, []).append(trial)
        return point

    def learn(self, point: Point, value: float) -> None:
        """Tell the study, which may know nothing of the point so far."""
        import optuna

        # What failed is a trial of the worst value, not one of Optuna's failed ones: samplers leave those out, so the model
        # would propose what fails again and again.
        works = math.isfinite(value)
        worth = value if works else float("-inf")
        self._works = self._works or works
        self._seen.add(point)
        trials = self._open.get(point)
        with _quiet():
            if trials:
                self._study.tell(trials.pop(0), worth)
            else:
                known = self._parameters(point)
                self._study.add_trial(optuna.trial.create_trial(params=known, distributions=self._places, value=worth))
        if not trials:
            self._open.pop(point, None)

    def refuse(self, point: Point) -> None:
        """Beyond the bounds is as bad as failed."""
        self.learn(point, float("-inf"))

    def _modelled(self) -> "tuple[Point, optuna.Trial]":
        """What the study proposes; if that is not new, it is asked again, and then left for what is near."""
        from optuna.trial import TrialState

        for _ in range(TRIES):
            trial = self._study.ask(self._places)
            point = tuple(trial.params[name] for name in self._places)
            if point not in self._seen:
                return point, trial
            self._study.tell(trial, state=TrialState.FAIL)  # which the model leaves out
        # It may insist for hundreds of evaluations on what it knows, which would cost nothing and teach nothing.
        return self._chosen(point)

    def _chosen(self, point: Point) -> "tuple[Point, optuna.Trial]":
        """The first new point of a random walk from here, as a trial; in a space that is all but used up, where that ends."""
        for _ in range(STEPS):
            if point not in self._seen:
                break
            point = self.space.mutate(point, self.rng)
        self._study.enqueue_trial(self._parameters(point))
        return point, self._study.ask(self._places)

    def _parameters(self, point: Point) -> dict[str, int]:
        return dict(zip(self._places, point, strict=True))


def _places(space: Choices) -> "dict[str, optuna.distributions.BaseDistribution]":
    from optuna.distributions import CategoricalDistribution

    return {f"place {number}": CategoricalDistribution(range(len(names))) for number, names in enumerate(space.options)}


def _study(sampler: str, seed: int) -> "optuna.Study":
    if sampler not in NEEDS:
        raise TaskError(f"no sampler {str(sampler)[:40]!r} for bayesian; there are {', '.join(NEEDS)}")
    missing = [name for name in NEEDS[sampler] if find_spec(name) is None]
    if missing:
        raise TaskError(f"bayesian needs {' and '.join(missing)}: pip install 'jitnas_fn[search]'")
    import optuna

    with _quiet():
        made: optuna.samplers.BaseSampler
        if sampler == "gp":
            made = optuna.samplers.GPSampler(seed=seed, n_startup_trials=DRAWN)
        else:
            made = optuna.samplers.TPESampler(seed=seed, n_startup_trials=DRAWN, multivariate=True, constant_liar=True)
        return optuna.create_study(direction="maximize", sampler=made)


@contextmanager
def _quiet() -> Iterator[None]:
    """While Optuna works: it writes a line for each trial, and warns of what is new in it and of values that are not finite."""
    from optuna import logging

    level = logging.get_verbosity()
    logging.set_verbosity(max(level, logging.ERROR))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)


SEARCHER = Bayesian
