"""Draws lines with bands into a panel: one for each method."""

from collections.abc import Sequence
from typing import Any

from jitnas_fn.reports._plotting import Look, label, logarithmic, note_at_edge, time_unit
from jitnas_fn.reports.trajectories import SECONDS, Line

UNDER_WAY = 0.25  # of the whole: what came before, such as a poor first network, does not decide how far an axis reaches


def draw_lines(panel: Any, lines: Sequence[Line], look: Look, *, against: str, direction: str) -> None:
    """Draw a measure: the axis shows where methods differ, not how each began.

    Parameters
    ----------
    panel
        Into which.
    lines
        At least one.
    look
        Of the methods.
    against
        "evaluations" or "seconds".
    direction
        "maximise" or "minimise".
    """
    scale = _name_places(panel, lines, against)
    whole = max(line.end for line in lines)
    for line in lines:
        _draw(panel, line, look, [place / scale for place in line.places], whole / scale, floor=None)
    panel.set_xlim(0, whole / scale * 1.02)
    late = [band for line in lines for band in line.from_place(UNDER_WAY * whole) if line.end > UNDER_WAY * whole]
    values = [value for band in late or [line.bands[-1] for line in lines] for value in band if value is not None]
    low, high = min(values), max(values)
    margin = 0.06 * (high - low or abs(high) or 1.0)
    panel.set_ylim(low - margin, high + margin)
    ends = [(line.method, line.bands[-1].middle) for line in lines]
    outside = [(method, end) for method, end in ends if not low - margin <= end <= high + margin]
    notes = [(f"{label(method)}: {end:.3g}", look.colour(method)) for method, end in outside]
    note_at_edge(panel, notes, below=direction == "maximise")


def draw_regret(panel: Any, lines: Sequence[Line], look: Look, *, against: str) -> None:
    """Draw how far methods are from the best that there is, on two logarithmic axes; parameters as those of `draw_lines`."""
    scale = _name_places(panel, lines, against)
    whole = max(line.end for line in lines)
    first = min((place for line in lines for place in (*line.places, line.end) if place > 0), default=1.0)
    floor = min((band.middle for line in lines for band in line.bands if band.middle > 0), default=1e-3) / 1.5
    for line in lines:
        _draw(panel, line, look, [max(place, first) / scale for place in line.places], whole / scale, floor=floor)
    panel.set_ylim(bottom=floor)
    logarithmic(panel.xaxis)
    logarithmic(panel.yaxis)


def _name_places(panel: Any, lines: Sequence[Line], against: str) -> float:
    """Say what is along the lower axis; how much of it makes one unit there."""
    if against != SECONDS:
        panel.set_xlabel("evaluations")
        return 1.0
    scale, unit = time_unit(max(line.end for line in lines))
    panel.set_xlabel(f"time [{unit}]")
    return scale


def _draw(panel: Any, line: Line, look: Look, places: Sequence[float], whole: float, *, floor: float | None) -> None:
    """One line, its band, a mark where it ends, and dots from there to the end of the whole."""
    middle = [band.middle if floor is None else max(band.middle, floor) for band in line.bands]
    low = [end if band.low is None else band.low for band, end in zip(line.bands, middle, strict=True)]
    high = [end if band.high is None else band.high for band, end in zip(line.bands, middle, strict=True)]
    low = low if floor is None else [max(value, floor) for value in low]
    colour, name = look.colour(line.method), f"{label(line.method)}, n = {line.seeds}"
    panel.plot(places, middle, drawstyle="steps-post", color=colour, linestyle=look.dashes(line.method), linewidth=1.7)
    panel.plot(places[-1:], middle[-1:], color=colour, marker=look.marker(line.method), markersize=4.5, label=name)
    if len(places) > 1:
        panel.fill_between(places, low, high, step="post", color=colour, alpha=0.16, linewidth=0)
    else:
        panel.vlines(places, low, high, color=colour, alpha=0.45, linewidth=4)
    if places[-1] < whole:
        panel.plot([places[-1], whole], [middle[-1]] * 2, color=colour, linestyle=(0, (1, 2)), linewidth=1.3)
