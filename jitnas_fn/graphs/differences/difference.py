"""Where two architectures differ, in words.

The operations of the two canonical graphs are paired (`graphs.alignment`), and each pair is compared. The sentences are
true whatever the pairs are; good pairs make them short.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.differences import changes
from jitnas_fn.graphs.differences.alignment import aligned
from jitnas_fn.graphs.differences.entries import first_difference, same_entries
from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.phrases import layer_phrase, pairs_phrase
from jitnas_fn.graphs.differences.wiring import Rewired, rewirings
from jitnas_fn.graphs.differences.wording import capitalised, counted, listed, ordinal, sample_size, short

MOST = 20  # sentences


@dataclass(frozen=True)
class Marks:
    """What a drawing of one of the two shows, by index in its graph.

    Attributes
    ----------
    only
        Operations that the other lacks.
    changed
        Operations whose partner differs, and in what they differ.
    edges
        (source, reader) where the partners are connected otherwise.
    """

    only: frozenset[int] = frozenset()
    changed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    edges: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Difference:
    """What distinguishes architecture A from architecture B.

    Attributes
    ----------
    same
        Whether the fingerprints are equal.
    sentences
        Where they differ, the most telling first; empty exactly if they are the same.
    marks
        What a drawing of A, and of B, shows.
    """

    same: bool
    sentences: tuple[str, ...] = ()
    marks: tuple[Marks, Marks] = (Marks(), Marks())

    def __str__(self) -> str:
        return "The same architecture." if self.same else "\n".join(f"- {sentence}" for sentence in self.sentences)


def difference(a: Architecture, b: Architecture) -> Difference:
    """Say where `a` and `b` differ, in bounded time, for any documents.

    Parameters
    ----------
    a, b
        The sentences call them A and B.

    Returns
    -------
    Difference
        With no sentence if the fingerprints are equal, and with at least one if not.
    """
    if a.fingerprint == b.fingerprint:
        return Difference(same=True)
    return Comparison(a, b).told()


class Comparison:
    """Two architectures whose fingerprints differ.

    Parameters
    ----------
    a, b
        The two; what is told of both is told in this order.
    """

    def __init__(self, a: Architecture, b: Architecture) -> None:
        self.architectures = a, b
        self.layers = Layers(a.graph), Layers(b.graph)
        if a.fingerprint < b.fingerprint:  # so that the pairs do not depend on which of the two is A
            self.pairs = aligned(*self.layers)
        else:
            self.pairs = {x: y for y, x in aligned(*self.layers[::-1]).items()}
        partners = set(self.pairs.values())
        self.only = (
            [i for i in self.layers[0].order if i not in self.pairs],
            [i for i in self.layers[1].order if i not in partners],
        )
        self.couples = [(x, self.pairs[x]) for x in self.layers[0].order if x in self.pairs]
        self.rewired = rewirings(*self.layers, pairs=self.pairs)

    def told(self) -> Difference:
        """Everything, the most telling first."""
        found = [self._pair_changes(x, y) for x, y in self.couples]
        structure, training = ([pair[kind] for pair in found] for kind in (0, 1))
        sentences = [
            *self._ends(),
            *self._headline(),
            *self._replaced(),
            *self._missing(),
            *self._grouped(structure),
            *(rewiring.sentence for rewiring in self.rewired),
            *self._grouped(training),
            *changes.tied(*self.layers, couples=self.couples),
        ]
        sentences = list(dict.fromkeys(sentences)) or [self._last_resort()]
        sizes = list(self._sizes())
        if len(sentences) + len(sizes) > MOST:
            more = len(sentences) + len(sizes) - MOST + 1
            sentences = [*sentences[: MOST - len(sizes) - 1], f"And {counted(more, 'more difference')} of these kinds."]
        return Difference(same=False, sentences=(*sentences, *sizes), marks=(self._marks(0, found), self._marks(1, found)))

    def _pair_changes(self, x: int, y: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        a, b = self.layers
        if a.node(x).op != b.node(y).op:
            return (), ()
        return changes.structure(a, b, x, y), changes.training(a, b, x, y)

    def _ends(self) -> Iterable[str]:
        """Differences of the inputs, and of what the outputs are."""
        ends = [[layers.node(i) for i in layers.vertices if layers.node(i).op == "input"] for layers in self.layers]
        if len(ends[0]) != len(ends[1]):
            yield f"A takes {counted(len(ends[0]), 'input')}, B takes {len(ends[1])}."
        for place, (x, y) in enumerate(zip(*ends, strict=False), 1):
            what = "The input" if len(ends[0]) == len(ends[1]) == 1 else f"The {ordinal(place)} input"
            if x.shape != y.shape:
                yield f"{what} is {sample_size(x.shape)} in A, {sample_size(y.shape)} in B."
            if x.dtype != y.dtype:
                yield f"{what} is {x.dtype} in A, {y.dtype} in B."
        outputs = [[layers.node(i) for i in layers.graph.outputs] for layers in self.layers]
        if len(outputs[0]) != len(outputs[1]):
            yield f"A gives {counted(len(outputs[0]), 'output')}, B gives {len(outputs[1])}."
        for place, (x, y) in enumerate(zip(*outputs, strict=False), 1):
            if x.shape != y.shape:
                what = "The output" if len(outputs[0]) == len(outputs[1]) == 1 else f"The {ordinal(place)} output"
                yield f"{what} is {sample_size(x.shape)} in A, {sample_size(y.shape)} in B."

    def _headline(self) -> Iterable[str]:
        if any("labelling" in architecture.document for architecture in self.architectures):
            yield (
                "At least one of the two has more symmetries than the search for a canonical order could go through, "
                "so they may be one network after all, written in different orders."
            )
        elif same_entries(*(architecture.document for architecture in self.architectures)):
            yield "The same layers with the same attributes, wired differently."

    def _replaced(self) -> Iterable[str]:
        a, b = self.layers
        groups: dict[tuple[str, str], list[int]] = {}
        for x, y in self.couples:
            if a.node(x).op != b.node(y).op:
                groups.setdefault((a.names[x], b.names[y]), []).append(x)
        for (one, other), places in groups.items():
            if len(places) == 1:
                yield f"{capitalised(layer_phrase(a, places[0]))} of A is {_article(other)} in B."
            else:
                yield f"In {len(places)} places A has {_article(one)} where B has {_article(other)}."

    def _missing(self) -> Iterable[str]:
        """Layers without a partner: those whose name only one side has left, then those that both have, in other places."""
        groups: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
        for side, layers in enumerate(self.layers):
            for i in self.only[side]:
                groups[side].setdefault(layers.names[i], []).append(i)
        for side, letters in enumerate(("AB", "BA")):
            for name, places in groups[side].items():
                if name not in groups[1 - side]:
                    what = _article(name) if len(places) == 1 else counted(len(places), name)
                    yield f"{letters[0]} has {what} that {letters[1]} lacks{after(self.layers[side], places)}."
        for name in groups[0]:
            if name in groups[1]:
                one, other = (counted(len(group[name]), name) for group in groups)
                yield f"{one} of A and {other} of B stand in places that do not correspond."

    def _grouped(self, found: Sequence[tuple[str, ...]]) -> Iterable[str]:
        """One sentence for all layers of a name that differ in the same way."""
        a, b = self.layers
        groups: dict[tuple[str, tuple[str, ...]], list[tuple[int, int]]] = {}
        for couple, texts in zip(self.couples, found, strict=True):
            if texts:
                groups.setdefault((a.names[couple[0]], texts), []).append(couple)
        for (_, texts), couples in groups.items():
            yield f"{pairs_phrase(a, b, couples)}: {'; '.join(texts)}."

    def _sizes(self) -> Iterable[str]:
        a, b = self.architectures
        counts = [("parameters", a.parameters, b.parameters), ("multiply-adds", a.macs, b.macs)]
        different = [(name, x, y) for name, x, y in counts if x != y]
        if different:
            here = listed([f"{x:,} {name}" for name, x, _ in different])
            yield f"A has {here}, B {listed([f'{y:,}' for _, _, y in different])}."

    def _last_resort(self) -> str:
        """A true sentence about any two documents that are not equal."""
        a, b = (architecture.document for architecture in self.architectures)
        path, one, other = first_difference(a, b)
        return f"The documents differ first at {path}: {short(one)} in A, {short(other)} in B."

    def _marks(self, side: int, found: Sequence[tuple[tuple[str, ...], tuple[str, ...]]]) -> Marks:
        changed: dict[int, tuple[str, ...]] = {}
        for couple, texts in zip(self.couples, found, strict=True):
            names = [layers.names[i] for layers, i in zip(self.layers, couple, strict=True)]
            other = f"{names[1 - side]} in {'BA'[side]}"
            replaced = self.layers[0].node(couple[0]).op != self.layers[1].node(couple[1]).op
            if replaced or any(texts):
                changed[couple[side]] = (other,) if replaced else (*texts[0], *texts[1])
        return Marks(frozenset(self.only[side]), changed, _edges(self.rewired, side))


def _edges(rewired: Iterable[Rewired], side: int) -> frozenset[tuple[int, int]]:
    return frozenset(edge for rewiring in rewired for edge in rewiring.edges[side])


def after(layers: Layers, places: Sequence[int]) -> str:
    """Where layers are, by what the first of them reads."""
    read = list(dict.fromkeys(source for _, source in layers.sources[places[0]]))
    if not read or len(read) > 3:
        return ""
    first = "" if len(places) == 1 else " the first"
    return f",{first} after {listed([layer_phrase(layers, i, details=False) for i in read])}"


def _article(name: str) -> str:
    letters = ("LSTM", "RNN", "RMS norm")
    return f"an {name}" if name[0].lower() in "aeio" or name in letters else f"a {name}"
