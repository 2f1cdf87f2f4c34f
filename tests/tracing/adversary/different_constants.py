"""Numbers in the code, casts, autocast, and what forward returns."""

import dataclasses
import warnings
from typing import NamedTuple

import torch
from torch.nn import functional as F

from tests.tracing.adversary.networks import ROW, built, lin


def one(body, **more):
    return built(body, a=lin(), b=lin(4, 3), **more)


def cast(dtype):
    return one(lambda s, x: s.b(s.a(x).to(dtype).to(x.dtype)))


def autocast(dtype, *, enabled=True, part="all"):
    def body(s, x):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            y = s.a(x)
            if part == "all":
                return s.b(y.relu()).float()
        return s.b(y.float().relu())

    return one(body)


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


class Other(NamedTuple):
    logits: torch.Tensor
    features: torch.Tensor


@dataclasses.dataclass
class Found:
    logits: torch.Tensor
    scale: float = 1.0


def out(function):
    return one(lambda s, x: (lambda y: function(s.b(y), y))(s.a(x).relu()))


def positions(kind):
    def body(s, x):
        place = torch.arange(4, dtype=x.dtype)
        table = {"sin": place.sin(), "cos": place.cos(), "ramp": place / 4, "other ramp": place / 3, "down": 1 - place / 4}[
            kind
        ]
        return s.a(x + table)

    return one(body)


