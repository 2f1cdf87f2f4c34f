"""Two sequences side by side: the operations of a graph branch after branch, and which of them pair best."""

from collections.abc import Sequence

from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.surroundings import attributed

CELLS = 1_000_000  # of the band, about a second


def branchwise(layers: Layers) -> list[int]:
    """The operations in an order that follows a branch to its end before it takes the next."""
    waiting = {i: len({source for _, source in layers.sources[i]}) for i in layers.order}
    order: list[int] = []
    todo = [i for i in reversed(layers.vertices) if not layers.sources.get(i)]
    while todo:
        vertex = todo.pop()
        if vertex in waiting:
            order.append(vertex)
        ready = []
        for reader in dict.fromkeys(reader for _, reader in layers.readers[vertex]):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
        todo += sorted(ready, key=lambda i: (attributed(layers, i), i), reverse=True)
    return order


def in_order(a: Sequence[tuple[int, ...]], b: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Places in two sequences that pair best without crossing; the last entry must agree, and each one more counts more."""
    band = max(1, CELLS // max(1, len(a)) // 2)
    rows: list[tuple[int, list[int]]] = [(0, [0] * (len(b) + 1))]
    for row, label in enumerate(a, 1):
        middle = row * len(b) // max(1, len(a))
        first, last = max(0, middle - band), min(len(b), middle + band)
        start, before = rows[-1]
        values = [0] * (last - first + 1)
        for column in range(first, last + 1):
            best = before[min(max(column - start, 0), len(before) - 1)]
            if column > first:
                best = max(best, values[column - first - 1])
            if column and start <= column - 1 < start + len(before) and label[-1] == b[column - 1][-1]:
                best = max(best, before[column - 1 - start] + _likeness(label, b[column - 1]))
            values[column - first] = best
        rows.append((first, values))
    return _traced(rows, a, b)


def _likeness(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return 2 + sum(x == y for x, y in zip(one, other, strict=True))


def _traced(
    rows: Sequence[tuple[int, list[int]]], a: Sequence[tuple[int, ...]], b: Sequence[tuple[int, ...]]
) -> list[tuple[int, int]]:
    pairs, row, column = [], len(a), len(b)
    while row and column:
        (first, values), (start, before) = rows[row], rows[row - 1]
        value = values[min(max(column - first, 0), len(values) - 1)]
        fits = a[row - 1][-1] == b[column - 1][-1] and start <= column - 1 < start + len(before)
        if fits and value == before[column - 1 - start] + _likeness(a[row - 1], b[column - 1]):
            pairs.append((row - 1, column - 1))
            row, column = row - 1, column - 1
        elif column > first and value == values[min(column - first - 1, len(values) - 1)]:
            column -= 1
        else:
            row -= 1
    return pairs[::-1]
