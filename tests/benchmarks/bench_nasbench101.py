"""The unique graphs of NAS-Bench-101, counted as classes under our canonical labelling: 423,624, as published.

Every graph of 2 to 7 vertices and up to 9 edges whose vertices all lie on a path from input to output, with one of three
operations at each inner vertex. Reference: C. Ying et al., "NAS-Bench-101", ICML 2019.
"""

import itertools
import sys
import time
from collections.abc import Iterator

from jitnas_fn.graphs.canonical import canonical_order
from jitnas_fn.graphs.colouring import Wiring

MOST_EDGES, OPERATIONS = 9, "abc"
UNIQUE = {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}
LABELLED = 1_293_208
Edges = list[tuple[str, int, int]]


def pruned(vertices: int) -> Iterator[Edges]:
    """Every set of edges that leaves no vertex without a way in or out."""
    pairs = list(itertools.combinations(range(vertices), 2))
    all_but_last, all_but_first = (1 << vertices - 1) - 1, (1 << vertices) - 2
    for count in range(vertices - 1, min(MOST_EDGES, len(pairs)) + 1):
        for chosen in itertools.combinations(pairs, count):
            leaves = enters = 0
            for a, b in chosen:
                leaves |= 1 << a
                enters |= 1 << b
            if leaves == all_but_last and enters == all_but_first:
                yield [("x", a, b) for a, b in chosen]


def classes(vertices: int) -> tuple[int, set[tuple[str, int]]]:
    """How many labelled graphs there are, and the different ones among them in canonical order.

    A graph is written as the labels, and one bit for each edge.
    """
    labelled, found = 0, set()  # type: tuple[int, set[tuple[str, int]]]
    spellings = [["in", *inner, "out"] for inner in itertools.product(OPERATIONS, repeat=vertices - 2)]
    for edges in pruned(vertices):
        wiring = Wiring([""] * vertices, edges)
        for labels in spellings:
            wiring.labels = labels
            order, exact = canonical_order(wiring)
            assert exact
            bits, place = 0, [0] * vertices
            for i, vertex in enumerate(order):
                place[vertex] = i
            for _, a, b in edges:
                bits |= 1 << place[a] * vertices + place[b]
            found.add(("".join([labels[v] for v in order]), bits))
        labelled += len(spellings)
    return labelled, found


def main() -> int:
    """Count, size by size; 1 if any count is not the published one."""
    right, total, unique, began = True, 0, 0, time.perf_counter()
    for vertices, expected in UNIQUE.items():
        labelled, found = classes(vertices)
        right, total, unique = right and len(found) == expected, total + labelled, unique + len(found)
        counts = f"{labelled:9,} labelled, {len(found):7,} unique, published {expected:7,}"
        print(f"{vertices} vertices: {counts}, after {time.perf_counter() - began:6.1f} s", flush=True)
    print(
        f"NAS-Bench-101: {unique:,} unique (published {sum(UNIQUE.values()):,}) of {total:,} labelled (expected {LABELLED:,})"
    )
    return 0 if right and total == LABELLED else 1


if __name__ == "__main__":
    sys.exit(main())
