"""The operations that opset 1 has: layers of convolutional networks and perceptrons. Frozen: see `graphs.opset`."""

import math

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs import norm_shapes, shapes, view_shapes
from jitnas_fn.graphs.dtypes import FLOATS, any_type, as_said
from jitnas_fn.graphs.operations import (
    Argument,
    Infer,
    Labelled,
    Operation,
    Shape,
    a_bool,
    a_float,
    an_int,
    ints,
    one_of,
    or_none,
    pairs,
)


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


def _activation(
    torch: str, *arguments: Argument, keeps_zero: bool, shape: Infer = shapes.same, converted: tuple[str, ...] = ()
) -> Operation:
    attrs = {argument.attribute: a_float for argument in arguments}
    return Operation(shape, attrs=attrs, keeps_zero=keeps_zero, converted=converted, torch=torch, arguments=arguments)


_AFFINE = ("weight", "bias")
_WINDOW = {"kernel": ints, "stride": ints, "padding": ints, "ceil_mode": a_bool}
_AXIS = {"axis": an_int}
_AXES = {"axes": ints}
_SHAPE = {"shape": ints}

OPSET_1: dict[str, Operation] = {
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
        norm_shapes.batch_norm, optional=_AFFINE, attrs={"eps": a_float}
    ),
    "running_batch_norm": Operation(  # this batch's in training, the running ones in evaluation; "after": an earlier call
        norm_shapes.batch_norm,
        slots=("x", "mean", "variance"),
        optional=(*_AFFINE, "after"),
        attrs={"eps": a_float, "momentum": a_float},
        pure=False,
    ),
    "frozen_batch_norm": Operation(  # the running statistics always
        norm_shapes.frozen_batch_norm, slots=("x", "mean", "variance"), optional=_AFFINE, attrs={"eps": a_float}
    ),
    "instance_norm": Operation(norm_shapes.instance_norm, optional=_AFFINE, attrs={"eps": a_float}),
    "group_norm": Operation(norm_shapes.channel_norm, optional=_AFFINE, attrs={"groups": an_int, "eps": a_float}),
    "layer_norm": Operation(norm_shapes.trailing_norm, optional=_AFFINE, attrs={"shape": ints, "eps": a_float}),
    "rms_norm": Operation(norm_shapes.trailing_norm, optional=("weight",), attrs={"shape": ints, "eps": or_none(a_float)}),
    "local_response_norm": Operation(
        norm_shapes.local_response_norm,
        attrs={"size": an_int, "alpha": a_float, "beta": a_float, "k": a_float},
        converted=("beta",),
    ),
    # pooling
    "max_pool": Operation(shapes.pool, attrs={**_WINDOW, "dilation": ints}, keeps_zero=True),
    "avg_pool": Operation(
        shapes.avg_pool, attrs={**_WINDOW, "count_include_pad": a_bool, "divisor": or_none(an_int)}, keeps_zero=True
    ),
    "adaptive_avg_pool": Operation(shapes.adaptive, attrs={"size": ints}, keeps_zero=True),
    "adaptive_max_pool": Operation(shapes.adaptive, attrs={"size": ints}, keeps_zero=True),
    # activations
    "relu": _activation("relu", keeps_zero=True),
    "sigmoid": _activation("sigmoid", keeps_zero=False),
    "tanh": _activation("tanh", keeps_zero=True),
    "silu": _activation("silu", keeps_zero=True),
    "mish": _activation("mish", keeps_zero=True),
    "selu": _activation("selu", keeps_zero=True),
    "hardswish": _activation("hardswish", keeps_zero=True),
    "hardsigmoid": _activation("hardsigmoid", keeps_zero=False),
    "softsign": _activation("softsign", keeps_zero=True),
    "tanhshrink": _activation("tanhshrink", keeps_zero=True),
    "log_sigmoid": _activation("logsigmoid", keeps_zero=False),
    "gelu": Operation(
        shapes.same,
        attrs={"approximate": one_of("none", "tanh")},
        keeps_zero=True,
        torch="gelu",
        arguments=(Argument("approximate", "none"),),
    ),
    "leaky_relu": _activation("leaky_relu", Argument("negative_slope", 0.01), keeps_zero=True),
    "elu": _activation("elu", Argument("alpha", 1.0), keeps_zero=True),
    "celu": _activation("celu", Argument("alpha", 1.0), keeps_zero=True, shape=shapes.celu),
    "softplus": _activation("softplus", Argument("beta", 1.0), Argument("threshold", 20.0), keeps_zero=False),
    "hardtanh": _activation(
        "hardtanh",
        Argument("min_val", -1.0, "low"),
        Argument("max_val", 1.0, "high"),
        keeps_zero=False,
        shape=shapes.hardtanh,
        converted=("low", "high"),
    ),
    "softshrink": _activation(
        "softshrink", Argument("lambd", 0.5), keeps_zero=True, shape=shapes.softshrink, converted=("lambd",)
    ),
    "hardshrink": _activation("hardshrink", Argument("lambd", 0.5), keeps_zero=True, converted=("lambd",)),
    "threshold": _activation("threshold", Argument("threshold"), Argument("value"), keeps_zero=False, converted=("value",)),
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
    "quotient": Operation(shapes.same, attrs={"divisor": a_float}, keeps_zero=True),
    "full": Operation(
        view_shapes.full,
        slots=(),
        attrs={**_SHAPE, "value": a_float, "dtype": one_of(*FLOATS)},
        dtype=as_said,
        converted=("value",),
    ),
    # views and reductions
    "reshape": Operation(view_shapes.reshape, attrs=_SHAPE, keeps_zero=True, dtype=any_type),
    "permute": Operation(view_shapes.permute, attrs=_AXES, keeps_zero=True, dtype=any_type),
    "expand": Operation(view_shapes.expand, attrs=_SHAPE, keeps_zero=True, dtype=any_type),
    "slice": Operation(
        view_shapes.slice_,
        attrs={"axis": an_int, "start": an_int, "stop": an_int, "step": an_int},
        keeps_zero=True,
        dtype=any_type,
    ),
    "cat": Operation(view_shapes.cat, slots=(), many="ordered", attrs=_AXIS, dtype=any_type),
    "pad": Operation(
        view_shapes.pad,
        attrs={"mode": one_of("constant", "reflect", "replicate", "circular"), "widths": pairs, "value": a_float},
        converted=("value",),
    ),
    "mean": Operation(view_shapes.reduce, attrs=_AXES, keeps_zero=True),
    "reduce_sum": Operation(view_shapes.reduce, attrs=_AXES, keeps_zero=True),
    "reduce_max": Operation(view_shapes.reduce, attrs=_AXES, keeps_zero=True),
}
