"""Where the boxes of a drawing stand: layers from top to bottom, few crossings, straight lines.

The steps are those of Sugiyama, Tagawa and Toda (1981): boxes are put into layers by the longest way from the top, long edges
get a waypoint in each layer they pass, each layer is ordered by the barycentres of its neighbours, and each box is put as near
to the boxes it is connected with as the order allows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from jitnas_fn.graphs.drawings.levels import Levels, levelled, order

GAP_ACROSS, GAP_DOWN = 26.0, 34.0
WAYPOINT = 14.0  # width kept free for a line that passes
PORT = 18.0  # between two lines that arrive
PLACING_SWEEPS, STRAIGHTENING_SWEEPS = 12, 10
LIGHT = 0.001  # weight of a line that passes, against that of a box
Point = tuple[float, float]


@dataclass(frozen=True)
class Placement:
    """Where everything stands.

    Attributes
    ----------
    corners
        Left upper corner of each box.
    routes
        Points of each edge, from the lower rim of a box to the upper rim of another.
    width, height
        Of the whole.
    """

    corners: list[Point]
    routes: list[list[Point]]
    width: float
    height: float


def placed(sizes: Sequence[Point], edges: Sequence[tuple[int, int]]) -> Placement:
    """Place boxes.

    Parameters
    ----------
    sizes
        Width and height of each of the boxes.
    edges
        (source, target); the source of an edge has the lower number.
    """
    levels = levelled(len(sizes), edges)
    order(levels)
    widths = [sizes[i][0] if i < len(sizes) else WAYPOINT for i in range(len(levels.of))]
    middles = _middles(levels, widths, boxes=len(sizes))
    tops, heights, y = [], [], 0.0
    for row in levels.rows:
        heights.append(max((sizes[i][1] for i in row if i < len(sizes)), default=0.0))
        tops.append(y)
        y += heights[-1] + GAP_DOWN
    left = min(middles[i] - widths[i] / 2 for i in range(len(widths))) if widths else 0.0
    middles = [middle - left for middle in middles]
    corners = [
        (middles[i] - width / 2, tops[levels.of[i]] + (heights[levels.of[i]] - height) / 2)
        for i, (width, height) in enumerate(sizes)
    ]
    bands = [(top, top + height) for top, height in zip(tops, heights, strict=True)]
    routes = _routes(levels, middles, corners, sizes, bands)
    width = max((middles[i] + widths[i] / 2 for i in range(len(widths))), default=0.0)
    return Placement(corners, routes, width, max(0.0, y - GAP_DOWN))


def _middles(levels: Levels, widths: Sequence[float], *, boxes: int) -> list[float]:
    """The middle of each vertex: near those of its neighbours, in order, without overlap."""
    middles = [0.0] * len(widths)
    offsets = []
    for row in levels.rows:
        at = [0.0]
        for one, other in pairwise(row):
            passing = (one >= boxes) + (other >= boxes)
            at.append(at[-1] + (widths[one] + widths[other]) / 2 + GAP_ACROSS * (1.0, 0.5, 0.0)[passing])
        offsets.append(at)
        for vertex, offset in zip(row, at, strict=False):
            middles[vertex] = offset - at[-1] / 2
    weights = [1.0 if i < boxes else LIGHT for i in range(len(widths))]
    rows = list(zip(levels.rows, offsets, strict=True))
    sources, targets = _ends(levels, boxes)
    for sweep in range(PLACING_SWEEPS):  # the last goes down, so that what follows one box stands straight below it
        up = sweep % 2 == 0
        for row, at in reversed(rows) if up else rows:
            wanted = [_mean(vertex, (targets if up else sources)[vertex], middles) for vertex in row]
            _settle(row, at, wanted, weights, middles)
    for _ in range(STRAIGHTENING_SWEEPS):  # each line as straight as the boxes, which stay, allow
        lines = {vertex: _mean(vertex, chain[1:-1], middles) for chain in levels.chains for vertex in chain[1:-1]}
        for row, at in rows:
            _settle(row, at, [lines.get(vertex, middles[vertex]) for vertex in row], weights, middles)
    return middles


def _ends(levels: Levels, boxes: int) -> tuple[list[list[int]], list[list[int]]]:
    """What pulls each vertex from above, and from below: a box the boxes it is connected with, a waypoint its neighbours."""
    sources, targets = levels.above[:], levels.below[:]
    sources[:boxes], targets[:boxes] = [[] for _ in range(boxes)], [[] for _ in range(boxes)]
    for chain in levels.chains:
        sources[chain[-1]].append(chain[0])
        targets[chain[0]].append(chain[-1])
    return sources, targets


def _mean(vertex: int, others: Sequence[int], middles: Sequence[float]) -> float:
    return sum(middles[other] for other in others) / len(others) if others else middles[vertex]


def _settle(
    row: Sequence[int], at: Sequence[float], wanted: Sequence[float], weights: Sequence[float], middles: list[float]
) -> None:
    """Least squares under the order of the row: neighbours that would overlap are pooled and move as one."""
    pools: list[tuple[float, float, int]] = []  # (mean of wanted less offset, weight, number of vertices)
    for vertex, offset, want in zip(row, at, wanted, strict=False):
        mean, weight, count = want - offset, weights[vertex], 1
        while pools and pools[-1][0] > mean:
            other, more, several = pools.pop()
            mean = (mean * weight + other * more) / (weight + more)
            weight, count = weight + more, count + several
        pools.append((mean, weight, count))
    place = 0
    for mean, _, count in pools:
        for _ in range(count):
            middles[row[place]] = mean + at[place]
            place += 1


def _routes(
    levels: Levels,
    middles: Sequence[float],
    corners: Sequence[Point],
    sizes: Sequence[Point],
    bands: Sequence[tuple[float, float]],
) -> list[list[Point]]:
    """The points of each edge: from the middle below its source, past its waypoints, to a place of its own above its target."""
    arriving: dict[int, list[int]] = {}
    for place, chain in enumerate(levels.chains):
        arriving.setdefault(chain[-1], []).append(place)
    ports: dict[int, float] = {}
    for target, places in arriving.items():
        places.sort(key=lambda place: middles[levels.chains[place][-2]])
        step = min(PORT, (sizes[target][0] - 28) / max(1, len(places) - 1))
        reach = step * (len(places) - 1)
        wanted = [min(max(middles[levels.chains[place][-2]] - middles[target], -reach), reach) for place in places]
        found = [0.0] * len(places)
        _settle(range(len(places)), [i * step for i in range(len(places))], wanted, [1.0] * len(places), found)
        edge = sizes[target][0] / 2 - 10
        ports.update({place: middles[target] + min(max(x, -edge), edge) for place, x in zip(places, found, strict=True)})
    routes = []
    for place, chain in enumerate(levels.chains):
        source, target = chain[0], chain[-1]
        points = [(middles[source], corners[source][1] + sizes[source][1]), (middles[source], bands[levels.of[source]][1])]
        for vertex in chain[1:-1]:
            points += [(middles[vertex], edge) for edge in bands[levels.of[vertex]]]
        routes.append([*points, (ports[place], bands[levels.of[target]][0]), (ports[place], corners[target][1])])
    return routes
