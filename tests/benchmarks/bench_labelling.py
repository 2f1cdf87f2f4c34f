"""Canonical labelling against nauty: equal certificates exactly where nauty's are equal. And how long ties take.

Wirings of many kinds, each with random variants that differ in one label or one swap of edges, and each in several numberings.
All are compared with all, as partitions. Without pynauty the same is done on small wirings by trying every permutation, and
the benchmark counts as failed, since the hard ones were not checked. Seeds are fixed.
"""

import itertools
import random
import sys
import time
from collections.abc import Callable, Hashable

from jitnas_fn.graphs.canonical import canonical_order
from jitnas_fn.graphs.colouring import Wiring

try:
    import pynauty
except ImportError:
    pynauty = None

GRAPHS_PER_FAMILY, NUMBERINGS = 250, 3
SMALL, SMALL_SIZE = 2000, 6
ORDINARY = ((400, 0.02), (1600, 0.06), (3000, 0.12))  # vertices, processor seconds allowed
TIES = ((1, 32), (1, 64), (1, 128), (16, 8), (32, 8))  # blocks one after the other, equal branches summed in each
TIES_SECONDS = 0.25  # allowed for each of them

Edges = list[tuple[str, int, int]]
WiringData = tuple[list[str], Edges]
Pairs = list[tuple[int, int]]


def incidence(count: int, pairs: Pairs, *, label: str = "x") -> WiringData:
    """An undirected graph as a wiring: a vertex of its own for each edge."""
    edges = [(label, v, count + k) for k, pair in enumerate(pairs) for v in pair]
    return ["v"] * count + ["e"] * len(pairs), edges


def renumbered(draw: random.Random, labels: list[str], edges: Edges) -> WiringData:
    """The same wiring in another topological order, its edges shuffled."""
    waiting, readers = [0] * len(labels), [[] for _ in labels]  # type: tuple[list[int], list[list[int]]]
    for _, a, b in edges:
        waiting[b] += 1
        readers[a].append(b)
    ready, order = [v for v, count in enumerate(waiting) if not count], []
    while ready:
        order.append(ready.pop(draw.randrange(len(ready))))
        for b in readers[order[-1]]:
            waiting[b] -= 1
            if not waiting[b]:
                ready.append(b)
    place = {v: i for i, v in enumerate(order)}
    moved = [(label, place[a], place[b]) for label, a, b in edges]
    draw.shuffle(moved)
    return [labels[v] for v in order], moved


def switched(draw: random.Random, pairs: Pairs) -> Pairs:
    """Two edges exchange ends, so that every degree stays; or nothing happens."""
    (a, b), (c, d) = draw.sample(pairs, 2)
    rest = [pair for pair in pairs if pair not in ((a, b), (c, d))]
    new = [tuple(sorted((a, d))), tuple(sorted((c, b)))]
    ok = len({a, b, c, d}) == 4 and not set(new) & {tuple(sorted(pair)) for pair in rest}
    return [*rest, (a, d), (c, b)] if ok else pairs


def spotted(draw: random.Random, wiring: WiringData) -> WiringData:
    """Up to two vertices get a label of their own."""
    labels, edges = wiring
    marked = draw.sample(range(len(labels)), draw.randint(0, 2))
    return ["s" if v in marked and label == "v" else label for v, label in enumerate(labels)], edges


def multigraph(draw: random.Random) -> WiringData:
    """Few labels, edges of two kinds, some of them several times."""
    size = draw.randint(4, 9)
    edges = [(draw.choice("xxy"), a, b) for a, b in itertools.combinations(range(size), 2) if draw.random() < 0.4]
    return [draw.choice("ab") for _ in range(size)], edges + [draw.choice(edges) for _ in edges[:3]]


