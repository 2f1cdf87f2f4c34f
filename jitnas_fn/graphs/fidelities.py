"""Cheaper recipes: the same training with fewer epochs, or on a part of the data, for `Problem.cheaper`."""

import dataclasses
from collections.abc import Sequence
from itertools import pairwise, zip_longest

from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.recipe import RANGES, Recipe

LONGEST_NAME = 80  # of a recipe


def cheaper_by(recipe: Recipe, *, epochs: Sequence[int] = (), data_fractions: Sequence[float] = ()) -> tuple[Recipe, ...]:
    """The ladder below a recipe, the cheapest first.

    All else is as in the recipe, but for a warm-up. That keeps its share of the epochs, rounded up, so that what has one still
    has it; and it never takes all of the epochs. Each rung is a training of its own: where the learning rate is annealed, it is
    annealed over the epochs of the rung.

    Parameters
    ----------
    recipe
        The one that counts.
    epochs
        Of each rung, rising and below the recipe's own.
    data_fractions
        Of each rung, rising and below the recipe's own; where there are epochs too, as many as of those. [fraction, 0 to 1]

    Raises
    ------
    TaskError
        If the rungs do not rise to the recipe, or have no value that a recipe may have.
    """
    if epochs and data_fractions and len(epochs) != len(data_fractions):
        raise TaskError(f"each rung has epochs and a data fraction: {len(epochs)} and {len(data_fractions)} make no pairs")
    least = RANGES["data_fraction"][0]
    _check_rise("epochs", epochs, [whole(one, least=1) for one in epochs], recipe.epochs)
    _check_rise("data fractions", data_fractions, [finite(one, least=least) for one in data_fractions], recipe.data_fraction)
    return tuple(_cheaper(recipe, *rung) for rung in zip_longest(epochs, data_fractions))


def _check_rise(what: str, given: Sequence[float], taken: Sequence[float | None], own: float) -> None:
    values = [value for value in taken if value is not None]
    if len(values) < len(given) or any(low >= high for low, high in pairwise([*values, own])):
        raise TaskError(
            f"{what} of cheaper rungs lie above 0, and rise to less than the recipe's {own}; not {str([*given])[:80]}"
        )


def _cheaper(recipe: Recipe, epochs: int | None, data_fraction: float | None) -> Recipe:
    said, cheaper = [], recipe
    if epochs is not None:
        said.append("1 epoch" if epochs == 1 else f"{epochs} epochs")
        cheaper = dataclasses.replace(cheaper, epochs=epochs, warmup_epochs=_warmup(recipe, epochs))
    if data_fraction is not None:
        said.append(f"{100 * data_fraction:g}% of the data")
        cheaper = dataclasses.replace(cheaper, data_fraction=data_fraction)
    suffix = f"@{', '.join(said)}"
    return dataclasses.replace(cheaper, name=recipe.name[: LONGEST_NAME - len(suffix)] + suffix)


def _warmup(recipe: Recipe, epochs: int) -> int:
    share = -(-recipe.warmup_epochs * epochs // recipe.epochs)  # rounded up
    return min(share, epochs - 1)
