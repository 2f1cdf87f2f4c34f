"""The layers of a drawing from top to bottom, and the order of the boxes and lines in each."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

MOST_WAYPOINTS = 4_000  # longer lines go straight where a graph has more
ORDERING_SWEEPS = 10


@dataclass
class Levels:
    """Boxes and waypoints, in layers.

    Attributes
    ----------
    of
        The layer of each vertex: the boxes first, then the waypoints.
    rows
        The vertices of each layer, from left to right.
    chains
        The vertices that each edge passes, both ends included.
    above, below
        Neighbours of each vertex in the next layers.
    """

    of: list[int]
    rows: list[list[int]]
    chains: list[list[int]]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)


def levelled(count: int, edges: Sequence[tuple[int, int]]) -> Levels:
    """The layers of `count` boxes, unordered, with waypoints."""
    of = _longest_ways(count, edges)
    chains: list[list[int]] = [[] for _ in edges]
    for place in sorted(range(len(edges)), key=lambda i: of[edges[i][1]] - of[edges[i][0]]):
        source, target = edges[place]
        between = range(of[source] + 1, of[target])
        room = len(of) - count + len(between) <= MOST_WAYPOINTS
        passed = list(range(len(of), len(of) + len(between))) if room else []
        of.extend(between if room else ())
        chains[place] = [source, *passed, target]
    levels = Levels(of, [[] for _ in range(max(of, default=-1) + 1)], chains)
    levels.above, levels.below = [[] for _ in of], [[] for _ in of]
    for chain in chains:
        for one, other in pairwise(chain):
            if of[other] == of[one] + 1:
                levels.below[one].append(other)
                levels.above[other].append(one)
    for vertex in _depth_first(levels, count):
        levels.rows[of[vertex]].append(vertex)
    return levels


def _longest_ways(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        sources[target].append(source)
        targets[source].append(target)
    of = [0] * count
    for i in range(count):
        of[i] = max((of[source] + 1 for source in sources[i]), default=0)
    for i in reversed(range(count)):  # what reads nothing, or less than it gives, stands near its readers
        if targets[i] and i and len(sources[i]) < len(targets[i]):
            lowest = min(of[target] for target in targets[i]) - 1
            of[i] = max(of[i], lowest) if len(sources[i]) == 0 else of[i]
    return of


def _depth_first(levels: Levels, count: int) -> Iterable[int]:
    """All vertices, each soon after a neighbour, so that lines start with few crossings."""
    seen = [False] * len(levels.of)
    for root in range(count):
        todo = [root]
        while todo:
            vertex = todo.pop()
            if not seen[vertex]:
                seen[vertex] = True
                yield vertex
                todo += reversed(levels.below[vertex])


def order(levels: Levels) -> None:
    """Order each layer by the barycentres of its neighbours, and keep the order with the fewest crossings."""
    place = {vertex: float(i) for row in levels.rows for i, vertex in enumerate(row)}
    best, fewest = [list(row) for row in levels.rows], _crossings(levels, place)
    for sweep in range(ORDERING_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        neighbours = levels.above if down else levels.below
        for row in levels.rows if down else reversed(levels.rows):
            key = {v: sum(place[n] for n in neighbours[v]) / len(neighbours[v]) if neighbours[v] else place[v] for v in row}
            row.sort(key=lambda vertex: key[vertex])
            place.update({vertex: float(i) for i, vertex in enumerate(row)})
        crossings = _crossings(levels, place)
        if crossings < fewest:
            best, fewest = [list(row) for row in levels.rows], crossings
    levels.rows = best


def _crossings(levels: Levels, place: dict[int, float]) -> int:
    total = 0
    for row in levels.rows:
        met: list[float] = []
        for vertex in row:
            ends = sorted(place[other] for other in levels.below[vertex])
            total += sum(len(met) - bisect_right(met, end) for end in ends)
            for end in ends:
                insort(met, end)
    return total
