"""Ways to search as people name them: `evolution`, or with options of its own as in `evolution:population=20:sample=5`."""

import inspect
from collections.abc import Sequence
from typing import Any

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.problem import Problem
from jitnas_fn.graphs.searcher import Searcher

BASELINES = ("random_sampling", "random_search")  # of Lindauer and Hutter (JMLR 2020): no comparison goes without them
LONGEST = 200


def way_named(method: str, problem: Problem, *, seed: int) -> Searcher:
    """A way to search.

    Raises
    ------
    UnknownName
        If there is no file of that name; the message lists those there are.
    TaskError
        If it has no such option, or the value is none for it.
    """
    name, options = _parts(method)
    searcher = shelf.take("searchers", name).SEARCHER(problem, seed=seed, **options)
    assert isinstance(searcher, Searcher)
    return searcher


def check_way(method: str) -> None:
    """Raise as `way_named`, if there is no such way or option."""
    _parts(method)


def with_baselines(methods: Sequence[str]) -> list[str]:
    """The methods, each once and known, with the two baselines; raises as `way_named`, or `TaskError` if none is named."""
    named = list(dict.fromkeys(name.strip() for name in methods if name.strip()))
    if not named:
        raise TaskError(f"a comparison is of methods; there are {', '.join(shelf.names('searchers'))}")
    for name in named:
        check_way(name)
    return [*named, *(name for name in BASELINES if name not in named)]


def _parts(method: str) -> tuple[str, dict[str, Any]]:
    """The name of the file, and the options as its class takes them."""
    name, *words = method[:LONGEST].split(":")
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
        return type(default)(text)
    except ValueError:
        raise TaskError(f"{where}: this is {type(default).__name__}, such as {default}") from None
