"""Cards of all datasets that are known, also of those whose data cannot be loaded yet."""

from jitnas_fn.core import shelf
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import UnknownName

LOADED, KNOWN = "datasets", "datasets._cards"


def card_named(name: str) -> Dataset:
    """The card of a dataset; one that cannot be loaded has no content hash.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    for room in (LOADED, KNOWN):
        if name in shelf.names(room):
            card = shelf.take(room, name).DATASET
            assert isinstance(card, Dataset)
            return card
    there = ", ".join(sorted([*shelf.names(LOADED), *shelf.names(KNOWN)]))
    raise UnknownName(f"no dataset {str(name)[:80]!r}; there are {there}")
