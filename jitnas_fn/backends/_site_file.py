"""How a site file is read: TOML, in which each table has its fields, and each field what it may be, and that in words.

Whoever needs a table of it, a worker or what starts one, says which fields there are; all else is the same for all of them.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jitnas_fn.core.bounds import LARGEST_WHOLE, LONGEST_SECONDS, finite, whole
from jitnas_fn.core.errors import SiteFileError

Field = tuple[Callable[[Any], bool], str]  # what it may be, and that in words


def stated_in(path: Path) -> dict[str, Any]:
    """What a site file says, not checked yet; raises `SiteFileError` if it cannot be read."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as reason:  # of a value: no TOML, no UTF-8, or numbers without end
        raise SiteFileError(f"site file {path} cannot be read: {reason}") from None


def check(stated: Mapping[str, Any], fields: Mapping[str, Field], *, path: Path, table: str = "") -> None:
    """Raise `SiteFileError` unless all that a table says is among the fields, and in its range.

    Parameters
    ----------
    stated
        What the table says.
    fields
        What it may say.
    path
        Of the file, for the message.
    table
        The table's name; empty for what stands above all tables.
    """
    of_it = f" of [{table}]" if table else ""
    unknown = sorted(set(stated) - set(fields))
    if unknown:
        raise SiteFileError(f"site file {path}: no field {', '.join(unknown)}{of_it}; there are {', '.join(fields)}")
    for name, value in stated.items():
        allowed, meaning = fields[name]
        if not allowed(value):
            raise SiteFileError(f"site file {path}: {name}{of_it} is {meaning}, not {str(value)[:80]!r}")


def whole_number(*, least: int = 1, most: int = LARGEST_WHOLE) -> Field:
    """A whole number in a range."""
    range_ = f"from {least} on" if most == LARGEST_WHOLE else f"from {least} to {most:,}"
    return lambda value: whole(value, least=least, most=most) is not None, f"a whole number {range_}"


def number(*, zero: bool = False) -> Field:
    """A duration above zero, or from zero on."""
    words = "a number from 0 on" if zero else "a number above 0"

    def allowed(value: Any) -> bool:
        found = finite(value, least=0, most=LONGEST_SECONDS)
        return found is not None and (zero or found > 0)

    return allowed, f"{words}, at most {LONGEST_SECONDS:.0e}"


def one_of(options: Sequence[str]) -> Field:
    """One of some words."""
    return lambda value: value in options, f"one of {', '.join(options)}"


def path_of(what: str) -> Field:
    """A path, of what is said."""
    return lambda value: isinstance(value, str) and value != "" and "\0" not in value, what


def of_type(kind: type, words: str) -> Field:
    """Anything of a type."""
    return lambda value: isinstance(value, kind), words
