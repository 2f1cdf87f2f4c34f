"""NAS-Bench-101: cells of at most seven vertices and nine edges, with an operation on each vertex between input and output.

A point is (rows of the upper triangular adjacency matrix, operations), written as JSON: {"matrix": [[0, 1], [0, 0]], "ops":
["input", "output"]}. What lies on no way from the input to the output counts for nothing; a point may have it all the same, as
those that are mutated do.

References
----------
.. [1] C. Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019.
"""

import random
from collections.abc import Sequence

from jitnas_fn.core.codec import canonical, parse
from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, Space, image_of
from jitnas_fn.graphs.wiring import Wiring

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
VERTICES, EDGES, SIZE = 7, 9, 423_624  # at most; and how many cells differ, as published in [1]_
CHANNELS, STACKS, CELLS = 128, 3, 3
MOMENTUM, EPS = 0.003, 1e-5  # of batch-norm in [1]_'s code, which writes 1 - 0.003
MOST_TRIES = 10_000
MOST_TEXT = 10_000
Matrix = tuple[tuple[int, ...], ...]


class NasBench101(Space):
    """The 423,624 cells, in the networks that were trained."""

    about = "cells of up to 7 vertices and 9 edges, 3 operations (Ying et al., 2019)"

    @property
    def size(self) -> int:
        """Number of cells that differ."""
        return SIZE

    def sample(self, rng: random.Random) -> Point:
        """A cell as its authors draw one [1]_: each matrix of seven vertices and each operation alike, until one is valid."""
        for _ in range(MOST_TRIES):
            rows = tuple(tuple(int(a < b and rng.random() < 0.5) for b in range(VERTICES)) for a in range(VERTICES))
            point = rows, tuple(int(rng.random() * len(OPERATIONS)) for _ in range(VERTICES - 2))
            if _is_valid(*point):
                return point
        raise AssertionError("a random cell is valid once in some tries")

    def mutate(self, point: Point, rng: random.Random) -> Point:
        """One of the neighbours: each edge and each operation as likely to be the one that changes."""
        matrix, operations = point
        last = len(matrix)
        edges = [(a, b) for a in range(last) for b in range(a + 1, last)]
        for _ in range(MOST_TRIES):
            place = int(rng.random() * (len(edges) + len(operations)))
            if place < len(edges):
                changed = _toggled(matrix, *edges[place]), operations
            else:
                vertex = place - len(edges)
                option = (operations[vertex] + 1 + int(rng.random() * (len(OPERATIONS) - 1))) % len(OPERATIONS)
                changed = matrix, (*operations[:vertex], option, *operations[vertex + 1 :])
            if _is_valid(*changed):
                return changed
        raise AssertionError("every cell has neighbours")

    def neighbours(self, point: Point) -> list[Point]:
        """All cells with another operation at one vertex, or one edge more or less."""
        self.check(point)
        matrix, operations = point
        found = [
            (matrix, (*operations[:vertex], option, *operations[vertex + 1 :]))
            for vertex in range(len(operations))
            for option in range(len(OPERATIONS))
            if option != operations[vertex]
        ]
        pairs = [(a, b) for a in range(len(matrix)) for b in range(a + 1, len(matrix))]
        found += [(_toggled(matrix, a, b), operations) for a, b in pairs]
        return [one for one in found if _is_valid(*one)]

    def check(self, point: Point) -> None:
        """Raise `PointError` if this is no point of the space."""
        if not _has_form(point):
            raise PointError(f"a point of {self.name} is (rows of a matrix, operations), not {str(point)[:80]}")
        if not _is_valid(*point):
            raise PointError(
                f"a cell of NAS-Bench-101 leads from its input to its output by at most {EDGES} edges; not {str(point)[:200]}"
            )

    def written(self, point: Point) -> str:
        """Matrix and operations, as JSON."""
        self.check(point)
        matrix, operations = point
        names = ["input", *(OPERATIONS[option] for option in operations), "output"]
        return canonical({"matrix": [list(row) for row in matrix], "ops": names})

    def read(self, text: str) -> Point:
        """The point of such a text."""
        fields = parse(text, max_bytes=MOST_TEXT, error=PointError, what="cell")
        names = {name: option for option, name in enumerate(OPERATIONS)}
        try:
            matrix = tuple(tuple(row) for row in fields["matrix"])
            first, *between, last = fields["ops"]
            point = matrix, tuple(names[name] for name in between)
            fits = (first, last) == ("input", "output")
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise PointError(
                f'a cell of NAS-Bench-101 is {{"matrix": [[…]], "ops": ["input", …, "output"]}} with {", ".join(OPERATIONS)}, '
                f"not {text[:120]!r}"
            )
        self.check(point)
        return point

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """A stem, three stacks of three cells with pooling between them that halves the map, and a classifier."""
        self.check(point)
        matrix, operations = pruned(*point)
        layers = Layers(image_of(input_shape, self.name, least=4))
        x = _conv_norm_relu(layers, layers.x, CHANNELS, 3)
        for stack in range(STACKS):
            if stack:
                x = layers.max_pool(x, 2, stride=2)
            for _ in range(CELLS):
                x = _cell(layers, x, matrix, operations, CHANNELS * 2**stack)
        return layers.ended(layers.linear(layers.global_mean(x), classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """The cell, without what counts for nothing."""
        matrix, operations = pruned(*point)
        labels = ("input", *(OPERATIONS[option] for option in operations), "output")
        return {"cell": Wiring(labels, tuple((a, b) for a, row in enumerate(matrix) for b, edge in enumerate(row) if edge))}

    def one_hot(self, point: Point) -> dict[str, float]:
        """1 for each edge and for the operation at each vertex."""
        matrix, operations = point
        found = {f"{a}>{b}": 1.0 for a, row in enumerate(matrix) for b, edge in enumerate(row) if edge}
        return found | {f"{vertex + 1}={OPERATIONS[option]}": 1.0 for vertex, option in enumerate(operations)}


def pruned(matrix: Matrix, operations: Sequence[int]) -> tuple[Matrix, tuple[int, ...]]:
    """The cell without vertices that lie on no way from the input to the output; no vertices at all if there is no way."""
    last = len(matrix) - 1
    below = _reached(0, [[b for b, edge in enumerate(row) if edge] for row in matrix])
    above = _reached(last, [[a for a, edge in enumerate(column) if edge] for column in zip(*matrix, strict=True)])
    kept = sorted(below & above)
    if 0 not in kept or last not in kept:
        return (), ()
    return tuple(tuple(matrix[a][b] for b in kept) for a in kept), tuple(operations[v - 1] for v in kept[1:-1])


def _reached(start: int, onwards: Sequence[Sequence[int]]) -> set[int]:
    found, todo = {start}, [start]
    while todo:
        fresh = [vertex for vertex in onwards[todo.pop()] if vertex not in found]
        found.update(fresh)
        todo += fresh
    return found


def _is_valid(matrix: Matrix, operations: Sequence[int]) -> bool:
    kept, _ = pruned(matrix, operations)
    return bool(kept) and sum(map(sum, kept)) <= EDGES


def _has_form(point: object) -> bool:
    if not (isinstance(point, tuple) and len(point) == 2 and all(isinstance(part, tuple) for part in point)):
        return False
    matrix, operations = point
    count = len(matrix)
    if not 2 <= count <= VERTICES or len(operations) != count - 2:
        return False
    if not all(type(option) is int and 0 <= option < len(OPERATIONS) for option in operations):
        return False
    rows = all(isinstance(row, tuple) and len(row) == count for row in matrix)
    return rows and all(
        type(edge) is int and edge in (0, 1) and (edge == 0 or a < b)
        for a, row in enumerate(matrix)
        for b, edge in enumerate(row)
    )


def _toggled(matrix: Matrix, a: int, b: int) -> Matrix:
    row = (*matrix[a][:b], 1 - matrix[a][b], *matrix[a][b + 1 :])
    return (*matrix[:a], row, *matrix[a + 1 :])


def _widths(matrix: Matrix, channels: int) -> list[int]:
    """Channels of each vertex: what feeds the output shares them, the first taking the rest; others are as wide as read."""
    last = len(matrix) - 1
    widths = [0] * last + [channels]
    joined = [vertex for vertex in range(1, last) if matrix[vertex][last]]
    for place, vertex in enumerate(joined):
        widths[vertex] = channels // len(joined) + (place < channels % len(joined))
    for vertex in range(last - 1, 0, -1):
        if vertex not in joined:
            widths[vertex] = max(widths[reader] for reader in range(vertex + 1, last) if matrix[vertex][reader])
    return widths


def _cell(layers: Layers, x: int, matrix: Matrix, operations: Sequence[int], channels: int) -> int:
    """Each vertex reads the sum of what feeds it: others cut to its width, the input projected to it; the output joins."""
    last, widths = len(matrix) - 1, _widths(matrix, channels)
    vertices: dict[int, int] = {}
    for vertex in range(1, last):
        width = widths[vertex]
        fed = [layers.sliced(vertices[source], axis=1, stop=width) for source in range(1, vertex) if matrix[source][vertex]]
        if matrix[0][vertex]:
            fed.append(_conv_norm_relu(layers, x, width, 1))
        vertices[vertex] = _operation(layers, layers.sum(fed), operations[vertex - 1])
    joined = [vertices[vertex] for vertex in range(1, last) if matrix[vertex][last]]
    ends = [layers.cat(joined)] if joined else []
    if matrix[0][last]:
        ends.append(_conv_norm_relu(layers, x, channels, 1))
    return layers.sum(ends)


def _operation(layers: Layers, x: int, option: int) -> int:
    if option == OPERATIONS.index("maxpool3x3"):
        return layers.max_pool(x, 3, stride=1, padding=1)
    return _conv_norm_relu(layers, x, layers.channels(x), 3 if option == 0 else 1)


def _conv_norm_relu(layers: Layers, x: int, channels: int, kernel: int) -> int:
    return layers.relu(layers.batch_norm(layers.conv(x, channels, kernel), eps=EPS, momentum=MOMENTUM))


SPACE = NasBench101()