def regular(draw: random.Random) -> WiringData:
    """Cubic graphs: a ladder whose ends are joined straight or crossed, after up to two switches."""
    n, crossed = draw.randint(3, 6), draw.randint(0, 1)
    rails = [(i + s * n, i + 1 + s * n) for i in range(n - 1) for s in (0, 1)]
    pairs = rails + [(i, i + n) for i in range(n)] + [(n - 1, n * crossed), (2 * n - 1, n * (1 - crossed))]
    for _ in range(draw.randint(0, 2)):
        pairs = switched(draw, pairs)
    return incidence(2 * n, pairs)


def layered(draw: random.Random) -> WiringData:
    """Every vertex of a layer reads as many of the layer before, with two labels: directed and regular."""
    width, depth, degree = draw.randint(3, 5), draw.randint(2, 4), 2
    edges: Edges = []
    for layer in range(1, depth):
        order = draw.sample(range(width), width)
        for i in range(width):
            for k in range(degree):
                edges.append(
                    (draw.choice(["x", "x", "x", "y"]), (layer - 1) * width + order[(i + k) % width], layer * width + i)
                )
    return ["v"] * (width * depth), edges


def twins(draw: random.Random) -> WiringData:
    """Blocks of equal branches, each with a weight of its own or one that two branches share."""
    labels, edges, last = ["in"], [], 0  # type: tuple[list[str], Edges, int]
    for _ in range(draw.randint(1, 3)):
        ends, weight = [], -1
        for _ in range(draw.randint(2, 5)):
            if weight < 0 or draw.random() < 0.8:
                weight = len(labels)
                labels.append("w")
            edges += [("weight", weight, len(labels)), ("x", last, len(labels))]
            labels.append(draw.choice(["conv", "conv", "conv", "pool"]))
            ends.append(len(labels) - 1)
        edges += [("1.0", end, len(labels)) for end in ends]
        last = len(labels)
        labels.append("sum")
    return labels, edges


def grid(draw: random.Random) -> WiringData:
    """Grids, cylinders and tori, undirected, with up to two vertices marked."""
    rows, columns, around = draw.randint(2, 4), draw.randint(3, 5), draw.randint(0, 2)
    at = itertools.product(range(rows), range(columns))
    pairs = []
    for i, j in at:
        if j + 1 < columns or around:
            pairs.append((i * columns + j, i * columns + (j + 1) % columns))
        if i + 1 < rows or around == 2:
            pairs.append((i * columns + j, (i + 1) % rows * columns + j))
    return spotted(draw, incidence(rows * columns, pairs))


def strongly_regular(draw: random.Random) -> WiringData:
    """The 4 x 4 rook's graph and Shrikhande's, equal in all parameters; Paley's on 13; the 5 x 5 rook's."""
    steps = {(0, 1), (0, 3), (1, 0), (3, 0), (1, 1), (3, 3)}
    squares = list(itertools.product(range(4), repeat=2))
    shift = draw.choice([1, 2])
    fives = [(i, (shift * i + j) % 5) for i, j in itertools.product(range(5), repeat=2)]
    related: list[tuple[int, Callable[[int, int], bool]]] = [
        (16, lambda a, b: (squares[a][0] == squares[b][0]) != (squares[a][1] == squares[b][1])),
        (16, lambda a, b: ((squares[a][0] - squares[b][0]) % 4, (squares[a][1] - squares[b][1]) % 4) in steps),
        (13, lambda a, b: (b - a) % 13 in {1, 3, 4, 9, 10, 12}),
        (25, lambda a, b: fives[a][0] == fives[b][0] or fives[a][1] == fives[b][1]),
    ]  # fmt: skip
    count, adjacent = draw.choice(related)
    pairs = [(a, b) for a, b in itertools.combinations(range(count), 2) if adjacent(a, b)]
    pairs = switched(draw, pairs) if draw.random() < 0.3 else pairs
    return spotted(draw, incidence(count, pairs))


