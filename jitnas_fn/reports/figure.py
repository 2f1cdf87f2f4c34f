"""A figure before it is drawn: its numbers, and how they are drawn; or why there is none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure of numbers: an SVG, a PNG and a table.

    Attributes
    ----------
    name
        Of its files, without an ending.
    title, caption
        Above and below it on a page, in words.
    columns, rows
        Of the table: all that is drawn, and nothing else.
    panels
        How many stand side by side.
    draw
        Draws them: called with the figure and one axes for each panel.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    panels: int
    draw: Callable[[Any, Sequence[Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure that is an SVG already.

    Attributes
    ----------
    name, title, caption
        As of a plot.
    svg
        The whole file.
    """

    name: str
    title: str
    caption: str
    svg: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A figure for which there is nothing.

    Attributes
    ----------
    name, title
        That it would have.
    why
        In one line.
    """

    name: str
    title: str
    why: str


Figure = Plot | Picture | Absent
