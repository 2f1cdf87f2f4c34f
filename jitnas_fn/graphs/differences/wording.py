"""What operations, attributes, shapes and initialisations are called in a sentence or a drawing."""

from collections.abc import Mapping, Sequence
from typing import Any

from jitnas_fn.core.codec import Json, canonical
from jitnas_fn.graphs.graph import Node
from jitnas_fn.graphs.operations import Shape

NAMES = {
    "conv": "convolution",
    "conv_transpose": "transposed convolution",
    "linear": "linear layer",
    "prelu": "PReLU",
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn": "RNN",
    "batch_norm": "stateless batch norm",
    "running_batch_norm": "batch norm",
    "frozen_batch_norm": "frozen batch norm",
    "instance_norm": "instance norm",
    "group_norm": "group norm",
    "layer_norm": "layer norm",
    "rms_norm": "RMS norm",
    "local_response_norm": "local response norm",
    "max_pool": "max pooling",
    "avg_pool": "average pooling",
    "adaptive_avg_pool": "adaptive average pooling",
    "adaptive_max_pool": "adaptive max pooling",
    "interpolate": "resizing",
    "relu": "ReLU",
    "silu": "SiLU",
    "mish": "Mish",
    "selu": "SELU",
    "gelu": "GELU",
    "elu": "ELU",
    "celu": "CELU",
    "glu": "GLU",
    "leaky_relu": "leaky ReLU",
    "log_sigmoid": "log-sigmoid",
    "log_softmax": "log-softmax",
    "prod": "multiplication",
    "quotient": "division",
    "matmul": "matrix product",
    "ratio": "quotient",
    "full": "constant value",
    "constant": "constants",
    "noise": "random draw",
    "compare": "comparison",
    "where": "choice by mask",
    "mode": "training or evaluation",
    "cat": "concatenation",
    "pad": "padding",
    "slice": "slice",
    "permute": "permutation",
    "expand": "expansion",
    "reduce_sum": "sum over axes",
    "reduce_max": "maximum over axes",
    "detach": "gradient stop",
}
ATTRIBUTES = {"lambd": "lambda", "count_include_pad": "padding counted", "groups": "groups", "p": "probability"}
USUAL: dict[str, tuple[Any, ...]] = {  # values that a drawing does not mention
    "stride": (1,),
    "padding": (0, None),
    "output_padding": (0,),
    "dilation": (1,),
    "groups": (1,),
    "ceil_mode": (False,),
    "count_include_pad": (True,),
    "divisor": (None,),
    "constant": (0.0,),
    "approximate": ("none",),
    "kind": ("element",),
    "step": (1,),
    "eps": (1e-5, None),
    "momentum": (0.1,),
}
SHAPES = ("shape", "kernel", "size")
SPACE = ("stride", "padding", "output_padding", "dilation", *SHAPES)


def name_of(node: Node, shapes: Mapping[str, Shape]) -> str:
    """What a reader calls an operation; `shapes` are those of its inputs."""
    inner, axes = shapes.get("x", ()), node.attrs.get("axes")
    if node.op == "conv" and len(inner) != 4:
        return f"{len(inner) - 2}-D convolution"
    if node.op == "mean" and axes == list(range(2, len(inner))) and axes:
        return "global average pooling"
    if node.op == "reshape" and node.shape[:1] == inner[:1] == (-1,) and len(node.shape) == 2 < len(inner):
        return "flatten"
    if node.op == "take":
        return "embedding" if shapes.get("x", (-1,))[0] > 0 else "look-up"
    if node.op == "sum":
        factors = [label for label, _ in node.inputs]
        if len(factors) == 1:
            return "scaling"
        return "addition" if set(factors) == {"1.0"} and not node.attrs.get("constant") else "weighted sum"
    return NAMES.get(node.op, node.op.replace("_", " "))


def plural(name: str) -> str:
    """Several of `name`: "ReLUs", "sums over axes"."""
    noun = next((name[: name.index(word)] for word in (" over ", " by ", " or ") if word in name), name)
    return f"{noun}{'es' if noun.endswith(('x', 's', 'ch', 'sh')) else 's'}{name[len(noun) :]}"


def counted(number: int, name: str) -> str:
    """Such as "1 ReLU" or "3 convolutions"."""
    return f"{number:,} {name if number == 1 else plural(name)}"


def ordinal(number: int) -> str:
    """Such as "1st", "12th" or "23rd"."""
    last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"


def capitalised(text: str) -> str:
    """`text` as the beginning of a sentence."""
    return f"{text[0].upper()}{text[1:]}"


def listed(words: Sequence[str]) -> str:
    """Such as "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def attribute_name(name: str) -> str:
    """What an attribute is called."""
    return ATTRIBUTES.get(name, name.replace("_", " "))


def size(shape: Sequence[int]) -> str:
    """A shape such as "N×16×8×8", N the batch."""
    return "×".join(str(entry) if entry > 0 else "N" if entry == -1 else f"{-entry}N" for entry in shape) or "1"


def sample_size(shape: Sequence[int]) -> str:
    """The shape of one sample, without the batch in front."""
    return size(shape[1:]) if shape[:1] == (-1,) else size(shape)


def number(value: float) -> str:
    """A number in at most six digits, with a proper minus."""
    return f"{value:g}".replace("-", "−")


def value_text(name: str, value: Any) -> str:
    """The value of an attribute."""
    integers = isinstance(value, list) and bool(value) and all(type(item) is int for item in value)
    if integers and name in SPACE:
        return str(value[0]) if name not in SHAPES and len(set(value)) == 1 else _joined(name, value)
    if integers:
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    return "none" if value is None else value if isinstance(value, str) else canonical(value)


def _joined(name: str, value: Sequence[int]) -> str:
    return size(value) if name == "shape" else "×".join(map(str, value))


def is_usual(name: str, value: Any) -> bool:
    """Whether a drawing need not mention that attribute `name` is `value`."""
    values = value if isinstance(value, list) and value else [value]
    return name in USUAL and all(item in USUAL[name] for item in values)


def init_text(init: Json) -> str:
    """How a parameter starts, such as "at 0" or "uniform in ±0.2"."""
    if len(init) != 1:
        return short(canonical(init))
    ((kind, values),) = init.items()
    if kind == "const":
        return f"at {number(values)}"
    if kind == "uniform":
        return f"uniform in ±{number(values[1])}" if values[0] == -values[1] else f"uniform in {_range(values)}"
    if kind == "normal":
        return f"normal with mean {number(values[0])} and deviation {number(values[1])}"
    if kind == "rows" and isinstance(values, list):
        return "; ".join(f"{count} rows {init_text(part)}" for count, part in values)
    if kind == "trunc_normal":
        return f"normal with mean {number(values[0])} and deviation {number(values[1])}, cut to {_range(values[2:])}"
    return short(canonical(init))


def _range(values: Sequence[float]) -> str:
    return f"{number(values[0])} … {number(values[1])}"


def short(text: str, most: int = 60) -> str:
    """`text`, cut in the middle if it is longer than `most`."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[-(most // 2 - 1) :]}"
