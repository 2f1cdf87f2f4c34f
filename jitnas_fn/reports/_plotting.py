"""The home of matplotlib: it is imported when a figure is drawn, and what it draws depends on the numbers alone."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jitnas_fn.core.errors import StoreError
from jitnas_fn.reports.figure import Plot

WIDE, HIGH = 4.6, 3.4  # of a panel [inches]
MOST_BESIDE = 3  # panels
DOTS = 150  # an inch, of the PNG
INK, FAINT, LINES, PLAIN = "#1f2933", "#5b6770", "#d8dde2", "#4a5a68"  # the last for what is no method's
# M. Okabe and K. Ito, Color Universal Design, 2008: told apart by the colour-blind too. Their yellow is too pale for a line.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#8C564B")
BASELINES = {"random_search": "#1f2933", "random_sampling": "#9aa5b1"}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
LONGEST_LABEL = 40
LETTER, BESIDE_LETTERS, LINE = 0.078, 0.6, 0.19  # of a legend: a letter, what stands beside letters, a line [inches]
STYLE: Any = {  # matplotlib names each of its settings in a type of its own
    "svg.hashsalt": "jitnas_fn",
    "svg.fonttype": "path",
    "text.parse_math": False,  # a name may have a dollar in it
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": LINES,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
}


class Look:
    """How a method looks in all figures of a report.

    Parameters
    ----------
    methods
        Of the run, in its order: the baselines are black and grey, the others have colours of their own.
    """

    def __init__(self, methods: Sequence[str]) -> None:
        self.methods = methods
        others = [method for method in methods if method not in BASELINES]
        self._places = {method: place for place, method in enumerate(others)}

    def colour(self, method: str) -> str:
        """The colour of a method; from the ninth on they come again."""
        return BASELINES.get(method) or COLOURS[self._places[method] % len(COLOURS)]

    def marker(self, method: str) -> str:
        """Its mark, for those who see no colours."""
        places = [*BASELINES, *self._places]
        return MARKERS[places.index(method) % len(MARKERS)]

    def dashes(self, method: str) -> str | tuple[int, tuple[int, int]]:
        """Its line: whole, or dashed where its colour was there before."""
        return "-" if self._places.get(method, 0) < len(COLOURS) else (0, (5, 2))


def needed() -> None:
    """Raise `StoreError` if matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise StoreError("figures are drawn by matplotlib, which is missing: pip install 'jitnas_fn[plots]'")


def save(plot: Plot, paths: Sequence[Path]) -> None:
    """Draw a figure into files, whose endings say how. The same numbers make the same files.

    Raises
    ------
    StoreError
        If matplotlib is not installed.
    OSError
        If they cannot be written.
    """
    needed()
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        columns = min(plot.panels, MOST_BESIDE)
        rows = -(-plot.panels // columns)
        figure = Figure(figsize=(WIDE * columns, HIGH * rows), layout="constrained")
        FigureCanvasAgg(figure)
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for panel in panels[plot.panels :]:
            panel.set_axis_off()
        plot.draw(figure, panels[: plot.panels])
        for path in paths:
            nameless = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}
            figure.savefig(path, dpi=DOTS, metadata=nameless)


def label(text: object) -> str:
    """A name as a figure can show it: the letters that its font has, and not too many."""
    shown = "".join(letter if " " <= letter <= "~" else "?" for letter in str(text))
    return shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 3]}..."


def add_legend(figure: Any, panels: Sequence[Any]) -> None:
    """One legend for all panels, each entry once: above them line by line, or beside a single one. The figure grows by it."""
    entries: dict[str, Any] = {}
    for panel in panels:
        for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    names, (width, height) = list(entries), figure.get_size_inches()
    wide = LETTER * max(map(len, names)) + BESIDE_LETTERS
    if len(panels) == 1:
        figure.set_size_inches(width + wide, height)
        figure.legend(entries.values(), names, loc="outside right upper", handlelength=1.8)
        return
    lines = -(-len(names) // max(1, int(width / wide)))
    columns = -(-len(names) // lines)
    ordered = [names[place] for column in range(columns) for place in range(column, len(names), columns)]
    handles = [entries[name] for name in ordered]
    figure.set_size_inches(width, height + LINE * lines)
    figure.legend(handles, ordered, loc="outside upper left", ncols=columns, handlelength=1.8, columnspacing=1.4)


def note_at_edge(panel: Any, notes: Sequence[tuple[str, str]], *, below: bool) -> None:
    """Say what lies beyond the lower edge of a panel, or the upper: texts with their colours, one above the other."""
    for number, (text, colour) in enumerate(notes):
        panel.annotate(
            f"{text} {'↓' if below else '↑'}",
            (0.99, 0.025 + 0.075 * number if below else 0.975 - 0.075 * number),
            xycoords="axes fraction",
            ha="right",
            va="bottom" if below else "top",
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5},
            zorder=6,
        )


def time_unit(longest_seconds: float) -> tuple[float, str]:
    """How many seconds a unit has that suits such times, and its name."""
    units = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
    return next((unit for unit in units if longest_seconds >= 3 * unit[0]), (1.0, "s"))


def logarithmic(axis: Any) -> None:
    """A logarithmic axis with numbers as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    low, high = axis.get_view_interval()
    narrow = high < 50 * low
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axis.set_minor_formatter(NullFormatter())


def short(value: float) -> str:
    """A number in few letters: 0.05, 200, 20k, 1.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:g}"
