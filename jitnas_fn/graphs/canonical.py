"""Exact canonical labelling of a directed acyclic graph with labelled vertices and edges.

Two graphs get the same certificate exactly if they are isomorphic, labels respected. Colour refinement tells most vertices
apart; where it cannot, one vertex of a class is set apart and the search goes on, pruned by the automorphisms it meets
(McKay and Piperno, "Practical graph isomorphism, II", 2014). Past the work bound the order is still a complete description of
the graph, so nothing merges, but isomorphic graphs may get different ones.

Only sorting of strings and integers and BLAKE2 are used: independent of hash seed, Python version and platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

WORK = 1_000_000  # vertex signatures; a few seconds
MAX_DEPTH = 300  # vertices set apart one after another
Certificate = tuple[tuple[tuple[int, int], ...], ...]


class _OutOfWork(Exception):
    pass


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


@dataclass(slots=True)
class Colouring:
    """An ordered partition of the vertices: the class of each, and the members of each class."""

    of: list[int]
    members: dict[int, list[int]]
    following: int

    def copy(self) -> "Colouring":
        """One that can be refined on its own."""
        return Colouring(list(self.of), {c: list(vertices) for c, vertices in self.members.items()}, self.following)

    def first_tied(self, start: int = 0) -> int | None:
        """The lowest class from `start` on with more than one member."""
        return next((c for c in range(start, self.following) if len(self.members[c]) > 1), None)

    def set_apart(self, vertex: int) -> list[int]:
        """Give `vertex` a class of its own, and return the vertices whose class has changed."""
        rest = self.members[self.of[vertex]]
        rest.remove(vertex)
        self.members[self.following], self.of[vertex] = [vertex], self.following
        self.following += 1
        return [vertex, *rest]


def canonical_order(wiring: Wiring, *, work: int = WORK) -> tuple[list[int], bool]:
    """The canonical order of the vertices.

    Parameters
    ----------
    wiring
        An acyclic graph whose vertices are numbered so that every edge goes from a lower to a higher number.
    work
        Bound on the vertex signatures computed.

    Returns
    -------
    (list[int], bool)
        The vertices in canonical order, and whether it is exact (the bound was not met).
    """
    search = _Search(wiring, work)
    start = _swept(wiring)
    search.refine(start, list(range(len(wiring))), bounded=False)
    try:
        order, _, _ = search.least(start)
        return order, True
    except _OutOfWork:
        return search.greedy(start.copy(), bounded=False)[0], False


def _swept(wiring: Wiring) -> Colouring:
    """Classes by hash sweeps down and up the graph, until they grow no more."""
    colour, classes = [_hash(label.encode()) for label in wiring.labels], 0
    vertices = range(len(wiring))
    for _ in range(64):
        for v in vertices:
            if wiring.sources[v]:
                colour[v] = _hash(colour[v] + b"<" + b"".join(sorted(b"%d:" % e + colour[s] for e, s in wiring.sources[v])))
        for v in reversed(vertices):
            if wiring.targets[v]:
                colour[v] = _hash(colour[v] + b">" + b"".join(sorted(b"%d:" % e + colour[t] for e, t in wiring.targets[v])))
        grown = len(set(colour))
        if grown in (classes, len(wiring)):
            break
        classes = grown
    rank = {c: i for i, c in enumerate(sorted(set(colour)))}
    of, members = [rank[c] for c in colour], {i: [] for i in range(len(rank))}  # type: tuple[list[int], dict[int, list[int]]]
    for v in vertices:
        members[of[v]].append(v)
    return Colouring(of, members, len(rank))


def _hash(text: bytes) -> bytes:
    return blake2b(text, digest_size=12).digest()


class _Search:
    def __init__(self, wiring: Wiring, work: int) -> None:
        self.wiring = wiring
        self.work = work

    def refine(self, colouring: Colouring, changed: list[int], *, bounded: bool = True) -> None:
        """Split classes until equal class means equal numbers of neighbours in every class, per edge label."""
        of, members, wiring = colouring.of, colouring.members, self.wiring
        while changed:
            touched = {of[u] for v in changed for side in (wiring.sources[v], wiring.targets[v]) for _, u in side}
            splits = []
            for c in sorted(c for c in touched if len(members[c]) > 1):
                self.work -= len(members[c])
                if bounded and self.work < 0:
                    raise _OutOfWork
                groups: dict[object, list[int]] = {}
                for v in members[c]:
                    signature = (
                        tuple(sorted((e, of[s]) for e, s in wiring.sources[v])),
                        tuple(sorted((e, of[t]) for e, t in wiring.targets[v])),
                    )
                    groups.setdefault(signature, []).append(v)
                if len(groups) > 1:
                    splits.append((c, [groups[signature] for signature in sorted(groups)]))  # type: ignore[type-var]
            changed = []
            for c, parts in splits:  # classes are numbered only after every signature was taken
                members[c] = parts[0]
                changed.extend(parts[0])
                for part in parts[1:]:
                    members[colouring.following] = part
                    for v in part:
                        of[v] = colouring.following
                    changed.extend(part)
                    colouring.following += 1

    def certificate(self, colouring: Colouring) -> tuple[list[int], Certificate]:
        """The order that an untied colouring gives, and all edges in its numbers."""
        order = sorted(range(len(self.wiring)), key=colouring.of.__getitem__)
        place = [0] * len(order)
        for i, v in enumerate(order):
            place[v] = i
        return order, tuple(tuple(sorted((e, place[s]) for e, s in self.wiring.sources[v])) for v in order)

    def greedy(self, colouring: Colouring, *, bounded: bool = True) -> tuple[list[int], Certificate]:
        """Set the first vertex of the first tied class apart until none is tied. Changes `colouring`."""
        self.work -= len(self.wiring) // 8
        tied = colouring.first_tied()
        while tied is not None:
            self.refine(colouring, colouring.set_apart(colouring.members[tied][0]), bounded=bounded)
            tied = colouring.first_tied(tied)
        return self.certificate(colouring)

    def least(self, colouring: Colouring, depth: int = 0) -> tuple[list[int], Certificate, list[list[int]]]:
        """The order with the least certificate below `colouring`, the certificate, and the automorphisms met."""
        self.work -= len(self.wiring) // 8  # copies and certificates cost too
        if self.work < 0 or depth > MAX_DEPTH:
            raise _OutOfWork
        tied = colouring.first_tied()
        if tied is None:
            return *self.certificate(colouring), []
        vertices = list(colouring.members[tied])
        orbits, automorphisms, tried = _Orbits(vertices), [], []  # type: tuple[_Orbits, list[list[int]], list[_Tried]]
        for vertex in vertices:
            if any(orbits.same(vertex, other.vertex) for other in tried):
                continue
            below = colouring.copy()
            self.refine(below, below.set_apart(vertex))
            if tried and self._symmetric(self.greedy(below.copy()), tried, orbits, automorphisms):
                continue
            order, certificate, deeper = self.least(below, depth + 1)
            for mapping in deeper:
                orbits.join(mapping)
                automorphisms.append(mapping)
            self._symmetric((order, certificate), tried, orbits, automorphisms)
            tried.append(_Tried(vertex, order, certificate))
        best = min(tried, key=lambda one: one.certificate)
        return best.order, best.certificate, automorphisms

    def _symmetric(
        self,
        leaf: tuple[list[int], Certificate],
        tried: "list[_Tried]",
        orbits: "_Orbits",
        automorphisms: list[list[int]],
    ) -> bool:
        """Whether `leaf` describes the same graph as one met before: then the map between them is an automorphism."""
        order, certificate = leaf
        for other in tried:
            if other.certificate == certificate:
                mapping = list(range(len(self.wiring)))
                for a, b in zip(other.order, order, strict=True):
                    mapping[a] = b
                orbits.join(mapping)
                automorphisms.append(mapping)
                return True
        return False


@dataclass(frozen=True, slots=True)
class _Tried:
    vertex: int
    order: list[int]
    certificate: Certificate


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

    def join(self, mapping: list[int]) -> None:
        for v in self.parent:
            if mapping[v] in self.parent:
                self.parent[self._root(v)] = self._root(mapping[v])
