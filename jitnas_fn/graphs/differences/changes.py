"""In what a layer of A and its partner in B differ."""

import math
from collections.abc import Iterable, Sequence

from jitnas_fn.core.codec import canonical
from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.phrases import MOST_PLACES, WINDOWED, channels_of, layer_phrase
from jitnas_fn.graphs.differences.wording import attribute_name, capitalised, init_text, listed, short, size, value_text
from jitnas_fn.graphs.graph import Node

MISSING = object()


def structure(a: Layers, b: Layers, x: int, y: int) -> tuple[str, ...]:
    """Differences in attributes, and in which parameters there are and how large."""
    one, other = a.node(x), b.node(y)
    found = list(_weights(a, b, x, y))
    for name in sorted({*one.attrs, *other.attrs}):
        values = [node.attrs.get(name, MISSING) for node in (one, other)]
        if canonical_or_missing(values[0]) != canonical_or_missing(values[1]):
            texts = ["missing" if value is MISSING else value_text(name, value) for value in values]
            if texts[0] == texts[1]:  # apart in a digit that is not shown
                texts = [canonical_or_missing(value) for value in values]
            found.append(f"{attribute_name(name)} {short(texts[0])} in A, {short(texts[1])} in B")
    return tuple(found)


def canonical_or_missing(value: object) -> str:
    """The value of an attribute as text that tells any two apart."""
    return "missing" if value is MISSING else canonical({"": value})[4:-1]


def _weights(a: Layers, b: Layers, x: int, y: int) -> Iterable[str]:
    one, other = _named(a, x), _named(b, y)
    for label in sorted({*one, *other}):
        if label not in one or label not in other:
            yield f"{'with' if label in one else 'without'} {label} in A, {'with' if label in other else 'without'} in B"
        elif one[label].shape != other[label].shape:
            yield from _shape_change(a.node(x), one[label].shape, b.node(y), other[label].shape, label)


def _shape_change(x: Node, one: Sequence[int], y: Node, other: Sequence[int], label: str) -> Iterable[str]:
    if x.op in WINDOWED and label == "weight" and len(one) == len(other):
        channels = [
            channels_of(node.op, shape, groups=int(node.attrs.get("groups", 1))) for node, shape in ((x, one), (y, other))
        ]
        parts = [(f"{name} channels", channels[0][i], channels[1][i]) for i, name in enumerate(("input", "output"))]
        parts.append(("kernel", size(one[2:]), size(other[2:])))  # type: ignore[arg-type]
    elif x.op == "linear" and label == "weight":
        parts = [("inputs", one[1], other[1]), ("outputs", one[0], other[0])]
    elif label in ("bias", "mean", "variance"):  # follows from the weight or the channels
        parts = []
    else:
        parts = [(label, size(one), size(other))]  # type: ignore[list-item]
    for name, value, wanted in parts:
        if value != wanted:
            yield f"{name} {value} in A, {wanted} in B"


def training(a: Layers, b: Layers, x: int, y: int) -> tuple[str, ...]:
    """Differences in how parameters and buffers start, whether they are trained, and all else that is said of them."""
    one, other = _named(a, x), _named(b, y)
    fans = [_fan_in(leaves) for leaves in (one, other)]
    found: dict[str, list[str]] = {}
    for label in sorted({*one} & {*other}):
        nodes = one[label], other[label]
        if nodes[0].op != nodes[1].op:
            found.setdefault(f"a {nodes[0].op} in A, a {nodes[1].op} in B", []).append(label)
        if nodes[0].dtype != nodes[1].dtype:
            found.setdefault(f"{nodes[0].dtype} in A, {nodes[1].dtype} in B", []).append(label)
        for name in sorted({*nodes[0].attrs, *nodes[1].attrs}):
            values = [node.attrs.get(name, MISSING) for node in nodes]
            if canonical_or_missing(values[0]) != canonical_or_missing(values[1]) and not _same_law(nodes, name, fans):
                found.setdefault(_said(name, values), []).append(label)
    return tuple(f"{listed(labels)} {text}" for text, labels in found.items())


def _said(name: str, values: Sequence[object]) -> str:
    if name == "trainable" and set(values) == {True, False}:
        return f"{' in A, '.join('trained' if value else 'frozen' for value in values)} in B"
    texts = [canonical_or_missing(value) for value in values]
    if name == "init":
        told = [init_text(value) if isinstance(value, dict) else str(value) for value in values]
        return f"starting {' in A, '.join(told if told[0] != told[1] else texts)} in B"
    return f"with {attribute_name(name)} {short(texts[0])} in A, {short(texts[1])} in B"


def _fan_in(leaves: dict[str, Node]) -> int:
    return math.prod(leaves["weight"].shape[1:]) if "weight" in leaves else 0


def _same_law(nodes: Sequence[Node], name: str, fans: Sequence[int]) -> bool:
    """Whether two initialisations differ only as the numbers of inputs do, which is told by the shapes already."""
    kinds = [node.attrs.get("init") for node in nodes]
    if name != "init" or fans[0] == fans[1] or 0 in fans or not all(isinstance(kind, dict) for kind in kinds):
        return False
    one, other = (next(iter(kind.items())) for kind in kinds if isinstance(kind, dict) and kind)
    if one[0] != other[0] or not all(isinstance(values, list) for values in (one[1], other[1])):
        return False
    scaled = [[value * math.sqrt(fan) for value in values] for (_, values), fan in zip((one, other), fans, strict=True)]
    return all(math.isclose(p, q, rel_tol=1e-6) for p, q in zip(*scaled, strict=True))


def _named(layers: Layers, index: int) -> dict[str, Node]:
    """Parameters and buffers by label; of a label that repeats the further ones with a number."""
    found: dict[str, Node] = {}
    for label, leaf in layers.leaves[index]:
        name, again = label, 2
        while name in found:
            name, again = f"{label} ({again})", again + 1
        found[name] = layers.node(leaf)
    return found


def tied(a: Layers, b: Layers, *, couples: Sequence[tuple[int, int]]) -> Iterable[str]:
    """Parameters that several layers share in one of the two only."""
    for first, second, names, swapped in ((a, b, "AB", False), (b, a, "BA", True)):
        sharing: dict[int, list[tuple[tuple[int, int], str, int]]] = {}
        for couple in couples:
            x, y = couple[::-1] if swapped else couple
            partners = dict(second.leaves[y])
            for label, leaf in first.leaves[x]:
                if first.uses[leaf] > 1 and label in partners:
                    sharing.setdefault(leaf, []).append((couple, label, partners[label]))
        for uses in sharing.values():
            if len({other for _, _, other in uses}) > 1:
                layers = list(dict.fromkeys(couple for couple, _, _ in uses))
                yield f"{_sharers(a, layers)} share their {uses[0][1]} in {names[0]}, not in {names[1]}."


def _sharers(a: Layers, couples: Sequence[tuple[int, int]]) -> str:
    names = [layer_phrase(a, x, details=False) for x, _ in couples]
    more = [f"{len(names) - MOST_PLACES} more"] * (len(names) > MOST_PLACES)
    return capitalised(listed([*names[:MOST_PLACES], *more]))
