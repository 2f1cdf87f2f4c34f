"""Ways to search as people name them: `evolution`, or with options of its own as in `evolution:population=20:sample=5`.

A class of somebody's own is named after itself and its source, as in `greedy@1a2b3c4d`: another source is another method.
"""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jitnas_fn.core import shelf
from jitnas_fn.core.bounds import finite
from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher
from jitnas_fn.search.sources import source_digest

BASELINES = ("random_sampling", "random_search")  # of Lindauer and Hutter (JMLR 2020): no comparison goes without them
LONGEST = 200
LARGEST = 1e6  # of options
OWN = "@"
Ways = Mapping[str, type[Searcher]]  # those of somebody's own, by their labels
NONE: Ways = {}


def way_named(method: str, problem: Problem, *, seed: int, own: Ways = NONE) -> Searcher:
    """A way to search.

    Parameters
    ----------
    method
        Its name, with options, or the label of one of the user's own.
    problem, seed
        For the searcher.
    own
        The user's own.

    Raises
    ------
    UnknownName
        If there is no file of that name; the message lists those there are.
    TaskError
        If it has no such option, or the value is none for it.
    """
    if method in own:
        return own[method](problem, seed=seed)
    name, options = _parts(method)
    searcher = shelf.take("searchers", name).SEARCHER(problem, seed=seed, **options)
    assert isinstance(searcher, Searcher)
    return searcher


def check_ways(methods: Iterable[str], problem: Problem, *, own: Ways = NONE) -> None:
    """Raise as `way_named`, if one of the methods is none, or not for this problem: before anything is kept or trained."""
    for method in methods:
        made = way_named(method, problem, seed=0, own=own)
        if made.needs_cheaper and not problem.cheaper:
            raise TaskError(
                f"{method[:LONGEST]} begins with cheaper trainings, and here are none: give --cheaper-epochs or "
                "--cheaper-fractions (cheaper_epochs=, cheaper_fractions=); a table has them or not"
            )


def labelled(methods: Iterable[str | type[Searcher]]) -> tuple[list[str], dict[str, type[Searcher]]]:
    """The label of each method, and the classes of those that are somebody's own.

    Raises
    ------
    TaskError
        If one is neither a name nor a class of a searcher, or two classes cannot be told apart.
    """
    labels: list[str] = []
    own: dict[str, type[Searcher]] = {}
    for method in methods:
        if isinstance(method, type) and issubclass(method, Searcher):
            label = f"{method.__name__.lower()}{OWN}{source_digest(method)[:8]}"
            if own.setdefault(label, method) is not method:
                raise TaskError(f"two classes are called {label}: give each a name of its own")
        elif isinstance(method, str):
            label = method
        else:
            raise TaskError(f"a method is a name, or a class of a Searcher, not {str(method)[:80]}")
        labels.append(label)
    return labels, own


def with_baselines(methods: Sequence[str]) -> list[str]:
    """The methods, each once, with the two baselines; raises `TaskError` if none is named."""
    named = list(dict.fromkeys(name.strip() for name in methods if name.strip()))
    if not named:
        raise TaskError(f"a comparison is of methods; there are {', '.join(shelf.names('searchers'))}")
    return [*named, *(name for name in BASELINES if name not in named)]


def _parts(method: str) -> tuple[str, dict[str, Any]]:
    """The name of the file, and the options as its class takes them."""
    if len(method) > LONGEST:
        raise TaskError(f"a method with its options has at most {LONGEST} letters, not {len(method)}: {method[:60]}…")
    name, *words = method.split(":")
    known = _options(shelf.take("searchers", name).SEARCHER)
    found: dict[str, Any] = {}
    for word in words:
        option, _, text = word.partition("=")
        if option not in known:
            there = ", ".join(f"{one} (else {default})" for one, default in known.items()) or "none"
            raise TaskError(f"{name} has no option {option!r}; there are {there}")
        found[option] = _value(text, known[option], f"{name}:{word}")
    return name, found


def _options(searcher: type[Searcher]) -> dict[str, Any]:
    """Name → default of what its class takes beside problem and seed."""
    parameters = inspect.signature(searcher).parameters.values()
    return {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}


def _value(text: str, default: Any, where: str) -> Any:
    try:
        value = type(default)(text)
    except ValueError:
        raise TaskError(f"{where}: this is {type(default).__name__}, such as {default}") from None
    if isinstance(value, int | float) and finite(value, least=-LARGEST, most=LARGEST) is None:
        raise TaskError(f"{where}: this is a number of some size, such as {default}")
    return value
