"""The colours of a drawing, for a light and a dark ground."""

# family: (fill, rim) on light, (fill, rim) on dark
COLOURS = {
    "weights": ("#dbeafe", "#2563eb", "#1e3a66", "#60a5fa"),
    "normalisation": ("#fef3c7", "#b45309", "#4a3510", "#fbbf24"),
    "activation": ("#dcfce7", "#15803d", "#143f29", "#4ade80"),
    "pooling": ("#f3e8ff", "#7e22ce", "#3c2359", "#c084fc"),
    "randomness": ("#cffafe", "#0e7490", "#123f4b", "#22d3ee"),
    "shape": ("#eef2f6", "#64748b", "#2a3547", "#94a3b8"),
    "arithmetic": ("#ffe4e6", "#be123c", "#4c1827", "#fb7185"),
    "end": ("#334155", "#334155", "#e2e8f0", "#e2e8f0"),
}
# ground, text, fainter text, lines, marks, text on "end"
LIGHT = ("#ffffff", "#0f172a", "#475569", "#64748b", "#c2410c", "#ffffff")
DARK = ("#0f172a", "#f1f5f9", "#cbd5e1", "#94a3b8", "#fb923c", "#0f172a")
FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'


def _colours(theme: tuple[str, ...], side: int) -> str:
    ground, text, faint, line, mark, inverse = theme
    rules = [
        f".jn .ground{{fill:{ground}}}",
        f".jn text{{fill:{text}}}",
        f".jn .number,.jn .detail,.jn .shape,.jn .faint{{fill:{faint}}}",
        f".jn .edge{{stroke:{line}}}.jn .head{{fill:{line}}}",
        f".jn .edge.marked,.jn .ring{{stroke:{mark}}}.jn .head.marked,.jn .note{{fill:{mark}}}",
    ]
    for family, colours in COLOURS.items():
        fill, rim = colours[side : side + 2]
        rules.append(f".jn .f-{family} .fill{{fill:{fill};stroke:{rim}}}")
    return "".join([*rules, f".jn .f-end text,.jn .f-end tspan{{fill:{inverse}}}"])


STYLE = (
    f".jn text{{font-family:{FONT};font-size:11.5px}}"
    ".jn .name{font-size:13.5px;font-weight:600}.jn .number{font-weight:400}.jn .shape{text-anchor:end}"
    ".jn .heading{font-size:17px;font-weight:700;text-anchor:middle}.jn .middle{text-anchor:middle}.jn .faint{font-size:12px}"
    ".jn .told{font-size:13px}.jn .note{font-weight:600}"
    ".jn .fill{stroke-width:1.2}.jn .edge{fill:none;stroke-width:1.5}.jn .ring{fill:none;stroke-width:2.6}"
    ".jn .edge.marked{stroke-width:2.6;stroke-dasharray:6 3}"
    f"{_colours(LIGHT, 0)}@media (prefers-color-scheme:dark){{{_colours(DARK, 2)}}}"
)
