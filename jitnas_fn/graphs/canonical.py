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

WORK = 1_000_000  # vertices and edges looked at; a few seconds
MAX_LEAVES = 1000  # complete orders kept to be compared with later ones
Edge = tuple[int, int]  # rank of the label, and the class of the vertex at the other end
Signature = tuple[tuple[Edge, ...], tuple[Edge, ...]]
Certificate = tuple[list[list[Edge]], list[int]]
Mapping = dict[int, int]


class OutOfWork(Exception):
    """The bound on the work is met."""


class Wiring:
    """A graph to be labelled.

    Parameters
    ----------
    labels
        One text a vertex, V of them.
    edges
        (label, source, target); a pair of vertices may have several.
    """

    def __init__(self, labels: Sequence[str], edges: Sequence[tuple[str, int, int]]) -> None:
        rank = {label: i for i, label in enumerate(sorted({label for label, _, _ in edges}))}
        self.labels = list(labels)
        self.sources: list[list[tuple[int, int]]] = [[] for _ in labels]
        self.targets: list[list[tuple[int, int]]] = [[] for _ in labels]
        for label, source, target in edges:
            self.sources[target].append((rank[label], source))
            self.targets[source].append((rank[label], target))

    def __len__(self) -> int:
        return len(self.labels)


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


def _some_order(colouring: "Colouring", work: int) -> list[int]:
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


class Colouring:
    """An ordered partition of the vertices into numbered classes, which splits can be undone in.

    A class lies in `lined` as one run; a class that splits off lies next behind what is left of its parent.

    Parameters
    ----------
    wiring
        V vertices.
    of
        The class of each vertex, numbered from 0.
    work
        Bound on the vertices and edges looked at.
    """

    def __init__(self, wiring: Wiring, of: list[int], work: int) -> None:
        self.wiring, self.of, self.work = wiring, of, work
        self.lined = sorted(range(len(of)), key=of.__getitem__)
        self.place = [0] * len(of)
        self.start: list[int] = []
        self.size: list[int] = []
        self.parent: list[int] = []
        for i, v in enumerate(self.lined):
            self.place[v] = i
            if of[v] == len(self.start):
                self.start.append(i)
                self.size.append(0)
                self.parent.append(-1)
            self.size[of[v]] += 1
        self.settled = len(self.size)

    def spend(self, work: int) -> None:
        """Count work done; raises `OutOfWork` at the bound."""
        self.work -= work
        if self.work < 0:
            raise OutOfWork

    def members(self, c: int) -> list[int]:
        """The vertices of class `c`."""
        return self.lined[self.start[c] : self.start[c] + self.size[c]]

    def first_tied(self, since: int) -> int | None:
        """The lowest class from `since` on with more than one member."""
        return next((c for c in range(since, len(self.size)) if self.size[c] > 1), None)

    def order(self) -> list[int]:
        """The vertices by class."""
        return sorted(range(len(self.of)), key=self.of.__getitem__)

    def split(self, vertices: list[int]) -> None:
        """Give some, not all, of the members of a class the next free number."""
        of, lined, place = self.of, self.lined, self.place
        parent = of[vertices[0]]
        end = self.start[parent] + self.size[parent]
        for v in vertices:
            end -= 1
            other, hole = lined[end], place[v]
            lined[hole], lined[end] = other, v
            place[other], place[v] = hole, end
            of[v] = len(self.size)
        self.size[parent] -= len(vertices)
        self.start.append(end)
        self.size.append(len(vertices))
        self.parent.append(parent)

    def undo(self, classes: int) -> None:
        """Put the classes from number `classes` on back where they came from."""
        while len(self.size) > classes:
            start, size, parent = self.start.pop(), self.size.pop(), self.parent.pop()
            self.size[parent] += size
            for v in self.lined[start : start + size]:
                self.of[v] = parent

    def set_apart(self, vertex: int) -> None:
        """Give `vertex` a class of its own, and refine."""
        self.split([vertex])
        self._refine([vertex])

    def settle(self) -> None:
        """Refine classes of which nothing is known."""
        tied = [self.members(c) for c, size in enumerate(self.size) if size > 1]
        self._refine(self._split_off([self._alike(members)[1:] for members in tied]))
        self.settled = len(self.size)

    def _refine(self, renumbered: list[int]) -> None:
        """Split classes until equal class means equal numbers of neighbours in every class, per edge label.

        All members of a class have had the same signature. So those that a renumbered vertex changes in the same way still
        have, and those without a renumbered neighbour come first, since new numbers are higher.
        """
        of, size, sources, targets = self.of, self.size, self.wiring.sources, self.wiring.targets
        while renumbered:
            changes: dict[int, tuple[list[Edge], list[Edge]]] = {}
            for v in renumbered:
                self.spend(1 + len(sources[v]) + len(targets[v]))
                for side, near in enumerate((targets[v], sources[v])):
                    for e, u in near:
                        if size[of[u]] > 1:
                            changes.setdefault(u, ([], []))[side].append((e, of[v]))
            touched: dict[int, dict[object, list[int]]] = {}
            for u, (down, up) in changes.items():
                touched.setdefault(of[u], {}).setdefault((*sorted(down), None, *sorted(up)), []).append(u)
            renumbered = self._split_off([self._in_order(c, list(touched[c].values())) for c in sorted(touched)])

    def _in_order(self, c: int, parts: list[list[int]]) -> list[list[int]]:
        """Those `parts` of class `c` that get a new number, in the order of their signatures."""
        if len(parts) > 1:
            first = {part[0]: part for part in parts}
            parts = [first[v] for (v,) in self._alike(list(first))]
        return parts if sum(map(len, parts)) < self.size[c] else parts[1:]

    def _alike(self, vertices: list[int]) -> list[list[int]]:
        """Vertices of equal signature together, in the order of the signatures."""
        of, groups = self.of, {}  # type: tuple[list[int], dict[Signature, list[int]]]
        for v in vertices:
            down, up = self.wiring.sources[v], self.wiring.targets[v]
            self.spend(1 + len(down) + len(up))
            signature = tuple(sorted([(e, of[u]) for e, u in down])), tuple(sorted([(e, of[u]) for e, u in up]))
            groups.setdefault(signature, []).append(v)
        return [groups[signature] for signature in sorted(groups)]

    def _split_off(self, splits: list[list[list[int]]]) -> list[int]:
        """Number the parts, after every signature was taken; returns the renumbered vertices."""
        renumbered: list[int] = []
        for part in (part for parts in splits for part in parts):
            self.split(part)
            renumbered += part
        return renumbered


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
