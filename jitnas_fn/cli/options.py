"""The words that several commands share."""

import re
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import typer

from jitnas_fn.core.bounds import LARGEST_WHOLE, finite
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.task import Limits

Target = Annotated[
    str, typer.Argument(metavar="FILE.py:NAME", help="A module, a class or a function without arguments in a file.")
]
Targets = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE.py:NAME | FILE.json", help="A module, a class or a function without arguments, or a document."
    ),
]
InputShapes = Annotated[
    list[str] | None,
    typer.Option("--input", help='One sample as the network sees it, such as 3,32,32. Of several inputs: again, or "3,8,8;5".'),
]
InputDtypes = Annotated[
    list[str] | None,
    typer.Option("--dtype", help="Of the input, float32 if not given; of several inputs one each, or one for all."),
]
Dataset = Annotated[str, typer.Option("--dataset", help="Name of a dataset.")]
Recipe = Annotated[str, typer.Option("--recipe", help="Name of a recipe.")]
Seed = Annotated[int, typer.Option("--seed", help="0 to 2^63-1.")]
Initialisation = Annotated[
    str, typer.Option("--initialisation", help='"as built", or "default" to accept redrawn weights.', show_default=True)
]
Validate = Annotated[
    bool, typer.Option("--validate/--no-validate", help="Run what was traced beside the model before its key is trusted.")
]
LimitSeconds = Annotated[float | None, typer.Option("--limit-seconds", help="Longest training. [seconds]")]
LimitMemory = Annotated[str | None, typer.Option("--limit-memory", help="Most memory, such as 800MB or 2GB.")]
AcceptImported = Annotated[
    bool, typer.Option("--accept-imported", help="Whether tables of others that were imported may answer.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def limits_of(seconds: float | None, memory: str | None) -> Limits:
    """The limits that the options state; raises `TaskError`."""
    return Limits(seconds=seconds, memory_bytes=None if memory is None else bytes_of(memory))


def bytes_of(memory: str) -> int:
    """The number of bytes in "800MB", "2 GiB" or "1000000"; raises `TaskError`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Z]*)", memory.strip().upper())
    size = None if found is None or found[2] not in UNITS else finite(float(found[1]) * UNITS[found[2]], most=LARGEST_WHOLE)
    if size is None:
        raise TaskError(f"a memory limit is a number with MB or GB behind it, below 2^63 bytes, not {memory[:40]!r}")
    return round(size)


class Inputs(NamedTuple):
    """Shape of one sample, and dtype, of each input."""

    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]


def inputs_of(shapes: Sequence[str] | None, dtypes: Sequence[str] | None) -> Inputs | None:
    """The inputs that --input and --dtype state, None without --input; raises `TaskError`."""
    found = tuple(shape_of(text) for text in ";".join(shapes or ()).split(";")) if shapes else ()
    names = tuple(name.strip() for name in ";".join(dtypes or ("float32",)).split(";"))
    if not found:
        return None
    if len(names) == 1:
        names *= len(found)
    if len(names) != len(found):
        raise TaskError(f"{len(found)} inputs have one dtype for all or one each, not {len(names)}")
    return Inputs(found, names)


def shape_of(text: str) -> tuple[int, ...]:
    """The shape in "3,32,32" or "3x32x32"; raises `TaskError`."""
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise TaskError(f"an input shape is whole numbers above 0 with commas between, such as 3,32,32, not {text[:80]!r}")
    return tuple(int(part) for part in parts)
