"""DARTS: a normal and a reduction cell of four vertices, each the sum of two operations on two vertices before it.

A point is written as its authors print it, `Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), reduce=[…],
reduce_concat=range(2, 6))`, or by one of the `NAMES`.

References
----------
.. [1] H. Liu, K. Simonyan and Y. Yang, "DARTS: Differentiable Architecture Search", ICLR 2019.
.. [2] capstone2019-neuralsearch, "AC297r_2019_NAS", 2019: the cells that DARTS found on MNIST, Fashion-MNIST and graphene.
"""

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, image_of
from jitnas_fn.graphs.wiring import Wiring

OPERATIONS = ("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5")
VERTICES = 4
PAIRS = tuple(tuple(itertools.combinations(range(vertex + 2), 2)) for vertex in range(VERTICES))
CHANNELS, LAYERS, STEM = 36, 20, 3  # of the networks evaluated in [1]_; the stem has three times as many channels
EDGE = re.compile(r"\(\s*'([a-z_0-9]+)'\s*,\s*([0-9]+)\s*\)")
CELLS = re.compile(r"normal\s*=\s*\[(.*?)\].*?reduce\s*=\s*\[(.*?)\]", re.DOTALL)
Edges = tuple[tuple[str, int], ...]


class Genotype(NamedTuple):
    """Two edges, (operation, vertex it comes from), for each vertex of both cells; the first two vertices are the inputs."""

    normal: Edges
    reduce: Edges


def _named(normal: str, reduce: str) -> Genotype:
    """From words such as `sep3 0`, in the order of the published genotypes."""
    kinds = {"max": 0, "avg": 1, "skip": 2, "sep3": 3, "sep5": 4, "dil3": 5, "dil5": 6}
    both = [[edge.split() for edge in cell.split(",")] for cell in (normal, reduce)]
    return Genotype(*(tuple((OPERATIONS[kinds[kind]], int(source)) for kind, source in cell) for cell in both))


NAMES = {
    "DARTS_V1": _named(
        "sep3 1,sep3 0,skip 0,sep3 1,skip 0,sep3 1,sep3 0,skip 2", "max 0,max 1,skip 2,max 0,max 0,skip 2,skip 2,avg 0"
    ),
    "DARTS_V2": _named(
        "sep3 0,sep3 1,sep3 0,sep3 1,sep3 1,skip 0,skip 0,dil3 2", "max 0,max 1,skip 2,max 1,max 0,skip 2,skip 2,max 1"
    ),
    "MNIST": _named(
        "max 0,skip 1,max 0,sep3 2,sep3 3,sep3 2,sep5 4,sep3 3", "avg 0,avg 1,avg 0,avg 1,avg 0,dil5 3,avg 0,dil5 4"
    ),
    "FASHION": _named(
        "skip 0,sep5 1,dil5 1,skip 0,sep5 3,sep3 0,sep3 4,sep5 1", "avg 0,dil3 1,avg 0,skip 2,avg 0,dil5 2,avg 0,skip 2"
    ),
    "GRAPHENE": _named(
        "avg 1,skip 0,avg 2,skip 1,avg 3,avg 2,avg 3,skip 4", "skip 0,skip 1,sep5 2,sep3 0,avg 3,avg 2,sep5 4,sep3 2"
    ),
}