def cai_furer_immerman(draw: random.Random) -> WiringData:
    """Over K4 or a prism: an odd number of crossed edges is no even number of them, which refinement cannot see."""
    prism = [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]
    base = draw.choice([list(itertools.combinations(range(4), 2)), prism])
    crossed = draw.sample(range(len(base)), draw.randint(0, 3))
    number: dict[Hashable, int] = {}
    pairs: Pairs = []

    def vertex(*name: Hashable) -> int:
        return number.setdefault(name, len(number))

    for v in sorted({v for pair in base for v in pair}):
        around = [k for k, pair in enumerate(base) if v in pair]
        for chosen in (set(s) for r in range(0, len(around) + 1, 2) for s in itertools.combinations(around, r)):
            pairs += [(vertex(v, frozenset(chosen)), vertex(v, k, k in chosen)) for k in around]
    for k, (a, b) in enumerate(base):
        pairs += [(vertex(a, k, side), vertex(b, k, side != (k in crossed))) for side in (False, True)]
    return incidence(len(number), pairs)


FAMILIES: dict[str, Callable[[random.Random], WiringData]] = {
    "labels, multi-edges": multigraph,
    "cubic, switched": regular,
    "directed, regular, edge labels": layered,
    "twins, shared weights": twins,
    "grids, cylinders, tori": grid,
    "strongly regular": strongly_regular,
    "Cai-Fürer-Immerman": cai_furer_immerman,
}


def equal_blocks(blocks: int, branches: int) -> WiringData:
    """Blocks one after the other, each a sum of equal branches with weights of their own."""
    labels, edges, last = ["in"], [], 0  # type: tuple[list[str], Edges, int]
    for _ in range(blocks):
        start, end = len(labels), len(labels) + 4 * branches
        for i in range(start, end, 4):
            edges += [
                ("weight", i, i + 1),
                ("x", last, i + 1),
                ("x", i + 1, i + 2),
                ("weight", i + 3, i + 2),
                ("1.0", i + 2, end),
            ]
        labels += ["w", "conv", "norm", "w"] * branches + ["sum"]
        last = end
    return labels, edges


def chained(vertices: int) -> WiringData:
    """A network as people write them: convolutions with weights and norms in a chain, a sum after every third, few ties."""
    labels, edges, last, kept = ["in"], [], 0, 0  # type: tuple[list[str], Edges, int, int]
    while len(labels) < vertices:
        for _ in range(3):
            w, g, b, conv, norm, relu = range(len(labels), len(labels) + 6)
            labels += ["w", "gamma", "beta", "conv", "norm", "relu"]
            edges += [("weight", w, conv), ("x", last, conv), ("weight", g, norm), ("bias", b, norm), ("x", conv, norm)]
            edges.append(("x", norm, relu))
            last = relu
        edges += [("1.0", last, len(labels)), ("1.0", kept, len(labels))]
        last = kept = len(labels)
        labels.append("sum")
    return labels, edges


def ours(labels: list[str], edges: list[tuple[str, int, int]]) -> Hashable:
    """The graph in our canonical order."""
    order, exact = canonical_order(Wiring(labels, edges))
    if not exact:
        raise AssertionError(f"the work bound was met by {len(labels)} vertices")
    place = {vertex: i for i, vertex in enumerate(order)}
    return tuple(labels[v] for v in order), tuple(sorted((place[a], place[b], label) for label, a, b in edges))


def nautys(labels: list[str], edges: list[tuple[str, int, int]]) -> Hashable:
    """The certificate of the undirected graph that has two vertices more for each edge, one at either end."""
    near: dict[int, list[int]] = {v: [] for v in range(len(labels) + 2 * len(edges))}
    colours: dict[tuple[str, str], set[int]] = {}
    for v, label in enumerate(labels):
        colours.setdefault(("vertex", label), set()).add(v)
    for k, (label, a, b) in enumerate(edges):
        tail, head = len(labels) + 2 * k, len(labels) + 2 * k + 1
        near[a].append(tail), near[tail].append(head), near[head].append(b)
        colours.setdefault(("tail", label), set()).add(tail)
        colours.setdefault(("head", label), set()).add(head)
    kinds = sorted(colours)
    graph = pynauty.Graph(len(near), adjacency_dict=near, vertex_coloring=[colours[kind] for kind in kinds])
    return tuple((kind, len(colours[kind])) for kind in kinds), pynauty.certificate(graph)


