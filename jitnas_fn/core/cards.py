"""What is known by its name: datasets, also those that cannot be loaded yet, and recipes, also those of published tables."""

from functools import lru_cache
from typing import Any

from jitnas_fn.core import shelf
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import UnknownName
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe


def card_named(name: str) -> Dataset:
    """The card of a dataset; one that cannot be loaded has no content hash.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    card = _named(str(name)[:80], "DATASET", what="dataset", rooms=("datasets", "datasets._cards"))
    assert isinstance(card, Dataset)
    return card


def recipe_named(name: str) -> Recipe | Published:
    """A recipe, or what a table was published with; raises `UnknownName`, as `card_named`."""
    plan = _named(str(name)[:80], "RECIPE", what="recipe", rooms=("recipes", "recipes._published"))
    assert isinstance(plan, Recipe | Published)
    return plan


@lru_cache  # asked for with every task
def _named(name: str, attribute: str, *, what: str, rooms: tuple[str, str]) -> Any:
    for room in rooms:
        if name in shelf.names(room):
            return getattr(shelf.take(room, name), attribute)
    here, published = (", ".join(shelf.names(room)) for room in rooms)
    raise UnknownName(f"no {what} {name!r}; there are {here}; and of published tables {published}")