class Darts(Choices):
    """All pairs of cells, in networks of `layers` cells; a third and two thirds of the way down, they reduce.

    Parameters
    ----------
    channels
        Of the first cells.
    layers
        Number of cells.
    """

    about = "normal and reduction cells of 4 vertices, 7 operations (Liu et al., 2019)"

    def __init__(self, channels: int = CHANNELS, layers: int = LAYERS) -> None:
        cell = [names for pairs in PAIRS for names in (tuple(f"{a}, {b}" for a, b in pairs), OPERATIONS, OPERATIONS)]
        super().__init__(2 * cell)
        self.channels, self.layers = channels, layers

    def genotype(self, point: Point) -> Genotype:
        """The edges that a point names."""
        self.check(point)
        half = len(point) // 2
        return Genotype(_edges(point[:half]), _edges(point[half:]))

    def point(self, genotype: Genotype) -> Point:
        """The point of a genotype; raises `PointError` if it is none of this space."""
        return tuple(option for cell in genotype for option in self._options(cell))

    def written(self, point: Point) -> str:
        """The published string."""
        normal, reduce = (list(cell) for cell in self.genotype(point))
        return f"Genotype({normal=}, normal_concat=range(2, 6), {reduce=}, reduce_concat=range(2, 6))"

    def read(self, text: str) -> Point:
        """The point of a published string, or of a name."""
        if text.strip() in NAMES:
            return self.point(NAMES[text.strip()])
        found = CELLS.search(text)
        if found is None:
            form = f"Genotype(normal=[('sep_conv_3x3', 0), …], reduce=[…]), or {', '.join(NAMES)}"
            raise PointError(f"a point of DARTS is {form}; not {text[:80]!r}")
        return self.point(
            Genotype(*(tuple((kind, int(source)) for kind, source in EDGE.findall(cell)) for cell in found.groups()))
        )

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """A stem, the cells, each of which reads the two before it, and a classifier; without auxiliary head and drop-path."""
        genotype, channels = self.genotype(point), self.channels
        layers = Layers(image_of(input_shape, self.name, least=4, even=4))
        before = now = layers.batch_norm(layers.conv(layers.x, STEM * channels, 3))
        reduced = False
        for number in range(self.layers):
            reduces = number in (self.layers // 3, 2 * self.layers // 3)
            channels *= 1 + reduces
            first = _halved(layers, before, channels) if reduced else _relu_conv_norm(layers, before, channels)
            inputs = [first, _relu_conv_norm(layers, now, channels)]
            before, now = now, _cell(layers, inputs, genotype.reduce if reduces else genotype.normal, reduces=reduces)
            reduced = reduces
        return layers.ended(layers.linear(layers.global_mean(now), classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """Both cells: a node for each operation, between vertices that add, joined at the end."""
        return {name: _wiring(edges) for name, edges in self.genotype(point)._asdict().items()}

    def _options(self, edges: Edges) -> list[int]:
        if len(edges) != 2 * VERTICES:
            raise PointError(f"a cell of DARTS has {2 * VERTICES} edges, not {len(edges)}")
        options: list[int] = []
        for vertex in range(VERTICES):
            (a, first), (b, second) = sorted(edges[2 * vertex : 2 * vertex + 2], key=lambda edge: edge[1])
            if (first, second) not in PAIRS[vertex]:
                raise PointError(
                    f"vertex {vertex + 2} of a DARTS cell reads two of the {vertex + 2} before it, not {first} and {second}"
                )
            places = len(options) + 1, len(options) + 2
            options += [PAIRS[vertex].index((first, second)), self.option(places[0], a), self.option(places[1], b)]
        return options


def _edges(options: Sequence[int]) -> Edges:
    edges: list[tuple[str, int]] = []
    for vertex in range(VERTICES):
        pair, first, second = options[3 * vertex : 3 * vertex + 3]
        a, b = PAIRS[vertex][pair]
        edges += [(OPERATIONS[first], a), (OPERATIONS[second], b)]
    return tuple(edges)


def _wiring(edges: Edges) -> Wiring:
    vertices = 2 + VERTICES
    labels = ["input 0", "input 1", *[""] * VERTICES, *(kind for kind, _ in edges), "output"]
    arrows = [(source, vertices + i) for i, (_, source) in enumerate(edges)]
    arrows += [(vertices + i, 2 + i // 2) for i in range(len(edges))]
    return Wiring(tuple(labels), (*arrows, *((2 + i, len(labels) - 1) for i in range(VERTICES))))


def _cell(layers: Layers, inputs: Sequence[int], edges: Edges, *, reduces: bool) -> int:
    vertices = list(inputs)
    for vertex in range(VERTICES):
        pair = edges[2 * vertex : 2 * vertex + 2]
        ends = [_operation(layers, vertices[source], kind, 2 if reduces and source < 2 else 1) for kind, source in pair]
        vertices.append(layers.sum(ends))
    return layers.cat(vertices[2:])


def _operation(layers: Layers, x: int, kind: str, stride: int) -> int:
    kernel = int(kind[-1]) if kind[-1].isdigit() else 0
    if kind == "skip_connect":
        return x if stride == 1 else _halved(layers, x, layers.channels(x))
    if kind.startswith("dil"):
        return _separable(layers, x, kernel, stride, dilation=2)
    if kind.startswith("sep"):
        return _separable(layers, _separable(layers, x, kernel, stride), kernel, 1)
    pool = layers.max_pool if kind.startswith("max") else layers.avg_pool
    return pool(x, 3, stride=stride, padding=1)


def _separable(layers: Layers, x: int, kernel: int, stride: int, *, dilation: int = 1) -> int:
    """ReLU, a convolution of each channel by itself, one across channels, batch-norm."""
    channels = layers.channels(x)
    deep = layers.conv(layers.relu(x), channels, kernel, stride=stride, groups=channels, dilation=dilation)
    return layers.batch_norm(layers.conv(deep, channels, 1))


def _relu_conv_norm(layers: Layers, x: int, channels: int) -> int:
    return layers.batch_norm(layers.conv(layers.relu(x), channels, 1))


def _halved(layers: Layers, x: int, channels: int) -> int:
    """Half of the channels from the even pixels, half from the odd ones."""
    x = layers.relu(x)
    odd = layers.sliced(layers.sliced(x, axis=2, start=1), axis=3, start=1)
    return layers.batch_norm(layers.cat([layers.conv(half, channels // 2, 1, stride=2) for half in (x, odd)]))


SPACE = Darts()
