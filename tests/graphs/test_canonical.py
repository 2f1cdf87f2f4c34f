"""Canonical labelling: equal certificates exactly for isomorphic graphs."""

import itertools
import random

import pytest

from jitnas_fn.graphs.canonical import canonical_order
from jitnas_fn.graphs.colouring import Wiring


def certificate(labels, edges):
    order, exact = canonical_order(Wiring(labels, edges))
    assert exact
    place = {vertex: i for i, vertex in enumerate(order)}
    return [labels[v] for v in order], sorted((place[a], place[b], label) for label, a, b in edges)


def random_graph(draw, size, *, letters="ab", edge_labels="xy"):
    labels = [draw.choice(letters) for _ in range(size)]
    edges = [(draw.choice(edge_labels), i, j) for j in range(size) for i in range(j) if draw.random() < 0.4]
    return labels, edges


def relabelled(draw, labels, edges):
    """The same graph in another topological numbering."""
    left, order = set(range(len(labels))), []
    while left:
        order.append(draw.choice(sorted(v for v in left if not any(b == v and a in left for _, a, b in edges))))
        left.remove(order[-1])
    place = {v: i for i, v in enumerate(order)}
    moved = [(label, place[a], place[b]) for label, a, b in edges]
    draw.shuffle(moved)
    return [labels[v] for v in order], moved


def isomorphic(one, other):
    (la, ea), (lb, eb) = one, other
    goal = sorted(eb)
    return sorted(la) == sorted(lb) and any(
        all(la[v] == lb[p[v]] for v in range(len(la))) and sorted((label, p[a], p[b]) for label, a, b in ea) == goal
        for p in itertools.permutations(range(len(la)))
    )


def test_any_numbering_of_a_graph_has_the_same_certificate():
    draw = random.Random(1)
    for _ in range(400):
        graph = random_graph(draw, draw.randint(1, 14), letters=draw.choice(["a", "ab"]), edge_labels=draw.choice(["x", "xy"]))
        assert certificate(*graph) == certificate(*relabelled(draw, *graph))


def test_certificates_agree_with_every_permutation_tried():
    draw = random.Random(2)
    graphs = [random_graph(draw, 5, letters="a", edge_labels="x") for _ in range(60)]
    for one, other in itertools.combinations(graphs, 2):
        if len(one[1]) == len(other[1]):
            assert (certificate(*one) == certificate(*other)) == isomorphic(one, other)


def rings(*sizes):
    """Undirected rings: a vertex of its own for each edge."""
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    pairs = [(s + i, s + (i + 1) % n) for s, n in zip(starts, sizes, strict=True) for i in range(n)]
    count = sum(sizes)
    edges = [("x", v, count + k) for k, pair in enumerate(pairs) for v in pair]
    return ["v"] * count + ["e"] * len(pairs), edges


def test_wirings_that_colour_refinement_cannot_tell_apart_are_told_apart():
    draw = random.Random(3)
    assert certificate(*rings(6)) != certificate(*rings(3, 3))
    assert certificate(*relabelled(draw, *rings(4, 4))) == certificate(*rings(4, 4))
    assert certificate(*rings(8)) != certificate(*rings(4, 4))


def test_past_the_work_bound_the_order_is_complete_and_says_so():
    labels, edges = rings(4, 4)
    order, exact = canonical_order(Wiring(labels, edges), work=3)
    assert sorted(order) == list(range(len(labels)))
    assert not exact


def test_certificates_agree_with_nauty():
    pynauty = pytest.importorskip("pynauty")
    draw = random.Random(4)

    def nauty(labels, edges):
        count = len(labels) + 2 * len(edges)
        near = {v: [] for v in range(count)}
        colours = {}
        for v, label in enumerate(labels):
            colours.setdefault(("v", label), set()).add(v)
        for k, (label, a, b) in enumerate(edges):
            out, into = len(labels) + 2 * k, len(labels) + 2 * k + 1
            near[a].append(out), near[out].append(into), near[into].append(b)
            colours.setdefault(("o", label), set()).add(out)
            colours.setdefault(("i", label), set()).add(into)
        kinds = sorted(colours)
        return (
            kinds,
            [len(colours[k]) for k in kinds],
            pynauty.certificate(pynauty.Graph(count, adjacency_dict=near, vertex_coloring=[colours[k] for k in kinds])),
        )

    graphs = [random_graph(draw, 5, letters="a", edge_labels="x") for _ in range(80)]
    for one, other in itertools.combinations(graphs, 2):
        assert (certificate(*one) == certificate(*other)) == (nauty(*one) == nauty(*other))
