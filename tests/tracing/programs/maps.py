"""Operations with layers, pooling, resizing: mostly of maps (C, H, W)."""

import torch
import torch.nn.functional as F
from torch import nn

from tests.tracing.programs.operations import OPERATIONS, Operation, axes


def _conv(c, x):
    a, layer, padding = c.a, c.layer, c.a["padding"]
    if padding and a["padding_mode"] != "zeros":
        x, padding = F.pad(x, (padding,) * 4, mode=a["padding_mode"]), 0
    return F.conv2d(x, layer.weight, layer.bias, a["stride"], (padding, padding), a["dilation"], a["groups"])


def _padded_conv(c, x):
    a, layer, p = c.a, c.layer, c.a["padding"]
    padded = F.pad(x, (p, p, p, p), mode="constant" if a["padding_mode"] == "zeros" else a["padding_mode"]) if p else x
    if a["padding_mode"] == "zeros":
        return torch.conv2d(x, layer.weight, layer.bias, a["stride"], p, a["dilation"], a["groups"])
    return torch.conv2d(padded, layer.weight, layer.bias, a["stride"], 0, a["dilation"], a["groups"])


def _layer(c, *xs):
    return c.layer(*xs)


def _batch_norm(c, x):
    layer = c.layer
    if not c.a["track"]:
        return F.batch_norm(x, None, None, layer.weight, layer.bias, True, eps=c.a["eps"])
    mean, variance = layer.running_mean, layer.running_var
    return F.batch_norm(x, mean, variance, layer.weight, layer.bias, c.training, c.a["momentum"], c.a["eps"])


SWITCH = [True, False]
OPERATIONS["conv"] = Operation(
    lambda shape: (
        {
            "i": [shape[0]],
            "o": [4],
            "kernel": [3, 1],
            "stride": [1, 2],
            "padding": [1, 0],
            "dilation": [1],
            "groups": [1, 2],
            "bias": SWITCH,
            "padding_mode": ["zeros", "circular", "reflect"],
        }
        if len(shape) == 3
        else None
    ),
    [_layer, _layer, _conv, _padded_conv],
    layer="conv",
    weight=6,
    saves_nothing=True,
)
OPERATIONS["conv_transpose"] = Operation(
    lambda shape: (
        {"i": [shape[0]], "o": [4], "kernel": [2, 3], "stride": [1, 2], "padding": [1, 0], "bias": SWITCH}
        if len(shape) == 3 and shape[1] <= 6
        else None
    ),
    [
        _layer,
        lambda c, x: F.conv_transpose2d(x, c.layer.weight, c.layer.bias, c.a["stride"], c.a["padding"]),
    ],
    layer="conv_transpose",
    saves_nothing=True,
)
OPERATIONS["linear"] = Operation(
    lambda shape: {"i": [shape[-1]], "o": [4], "bias": SWITCH},
    [_layer, _layer, lambda c, x: F.linear(x, c.layer.weight, c.layer.bias)],
    layer="linear",
    weight=4,
    saves_nothing=True,
)
OPERATIONS["batch_norm"] = Operation(
    lambda shape: (
        {
            "i": [shape[0]],
            "axes": [len(shape)],
            "eps": [1e-5, 1e-2],
            "momentum": [0.1, 0.3],
            "affine": SWITCH,
            "track": [True, True, False],
        }
        if len(shape) != 2
        else None
    ),
    [_layer, _layer, _batch_norm],
    layer="batch_norm",
    weight=3,
)
OPERATIONS["instance_norm"] = Operation(
    lambda shape: (
        {"i": [shape[0]], "eps": [1e-5, 1e-2], "affine": SWITCH} if len(shape) == 3 and shape[1] * shape[2] > 1 else None
    ),
    [_layer, lambda c, x: F.instance_norm(x, None, None, c.layer.weight, c.layer.bias, eps=c.a["eps"])],
    layer="instance_norm",
)
OPERATIONS["group_norm"] = Operation(
    lambda shape: {"i": [shape[0]], "groups": [1, 2], "eps": [1e-5, 1e-2], "affine": SWITCH} if shape[0] % 2 == 0 else None,
    [_layer, lambda c, x: F.group_norm(x, c.a["groups"], c.layer.weight, c.layer.bias, c.a["eps"])],
    layer="group_norm",
)
OPERATIONS["layer_norm"] = Operation(
    lambda shape: {"shape": [shape[-1:], shape[-2:]], "eps": [1e-5, 1e-2], "affine": SWITCH},
    [_layer, lambda c, x: F.layer_norm(x, c.a["shape"], c.layer.weight, c.layer.bias, c.a["eps"])],
    layer="layer_norm",
)
OPERATIONS["rms_norm"] = Operation(
    lambda shape: {"shape": [shape[-1:]], "eps": [None, 1e-2], "affine": SWITCH},
    [_layer, lambda c, x: F.rms_norm(x, c.a["shape"], c.layer.weight, c.a["eps"])],
    layer="rms_norm",
)
OPERATIONS["prelu"] = Operation(
    lambda shape: {"i": [1, shape[0]]},
    [_layer, lambda c, x: F.prelu(x, c.layer.weight), lambda c, x: torch.prelu(x, c.layer.weight)],
    layer="prelu",
)
OPERATIONS["gate"] = Operation(
    lambda shape: {"shape": [(shape[0], *[1] * (len(shape) - 1)), (1,)]},
    [_layer, lambda c, x: c.layer.weight * x, lambda c, x: torch.mul(x, c.layer.weight)],
    layer="gate",
    weight=2,
)
OPERATIONS["constant"] = Operation(
    lambda shape: {"content": [0, 1, 2], "rank": [len(shape)]} if shape[0] == 4 else None,
    [_layer, lambda c, x: c.layer.numbers * x],
    layer="constant",
)

