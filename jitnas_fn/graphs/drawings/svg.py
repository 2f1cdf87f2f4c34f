"""Words and lines in SVG."""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

from jitnas_fn.graphs.drawings.layout import Point

NARROW, WIDE = set(" .,:;'|!()[]1ijlrtfI-"), set("mwMWN@%—…→×")


def text_width(text: str, font: float) -> float:
    """About how wide a text is; rather too wide, since fonts differ."""
    return font * sum(0.36 if letter in NARROW else 0.92 if letter in WIDE else 0.61 for letter in text)


def arrow(points: Sequence[Point], *, marked: bool) -> Iterable[str]:
    """A line through points, each not above the one before, that leaves and arrives straight, and its head."""
    (x, y), path = points[0], [f"M{point(*points[0])}"]
    for across, down in points[1:]:
        if abs(across - x) < 0.05 or down - y < 0.5:
            path.append(f"L{point(across, down)}")
        else:
            bend = (down - y) * 0.55
            path.append(f"C{point(x, y + bend)} {point(across, down - bend)} {point(across, down)}")
        x, y = across, down
    more = " marked" if marked else ""
    yield f'<path class="edge{more}" d="{"".join(path)}"/>'
    yield f'<path class="head{more}" d="M{point(x - 4, y - 8)}L{point(x + 4, y - 8)}L{point(x, y)}Z"/>'


def rounded(x: float, y: float, width: float, height: float, corners: tuple[float, float]) -> str:
    """A rectangle with its upper and its lower corners rounded."""
    up, low = corners
    right, bottom = x + width, y + height
    return (
        f"M{point(x, y + up)}Q{point(x, y)} {point(x + up, y)}L{point(right - up, y)}Q{point(right, y)} {point(right, y + up)}"
        f"L{point(right, bottom - low)}Q{point(right, bottom)} {point(right - low, bottom)}"
        f"L{point(x + low, bottom)}Q{point(x, bottom)} {point(x, bottom - low)}Z"
    )


def written(x: float, y: float, text: str, kind: str) -> str:
    """A text of one line."""
    return f'<text class="{kind}" x="{numeral(x)}" y="{numeral(y)}">{safe(text)}</text>'


def safe(text: str) -> str:
    """The text in XML, without the characters that XML cannot hold."""
    return escape("".join(c if c.isprintable() or c == "\n" else "�" for c in text), {'"': "&quot;"})


def numeral(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def point(x: float, y: float) -> str:
    """A point of a path."""
    return f"{numeral(x)},{numeral(y)}"