def by_permutations(labels: list[str], edges: list[tuple[str, int, int]]) -> Hashable:
    """The least writing of the graph over all permutations of its vertices."""
    writings = []
    for order in itertools.permutations(range(len(labels))):
        place = {vertex: i for i, vertex in enumerate(order)}
        writings.append(([labels[v] for v in order], sorted((place[a], place[b], label) for label, a, b in edges)))
    labels, edges = min(writings)
    return tuple(labels), tuple(edges)


def disagreements(wirings: list[WiringData], oracle: Callable[..., Hashable]) -> tuple[int, int]:
    """How many wirings our certificates put into another class than the oracle does, and the number of classes."""
    forth: dict[Hashable, Hashable] = {}
    back: dict[Hashable, Hashable] = {}
    wrong = 0
    for wiring in wirings:
        mine, others = ours(*wiring), oracle(*wiring)
        wrong += forth.setdefault(mine, others) != others or back.setdefault(others, mine) != mine
    return wrong, len(back)


def small(draw: random.Random) -> list[WiringData]:
    """Wirings small enough for every permutation."""
    found = []
    for _ in range(SMALL):
        size = draw.randint(2, SMALL_SIZE)
        edges = [(draw.choice("xxy"), a, b) for a, b in itertools.combinations(range(size), 2) if draw.random() < 0.6]
        found.append(
            ([draw.choice("aab") for _ in range(size)], edges + draw.sample(edges, min(len(edges), draw.randint(0, 1))))
        )
    return found


def checked(name: str, wirings: list[WiringData], oracle: Callable[..., Hashable]) -> int:
    """Print one line; returns the number of disagreements."""
    began = time.process_time()
    wrong, classes = disagreements(wirings, oracle)
    largest = max(len(labels) for labels, _ in wirings)
    print(f"{name:38} {len(wirings):5,} wirings of up to {largest:3} vertices, {classes:5,} classes, "
          f"{wrong} disagreements, {time.process_time() - began:5.1f} s", flush=True)  # fmt: skip
    return wrong


def seconds(wiring: WiringData) -> float:
    """Least processor time of a few runs."""
    taken, graph = [], Wiring(*wiring)
    for _ in range(3):
        began = time.process_time()
        _, exact = canonical_order(graph)
        taken.append(time.process_time() - began if exact else float("inf"))
    return min(taken)


def timed() -> bool:
    """Print the times; returns whether all bars are met."""
    met = True
    for vertices, bar in ORDINARY:
        taken = seconds(chained(vertices))
        met = met and taken <= bar
        print(f"a network of {vertices:5,} vertices: {taken * 1e3:7.1f} ms (bar {bar * 1e3:.0f} ms)")
    for blocks, branches in TIES:
        wiring = equal_blocks(blocks, branches)
        taken = seconds(wiring)
        met = met and taken <= TIES_SECONDS
        print(f"{blocks:2} x {branches:3} equal branches ({len(wiring[0]):,} vertices): {taken * 1e3:7.1f} ms"
              f" (bar {TIES_SECONDS * 1e3:.0f} ms)")  # fmt: skip
    return met


def main() -> int:
    """Print what was compared; 1 if anything disagrees, a bar is missed, or nauty is not there."""
    draw = random.Random(20)
    wrong = checked("small, against every permutation", small(draw), by_permutations)
    total = 0
    if pynauty is None:
        print("pynauty is missing: the hard wirings were not checked. Install it with: pip install -e '.[oracle]'")
    for name, family in FAMILIES.items() if pynauty else ():
        graphs = [family(draw) for _ in range(GRAPHS_PER_FAMILY)]
        wirings = [renumbered(draw, *graph) if i else graph for graph in graphs for i in range(NUMBERINGS)]
        wrong += checked(name, wirings, nautys)
        total += len(wirings)
    print(f"against nauty: {total:,} wirings, {wrong} disagreements")
    return 0 if timed() and not wrong and total >= 3000 else 1


if __name__ == "__main__":
    sys.exit(main())
