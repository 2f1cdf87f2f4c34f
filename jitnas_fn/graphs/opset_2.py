"""What opset 2 adds: sequences, attention, look-ups, interpolation, masks, constants, gradient cuts, draws, and modes."""

from jitnas_fn.graphs import product_shapes, shapes, view_shapes
from jitnas_fn.graphs.dtypes import DTYPES, FLOATS, as_said, comparison, taken, truths, where_true
from jitnas_fn.graphs.operations import (
    Argument,
    Operation,
    a_bool,
    a_dtype,
    a_float,
    a_limit,
    a_text,
    an_int,
    floats,
    ints,
    one_of,
    or_none,
)


def _elementwise(torch: str, *, keeps_zero: bool = False) -> Operation:
    return Operation(shapes.same, keeps_zero=keeps_zero, torch=torch, opset=2)


_AXES = {"axes": ints}
_GATED = ("x", "weight_ih", "weight_hh")
_BIASES = ("bias_ih", "bias_hh")

OPSET_2: dict[str, Operation] = {
    # element by element
    "exp": _elementwise("exp"),
    "expm1": _elementwise("expm1", keeps_zero=True),
    "log": _elementwise("log"),
    "log1p": _elementwise("log1p", keeps_zero=True),
    "sqrt": _elementwise("sqrt"),
    "rsqrt": _elementwise("rsqrt"),
    "reciprocal": _elementwise("reciprocal"),
    "abs": _elementwise("abs", keeps_zero=True),
    "sin": _elementwise("sin", keeps_zero=True),
    "cos": _elementwise("cos"),
    "erf": _elementwise("erf", keeps_zero=True),
    "sign": _elementwise("sign", keeps_zero=True),
    "floor": _elementwise("floor", keeps_zero=True),
    "ceil": _elementwise("ceil", keeps_zero=True),
    "round": _elementwise("round", keeps_zero=True),
    "clamp": Operation(
        shapes.clamp,
        attrs={"low": or_none(a_float), "high": or_none(a_float)},
        opset=2,
        converted=("low", "high"),
        torch="clamp",
        arguments=(Argument("min", None, "low"), Argument("max", None, "high")),
    ),
    "power": Operation(shapes.same, attrs={"exponent": a_float}, opset=2, converted=("exponent",)),
    "ratio": Operation(shapes.broadcast, slots=("x", "divisor"), opset=2),
    "maximum": Operation(shapes.broadcast, slots=(), many="multiset", opset=2),
    "minimum": Operation(shapes.broadcast, slots=(), many="multiset", opset=2),
    "cast": Operation(shapes.same, attrs={"dtype": a_dtype}, dtype=as_said, opset=2),
    # truths and masks
    "compare": Operation(
        view_shapes.compare,
        optional=("other",),
        attrs={"kind": one_of("eq", "ne", "lt", "le", "gt", "ge"), "value": or_none(a_float)},
        dtype=comparison,
        opset=2,
    ),
    "logical_not": Operation(shapes.same, dtype=truths, opset=2),
    "logical_and": Operation(shapes.broadcast, slots=(), many="multiset", dtype=truths, opset=2),
    "logical_or": Operation(shapes.broadcast, slots=(), many="multiset", dtype=truths, opset=2),
    "masked_fill": Operation(  # `value` where the mask is true
        shapes.broadcast, slots=("x", "mask"), attrs={"value": a_limit}, dtype=where_true, opset=2, converted=("value",)
    ),
    "where": Operation(shapes.broadcast, slots=("x", "other", "mask"), dtype=where_true, opset=2),  # x where it is true
    "safe_softmax": Operation(shapes.along_axis, attrs={"axis": an_int}, opset=2),  # softmax; zeros where all is −inf
    # products and look-ups
    "matmul": Operation(product_shapes.matmul, slots=("a", "b"), macs=product_shapes.matmul_macs, opset=2),
    "take": Operation(  # `padding`: a row that gets no gradient from here
        product_shapes.take,
        slots=("x", "index"),
        attrs={"axis": an_int, "padding": or_none(an_int)},
        dtype=taken,
        opset=2,
    ),
    # recurrent layers, one direction of one layer; first states are zero unless given
    "lstm": Operation(
        product_shapes.lstm,
        slots=_GATED,
        optional=(*_BIASES, "h", "c"),
        macs=product_shapes.recurrent_macs,
        opset=2,
    ),
    "gru": Operation(
        product_shapes.gru,
        slots=_GATED,
        optional=(*_BIASES, "h"),
        macs=product_shapes.recurrent_macs,
        opset=2,
    ),
    "rnn": Operation(
        product_shapes.rnn,
        slots=_GATED,
        optional=(*_BIASES, "h"),
        attrs={"nonlinearity": one_of("tanh", "relu")},
        macs=product_shapes.recurrent_macs,
        opset=2,
    ),
    # maps
    "interpolate": Operation(  # `scales`: those that torch is given, where they are not the quotients of the sizes
        product_shapes.interpolate,
        attrs={
            "mode": one_of(*product_shapes.RANKS),
            "size": ints,
            "align_corners": a_bool,
            "antialias": a_bool,
            "scales": or_none(floats),
        },
        keeps_zero=True,
        opset=2,
    ),
    "flip": Operation(view_shapes.flip, attrs=_AXES, keeps_zero=True, opset=2),
    # reductions
    "reduce_min": Operation(view_shapes.reduce, attrs=_AXES, keeps_zero=True, opset=2),
    "largest": Operation(view_shapes.largest, attrs={"axis": an_int}, keeps_zero=True, opset=2),  # gradient to one entry
    "smallest": Operation(view_shapes.largest, attrs={"axis": an_int}, keeps_zero=True, opset=2),
    "logsumexp": Operation(view_shapes.reduce, attrs=_AXES, opset=2),
    "variance": Operation(view_shapes.variance, attrs={**_AXES, "correction": an_int}, opset=2),
    "deviation": Operation(  # √variance, but for its gradient, which is 0 where it is 0
        view_shapes.variance, attrs={**_AXES, "correction": an_int}, opset=2
    ),
    "norm": Operation(view_shapes.norm, attrs={**_AXES, "p": a_float}, opset=2, converted=("p",)),
    "cumsum": Operation(shapes.along_axis, attrs={"axis": an_int}, keeps_zero=True, opset=2),
    # what is not computed from numbers
    "constant": Operation(
        product_shapes.constant,
        slots=(),
        attrs={"shape": ints, "dtype": one_of(*DTYPES), "content": a_text},
        dtype=as_said,
        opset=2,
    ),
    "detach": Operation(shapes.same, keeps_zero=True, opset=2),  # the value, and no gradient through it
    "noise": Operation(  # drawn at each call: uniform in [0, 1), standard normal, or 1 with probability p and else 0
        view_shapes.noise,
        slots=(),
        attrs={
            "kind": one_of("uniform", "normal", "coins"),
            "p": or_none(a_float),
            "shape": ints,
            "dtype": one_of(*FLOATS),
        },
        pure=False,
        dtype=as_said,
        opset=2,
    ),
    "drop_path": Operation(  # in training, each sample is kept with probability 1 − p, and then divided by 1 − p
        view_shapes.drop_path, attrs={"p": a_float}, pure=False, opset=2
    ),
    "mode": Operation(view_shapes.alternatives, slots=("train", "eval"), opset=2),  # one in training, the other in evaluation
}
