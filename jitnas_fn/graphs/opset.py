"""The set of operations, version 1. To add one: an entry here, its spellings and how it runs in `tracing`, and a higher opset.

A document states the lowest opset that has all its operations, so an addition never changes an existing fingerprint. What an
operation computes is PyTorch's definition of the function of the same name.
"""

import math

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import DocumentError
from jitnas_fn.graphs import shapes
from jitnas_fn.graphs.operations import Labelled, Operation, Shape, a_bool, a_float, an_int, ints, one_of, or_none, pairs

OPSET = 1


def _macs(weight_terms: int, value: Shape, inputs: Labelled) -> int:
    """Multiply-adds of a value each of whose entries takes `weight_terms` of them; a bias is one more."""
    return abs(math.prod(value)) * (weight_terms + ("bias" in dict(inputs)))


def _conv_macs(attrs: Json, inputs: Labelled, value: Shape) -> int:
    return _macs(math.prod(dict(inputs)["weight"][1:]), value, inputs)


def _transposed_macs(attrs: Json, inputs: Labelled, value: Shape) -> int:
    named = dict(inputs)
    bias = abs(math.prod(value)) if "bias" in named else 0
    return abs(math.prod(named["x"])) * math.prod(named["weight"][1:]) + bias


def _linear_macs(attrs: Json, inputs: Labelled, value: Shape) -> int:
    return _macs(dict(inputs)["weight"][1], value, inputs)


def _unary(keeps_zero: bool) -> Operation:
    return Operation(shapes.same, keeps_zero=keeps_zero)


def _tuned(names: tuple[str, ...], keeps_zero: bool) -> Operation:
    return Operation(shapes.same, attrs=dict.fromkeys(names, a_float), keeps_zero=keeps_zero)


_AFFINE = ("weight", "bias")
_WINDOW = {"kernel": ints, "stride": ints, "padding": ints, "ceil_mode": a_bool}
_AXIS = {"axis": an_int}
_AXES = {"axes": ints}
_SHAPE = {"shape": ints}

