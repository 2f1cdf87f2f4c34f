"""Exact canonical labelling of a directed acyclic graph with labelled vertices and edges.

Two graphs get the same certificate exactly if they are isomorphic, labels respected. Colour refinement tells most vertices
apart; where it cannot, one vertex of a class is set apart and the search goes on, pruned by the automorphisms it meets
(McKay and Piperno, "Practical graph isomorphism, II", 2014). Past the work bound the order is still a complete description of
the graph, so nothing merges, but isomorphic graphs may get different ones.

Only sorting of strings and integers and BLAKE2 are used: independent of hash seed, Python version and platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from jitnas_fn.graphs.colouring import Colouring, Edge, OutOfWork, Wiring

WORK = 1_000_000  # vertices and edges looked at; a few seconds
MAX_LEAVES = 1000  # complete orders kept to be compared with later ones
Certificate = tuple[list[list[Edge]], list[int]]
Mapping = dict[int, int]


def canonical_order(wiring: Wiring, *, work: int = WORK) -> tuple[list[int], bool]:
    """The canonical order of the vertices.

    Parameters
    ----------
    wiring
        An acyclic graph whose vertices are numbered so that every edge goes from a lower to a higher number.
    work
        Bound on the vertices and edges looked at, after the sweeps.

    Returns
    -------
    (list[int], bool)
        The vertices in canonical order, and whether it is exact (the bound was not met).
    """
    colouring = Colouring(wiring, _swept(wiring), work)
    try:
        colouring.settle()
    except OutOfWork:
        return colouring.order(), False
    if colouring.first_tied(0) is None:
        return colouring.order(), True
    try:
        return _Search(colouring).least(), True
    except OutOfWork:
        return _some_order(colouring, work), False


def _some_order(colouring: Colouring, work: int) -> list[int]:
    """Ties broken by setting any vertex apart, as far as `work` goes, and then by the order the vertices came in."""
    colouring.undo(colouring.settled)
    colouring.work = work
    try:
        tied = colouring.first_tied(0)
        while tied is not None:
            colouring.set_apart(colouring.lined[colouring.start[tied]])
            tied = colouring.first_tied(tied)
    except OutOfWork:
        pass
    return colouring.order()


def _swept(wiring: Wiring) -> list[int]:
    """The class of each vertex by hash sweeps down and up the graph, until the classes grow no more."""
    colour, classes = [_hash(label.encode()) for label in wiring.labels], 0
    down = [(v, near) for v, near in enumerate(wiring.sources) if near]
    up = [(v, near) for v, near in reversed(list(enumerate(wiring.targets))) if near]
    for _ in range(64):
        for sign, side in ((b"<", down), (b">", up)):
            for v, near in side:
                parts = [b"%d:%b" % (e, colour[u]) for e, u in near]
                parts.sort()
                colour[v] = blake2b(colour[v] + sign + b"".join(parts), digest_size=12).digest()
        grown = len(set(colour))
        if grown in (classes, len(wiring)):
            break
        classes = grown
    rank = {c: i for i, c in enumerate(sorted(set(colour)))}
    return [rank[c] for c in colour]


def _hash(text: bytes) -> bytes:
    return blake2b(text, digest_size=12).digest()


@dataclass(frozen=True, slots=True)
class _Trace:
    """What setting a vertex apart has split off: for each new class the old one it comes from, and its members."""

    vertex: int
    classes: list[tuple[int, list[int]]]


@dataclass(slots=True)
class _Choice:
    """A class with several members, which are set apart one after the other."""

    tied: int
    classes: int
    waiting: list[int]
    orbits: "_Orbits"
    vertex: int = -1
    tried: list[_Trace] = field(default_factory=list)
    known: int = 0  # automorphisms that `orbits` has taken in


class _Search:
    """Depth first through all choices but those that an automorphism carries into one already tried."""

    def __init__(self, colouring: Colouring) -> None:
        self.colouring, self.wiring = colouring, colouring.wiring
        self.choices: list[_Choice] = []
        self.above: set[int] = set()  # what the choices but the last have set apart
        self.automorphisms: list[Mapping] = []  # without the vertices that stay
        self.leaves: dict[bytes, tuple[Sequence[int], list[int]]] = {}  # certificate -> the order and the choices made
        self.best: tuple[Certificate, list[int]] | None = None
        self.classes = list(colouring.of)  # labels are alike in a class

    def least(self) -> list[int]:
        """The order with the least certificate."""
        self._go_down(0)
        while self.choices:
            choice = self.choices[-1]
            self.colouring.undo(choice.classes)
            vertex = self._next(choice)
            if vertex is None:
                self.choices.pop()
                continue
            trace = self._set_apart(choice, vertex)
            if not any(self._mirrored(other, trace) for other in choice.tried):
                choice.tried.append(trace)
                self._go_down(choice.tied)
        assert self.best
        return self.best[1]

    def _go_down(self, since: int) -> None:
        tied = self.colouring.first_tied(since)
        if tied is None:
            self._compare()
        else:
            members = self.colouring.members(tied)
            self.colouring.spend(len(members) // 8)
            self.above |= {choice.vertex for choice in self.choices[-1:]}
            self.choices.append(_Choice(tied, len(self.colouring.size), sorted(members, reverse=True), _Orbits(members)))

    def _next(self, choice: _Choice) -> int | None:
        """The next member that no automorphism met so far carries into one already tried."""
        self.above.discard(choice.vertex)
        self.colouring.spend((len(self.automorphisms) - choice.known) // 4)
        for mapping in self.automorphisms[choice.known :]:
            if mapping.keys().isdisjoint(self.above):
                choice.orbits.join(mapping)
        choice.known = len(self.automorphisms)
        while choice.waiting:
            vertex = choice.waiting.pop()
            if not any(choice.orbits.same(vertex, other.vertex) for other in choice.tried):
                return vertex
        return None

    def _set_apart(self, choice: _Choice, vertex: int) -> _Trace:
        colouring, roots = self.colouring, {}  # type: tuple[Colouring, dict[int, int]]
        choice.vertex = vertex
        colouring.set_apart(vertex)
        for c in range(choice.classes, len(colouring.size)):
            roots[c] = roots.get(colouring.parent[c], colouring.parent[c])
        return _Trace(vertex, [(root, colouring.members(c)) for c, root in roots.items()])

    def _mirrored(self, one: _Trace, other: _Trace) -> bool:
        """Whether the map that carries class to class, and moves as little as it can, is an automorphism."""
        if [(root, len(members)) for root, members in one.classes] != [(root, len(members)) for root, members in other.classes]:
            return False
        mapping: Mapping = {}
        gone, come = ({v for _, members in trace.classes for v in members} for trace in (one, other))
        free: dict[int, list[int]] = {}
        for (root, members), (_, images) in zip(one.classes, other.classes, strict=True):
            mapping.update(_paired(members, images))
            free.setdefault(root, []).extend(v for v in members if v not in come)
        for (root, _), (_, images) in zip(one.classes, other.classes, strict=True):
            mapping.update((v, free[root].pop()) for v in images if v not in gone)
        return self._is_automorphism({v: w for v, w in mapping.items() if v != w})

    def _is_automorphism(self, mapping: Mapping) -> bool:
        """Whether every edge and class is kept by the mapping, which is then remembered."""
        for v, w in mapping.items():
            for near in (self.wiring.sources, self.wiring.targets):
                self.colouring.spend(1 + len(near[v]))
                same = self.classes[v] == self.classes[w] and len(near[v]) == len(near[w])
                if not same or sorted([(e, mapping.get(u, u)) for e, u in near[v]]) != sorted(near[w]):
                    return False
        self.automorphisms.append(mapping)
        return True

    def _compare(self) -> None:
        """Take a complete order in: it may be the least so far, or the image of another."""
        order, of = self.colouring.order(), self.colouring.of
        self.colouring.spend(len(order))
        rows = [sorted([(e, of[u]) for e, u in self.wiring.sources[v]]) for v in order]
        certificate = rows, [self.classes[v] for v in order]
        path = [choice.vertex for choice in self.choices]
        known = _hash(repr(certificate).encode())
        if known in self.leaves:
            earlier, choices = self.leaves[known]
            if self._is_automorphism({a: b for a, b in zip(earlier, order, strict=True) if a != b}):
                parting = next(i for i, (a, b) in enumerate(zip(choices, path, strict=False)) if a != b)
                self.above.difference_update(path[parting + 1 :])  # all below is the image of what was searched
                del self.choices[parting + 1 :]
        elif len(self.leaves) < MAX_LEAVES:
            self.leaves[known] = order, path
        if self.best is None or certificate < self.best[0]:
            self.best = certificate, order


def _paired(members: list[int], images: list[int]) -> Mapping:
    """A map of one class onto the other that leaves what they share."""
    if len(members) == 1:
        return {members[0]: images[0]}
    shared = set(members) & set(images)
    leaving, coming = (sorted(v for v in one if v not in shared) for one in (members, images))
    return dict(zip(leaving, coming, strict=True))


class _Orbits:
    """Which vertices of a class the automorphisms met so far carry into each other."""

    def __init__(self, vertices: list[int]) -> None:
        self.parent = {v: v for v in vertices}

    def _root(self, v: int) -> int:
        while self.parent[v] != v:
            self.parent[v] = v = self.parent[self.parent[v]]
        return v

    def same(self, a: int, b: int) -> bool:
        return self._root(a) == self._root(b)

    def join(self, mapping: Mapping) -> None:
        for v, w in mapping.items():
            if v in self.parent:
                self.parent[self._root(v)] = self._root(w)
