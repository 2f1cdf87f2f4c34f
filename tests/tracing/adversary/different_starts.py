"""Networks that compute the same and start differently, and contents that training never changes."""

import copy
import math

import torch
from torch import nn
from torch.nn import init
from torch.nn.utils import parametrizations, prune

from tests.tracing.adversary.networks import ROW, Net, built, free, lin, normal, ones


def started(change):
    """A linear layer of 8 by 8 whose construction ends with this change."""

    def build():
        layer = nn.Linear(8, 8)
        change(layer)
        return nn.Sequential(layer, nn.ReLU())

    return build


def gate(make):
    return built(lambda s, x: x + s.g * s.a(x), a=lin(), g=make)


def constant(value, *shape):
    return free(lambda: torch.full(shape, value))


def filled(layer, function, *given):
    function(layer.weight, *given)


def last_zero(value):
    """The last norm of a residual block starts at zero, or does not."""

    def setup(s):
        init.constant_(s.n.weight, value)

    return built(lambda s, x: x + s.n(s.a(x)), a=lin(), n=lambda: nn.BatchNorm1d(4), setup=setup)


def forget(place):
    def setup(s):
        with torch.no_grad():
            s.b.bias.zero_()
            if place is not None:
                s.b.bias[place : place + 4] = 1.0

    return built(lambda s, x: s.b(x), b=lin(4, 8), setup=setup)


def cloned(make):
    return built(lambda s, x: s.l[1](s.l[0](x).relu()), l=make)


def sequence_of_clones():
    one = nn.Linear(4, 4)
    return nn.ModuleList([copy.deepcopy(one), copy.deepcopy(one)])


def frozen(make):
    return built(lambda s, x: s.a(x) * s.g, a=lin(), g=lambda: nn.Parameter(make(), requires_grad=False))


def buffer(make):
    return built(lambda s, x: s.a(x) * s.g, a=lin(), g=make)


def plain(make):
    return built(lambda s, x: s.a(x) * s.g.to(x.dtype), a=lin(), plain={"g": make})


def parametrized(wrap):
    def build():
        net = Net(lambda s, x: s.a(x), a=nn.Linear(4, 4))
        wrap(net.a)
        return net

    return build


def embedded(std):
    def setup(s):
        if std is not None:
            init.normal_(s.e.weight, 0, std)

    return built(lambda s, x: s.f(s.e.weight.mean(0) + x), e=lambda: nn.Embedding(9, 4), f=lin(), setup=setup)


