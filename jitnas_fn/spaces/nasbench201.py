"""NAS-Bench-201: cells of three vertices, each the sum of an operation on every vertex before it.

A point has an operation for each edge, in the order 0→1, 0→2, 1→2, 0→3, 1→3, 2→3, and is written
`|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|`.

References
----------
.. [1] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

import re
from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, image_of
from jitnas_fn.graphs.wiring import Wiring
from jitnas_fn.spaces._cells201 import EDGES, OPERATIONS, cell, halved

CHANNELS, CELLS, STAGES = 16, 5, 3  # C and N of [1]_
EDGE = re.compile(r"([a-z_0-9]+)~([0-9])")


class NasBench201(Choices):
    """The 15,625 cells, in the networks that were trained."""

    about = "cells of 6 edges with 5 operations (Dong and Yang, 2020)"

    def __init__(self) -> None:
        super().__init__([OPERATIONS] * len(EDGES))

    def written(self, point: Point) -> str:
        """The published string."""
        self.check(point)
        edges = [(f"{OPERATIONS[option]}~{source}", target) for (source, target), option in zip(EDGES, point, strict=True)]
        vertices = ["|".join(edge for edge, target in edges if target == vertex) for vertex in (1, 2, 3)]
        return "+".join(f"|{vertex}|" for vertex in vertices)

    def read(self, text: str) -> Point:
        """The point of a published string."""
        vertices = [vertex.strip("|").split("|") for vertex in text.strip().split("+")]
        found = [EDGE.fullmatch(edge) for vertex in vertices for edge in vertex]
        sources = [int(edge[2]) for edge in found if edge is not None]
        if sources != [source for source, _ in EDGES] or [len(vertex) for vertex in vertices] != [1, 2, 3]:
            raise PointError(f"a cell of NAS-Bench-201 is written |op~0|+|op~0|op~1|+|op~0|op~1|op~2|, not {text[:120]!r}")
        return tuple(self.option(place, edge[1]) for place, edge in enumerate(found) if edge is not None)

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """A stem, three stages of five cells with residual blocks between them that halve the map, and a classifier."""
        self.check(point)
        layers = Layers(image_of(input_shape, self.name, least=4, even=4))
        x = layers.batch_norm(layers.conv(layers.x, CHANNELS, 3))
        for stage in range(STAGES):
            if stage:
                x = halved(layers, x, CHANNELS * 2**stage)
            for _ in range(CELLS):
                x = cell(layers, x, point, CHANNELS * 2**stage)
        x = layers.global_mean(layers.relu(layers.batch_norm(x)))
        return layers.ended(layers.linear(x, classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """The cell: a node for each edge that does something, between vertices that add."""
        labels, edges = ["input", "", ""], []
        last = len(labels) + sum(option > 0 for option in point)
        for (source, target), option in zip(EDGES, point, strict=True):
            if option:
                labels.append(OPERATIONS[option])
                edges += [(source, len(labels) - 1), (len(labels) - 1, last if target == 3 else target)]
        return {"cell": Wiring((*labels, "output"), tuple(edges))}


SPACE = NasBench201()
