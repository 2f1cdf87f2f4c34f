"""How torch spells resizing and shuffling of maps."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.arithmetic import number
from jitnas_fn.tracing.spellings.table import numbers, spelled
from jitnas_fn.tracing.spellings.views import view
from jitnas_fn.tracing.traced import Recorder


@spelled(F.interpolate, getattr(F, "upsample", None))
def _interpolate(
    r: Recorder,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    shape = r.shape(input)[2:]
    if (size is None) == (scale_factor is None):
        refuse("interpolate with both or none of size and scale_factor", "give one")
    scales = None
    if size is None:
        factors = [number(factor) for factor in numbers(scale_factor, len(shape))]
        wanted = [math.floor(length * factor) for length, factor in zip(shape, factors, strict=True)]
        exact = all(length * factor == new for length, factor, new in zip(shape, factors, wanted, strict=True))
        scales = None if exact or recompute_scale_factor or mode == "area" else factors
    else:
        wanted = numbers(size, len(shape))
    attrs = {
        "mode": mode,
        "size": wanted,
        "align_corners": bool(align_corners),
        "antialias": bool(antialias),
        "scales": None if align_corners else scales,
    }
    return r.compute("interpolate", [("x", input)], attrs)


def _regrouped(r: Recorder, x: Any, split: list[int], axes: list[int], joined: list[int]) -> Tensor:
    parts = view(r, x, "reshape", {"shape": split})
    return view(r, view(r, parts, "permute", {"axes": axes}), "reshape", {"shape": joined})


def _image(r: Recorder, x: Any) -> tuple[int, ...]:
    if len(r.shape(x)) != 4:
        refuse(f"a shuffle of {list(r.shape(x))}", "give (N, C, H, W)")
    return r.shape(x)


@spelled(torch.pixel_shuffle, F.pixel_shuffle)
def _pixel_shuffle(r: Recorder, input: Any, upscale_factor: int) -> Tensor:
    n, c, h, w = _image(r, input)
    s = upscale_factor
    k = c // s**2
    return _regrouped(r, input, [n, k, s, s, h, w], [0, 1, 4, 2, 5, 3], [n, k, h * s, w * s])


@spelled(torch.pixel_unshuffle, F.pixel_unshuffle)
def _pixel_unshuffle(r: Recorder, input: Any, downscale_factor: int) -> Tensor:
    n, c, h, w = _image(r, input)
    s = downscale_factor
    return _regrouped(r, input, [n, c, h // s, s, w // s, s], [0, 1, 3, 5, 2, 4], [n, c * s**2, h // s, w // s])


@spelled(torch.channel_shuffle, getattr(F, "channel_shuffle", None), getattr(torch, "native_channel_shuffle", None))
def _channel_shuffle(r: Recorder, input: Any, groups: int) -> Tensor:
    n, c, *rest = r.shape(input)
    axes = [0, 2, 1, *range(3, 3 + len(rest))]
    return _regrouped(r, input, [n, groups, c // groups, *rest], axes, [n, c, *rest])