# pooling and resizing


def _pooled(average):
    function = F.avg_pool2d if average else F.max_pool2d
    build = nn.AvgPool2d if average else nn.MaxPool2d
    return [
        lambda c, x: function(x, c.a["kernel"], c.a["stride"], c.a["padding"]),
        lambda c, x: function(x, (c.a["kernel"],) * 2, stride=(c.a["stride"],) * 2, padding=c.a["padding"]),
        lambda c, x: build(c.a["kernel"], stride=c.a["stride"], padding=c.a["padding"])(x),
    ]


for _op in ("max_pool", "avg_pool"):
    OPERATIONS[_op] = Operation(
        axes(3, kernel=[2, 3], stride=[1, 2], padding=[0, 1]),
        _pooled(_op == "avg_pool"),
    )
OPERATIONS["global_mean"] = Operation(
    axes(3),
    [
        lambda c, x: x.mean((2, 3)),
        lambda c, x: F.adaptive_avg_pool2d(x, 1).flatten(1),
        lambda c, x: nn.AdaptiveAvgPool2d((1, 1))(x).view(x.shape[0], -1),
        lambda c, x: F.avg_pool2d(x, x.shape[-2:])[:, :, 0, 0],
        lambda c, x: torch.mean(x, dim=[-1, -2], keepdim=True).squeeze(-1).squeeze(-1),
    ],
)
OPERATIONS["resize"] = Operation(
    lambda shape: {"mode": ["nearest", "bilinear"], "times": [2]} if len(shape) == 3 and shape[1] <= 3 else None,
    [
        lambda c, x: F.interpolate(x, scale_factor=c.a["times"], mode=c.a["mode"]),
        lambda c, x: F.interpolate(x, size=[size * c.a["times"] for size in x.shape[2:]], mode=c.a["mode"]),
        lambda c, x: nn.Upsample(scale_factor=float(c.a["times"]), mode=c.a["mode"])(x),
    ],
)
OPERATIONS["rim"] = Operation(
    lambda shape: (
        {"widths": [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)], "value": [0.0, 1.0]}
        if len(shape) == 3 and shape[1] <= 5
        else None
    ),
    [lambda c, x: F.pad(x, c.a["widths"], value=c.a["value"]), lambda c, x: nn.ConstantPad2d(c.a["widths"], c.a["value"])(x)],
)
