"""A graph to be labelled, and partitions of its vertices into classes that refinement splits."""

from collections.abc import Sequence

Edge = tuple[int, int]  # rank of the label, and the class of the vertex at the other end
Signature = tuple[tuple[Edge, ...], tuple[Edge, ...]]


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
