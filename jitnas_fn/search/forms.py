"""Whether a run has the form that is read of it: anybody may have written its folder."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.errors import RecordError
from jitnas_fn.core.published import plan_in
from jitnas_fn.core.tabulated_seconds import Line
from jitnas_fn.search.asked import Asked
from jitnas_fn.search.found import Found, Step

LINE = {one.name for one in dataclasses.fields(Line)}
MOST = 1e100  # that a number is: sums and squares of it are numbers too
MOST_SEARCHES = 1_000_000
NAMED = ("name", "metric", "direction")  # of a dataset


def check_asked(asked: Asked) -> None:
    """Look at what a run was asked for.

    Raises
    ------
    RecordError, RecipeError
        If it has another form than any run has.
    NewerVersion
        If a recipe has fields that this version does not know.
    """
    forms = {
        "kind": isinstance(asked.kind, str),
        "space": isinstance(asked.space, str),
        "dataset": _is_dataset(asked.dataset),
        "ladder": isinstance(asked.ladder, list) and bool(asked.ladder) and all(isinstance(one, dict) for one in asked.ladder),
        "last recipe": asked.final is None or isinstance(asked.final, dict),
        "training seed": asked.training_seed is None or whole(asked.training_seed) is not None,
        "bounds": _are_numbers(asked.bounds),
        "budget": _are_numbers(asked.budget),
        "number under way": whole(asked.in_flight) is not None,
        "methods": isinstance(asked.methods, list) and _are_texts(asked.methods),
        "seeds": isinstance(asked.seeds, list) and all(whole(one) is not None for one in asked.seeds),
        "table": asked.table is None or _is_table(asked.table),
        "points known before": isinstance(asked.warm, list) and all(_is_triple(one) for one in asked.warm),
        "line of seconds": asked.seconds_line is None or _is_line(asked.seconds_line),
        "versions": isinstance(asked.versions, dict),
        "number of searches": isinstance(asked.methods, list) and isinstance(asked.seeds, list) and _are_few(asked),
    }
    wrong = next((name for name, fits in forms.items() if not fits), None)
    if wrong is not None:
        raise RecordError(f"this is no run that was kept: its {wrong} cannot be read")
    for fields in (*asked.ladder, *([] if asked.final is None else [asked.final])):
        plan_in(fields)


def check_search(found: Found, asked: Asked) -> None:
    """Look at a search of a run; raise `RecordError` if it has steps, names or numbers that no search has."""
    top, last = len(asked.ladder) - 1, len(found.steps)
    fits = (
        all(_is_none_or_finite(value) for value in (found.validation, found.test))
        and all(_is_time(value) for value in (found.seconds, found.took_seconds))
        and all(value is None or isinstance(value, str) for value in (found.point, found.key, found.final_key))
        and whole(found.warm) is not None
        and all(_is_step(step, top) for step in found.steps)
        and all(
            whole(one.number, most=last) is not None
            and finite(one.validation, least=-MOST, most=MOST) is not None
            and _is_none_or_finite(one.test)
            for one in found.incumbents
        )
    )
    if not fits:
        raise RecordError(f"the search of {str(found.method)[:80]!r} with seed {str(found.seed)[:20]} cannot be read")


def _is_step(step: Step, top: int) -> bool:
    names = isinstance(step.point, str) and isinstance(step.key, str) and isinstance(step.again, bool)
    numbers = _is_time(step.seconds) and _is_time(step.clock)
    return names and numbers and _is_none_or_finite(step.value) and whole(step.rung, most=top) is not None


def _is_dataset(card: object) -> bool:
    """Whether this names a dataset and what is measured on it, and how it is split, if it says so."""
    return isinstance(card, dict) and _are_texts(card.get(name) for name in NAMED) and _are_numbers(card.get("splits", {}))


def _is_table(table: object) -> bool:
    """Whether this names a table, and says its optimum, known or not."""
    if not isinstance(table, dict) or not isinstance(table.get("name"), str):
        return False
    return _are_numbers(table.get("optimum")) and _are_numbers(table.get("seconds_judged", {}))


def _are_few(asked: Asked) -> bool:
    """Whether the searches can be listed: nobody makes more, and a small file can ask for very many."""
    return len(asked.methods) * len(asked.seeds) <= MOST_SEARCHES


def _is_line(line: object) -> bool:
    return isinstance(line, dict) and set(line) == LINE and all(finite(value) is not None for value in line.values())


def _is_triple(value: object) -> bool:
    return isinstance(value, list) and len(value) == 3 and _are_texts(value)


def _are_texts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _are_numbers(values: object) -> bool:
    """Whether this has names and numbers, or None for those that there are not."""
    return isinstance(values, dict) and all(map(_is_none_or_finite, values.values()))


def _is_none_or_finite(value: object) -> bool:
    return value is None or finite(value, least=-MOST, most=MOST) is not None


def _is_time(value: object) -> bool:
    return finite(value, least=0, most=MOST) is not None
