"""A graph as boxes with text: what works element by element stands in the box of what it works on."""

import textwrap
from dataclasses import dataclass

from jitnas_fn.graphs.differences.difference import Marks
from jitnas_fn.graphs.differences.families import FAMILY_OF
from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.phrases import facts
from jitnas_fn.graphs.differences.wording import attribute_name, init_text, sample_size, short, size, value_text

MOST_BOXES = 400
HARD_SPACE = "\N{NO-BREAK SPACE}"
MOST_ROWS = 10  # in a box
MOST_LINES = 3  # of details in a row
COLUMNS = 33  # characters in a line of details
LEGEND = {
    "weights": "layers with weights",
    "normalisation": "normalisation",
    "activation": "activation",
    "pooling": "pooling and reduction",
    "randomness": "randomness",
    "shape": "shapes and joins",
    "arithmetic": "arithmetic",
}
GLUED = ("normalisation", "activation", "randomness")
GLUED_OPS = ("reshape", "permute", "cast", "detach", "sum", "quotient")


@dataclass(frozen=True)
class Row:
    """One operation in a box.

    Attributes
    ----------
    title, number, shape
        Its name, its ordinal among several of that name, and the shape of a sample, where it is not that of the row above.
    family
        What kind of operation it is, by which it is coloured.
    lines
        Its details, wrapped.
    tip
        Everything, for whoever points at it.
    mark, notes
        "", "only" or "changed", and what is said about that, wrapped.
    """

    title: str
    family: str
    number: str = ""
    shape: str = ""
    lines: tuple[str, ...] = ()
    tip: str = ""
    mark: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """What is drawn of a graph.

    Attributes
    ----------
    boxes
        Each a list of rows.
    edges
        (source, target, whether it is marked); the source has the lower number.
    total
        How many boxes there are in all, without the outputs.
    """

    boxes: list[list[Row]]
    edges: list[tuple[int, int, bool]]
    total: int


def sheet_of(layers: Layers, *, marks: Marks, letter: str = "", most: int = MOST_BOXES) -> Sheet:
    """The boxes of a graph.

    Parameters
    ----------
    layers
        The graph.
    marks, letter
        What is marked in it, and whether it is A or B, if two are drawn.
    most
        Boxes of layers that are drawn; of a graph with more, the first ones.
    """
    groups = grouped(layers)
    box_of = {i: box for box, group in enumerate(groups) for i in group}
    boxes = [[_row(layers, group, place, marks, letter) for place in range(len(group))] for group in groups[:most]]
    edges = [
        (box_of[source], box, (source, group[0]) in marks.edges)
        for box, group in enumerate(groups[:most])
        for _, source in layers.sources.get(group[0], ())
    ]
    left_out = len(groups) - len(boxes)
    if left_out:
        going = {box_of[i] for i in layers.vertices for _, reader in layers.readers[i] if box_of[i] < most <= box_of[reader]}
        edges += [(box, len(boxes), False) for box in sorted(going)]
        boxes.append([Row(f"… {left_out:,} more", "end")])
    for place, i in enumerate(layers.graph.outputs, 1):
        if box_of.get(i, most) < most:
            number = str(place) if len(layers.graph.outputs) > 1 else ""
            edges.append((box_of[i], len(boxes), False))
            boxes.append([Row("output", "end", number, sample_size(layers.node(i).shape))])
    return Sheet(boxes, edges, len(groups))


def grouped(layers: Layers) -> list[list[int]]:
    """The inputs and operations, those that share a box together, in order of depth."""
    groups: list[list[int]] = []
    box_of: dict[int, int] = {}
    for i in layers.vertices:
        above = _glued_to(layers, i)
        if above is not None and above in box_of and len(groups[box_of[above]]) < MOST_ROWS:
            box_of[i] = box_of[above]
            groups[box_of[i]].append(i)
        else:
            box_of[i] = len(groups)
            groups.append([i])
    return groups


def _glued_to(layers: Layers, index: int) -> int | None:
    """The operation in whose box this one stands, if nothing else reads that one and this one reads nothing else."""
    node, sources = layers.node(index), layers.sources.get(index, [])
    if len(sources) != 1:
        return None
    above = sources[0][1]
    alone = len(layers.readers[above]) == 1 and above not in layers.graph.outputs and layers.node(above).op != "input"
    light = family_of(layers, index) in GLUED or node.op in GLUED_OPS
    plain = not layers.leaves[index] and node.shape == layers.node(above).shape
    return above if alone and (light or plain) else None


def family_of(layers: Layers, index: int) -> str:
    """The colour of an operation."""
    op = layers.node(index).op
    return FAMILY_OF.get(op, "weights" if layers.leaves.get(index) and op not in ("sum", "prod") else "arithmetic")


def _row(layers: Layers, group: list[int], place: int, marks: Marks, letter: str) -> Row:
    index = group[place]
    node = layers.node(index)
    shape = sample_size(node.shape)
    if node.op == "input":
        several = sum(layers.node(i).op == "input" for i in layers.vertices) > 1
        number = str(int(node.attrs["position"]) + 1) if several else ""
        return Row("input", "end", number, shape, () if node.dtype == "float32" else (node.dtype,))
    same = place > 0 and layers.node(group[place - 1]).shape == node.shape
    name = layers.names[index]
    mark = "only" if index in marks.only else "changed" if index in marks.changed else ""
    notes = [f"only in {letter}"] if mark == "only" else [f"≠ {text}" for text in marks.changed.get(index, ())]
    return Row(
        name,
        family_of(layers, index),
        str(layers.ordinals[index]) if layers.counts[name] > 1 else "",
        "" if same else shape,
        wrapped(", ".join(text.replace(" ", HARD_SPACE) for _, text in facts(layers, index))),
        _tip(layers, index),
        mark,
        tuple(line for note in notes for line in wrapped(note)),
    )


def wrapped(text: str) -> tuple[str, ...]:
    """The lines of a text in a box; what does not fit is left out."""
    lines = textwrap.wrap(text, COLUMNS, max_lines=MOST_LINES, placeholder=" …")
    return tuple(line.replace(HARD_SPACE, " ") for line in lines)


def _tip(layers: Layers, index: int) -> str:
    node = layers.node(index)
    told = [f"{node.op} → {size(node.shape)} {node.dtype}"]
    told += [f"{attribute_name(name)} {short(value_text(name, value))}" for name, value in node.attrs.items()]
    for label, leaf in layers.leaves[index]:
        inner = layers.node(leaf)
        start = inner.attrs.get("init")
        frozen = "" if inner.attrs.get("trainable", True) else ", frozen"
        starting = f", {init_text(start)}" if isinstance(start, dict) else ""
        told.append(f"{label} {size(inner.shape)}{starting}{frozen}")
    return "\n".join(told)