def times_relu(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(x) * 1.5


def times_tanh(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(x) * 1.5


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # deprecated, and still written
    scripted_relu, scripted_tanh = torch.jit.script(times_relu), torch.jit.script(times_tanh)


FAMILIES = {
    "numbers in the code": (
        ROW,
        {
            "plus 1": one(lambda s, x: s.a(x) + 1),
            "plus 1.001": one(lambda s, x: s.a(x) + 1.001),
            "times 2": one(lambda s, x: s.a(x) * 2),
            "times 2.5": one(lambda s, x: s.a(x) * 2.5),
            "over 3": one(lambda s, x: s.a(x) / 3),
            "whole over 3": one(lambda s, x: torch.floor(s.a(x) / 3)),
            "squared": one(lambda s, x: s.a(x) ** 2),
            "cubed": one(lambda s, x: s.a(x) ** 3),
            "root": one(lambda s, x: s.a(x).abs() ** 0.5),
            "clamped": one(lambda s, x: s.a(x).clamp(-0.5, 1)),
            "clamped above": one(lambda s, x: s.a(x).clamp(max=1)),
            "clamped below": one(lambda s, x: s.a(x).clamp(min=-0.5)),
            "clamped at 0.6": one(lambda s, x: s.a(x).clamp(-0.6, 1)),
            "alpha": one(lambda s, x: torch.add(s.a(x), x, alpha=2)),
            "alpha 3": one(lambda s, x: torch.add(s.a(x), x, alpha=3)),
            "sub alpha": one(lambda s, x: torch.sub(s.a(x), x, alpha=2)),
            "rsub": one(lambda s, x: torch.rsub(s.a(x), x, alpha=2)),
            "addcmul": one(lambda s, x: torch.addcmul(s.a(x), x, x, value=0.5)),
            "addcdiv": one(lambda s, x: torch.addcdiv(s.a(x), x, x**2 + 1, value=0.5)),
            "times minus 1": one(lambda s, x: -s.a(x)),
            "exponential": one(lambda s, x: s.a(x).exp()),
            "less 1": one(lambda s, x: s.a(x).expm1()),
            "power of 2": one(lambda s, x: 2 ** s.a(x)),
            "cumulative sum": one(lambda s, x: s.a(x).cumsum(1)),
            "cumulative product": one(lambda s, x: s.a(x).cumprod(1)),
            "sorted": one(lambda s, x: s.a(x).sort(1).values),
            "sorted down": one(lambda s, x: s.a(x).sort(1, descending=True).values),
            "top two": one(lambda s, x: s.a(x).topk(2, 1).values),
            "lowest two": one(lambda s, x: s.a(x).topk(2, 1, largest=False).values),
            "filled below": one(lambda s, x: s.a(x).masked_fill(x < 0, -1.0)),
            "filled above": one(lambda s, x: s.a(x).masked_fill(x > 0, -1.0)),
            "filled with 0": one(lambda s, x: s.a(x).masked_fill(x < 0, 0.0)),
            "picked": one(lambda s, x: s.a(x)[:, [0, 2, 1, 3]]),
            "picked otherwise": one(lambda s, x: s.a(x)[:, [0, 1, 3, 2]]),
            "gathered": one(lambda s, x: s.a(x).gather(1, x.argsort(1))),
            "gathered by the other": one(lambda s, x: s.a(x).gather(1, x.argsort(1, descending=True))),
        },
    ),
    "positions": (ROW, {k: positions(k) for k in ("sin", "cos", "ramp", "other ramp", "down")}),
    "casts": (
        ROW,
        {
            "none": one(lambda s, x: s.b(s.a(x))),
            "half": cast(torch.float16),
            "bfloat16": cast(torch.bfloat16),
            "integer": cast(torch.int32),
        },
    ),
    "autocast": (
        ROW,
        {
            "none": one(lambda s, x: s.b(s.a(x).relu())),
            "bfloat16": autocast(torch.bfloat16),
            "bfloat16 in part": autocast(torch.bfloat16, part="first"),
        },
    ),
    "what is returned": (
        ROW,
        {
            "logits": out(lambda y, h: y),
            "features": out(lambda y, h: h),
            "logits, features": out(lambda y, h: (y, h)),
            "features, logits": out(lambda y, h: (h, y)),
            "side by side": out(lambda y, h: torch.cat([y, h], 1)),
            "logits twice": out(lambda y, h: (y, y)),
            "in a tuple": out(lambda y, h: (y,)),
            "nested": out(lambda y, h: (y, (h, y))),
            "nested otherwise": out(lambda y, h: ((y, h), y)),
            "with a number": out(lambda y, h: (y, 1.0)),
            "with another": out(lambda y, h: (y, 2.0)),
            "with None": out(lambda y, h: (y, None)),
            "with a word": out(lambda y, h: (y, "auxiliary")),
            "by name": out(lambda y, h: {"logits": y, "features": h}),
            "names changed over": out(lambda y, h: {"logits": h, "features": y}),
            "other names": out(lambda y, h: {"out": y, "aux": h}),
            "named tuple": out(lambda y, h: Pair(y, h)),
            "other named tuple": out(lambda y, h: Other(y, h)),
            "dataclass": out(lambda y, h: Found(y)),
            "dataclass, scale 2": out(lambda y, h: Found(y, 2.0)),
            "a constant beside it": out(lambda y, h: (y, torch.zeros(3))),
            "other constant beside it": out(lambda y, h: (y, torch.ones(3))),
            "auxiliary in training": one(lambda s, x: (s.b(s.a(x)), s.a(x)) if s.training else s.b(s.a(x))),
            "highest": out(lambda y, h: y.argmax(1)),
            "with the highest": out(lambda y, h: (y, y.argmax(1))),
            "with the lowest": out(lambda y, h: (y, y.argmin(1))),
        },
    ),
    "foreach and scripts": (
        ROW,
        {
            "added": one(lambda s, x: s.b(torch._foreach_add([s.a(x)], 1.0)[0])),
            "multiplied": one(lambda s, x: s.b(torch._foreach_mul([s.a(x)], 2.0)[0])),
            "multiplied in place": one(lambda s, x: (lambda y: (torch._foreach_mul_([y], 3.0), s.b(y))[1])(s.a(x) * 1)),
            "not": one(lambda s, x: s.b(s.a(x))),
            "scripted relu": one(lambda s, x: s.b(scripted_relu(s.a(x)))),
            "scripted tanh": one(lambda s, x: s.b(scripted_tanh(s.a(x)))),
            "into out=": one(lambda s, x: s.b(s.a(x) + torch.sin(x, out=torch.empty_like(x)))),
            "cosine into out=": one(lambda s, x: s.b(s.a(x) + torch.cos(x, out=torch.empty_like(x)))),
            "by numpy": one(lambda s, x: s.b(s.a(x) * torch.from_numpy(x.detach().numpy() * 2))),
            "vectorised": one(lambda s, x: s.b(torch.vmap(lambda r: r.flip(0) * 2)(s.a(x)))),
            "derived": one(lambda s, x: s.b(torch.func.grad(lambda r: (r**3).sum())(x) + s.a(x))),
        },
    ),
    "powers and eps": (
        ROW,
        {
            "1e-5": one(lambda s, x: (lambda y: y / (y.var(1, keepdim=True) + 1e-5).sqrt())(s.a(x))),
            "1e-3": one(lambda s, x: (lambda y: y / (y.var(1, keepdim=True) + 1e-3).sqrt())(s.a(x))),
            "outside the root": one(lambda s, x: (lambda y: y / (y.var(1, keepdim=True).sqrt() + 1e-3))(s.a(x))),
            "label smoothing": one(lambda s, x: F.softmax(s.a(x), 1) * 0.9 + 0.1 / 4),
            "scaled logits": one(lambda s, x: F.normalize(s.a(x), dim=1) * 16),
            "scaled by 32": one(lambda s, x: F.normalize(s.a(x), dim=1) * 32),
        },
    ),
}
