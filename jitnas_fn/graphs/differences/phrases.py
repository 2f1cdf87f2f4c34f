"""A layer in a sentence or a box: "the 2nd convolution (3→16, 3×3)"."""

from collections.abc import Sequence
from typing import Any

from jitnas_fn.graphs.differences.layers import Layers
from jitnas_fn.graphs.differences.wording import (
    attribute_name,
    capitalised,
    counted,
    is_usual,
    listed,
    number,
    ordinal,
    short,
    size,
    value_text,
)
from jitnas_fn.graphs.opset import operation

WINDOWED = {"conv": (1, 0), "conv_transpose": (0, 1)}  # axes of the weight: input channels, output channels
TOLD_LABELS = ("weight", "bias", "divisor", "index", "mask")
TELLING = 3  # details in a sentence
MOST_PLACES = 5
Fact = tuple[str, str]


def facts(layers: Layers, index: int) -> list[Fact]:
    """What is to be said of a layer beside its name: (what it is about, text), the most telling first."""
    node = layers.node(index)
    weights = {label: layers.node(leaf).shape for label, leaf in layers.leaves[index] if label not in ("mean", "variance")}
    found = [*_weight_facts(layers, index, weights), *_factors(layers, index)]
    for name, value in node.attrs.items():
        if not is_usual(name, value) and (node.op, name) not in {("mean", "axes"), ("sum", "constant")}:
            found.append((name, _attribute(name, value)))
    if layers.names[index] in ("flatten", "global average pooling"):
        found = []
    return [*found, *_training_facts(layers, index)]


def _attribute(name: str, value: Any) -> str:
    if name in ("kernel", "shape", "size"):
        return value_text(name, value)
    if name == "content":
        return short(str(value), 16)
    if name == "count_include_pad":
        return "padding not counted"
    if isinstance(value, bool):
        return attribute_name(name) if value else f"no {attribute_name(name)}"
    return f"{attribute_name(name)} {value_text(name, value)}"


def _weight_facts(layers: Layers, index: int, weights: dict[str, tuple[int, ...]]) -> list[Fact]:
    node = layers.node(index)
    weight = weights.get("weight", ())
    bias = [("bias", "bias")] if "bias" in weights else []
    if node.op in WINDOWED and len(weight) > 2:
        channels = channels_of(node.op, weight, groups=int(node.attrs.get("groups", 1)))
        return [("channels", f"{channels[0]}→{channels[1]}"), ("kernel", size(weight[2:])), *bias]
    if node.op == "linear" and len(weight) == 2:
        return [("channels", f"{weight[1]}→{weight[0]}"), *bias]
    lacking = [label for label in ("weight", "bias") if label in operation(node.op).optional and label not in weights]
    if "weight" in operation(node.op).optional:  # a normalisation
        return [("weight", f"no {' and '.join(lacking)}")] if lacking else []
    if len(weights) > 3:
        return [("weights", counted(len(weights), "parameter"))]
    kinds = {label: layers.node(leaf).op for label, leaf in layers.leaves[index]}
    return [(label, f"{label if label in TOLD_LABELS else kinds[label]} {size(shape)}") for label, shape in weights.items()]


def channels_of(op: str, weight: Sequence[int], *, groups: int) -> tuple[int, int]:
    """Input and output channels of a convolution."""
    inner, outer = WINDOWED[op]
    channels = [weight[inner], weight[outer]]
    channels[0 if op == "conv" else 1] *= groups
    return channels[0], channels[1]


def _factors(layers: Layers, index: int) -> list[Fact]:
    node = layers.node(index)
    if node.op != "sum":
        return []
    factors = [label for label, _ in node.inputs]
    plain = len(factors) > 1 and set(factors) == {"1.0"}
    shown = [f"×{number(float(factor))}" for factor in factors[:MOST_PLACES]] + ["…"] * (len(factors) > MOST_PLACES)
    found = [] if plain else [("factors", ", ".join(shown))]
    constant = node.attrs.get("constant", 0.0)
    return found if constant == 0 else [*found, ("constant", f"{'+' if constant > 0 else '−'} {number(abs(constant))}")]


def _training_facts(layers: Layers, index: int) -> list[Fact]:
    leaves = [leaf for _, leaf in layers.leaves[index] if layers.node(leaf).op == "parameter"]
    found = []
    if leaves and not any(layers.node(leaf).attrs.get("trainable", True) for leaf in leaves):
        found.append(("trainable", "frozen"))
    if any(layers.uses[leaf] > 1 for leaf in leaves):
        found.append(("shared", "shared parameters"))
    return found


def layer_phrase(layers: Layers, index: int, *, details: bool = True) -> str:
    """Such as "the 2nd convolution (3→16, 3×3)"."""
    if layers.node(index).op == "input":
        several = layers.graph.nodes[1:2] and layers.graph.nodes[1].op == "input"
        return f"the {ordinal(int(layers.node(index).attrs['position']) + 1)} input" if several else "the input"
    name = layers.names[index]
    which = f"the {ordinal(layers.ordinals[index])} {name}" if layers.counts[name] > 1 else f"the {name}"
    told = ", ".join(text for _, text in facts(layers, index)[:TELLING]) if details else ""
    return f"{which} ({told})" if told else which


def pairs_phrase(a: Layers, b: Layers, couples: Sequence[tuple[int, int]]) -> str:
    """The subject of a sentence about layers of A and their partners in B, by what they have in common."""
    x, y = couples[0]
    if len(couples) > 1:
        places = [ordinal(a.ordinals[i]) for i, _ in couples]
        shown = listed(places) if len(places) <= MOST_PLACES else f"{', '.join(places[:MOST_PLACES])}, …"
        whole = len(couples) == a.counts[a.names[x]] == b.counts[b.names[y]]
        what = counted(len(couples), a.names[x])
        return f"All {what}" if whole else f"{what} (the {shown} of A)"
    others, same = facts(b, y), [node.attrs for node in (a.node(x), b.node(y))]
    common = [text for name, text in facts(a, x) if (name, text) in others and same[0].get(name) == same[1].get(name)][:TELLING]
    told = f" ({', '.join(common)})" if common else ""
    one, other = (layer_phrase(layers, i, details=False) for layers, i in ((a, x), (b, y)))
    both = one if one == other else f"{one} of A, {other} of B"
    return f"{capitalised(both)}{told}"
