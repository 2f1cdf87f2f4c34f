"""The words that several commands of this shelf share.

A store that a command acts on is a positional PATH. What a command reads while its positional says where to write is --from.
"""

from pathlib import Path
from typing import Annotated

import typer

from jitnas_fn.core.bounds import finite
from jitnas_fn.stores.places import NoStore, Place, place_at


def _number(seconds: float) -> float:
    if finite(seconds, least=0) is None:
        raise typer.BadParameter(f"{seconds:g} is no number of seconds from 0 on")
    return seconds


IdleSeconds = Annotated[
    float,
    typer.Option("--idle-seconds", callback=_number, help="After which the writer of a shared segment counts as ended. [s]"),
]


def place_named(path: str | Path) -> Place:
    """The place of a store that the user named; raises `typer.BadParameter` if none is there."""
    try:
        return place_at(Path(path))
    except NoStore as reason:
        raise typer.BadParameter(str(reason)) from None
