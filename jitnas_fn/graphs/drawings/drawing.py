"""A drawing of an architecture, or of two side by side, as SVG.

The text of the file depends on the documents and the titles alone. It brings its colours for a light and a dark ground, and
needs no fonts, scripts or other files.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.differences.difference import Difference, Marks, difference
from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.wording import counted
from jitnas_fn.graphs.drawings.boxes import LEGEND, Row, Sheet, sheet_of
from jitnas_fn.graphs.drawings.layout import Placement, Point, placed
from jitnas_fn.graphs.drawings.palette import STYLE
from jitnas_fn.graphs.drawings.svg import arrow, numeral, rounded, safe, text_width, written

MARGIN = 24.0
BETWEEN = 56.0  # two networks
TITLE, LINE, PADDING = 24.0, 14.5, 10.0
ROUND = 7.0
MOST_SENTENCES = 6


@dataclass(frozen=True)
class Panel:
    """One network of a drawing.

    Attributes
    ----------
    title, subtitle
        The lines above it.
    sheet
        Its boxes and the arrows between them.
    sizes
        Width and height of each box, in pixels.
    placement
        Where each box stands.
    """

    title: str
    subtitle: str
    sheet: Sheet
    sizes: list[Point]
    placement: Placement

    @property
    def width(self) -> float:
        """With the title."""
        return max(self.placement.width, text_width(self.title, 17), text_width(self.subtitle, 12))


def drawing(architecture: Architecture, *, title: str = "network") -> str:
    """Draw one architecture.

    Parameters
    ----------
    architecture
        What is drawn; of a large one the first 400 boxes.
    title
        Stands above it.

    Returns
    -------
    str
        A whole SVG file.
    """
    panel = _panel(architecture, title, marks=Marks())
    return svg_of([panel], title, [])


def comparison(
    a: Architecture, b: Architecture, *, titles: tuple[str, str] = ("A", "B"), found: Difference | None = None
) -> str:
    """Draw two architectures side by side, and mark where they differ.

    Parameters
    ----------
    a, b
        What is drawn.
    titles
        Stand above them.
    found
        Their difference, if it is known already.

    Returns
    -------
    str
        A whole SVG file.
    """
    found = found or difference(a, b)
    panels = [
        _panel(architecture, title if title == letter else f"{letter}  {title}", marks=marks, letter=letter)
        for architecture, title, marks, letter in zip((a, b), titles, found.marks, "AB", strict=True)
    ]
    return svg_of(panels, f"{titles[0]} and {titles[1]}", ["The same architecture."] if found.same else found.sentences)


def _panel(architecture: Architecture, title: str, *, marks: Marks, letter: str = "") -> Panel:
    sheet = sheet_of(Layers(architecture.graph), marks=marks, letter=letter)
    sizes_told = counted(architecture.parameters, "parameter"), counted(architecture.macs, "multiply-add")
    subtitle = " · ".join([*sizes_told, f"{architecture.fingerprint[:12]}…"])
    return panel_of(title, subtitle, sheet)


def panel_of(title: str, subtitle: str, sheet: Sheet) -> Panel:
    """A panel with the boxes of a sheet in their places."""
    sizes = [_box_size(box) for box in sheet.boxes]
    return Panel(title, subtitle, sheet, sizes, placed(sizes, [(source, target) for source, target, _ in sheet.edges]))


def _box_size(box: Sequence[Row]) -> Point:
    wide = [text_width(f"{row.title}  {row.number}", 15.0) + text_width(row.shape, 11.5) + 3.4 * PADDING for row in box]
    wide += [text_width(line, 11.5) + 2.6 * PADDING for row in box for line in row.lines]
    wide += [text_width(line, 12.4) + 2.6 * PADDING for row in box for line in row.notes]  # bold
    return max(wide), sum(map(_row_height, box))


def _row_height(row: Row) -> float:
    lines = len(row.lines) + len(row.notes)
    return TITLE + 2 + lines * LINE + 5.0 * bool(lines)


def svg_of(panels: Sequence[Panel], title: str, sentences: Sequence[str]) -> str:
    """A whole file: panels side by side under some sentences, and the legend."""
    width = max(420.0, sum(panel.width for panel in panels) + BETWEEN * (len(panels) - 1))
    told = _sentences(sentences, width)
    top = MARGIN + LINE * 1.25 * len(told) + 12.0 * bool(told)
    body: list[str] = []
    legend_top = 0.0
    x = MARGIN + (width - sum(panel.width for panel in panels) - BETWEEN * (len(panels) - 1)) / 2
    for panel in panels:
        body += _drawn_panel(panel, x, top)
        legend_top = max(legend_top, top + 64 + panel.placement.height + (22 if _cut(panel.sheet) else 0))
        x += panel.width + BETWEEN
    families = {row.family for panel in panels for box in panel.sheet.boxes for row in box}
    legend, height = _legend(families, width, legend_top + 26)
    whole = width + 2 * MARGIN
    description = " ".join([*(f"{panel.title}: {panel.subtitle}" for panel in panels), *told])
    return "\n".join(
        [
            _opening(title, whole, height),
            f"<title>{safe(title)}</title>",
            f"<desc>{safe(description)}</desc>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{numeral(whole)}" height="{numeral(height)}"/>',
            *(written(MARGIN, MARGIN + 8 + LINE * 1.25 * i, line, "told") for i, line in enumerate(told)),
            *body,
            *legend,
            "</svg>\n",
        ]
    )


def _opening(title: str, width: float, height: float) -> str:
    size = f'viewBox="0 0 {numeral(width)} {numeral(height)}" width="{numeral(width)}" height="{numeral(height)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="jn" role="img" aria-label="{safe(title)}" {size}>'


def _sentences(sentences: Sequence[str], width: float) -> list[str]:
    shown = list(sentences[:MOST_SENTENCES])
    if len(sentences) > len(shown):
        shown.append(f"… and {len(sentences) - len(shown)} more.")
    return [line for sentence in shown for line in textwrap.wrap(sentence, max(40, int(width / 7.2)), subsequent_indent="   ")]


def _drawn_panel(panel: Panel, x: float, top: float) -> Iterable[str]:
    yield written(x + panel.width / 2, top + 10, panel.title, "heading")
    yield written(x + panel.width / 2, top + 30, panel.subtitle, "faint middle")
    left, down = x + (panel.width - panel.placement.width) / 2, top + 52
    edges = list(zip(panel.placement.routes, panel.sheet.edges, strict=True))
    for route, (_, _, marked) in sorted(edges, key=lambda edge: edge[1][2]):
        yield from arrow([(left + across, down + y) for across, y in route], marked=marked)
    for (across, y), (width, _), box in zip(panel.placement.corners, panel.sizes, panel.sheet.boxes, strict=True):
        yield from _drawn_box(box, left + across, down + y, width)
    cut = _cut(panel.sheet)
    if cut:
        yield written(x + panel.width / 2, down + panel.placement.height + 26, cut, "faint middle")


def _cut(sheet: Sheet) -> str:
    shown = sum(row[0].family != "end" or row[0].title == "input" for row in sheet.boxes)
    return f"Cut: these are the first {shown:,} of {sheet.total:,} boxes." if shown < sheet.total else ""


def _drawn_box(box: Sequence[Row], x: float, y: float, width: float) -> Iterable[str]:
    top = y
    for place, row in enumerate(box):
        height = _row_height(row)
        corners = ROUND * (place == 0), ROUND * (place == len(box) - 1)
        yield f'<g class="f-{row.family}">'
        if row.tip:
            yield f"<title>{safe(row.tip)}</title>"
        yield f'<path class="fill" d="{rounded(x, top, width, height, corners)}"/>'
        yield from _texts(row, x, top, width)
        if row.mark:
            inner = rounded(x + 1, top + 1, width - 2, height - 2, (ROUND * 0.7, ROUND * 0.7))
            yield f'<path class="ring" d="{inner}"/>'
        yield "</g>"
        top += height


def _texts(row: Row, x: float, top: float, width: float) -> Iterable[str]:
    number = f'<tspan class="number" dx="4">{safe(row.number)}</tspan>' if row.number else ""
    yield f'<text class="name" x="{numeral(x + PADDING)}" y="{numeral(top + 17)}">{safe(row.title)}{number}</text>'
    if row.shape:
        yield written(x + width - PADDING, top + 17, row.shape, "shape")
    lines = [(line, "detail") for line in row.lines] + [(line, "note") for line in row.notes]
    for i, (line, kind) in enumerate(lines):
        yield written(x + PADDING, top + TITLE + 9 + i * LINE, line, kind)


def _legend(families: set[str], width: float, top: float) -> tuple[list[str], float]:
    """The colours that occur, and where the drawing ends."""
    parts, x, y = [], MARGIN, top
    for family, text in LEGEND.items():
        if family in families:
            step = text_width(text, 11.5) + 34
            if x > MARGIN and x + step > MARGIN + width:
                x, y = MARGIN, y + 20
            swatch = rounded(x, y - 10, 14, 12, (3, 3))
            parts.append(f'<g class="f-{family}"><path class="fill" d="{swatch}"/>{written(x + 20, y, text, "detail")}</g>')
            x += step
    return parts, y + MARGIN