OPERATIONS: dict[str, Operation] = {
    # layers with weights
    "conv": Operation(
        shapes.conv,
        slots=("x", "weight"),
        optional=("bias",),
        attrs={"stride": ints, "padding": ints, "dilation": ints, "groups": an_int},
        keeps_zero=True,
        macs=_conv_macs,
    ),
    "conv_transpose": Operation(
        shapes.conv_transpose,
        slots=("x", "weight"),
        optional=("bias",),
        attrs={"stride": ints, "padding": ints, "output_padding": ints, "dilation": ints, "groups": an_int},
        keeps_zero=True,
        macs=_transposed_macs,
    ),
    "linear": Operation(shapes.linear, slots=("x", "weight"), optional=("bias",), keeps_zero=True, macs=_linear_macs),
    "prelu": Operation(shapes.prelu, slots=("x", "weight"), keeps_zero=True),
    # normalisations
    "batch_norm": Operation(  # this batch's statistics, in training and in evaluation
        shapes.channel_norm, optional=_AFFINE, attrs={"eps": a_float}
    ),
    "running_batch_norm": Operation(  # this batch's in training, the running ones in evaluation; "after": an earlier call
        shapes.channel_norm,
        slots=("x", "mean", "variance"),
        optional=(*_AFFINE, "after"),
        attrs={"eps": a_float, "momentum": a_float},
        pure=False,
    ),
    "frozen_batch_norm": Operation(  # the running statistics always
        shapes.channel_norm, slots=("x", "mean", "variance"), optional=_AFFINE, attrs={"eps": a_float}
    ),
    "instance_norm": Operation(shapes.instance_norm, optional=_AFFINE, attrs={"eps": a_float}),
    "group_norm": Operation(shapes.channel_norm, optional=_AFFINE, attrs={"groups": an_int, "eps": a_float}),
    "layer_norm": Operation(shapes.trailing_norm, optional=_AFFINE, attrs={"shape": ints, "eps": a_float}),
    "rms_norm": Operation(shapes.trailing_norm, optional=("weight",), attrs={"shape": ints, "eps": or_none(a_float)}),
    "local_response_norm": Operation(shapes.same, attrs={"size": an_int, "alpha": a_float, "beta": a_float, "k": a_float}),
    # pooling
    "max_pool": Operation(shapes.pool, attrs={**_WINDOW, "dilation": ints}, keeps_zero=True),
    "avg_pool": Operation(
        shapes.pool, attrs={**_WINDOW, "count_include_pad": a_bool, "divisor": or_none(an_int)}, keeps_zero=True
    ),
    "adaptive_avg_pool": Operation(shapes.adaptive, attrs={"size": ints}, keeps_zero=True),
    "adaptive_max_pool": Operation(shapes.adaptive, attrs={"size": ints}, keeps_zero=True),
    # activations
    "relu": _unary(True),
    "sigmoid": _unary(False),
    "tanh": _unary(True),
    "silu": _unary(True),
    "mish": _unary(True),
    "selu": _unary(True),
    "hardswish": _unary(True),
    "hardsigmoid": _unary(False),
    "softsign": _unary(True),
    "tanhshrink": _unary(True),
    "log_sigmoid": _unary(False),
    "gelu": Operation(shapes.same, attrs={"approximate": one_of("none", "tanh")}, keeps_zero=True),
    "leaky_relu": _tuned(("negative_slope",), True),
    "elu": _tuned(("alpha",), True),
    "celu": _tuned(("alpha",), True),
    "softplus": _tuned(("beta", "threshold"), False),
    "hardtanh": _tuned(("low", "high"), False),
    "softshrink": _tuned(("lambd",), True),
    "hardshrink": _tuned(("lambd",), True),
    "threshold": _tuned(("threshold", "value"), False),
    "softmax": Operation(shapes.along_axis, attrs=_AXIS),
    "log_softmax": Operation(shapes.along_axis, attrs=_AXIS),
    "glu": Operation(shapes.glu, attrs=_AXIS, keeps_zero=True),
    # randomness: drawn in training only
    "dropout": Operation(
        shapes.dropout,
        attrs={"p": a_float, "kind": one_of("element", "channel", "alpha", "feature_alpha")},
        pure=False,
    ),
    # arithmetic
    "sum": Operation(shapes.broadcast, slots=(), many="coefficients", attrs={"constant": a_float}),
    "prod": Operation(shapes.broadcast, slots=(), many="multiset"),
    "quotient": _tuned(("divisor",), True),
    "full": Operation(
        shapes.full, slots=(), attrs={**_SHAPE, "value": a_float, "dtype": one_of("float32", "float64", "float16", "bfloat16")}
    ),
    # views and reductions
    "reshape": Operation(shapes.reshape, attrs=_SHAPE, keeps_zero=True),
    "permute": Operation(shapes.permute, attrs=_AXES, keeps_zero=True),
    "expand": Operation(shapes.expand, attrs=_SHAPE, keeps_zero=True),
    "slice": Operation(shapes.slice_, attrs={"axis": an_int, "start": an_int, "stop": an_int, "step": an_int}, keeps_zero=True),
    "cat": Operation(shapes.cat, slots=(), many="ordered", attrs=_AXIS),
    "pad": Operation(
        shapes.pad, attrs={"mode": one_of("constant", "reflect", "replicate", "circular"), "widths": pairs, "value": a_float}
    ),
    "mean": Operation(shapes.reduce, attrs=_AXES, keeps_zero=True),
    "reduce_sum": Operation(shapes.reduce, attrs=_AXES, keeps_zero=True),
    "reduce_max": Operation(shapes.reduce, attrs=_AXES, keeps_zero=True),
}


def operation(name: str) -> Operation:
    """The operation called `name`.

    Raises
    ------
    DocumentError
        If no version of the set of operations that this package knows has it.
    """
    if not isinstance(name, str) or name not in OPERATIONS:
        raise DocumentError(f"no operation {str(name)[:60]!r} in opset {OPSET}; this jitnas_fn may be too old for the document")
    return OPERATIONS[name]
