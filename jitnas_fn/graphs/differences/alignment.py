"""Which operation of one graph stands for which of another.

Operations that have the same network above or below them are paired first; then what is left, branch after branch, as two
sequences (Needleman and Wunsch, 1970, in a band); then what stands between paired neighbours. All is linear in the size of the
graphs but the band, which is bounded.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from jitnas_fn.graphs.differences.families import FAMILY_OF
from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.sequences import branchwise, in_order
from jitnas_fn.graphs.differences.surroundings import LEVELS, Labels, Numbers, Surroundings, labelled, named

CANDIDATES = 50  # looked at for one operation between paired neighbours


def aligned(a: Layers, b: Layers) -> dict[int, int]:
    """Index in `b` of each input and operation of `a` that has a partner there, which may be another operation in its place."""
    return Alignment(a, b).found()


class Alignment:
    """Pairs of operations, found one stage after another.

    Parameters
    ----------
    a, b
        The two graphs; each operation gets one partner in the other, or none.
    """

    def __init__(self, a: Layers, b: Layers) -> None:
        self.graphs = a, b
        self.partners: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def found(self) -> dict[int, int]:
        """The pairs."""
        a, b = self.graphs
        for x, y in zip(a.vertices, b.vertices, strict=False):
            if a.node(x).op == b.node(y).op == "input":
                self.pair(x, y)
        levels: list[tuple[Labels, Labels]] = []
        for level in LEVELS:
            numbers: Numbers = {}
            labels = labelled(a, level, numbers), labelled(b, level, numbers)
            levels.append(labels)
            self._by_surroundings(labels, exact=level is not named)
        self._in_order(levels)
        self._mended()
        self._by_neighbours(lambda x, y: a.node(x).op == b.node(y).op, sides=1)
        self._by_neighbours(lambda x, y: a.node(x).op != b.node(y).op, sides=2)
        self._by_neighbours(lambda x, y: None is not FAMILY_OF.get(a.node(x).op) == FAMILY_OF.get(b.node(y).op), sides=1)
        return self.partners[0]

    def pair(self, x: int, y: int) -> None:
        """Say that `x` of the first stands for `y` of the second."""
        self.partners[0][x], self.partners[1][y] = y, x

    def left(self, side: int) -> list[int]:
        """Operations without a partner, in order of depth."""
        return [i for i in self.graphs[side].order if i not in self.partners[side]]

    def _by_surroundings(self, labels: tuple[Labels, Labels], *, exact: bool) -> None:
        """Pair those with the same network above and below, then above, then below, each up to what has a partner already."""
        numbers: Numbers = {}
        anchors = {x: x for x in self.partners[0]}, self.partners[1]
        views = [Surroundings(self.graphs[side], labels[side], anchors[side], numbers, exact=exact) for side in (0, 1)]
        up, down = ([view.all(down=way) for view in views] for way in (False, True))
        below, above = ([view.near(down=way) for view in views] for way in (True, False))
        for keys in ((up, down), (up, below), (down, above), (up,), (down,)):
            self._equal([{i: tuple(key[side][i] for key in keys) for i in self.left(side)} for side in (0, 1)])

    def _equal(self, keys: Sequence[dict[int, tuple[int, ...]]]) -> None:
        waiting: dict[tuple[int, ...], list[int]] = {}
        for y, key in reversed(keys[1].items()):
            waiting.setdefault(key, []).append(y)
        for x, key in keys[0].items():
            if waiting.get(key):
                self.pair(x, waiting[key].pop())

    def _in_order(self, levels: Sequence[tuple[Labels, Labels]]) -> None:
        lefts = [[i for i in branchwise(layers) if i not in self.partners[side]] for side, layers in enumerate(self.graphs)]
        labels = [[tuple(level[side][i] for level in levels[1:]) for i in lefts[side]] for side in (0, 1)]
        for row, column in in_order(labels[0], labels[1]):
            self.pair(lefts[0][row], lefts[1][column])

    def _mended(self) -> None:
        """Exchange partners among equal operations where that makes more of them read partners."""
        (a, b), (there, back) = self.graphs, self.partners
        for x in a.order:
            if x not in there or not a.sources[x] or self._reads_alike(x, there[x]):
                continue
            for _, wanted in b.readers.get(there.get(a.sources[x][0][1], -1), [])[:CANDIDATES]:
                other = back.get(wanted)
                if other is not None and b.node(wanted).op == a.node(x).op and not self._reads_alike(other, wanted):
                    old = there[x]
                    pairs = (x, wanted), (other, old)
                    if a.described(other) == a.described(x) or b.described(old) == b.described(wanted):
                        self.pair(*pairs[0])
                        self.pair(*pairs[1])
                        break

    def _reads_alike(self, x: int, y: int) -> bool:
        a, b = self.graphs
        return {self.partners[0].get(source) for _, source in a.sources[x]} == {source for _, source in b.sources[y]}

    def _by_neighbours(self, fits: Callable[[int, int], bool], *, sides: int) -> None:
        """Pair those without a partner that fit, and whose neighbours above or below, or on both sides, are partners."""
        a, _ = self.graphs
        for x in self.left(0):
            scores = Counter(y for y in self._candidates(x) if fits(x, y))
            needed = min(sides, len(a.sources[x][:1]) + len(a.readers[x][:1]))
            if scores and max(scores.values()) >= needed:
                self.pair(x, max(scores, key=lambda y: scores[y]))

    def _candidates(self, x: int) -> Iterable[int]:
        (a, b), (there, back) = self.graphs, self.partners
        for _, source in a.sources[x]:
            if source in there:
                yield from [y for _, y in b.readers[there[source]][:CANDIDATES] if y not in back]
        for _, reader in a.readers[x][:CANDIDATES]:
            if reader in there:
                yield from [y for _, y in b.sources[there[reader]][:CANDIDATES] if y not in back and y in b.sources]
