"""Pooling, resampling, dropout kinds, and where things are put in memory."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, built, conv, lin

ODD = (4, 7, 7)


def pooled(make):
    return lambda: nn.Sequential(nn.Conv2d(4, 4, 1), make())


def sized(**given):
    return built(lambda s, x: F.interpolate(s.c(x), **given), c=conv(k=1))


def dropped(make):
    return lambda: nn.Sequential(nn.Conv2d(4, 4, 1), make())


FAMILIES = {
    "pooling": (
        ODD,
        {
            "max 2": pooled(lambda: nn.MaxPool2d(2)),
            "max 2, ceil": pooled(lambda: nn.MaxPool2d(2, ceil_mode=True)),
            "max 3": pooled(lambda: nn.MaxPool2d(3, 2)),
            "max 3, padded": pooled(lambda: nn.MaxPool2d(3, 2, padding=1)),
            "max 2, stride 1": pooled(lambda: nn.MaxPool2d(2, 1)),
            "max 2, dilated": pooled(lambda: nn.MaxPool2d(2, 2, dilation=2)),
            "average 2": pooled(lambda: nn.AvgPool2d(2)),
            "average 2, ceil": pooled(lambda: nn.AvgPool2d(2, ceil_mode=True)),
            "average 3, padded": pooled(lambda: nn.AvgPool2d(3, 2, padding=1)),
            "average 3, padded, uncounted": pooled(lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)),
            "average, divisor": pooled(lambda: nn.AvgPool2d(2, divisor_override=3)),
            "power 2": pooled(lambda: nn.LPPool2d(2, 2)),
            "power 3": pooled(lambda: nn.LPPool2d(3, 2)),
            "adaptive average 3": pooled(lambda: nn.AdaptiveAvgPool2d(3)),
            "adaptive max 5": pooled(lambda: nn.AdaptiveMaxPool2d(5)),
            "strided slice": built(lambda s, x: s.c(x)[:, :, ::2, ::2][:, :, :3, :3], c=conv(k=1)),
            "strided slice from 1": built(lambda s, x: s.c(x)[:, :, 1::2, 1::2], c=conv(k=1)),
            "indices of max": built(lambda s, x: F.max_pool2d(s.c(x), 2, return_indices=True), c=conv(k=1)),
            "fractional": pooled(lambda: nn.FractionalMaxPool2d(2, output_size=3)),
        },
    ),
    "global pooling": (
        MAP,
        {
            "mean": built(lambda s, x: s.c(x).mean((2, 3)), c=conv(k=1)),
            "max": built(lambda s, x: s.c(x).amax((2, 3)), c=conv(k=1)),
            "sum": built(lambda s, x: s.c(x).sum((2, 3)), c=conv(k=1)),
            "norm": built(lambda s, x: s.c(x).norm(dim=(2, 3)), c=conv(k=1)),
            "variance": built(lambda s, x: s.c(x).var((2, 3)), c=conv(k=1)),
            "biased variance": built(lambda s, x: s.c(x).var((2, 3), unbiased=False), c=conv(k=1)),
            "deviation": built(lambda s, x: s.c(x).std((2, 3)), c=conv(k=1)),
            "logsumexp": built(lambda s, x: torch.logsumexp(s.c(x), (2, 3)), c=conv(k=1)),
            "generalised": built(lambda s, x: s.c(x).clamp(min=1e-6).pow(3).mean((2, 3)).pow(1 / 3), c=conv(k=1)),
            "generalised 4": built(lambda s, x: s.c(x).clamp(min=1e-6).pow(4).mean((2, 3)).pow(1 / 4), c=conv(k=1)),
            "first": built(lambda s, x: s.c(x)[:, :, 0, 0], c=conv(k=1)),
            "median": built(lambda s, x: s.c(x).flatten(2).median(2).values, c=conv(k=1)),
            "max by topk": built(lambda s, x: s.c(x).flatten(2).topk(2, 2).values.mean(2), c=conv(k=1)),
        },
    ),
    "resampling": (
        (4, 5, 5),
        {
            "nearest": sized(scale_factor=2),
            "nearest exact": sized(size=(8, 8), mode="nearest-exact"),
            "nearest, uneven": sized(size=(8, 8)),
            "bilinear": sized(scale_factor=2, mode="bilinear"),
            "bilinear aligned": sized(scale_factor=2, mode="bilinear", align_corners=True),
            "bilinear uneven": sized(size=(9, 9), mode="bilinear"),
            "bilinear antialias": sized(size=(3, 3), mode="bilinear", antialias=True),
            "bilinear down": sized(size=(3, 3), mode="bilinear"),
            "area down": sized(size=(3, 3), mode="area"),
            "nearest down": sized(size=(3, 3)),
            "bicubic": sized(scale_factor=2, mode="bicubic"),
            "bicubic aligned": sized(scale_factor=2, mode="bicubic", align_corners=True),
            "scale 1.7": sized(scale_factor=1.7, mode="bilinear"),
            "scale 1.7 recomputed": sized(scale_factor=1.7, mode="bilinear", recompute_scale_factor=True),
            "shuffle": built(lambda s, x: F.pixel_shuffle(s.c(x), 2), c=conv(k=1)),
            "unshuffle": built(lambda s, x: F.pixel_unshuffle(F.pad(s.c(x), (0, 1, 0, 1)), 2), c=conv(k=1)),
            "interleaved": built(lambda s, x: s.c(x).repeat(1, 1, 2, 2), c=conv(k=1)),
            "with zeros": built(lambda s, x: F.pad(s.c(x), (0, 5, 0, 5)), c=conv(k=1)),
        },
    ),
    "dropout": (
        MAP,
        {
            "none": dropped(nn.Identity),
            "element": dropped(lambda: nn.Dropout(0.3)),
            "element 0.6": dropped(lambda: nn.Dropout(0.6)),
            "channel": dropped(lambda: nn.Dropout2d(0.3)),
            "alpha": dropped(lambda: nn.AlphaDropout(0.3)),
            "feature alpha": dropped(lambda: nn.FeatureAlphaDropout(0.3)),
            "twice": dropped(lambda: nn.Sequential(nn.Dropout(0.3), nn.Dropout(0.3))),
            "in evaluation too": built(lambda s, x: F.dropout(s.c(x), 0.3, training=True), c=conv(k=1)),
            "before": lambda: nn.Sequential(nn.Dropout(0.3), nn.Conv2d(4, 4, 1)),
            "all": dropped(lambda: nn.Dropout(1.0)),
            "not rescaled": built(
                lambda s, x: F.dropout(s.c(x), 0.3, training=s.training) * (0.7 if s.training else 1.0), c=conv(k=1)
            ),
            "one mask for all samples": built(
                lambda s, x: s.c(x) * F.dropout(torch.ones(1, 4, 8, 8, dtype=x.dtype), 0.3, training=s.training), c=conv(k=1)
            ),
        },
    ),
    "order of axes": (
        MAP,
        {
            "flat": built(lambda s, x: s.f(x.flatten(1)), f=lin(256, 3)),
            "axes turned, flat": built(lambda s, x: s.f(x.permute(0, 2, 3, 1).flatten(1)), f=lin(256, 3)),
            "flipped": built(lambda s, x: s.f(s.c(x).flip(3).flatten(1)[:, :256]), c=conv(k=1), f=lin(256, 3)),
            "not flipped": built(lambda s, x: s.f(s.c(x).flatten(1)[:, :256]), c=conv(k=1), f=lin(256, 3)),
            "rolled": built(lambda s, x: s.c(torch.roll(x, 1, 2)), c=conv()),
            "rolled back": built(lambda s, x: s.c(torch.roll(x, -1, 2)), c=conv()),
            "rolled columns": built(lambda s, x: s.c(torch.roll(x, 1, 3)), c=conv()),
            "not rolled": built(lambda s, x: s.c(x), c=conv()),
            "rotated": built(lambda s, x: s.c(torch.rot90(x, 1, (2, 3))), c=conv()),
            "turned": built(lambda s, x: s.c(x.transpose(2, 3)), c=conv()),
        },
    ),
    "channel shuffle": (
        MAP,
        {
            "2 groups": built(lambda s, x: s.c(x.view(-1, 2, 2, 8, 8).transpose(1, 2).reshape(-1, 4, 8, 8)), c=conv(groups=2)),
            "none": built(lambda s, x: s.c(x), c=conv(groups=2)),
            "shift": built(lambda s, x: s.c(torch.cat([x[:, 1:], x[:, :1]], 1)), c=conv(groups=2)),
            "reversed": built(lambda s, x: s.c(x.flip(1)), c=conv(groups=2)),
            "scrambled by a wrong view": built(lambda s, x: s.c(x.reshape(-1, 8, 8, 4).permute(0, 3, 1, 2)), c=conv(groups=2)),
        },
    ),
}
