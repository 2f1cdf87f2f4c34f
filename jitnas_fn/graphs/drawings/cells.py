"""A drawing of what a point of a search space decides: its cells side by side, or its chain of layers."""

from collections.abc import Mapping, Sequence

from jitnas_fn.graphs.drawings.boxes import Row, Sheet
from jitnas_fn.graphs.drawings.drawing import panel_of, svg_of
from jitnas_fn.graphs.wiring import Wiring

FAMILIES = {"pool": "pooling", "skip": "shape", "identity": "shape", "none": "shape"}  # by what a label has in it


def drawn(wirings: Mapping[str, Wiring], *, title: str, sentences: Sequence[str] = ()) -> str:
    """Draw wirings.

    Parameters
    ----------
    wirings
        Each under its name.
    title
        Of the whole.
    sentences
        Stand above it.

    Returns
    -------
    str
        A whole SVG file.
    """
    panels = [panel_of(name, title, _sheet(wiring.in_order())) for name, wiring in wirings.items()]
    return svg_of(panels, title, sentences)


def _sheet(wiring: Wiring) -> Sheet:
    boxes = [[Row(label or "+", _family(label))] for label in wiring.labels]
    inside = sum(row.family != "end" or row.title == "input" for (row,) in boxes)
    return Sheet(boxes, [(source, target, False) for source, target in wiring.edges], inside)


def _family(label: str) -> str:
    if not label:
        return "arithmetic"
    if label == "output" or label.startswith("input"):
        return "end"
    return next((family for word, family in FAMILIES.items() if word in label), "weights")
