"""The shapes that matrix products, look-ups, recurrent layers, interpolation and constants give."""

import base64
import binascii
import math
import struct

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.dtypes import BYTES
from jitnas_fn.graphs.operations import Labelled, Shape
from jitnas_fn.graphs.shapes import broadcast, need

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def matmul(attrs: Json, inputs: Labelled) -> Shape:
    """(..., N, K) and (..., K, M) to (..., N, M); the axes in front broadcast."""
    shapes = dict(inputs)
    a, b = shapes["a"], shapes["b"]
    need(len(a) >= 2 and len(b) >= 2, f"{list(a)} and {list(b)} are no matrices")
    need(a[-1] == b[-2] and a[-1] > 0, f"{list(a)} and {list(b)} do not multiply")
    front = broadcast({}, [("a", a[:-2]), ("b", b[:-2])]) if a[:-2] or b[:-2] else ()
    return (*front, a[-2], b[-1])


def matmul_macs(attrs: Json, inputs: Labelled, value: Shape) -> int:
    """K multiply-adds for each entry."""
    return abs(math.prod(value)) * dict(inputs)["a"][-1]


def take(attrs: Json, inputs: Labelled) -> Shape:
    """x with one axis replaced by the shape of `index`."""
    shapes, axis, padding = dict(inputs), attrs["axis"], attrs["padding"]
    x, index = shapes["x"], shapes["index"]
    need(0 <= axis < len(x) and x[axis] > 0, f"axis {axis} is no feature axis of {list(x)}")
    need(padding is None or (axis == 0 and len(x) == 2 and 0 <= padding < x[0]), f"padding {padding} is no row of {list(x)}")
    return (*x[:axis], *index, *x[axis + 1 :])


def _recurrent(kind: str, attrs: Json, inputs: Labelled) -> tuple[int, int, int]:
    """The batch, the number of steps and of hidden units of a recurrent layer."""
    shapes, gates = dict(inputs), GATES[kind]
    x, inward, across = shapes["x"], shapes["weight_ih"], shapes["weight_hh"]
    need(len(x) == 3 and x[0] < 0 and x[1] > 0 and x[2] > 0, f"{list(x)} is no batch of sequences")
    need(len(across) == 2 and across[0] == gates * across[1] and across[1] > 0, f"weight_hh {list(across)} does not fit {kind}")
    need(inward == (across[0], x[2]), f"weight_ih {list(inward)} does not fit {list(x)}")
    need(("bias_ih" in shapes) == ("bias_hh" in shapes), "both biases or none")
    need(all(shapes.get(name, across[:1]) == across[:1] for name in ("bias_ih", "bias_hh")), f"biases have {across[0]} entries")
    state = (x[0], across[1])
    need(all(shapes.get(name, state) == state for name in ("h", "c")), f"a first state has shape {list(state)}")
    return x[0], x[1], across[1]


def lstm(attrs: Json, inputs: Labelled) -> Shape:
    """(N, T, F) to (N, T+1, H): the hidden states in the order of time, and the last cell state."""
    batch, steps, hidden = _recurrent("lstm", attrs, inputs)
    need({"h", "c"} <= dict(inputs).keys() or not {"h", "c"} & dict(inputs).keys(), "both first states or none")
    return batch, steps + 1, hidden


def gru(attrs: Json, inputs: Labelled) -> Shape:
    """(N, T, F) to (N, T, H): the hidden states in the order of time."""
    return _recurrent("gru", attrs, inputs)


def rnn(attrs: Json, inputs: Labelled) -> Shape:
    """(N, T, F) to (N, T, H): the hidden states in the order of time."""
    return _recurrent("rnn", attrs, inputs)


def recurrent_macs(attrs: Json, inputs: Labelled, value: Shape) -> int:
    """One product with each weight matrix in every step; a bias counts one each."""
    shapes = dict(inputs)
    each = math.prod(shapes["weight_ih"]) + math.prod(shapes["weight_hh"]) + sum(shapes.get("bias_ih", ())) * 2
    return abs(shapes["x"][0]) * shapes["x"][1] * each


RANKS = {"nearest": (1, 2, 3), "nearest-exact": (1, 2, 3), "area": (1, 2, 3), "linear": (1,)} | {
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
}


def interpolate(attrs: Json, inputs: Labelled) -> Shape:
    """(N, C, *S) to (N, C, *size)."""
    x, size, mode, scales = dict(inputs)["x"], attrs["size"], attrs["mode"], attrs["scales"]
    need(len(x) == len(size) + 2 and len(size) in RANKS[mode], f"{mode} does not resize {list(x)} to {size}")
    need(x[0] < 0 and min(x[1:]) > 0 and min(size) > 0, f"{list(x)} is no batch of maps")
    need(scales is None or _are_needed(scales, x[2:], attrs), "scales are null where the sizes tell them")
    need(not attrs["antialias"] or mode in ("bilinear", "bicubic"), f"{mode} has no antialias")
    need(not attrs["align_corners"] or mode in ("linear", "bilinear", "bicubic", "trilinear"), f"{mode} aligns no corners")
    return (*x[:2], *size)


def _are_needed(scales: list[float], sizes: Shape, attrs: Json) -> bool:
    """Whether torch, given these factors, resizes as said, and not as it would without them."""
    need(len(scales) == len(sizes), f"one scale for each of {len(sizes)} axes, not {scales}")
    scaled = [length * scale for length, scale in zip(sizes, scales, strict=True)]
    found = [math.floor(length) for length in scaled]
    need(found == attrs["size"], f"scales {scales} resize {list(sizes)} to {found}, not to {attrs['size']}")
    return attrs["mode"] != "area" and not attrs["align_corners"] and scaled != found


NUMBER = {"float64": "d", "float32": "f", "float16": "e"}
# The highest byte, without the sign, of a number that is none or infinite.
TOPS = {"float64": {0x7F}, "float32": {0x7F}, "bfloat16": {0x7F}, "float16": {0x7C, 0x7D, 0x7E, 0x7F}}


def constant(attrs: Json, inputs: Labelled) -> Shape:
    """`shape`; `content` is the base64 text of its numbers, little-endian, in row-major order, and has no NaN."""
    shape, dtype, text = attrs["shape"], attrs["dtype"], attrs["content"]
    need(all(size > 0 for size in shape) and len(shape) <= 8, f"a constant has sizes above 0, not {str(shape)[:60]}")
    count = math.prod(shape)
    need(len(text) == 4 * -(-count * BYTES[dtype] // 3), f"{list(shape)} {dtype} is not {len(text)} characters of base64")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    need(len(content) == count * BYTES[dtype], "the content of a constant is base64 text of its numbers")
    need(base64.b64encode(content).decode("ascii") == text, "base64 text ends in zero bits")
    need(not _has_nan(content, dtype), "a constant holds no NaN")
    need(dtype != "bool" or set(content) <= {0, 1}, "a truth is one byte, 0 or 1")
    return tuple(shape)


def _has_nan(content: bytes, dtype: str) -> bool:
    width = BYTES[dtype]
    if dtype not in TOPS or TOPS[dtype].isdisjoint({top & 0x7F for top in set(content[width - 1 :: width])}):
        return False  # told from one byte of each, which is quick
    if dtype == "bfloat16":  # the upper half of a float32
        return any(number & 0x7FFF > 0x7F80 for (number,) in struct.iter_unpack("<H", content))
    return any(math.isnan(number) for (number,) in struct.iter_unpack(f"<{NUMBER[dtype]}", content))
