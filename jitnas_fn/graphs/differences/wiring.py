"""Layers that stand for each other but read from elsewhere."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from jitnas_fn.graphs.differences.layers import Edges, Layers
from jitnas_fn.graphs.differences.phrases import layer_phrase, pairs_phrase
from jitnas_fn.graphs.differences.wording import listed, number, ordinal

MOST_NAMED = 4
Edge = tuple[int, int]


class Rewired(NamedTuple):
    """One layer, or output, that reads from elsewhere.

    Attributes
    ----------
    sentence
        In words.
    edges
        (source, reader) of each edge of A, and of B, that the other does not have.
    """

    sentence: str
    edges: tuple[tuple[Edge, ...], tuple[Edge, ...]]


def rewirings(a: Layers, b: Layers, *, pairs: Mapping[int, int]) -> list[Rewired]:
    """Layers of `a` whose partners in `b` read other layers. What an inserted or a missing layer explains is left out."""
    return Wiring(a, b, pairs).rewired()


class Wiring:
    """Two graphs whose layers are paired.

    Parameters
    ----------
    a, b
        The graphs.
    pairs
        Vertex of `a` -> its partner in `b`.
    """

    def __init__(self, a: Layers, b: Layers, pairs: Mapping[int, int]) -> None:
        self.graphs = a, b
        self.pairs, self.partners = pairs, {y: x for x, y in pairs.items()}
        self._ends: tuple[dict[int, int | None], dict[int, int | None]] = ({}, {})

    def rewired(self) -> list[Rewired]:
        """What reads from elsewhere, in the order of depth, then the outputs."""
        a, b = self.graphs
        found = [self._layer(x, self.pairs[x]) for x in a.order if x in self.pairs]
        several = len(a.graph.outputs) > 1
        for place, (x, y) in enumerate(zip(a.graph.outputs, b.graph.outputs, strict=False), 1):
            found.append(self._output(x, y, f"The {ordinal(place)} output" if several else "The output"))
        return [rewired for rewired in found if rewired is not None]

    def through(self, side: int, source: int) -> int | None:
        """The first layer that has a partner from `source` upwards; None where one without joins several or reads nothing."""
        layers, paired, known = self.graphs[side], (self.pairs, self.partners)[side], self._ends[side]
        passed = []
        end: int | None = source
        while end is not None and end not in paired and end not in known:
            passed.append(end)
            above = layers.sources.get(end, [])
            end = above[0][1] if len(above) == 1 else None
        end = None if end is None else known.get(end, end)
        known.update(dict.fromkeys(passed, end))
        return end

    def _read(self, side: int, index: int) -> Edges | None:
        found = [(label, self.through(side, source)) for label, source in self.graphs[side].sources[index]]
        known = [(label, source) for label, source in found if source is not None]
        return known if len(known) == len(found) else None

    def _layer(self, x: int, y: int) -> Rewired | None:
        sources = self._read(0, x), self._read(1, y)
        if sources[0] is None or sources[1] is None:
            return None
        a, b = self.graphs
        here, there = Counter((label, self.pairs[source]) for label, source in sources[0]), Counter(sources[1])
        if a.node(x).op != b.node(y).op:  # what is another operation need not call its inputs the same
            here, there = (Counter(("", source) for _, source in edges.elements()) for edges in (here, there))
        if here == there:
            return None
        lost, gained = _nodes(here - there), _nodes(there - here)
        edges = tuple((self.partners[i], x) for i in lost), tuple((i, y) for i in gained)
        subject = pairs_phrase(a, b, [(x, y)])
        if Counter(lost) == Counter(gained):
            moved = list(dict.fromkeys(gained))
            texts = [
                f"{layer_phrase(b, i, details=False)} {_place(here, i)} in A, {_place(there, i)} in B"
                for i in moved[:MOST_NAMED]
            ]
            texts += [f"{len(moved) - MOST_NAMED} more"] * (len(moved) > MOST_NAMED)
            otherwise = "in other roles" if any(label.isidentifier() for label, _ in here) else "otherwise"
            return Rewired(f"{subject} takes the same inputs {otherwise}: {'; '.join(texts)}.", edges)
        told = _named(a, [self.partners[i] for i in lost]), _named(b, gained)
        return Rewired(f"{subject} reads {told[0]} in A, {told[1]} in B.", edges)

    def _output(self, x: int, y: int, what: str) -> Rewired | None:
        ends = self.through(0, x), self.through(1, y)
        if ends[0] is None or ends[1] is None or self.pairs[ends[0]] == ends[1]:
            return None
        one, other = (layer_phrase(self.graphs[side], end, details=False) for side, end in enumerate(ends) if end is not None)
        return Rewired(f"{what} comes from {one} in A, from {other} in B.", ((), ()))


def _nodes(edges: Counter[tuple[str, int]]) -> list[int]:
    return [source for _, source in sorted(edges.elements())]


def _place(edges: Counter[tuple[str, int]], index: int) -> str:
    labels = sorted(label for label, source in edges.elements() if source == index)
    return listed([_role(label) for label in labels])


def _role(label: str) -> str:
    if label.isdecimal():
        return f"as {ordinal(int(label) + 1)} part"
    try:
        return f"×{number(float(label))}"
    except ValueError:
        return f"as {label!r}"


def _named(layers: Layers, sources: list[int]) -> str:
    if not sources:
        return "nothing more"
    counts = Counter(sources)
    named = list(counts.items())[:MOST_NAMED]
    texts = [layer_phrase(layers, i, details=False) + (" twice" if count == 2 else "") for i, count in named]
    return listed([*texts, *[f"{len(counts) - MOST_NAMED} more"] * (len(counts) > MOST_NAMED)])
