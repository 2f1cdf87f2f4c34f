"""The words that several commands share."""

import re
from typing import Annotated

import typer

from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.task import Limits

Target = Annotated[
    str, typer.Argument(metavar="FILE.py:NAME", help="A module, a class or a function without arguments in a file.")
]
Dataset = Annotated[str, typer.Option("--dataset", help="Name of a dataset.")]
Recipe = Annotated[str, typer.Option("--recipe", help="Name of a recipe.")]
Seed = Annotated[int, typer.Option("--seed", help="0 to 2^63-1.")]
Initialisation = Annotated[
    str, typer.Option("--initialisation", help='"as built", or "default" to accept redrawn weights.', show_default=True)
]
LimitSeconds = Annotated[float | None, typer.Option("--limit-seconds", help="Longest training. [seconds]")]
LimitMemory = Annotated[str | None, typer.Option("--limit-memory", help="Most memory, such as 800MB or 2GB.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def limits_of(seconds: float | None, memory: str | None) -> Limits:
    """The limits that the options state; raises `TaskError`."""
    return Limits(seconds=seconds, memory_bytes=None if memory is None else bytes_of(memory))


def bytes_of(memory: str) -> int:
    """The number of bytes in "800MB", "2 GiB" or "1000000"; raises `TaskError`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Z]*)", memory.strip().upper())
    if found is None or found[2] not in UNITS:
        raise TaskError(f"a memory limit is a number with MB or GB behind it, not {memory[:40]!r}")
    return round(float(found[1]) * UNITS[found[2]])