FAMILIES = {
    "distributions": (
        (8,),
        {
            "default": started(lambda m: None),
            "xavier uniform": started(lambda m: filled(m, init.xavier_uniform_)),
            "xavier normal": started(lambda m: filled(m, init.xavier_normal_)),
            "kaiming normal": started(lambda m: filled(m, init.kaiming_normal_)),
            "kaiming uniform": started(lambda m: filled(m, init.kaiming_uniform_)),
            "kaiming of a leaky relu": started(lambda m: filled(m, init.kaiming_uniform_, 2.0)),
            "normal 0.02": started(lambda m: filled(m, init.normal_, 0, 0.02)),
            "truncated 0.02": started(lambda m: filled(m, init.trunc_normal_, 0, 0.02, -0.02, 0.02)),
            "orthogonal": started(lambda m: filled(m, init.orthogonal_)),
            "identity": started(lambda m: filled(m, init.eye_)),
            "zero weight": started(lambda m: filled(m, init.zeros_)),
            "zero bias": started(lambda m: init.zeros_(m.bias)),
            "bias of one": started(lambda m: init.ones_(m.bias)),
            "prior in the bias": started(lambda m: init.constant_(m.bias, -math.log(99))),
            "halved": started(lambda m: m.weight.data.mul_(0.5)),
            "one row zero": started(lambda m: m.weight.data[0].zero_()),
            "another row zero": started(lambda m: m.weight.data[1].zero_()),
            "symmetric": started(lambda m: m.weight.data.copy_((m.weight + m.weight.T) / 2)),
            "all rows alike": started(lambda m: m.weight.data.copy_(m.weight[:1].expand(8, 8).clone())),
            "sparse": started(lambda m: filled(m, init.sparse_, 0.5)),
            "absolute": started(lambda m: m.weight.data.abs_()),
            "clamped": started(lambda m: m.weight.data.clamp_(-0.1, 0.1)),
            "normalised rows": started(lambda m: m.weight.data.div_(m.weight.data.norm(dim=1, keepdim=True))),
        },
    ),
    "gates": (
        ROW,
        {
            "zero": gate(constant(0.0, 4)),
            "one": gate(ones(4)),
            "1e-4": gate(constant(1e-4, 4)),
            "1e-6": gate(constant(1e-6, 4)),
            "normal": gate(normal(4)),
            "small normal": gate(normal(4, std=0.02)),
            "uniform": gate(free(lambda: torch.rand(4))),
            "one number": gate(constant(0.0, 1)),
            "a scalar": gate(constant(0.0)),
            "ramp": gate(free(lambda: torch.linspace(0, 1, 4))),
            "ramp down": gate(free(lambda: torch.linspace(1, 0, 4))),
            "first one": gate(free(lambda: torch.tensor([1.0, 0, 0, 0]))),
            "frozen one": gate(lambda: nn.Parameter(torch.ones(4), requires_grad=False)),
        },
    ),
    "zero-gamma": (ROW, {str(v): last_zero(v) for v in (0.0, 1.0, 0.5)}),
    "bias of one gate": (ROW, {str(p): forget(p) for p in (None, 0, 4)}),
    "clones": (
        ROW,
        {
            "independent": cloned(lambda: nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])),
            "deep copies": cloned(sequence_of_clones),
            "one module twice": cloned(lambda: nn.ModuleList([nn.Linear(4, 4)] * 2)),
        },
    ),
    "frozen values": (
        ROW,
        {
            "ones": frozen(lambda: torch.ones(4)),
            "twos": frozen(lambda: torch.full((4,), 2.0)),
            "ramp": frozen(lambda: torch.arange(4.0)),
            "ramp down": frozen(lambda: torch.arange(4.0).flip(0)),
            "random": frozen(lambda: torch.randn(4)),
            "random, small": frozen(lambda: torch.randn(4) * 0.1),
            "random, uniform": frozen(lambda: torch.rand(4)),
            "given once": frozen(lambda: torch.randn(4, generator=torch.Generator().manual_seed(1))),
            "given otherwise": frozen(lambda: torch.randn(4, generator=torch.Generator().manual_seed(2))),
        },
    ),
    "contents of buffers": (
        ROW,
        {
            "ones and two": buffer(lambda: torch.tensor([1.0, 1, 1, 2])),
            "two and ones": buffer(lambda: torch.tensor([2.0, 1, 1, 1])),
            "nearly ones": buffer(lambda: torch.tensor([1.0, 1, 1, 1.001])),
            "mask": buffer(lambda: torch.tensor([1.0, 0, 1, 0])),
            "other mask": buffer(lambda: torch.tensor([0.0, 1, 0, 1])),
            "minus zero and infinity": buffer(lambda: torch.tensor([0.0, 1, 2, 3])),
            "random": buffer(lambda: torch.randn(4)),
        },
    ),
    "contents of plain tensors": (
        ROW,
        {
            "mask": plain(lambda: torch.tensor([1.0, 0, 1, 0])),
            "other mask": plain(lambda: torch.tensor([0.0, 1, 0, 1])),
            "integers": plain(lambda: torch.tensor([1, 2, 3, 4])),
            "truth": plain(lambda: torch.tensor([True, True, False, False])),
        },
    ),
    "parametrizations": (
        ROW,
        {
            "plain": parametrized(lambda m: None),
            "weight norm": parametrized(parametrizations.weight_norm),
            "weight norm of columns": parametrized(lambda m: parametrizations.weight_norm(m, dim=1)),
            "spectral norm": parametrized(parametrizations.spectral_norm),
            "spectral norm, two steps": parametrized(lambda m: parametrizations.spectral_norm(m, n_power_iterations=2)),
            "orthogonal": parametrized(parametrizations.orthogonal),
            "pruned": parametrized(lambda m: prune.custom_from_mask(m, "weight", torch.eye(4))),
            "pruned below": parametrized(lambda m: prune.custom_from_mask(m, "weight", torch.ones(4, 4).tril())),
        },
    ),
    "embeddings' starts": (ROW, {"default": embedded(None), "0.02": embedded(0.02), "0.1": embedded(0.1)}),
}
