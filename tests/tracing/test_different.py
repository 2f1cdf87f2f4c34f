"""Pairs of networks that differ in what they compute, how they train or how they start: never one key."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.numerics import Net, key, key_or_refusal


def conv(**given):
    return nn.Conv2d(given.pop("i", 4), given.pop("o", 4), given.pop("k", 3), **given)


MAP = (4, 8, 8)
# Every variant of a family must have a key of its own: (shape, builders).
FAMILIES = {
    "conv": (
        MAP,
        [
            lambda: conv(),
            lambda: conv(padding=1),
            lambda: conv(stride=2),
            lambda: conv(stride=(2, 1)),
            lambda: conv(stride=(1, 2)),
            lambda: conv(dilation=2),
            lambda: conv(groups=2),
            lambda: conv(groups=4),
            lambda: conv(bias=False),
            lambda: conv(o=8),
            lambda: conv(k=1),
            lambda: conv(k=2),
            lambda: conv(k=(1, 3)),
            lambda: conv(k=(3, 1)),
            lambda: conv(k=2, padding="same"),
            lambda: conv(k=2, padding=1),
            lambda: conv(padding=1, padding_mode="reflect"),
            lambda: conv(padding=1, padding_mode="replicate"),
            lambda: conv(padding=1, padding_mode="circular"),
            lambda: conv(padding=(1, 0)),
            lambda: conv(padding=(0, 1)),
            lambda: nn.ConvTranspose2d(4, 4, 3),
            lambda: nn.ConvTranspose2d(4, 4, 3, stride=2),
            lambda: nn.ConvTranspose2d(4, 4, 3, stride=2, output_padding=1),
            lambda: nn.ConvTranspose2d(4, 4, 3, padding=1),
            lambda: nn.ConvTranspose2d(4, 4, 3, groups=2),
        ],
    ),
    "norm": (
        MAP,
        [
            lambda: nn.BatchNorm2d(4),
            lambda: nn.BatchNorm2d(4, eps=1e-3),
            lambda: nn.BatchNorm2d(4, momentum=0.2),
            lambda: nn.BatchNorm2d(4, affine=False),
            lambda: nn.BatchNorm2d(4, track_running_stats=False),
            lambda: nn.BatchNorm2d(4, affine=False, track_running_stats=False),
            lambda: nn.InstanceNorm2d(4),
            lambda: nn.InstanceNorm2d(4, affine=True),
            lambda: nn.InstanceNorm2d(4, eps=1e-3),
            lambda: nn.GroupNorm(1, 4),
            lambda: nn.GroupNorm(2, 4),
            lambda: nn.GroupNorm(4, 4),
            lambda: nn.GroupNorm(2, 4, affine=False),
            lambda: nn.LayerNorm([8]),
            lambda: nn.LayerNorm([8, 8]),
            lambda: nn.LayerNorm([4, 8, 8]),
            lambda: nn.LayerNorm([8], bias=False),
            lambda: nn.LayerNorm([8], elementwise_affine=False),
            lambda: nn.RMSNorm([8]),
            lambda: nn.RMSNorm([8], eps=1e-6),
            lambda: nn.LocalResponseNorm(2),
            lambda: nn.LocalResponseNorm(3),
            lambda: nn.LocalResponseNorm(3, k=2.0),
        ],
    ),
    "pool": (
        (4, 7, 7),
        [
            lambda: nn.MaxPool2d(2),
            lambda: nn.MaxPool2d(2, ceil_mode=True),
            lambda: nn.MaxPool2d(2, stride=1),
            lambda: nn.MaxPool2d(3, 2),
            lambda: nn.MaxPool2d(3, 2, padding=1),
            lambda: nn.MaxPool2d(2, 2, dilation=2),
            lambda: nn.AvgPool2d(2),
            lambda: nn.AvgPool2d(2, ceil_mode=True),
            lambda: nn.AvgPool2d(3, 2, padding=1),
            lambda: nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
            lambda: nn.AvgPool2d(2, divisor_override=3),
            lambda: nn.AdaptiveAvgPool2d(1),
            lambda: nn.AdaptiveAvgPool2d(3),
            lambda: nn.AdaptiveAvgPool2d((3, 2)),
            lambda: nn.AdaptiveAvgPool2d((None, 1)),
            lambda: nn.AdaptiveMaxPool2d(1),
            lambda: nn.AdaptiveMaxPool2d(3),
            lambda: Net(lambda s, x: x.amax((2, 3))),
            lambda: Net(lambda s, x: x.mean((2, 3))),
            lambda: Net(lambda s, x: x.sum((2, 3))),
            lambda: Net(lambda s, x: x.mean(1)),
        ],
    ),
    "activation": (
        (4,),
        [
            nn.ReLU,
            nn.ReLU6,
            nn.Sigmoid,
            nn.Tanh,
            nn.SiLU,
            nn.Mish,
            nn.SELU,
            nn.Hardswish,
            nn.Hardsigmoid,
            nn.Softsign,
            nn.Tanhshrink,
            nn.LogSigmoid,
            nn.GELU,
            lambda: nn.GELU("tanh"),
            nn.LeakyReLU,
            lambda: nn.LeakyReLU(0.2),
            nn.ELU,
            lambda: nn.ELU(0.5),
            lambda: nn.CELU(0.5),
            nn.Softplus,
            lambda: nn.Softplus(beta=2),
            lambda: nn.Softplus(threshold=5),
            nn.Hardtanh,
            lambda: nn.Hardtanh(-2, 1),
            lambda: nn.Hardtanh(-1, 2),
            nn.Softshrink,
            lambda: nn.Softshrink(0.1),
            nn.Hardshrink,
            lambda: nn.Threshold(0.1, 20),
            lambda: nn.Threshold(20, 0.1),
            lambda: nn.PReLU(),
            lambda: nn.PReLU(4),
            lambda: nn.PReLU(init=0.1),
            lambda: nn.Softmax(1),
            lambda: nn.LogSoftmax(1),
            lambda: nn.Softmin(1),
            lambda: nn.GLU(1),
        ],
    ),
    "dropout": (
        MAP,
        [
            lambda: nn.Sequential(nn.ReLU()),
            lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.1)),
            lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.2)),
            lambda: nn.Sequential(nn.ReLU(), nn.Dropout(1.0)),
            lambda: nn.Sequential(nn.ReLU(), nn.Dropout2d(0.1)),
            lambda: nn.Sequential(nn.ReLU(), nn.AlphaDropout(0.1)),
            lambda: nn.Sequential(nn.ReLU(), nn.FeatureAlphaDropout(0.1)),
            lambda: nn.Sequential(nn.Dropout(0.1), nn.ReLU(), nn.Dropout(0.1)),
            lambda: Net(lambda s, x: s.d(x) * s.d(x), d=nn.Dropout(0.1)),
            lambda: Net(lambda s, x: s.d(x).square(), d=nn.Dropout(0.1)),
        ],
    ),
    "padding": (
        MAP,
        [
            lambda: nn.ZeroPad2d(1),
            lambda: nn.ZeroPad2d((1, 0, 0, 0)),
            lambda: nn.ZeroPad2d((0, 1, 0, 0)),
            lambda: nn.ZeroPad2d((0, 0, 1, 0)),
            lambda: nn.ConstantPad2d(1, 2.0),
            lambda: nn.ReflectionPad2d(1),
            lambda: nn.ReplicationPad2d(1),
            lambda: nn.CircularPad2d(1),
            lambda: nn.ZeroPad2d(-1),
        ],
    ),
    "arithmetic": (
        (4,),
        [
            lambda: Net(lambda s, x: x + 1),
            lambda: Net(lambda s, x: x + 2),
            lambda: Net(lambda s, x: x - 1),
            lambda: Net(lambda s, x: 1 - x),
            lambda: Net(lambda s, x: x * 3),
            lambda: Net(lambda s, x: -x),
            lambda: Net(lambda s, x: x / 3),
            lambda: Net(lambda s, x: x * x),
            lambda: Net(lambda s, x: x * x * x),
            lambda: Net(lambda s, x: x + x * x),
            lambda: Net(lambda s, x: x * 1e-30),
            lambda: Net(lambda s, x: x * 1e30 + 1),
            lambda: Net(lambda s, x: (x + 1e30) - 1e30),
            lambda: Net(lambda s, x: x[:, :2]),
            lambda: Net(lambda s, x: x[:, 2:]),
            lambda: Net(lambda s, x: x[:, ::2]),
            lambda: Net(lambda s, x: torch.cat([x, x * 2], 1)),
            lambda: Net(lambda s, x: torch.cat([x * 2, x], 1)),
            lambda: Net(lambda s, x: torch.stack([x, x * 2], 1)),
            lambda: Net(lambda s, x: torch.stack([x, x * 2], 2)),
            lambda: Net(lambda s, x: x.view(-1, 2, 2).transpose(1, 2).flatten(1)),
            lambda: Net(lambda s, x: x.transpose(0, 1).reshape(-1, 4)),
        ],
    ),
    "sharing": (
        (4,),
        [
            lambda: Net(lambda s, x: s.a(s.a(x)), a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.b(s.a(x)), a=nn.Linear(4, 4), b=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.a(x) + s.a(x * 2), a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.a(x) + s.b(x * 2), a=nn.Linear(4, 4), b=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.a(x) + s.b(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.a(x) + s.a(x), a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.a(x) - s.b(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: s.a(x).relu() + x, a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: (s.a(x) + x).relu(), a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: F.linear(s.a(x), s.a.weight), a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: F.linear(F.linear(x, s.a.weight), s.a.weight, s.a.bias), a=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: F.linear(s.a(x), s.a.weight.mT), a=nn.Linear(4, 4)),
        ],
    ),
    "shared batch-norm": (
        (4,),
        [
            lambda: Net(lambda s, x: s.n(s.n(x)), n=nn.BatchNorm1d(4)),
            lambda: Net(lambda s, x: s.m(s.n(x)), n=nn.BatchNorm1d(4), m=nn.BatchNorm1d(4)),
            lambda: Net(lambda s, x: s.n(x) + 2 * s.n(x * 3), n=nn.BatchNorm1d(4)),
            lambda: Net(lambda s, x: 2 * s.n(x * 3) + s.n(x), n=nn.BatchNorm1d(4)),
        ],
    ),
    "gates and starts": (
        (4,),
        [
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.zeros(4))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.ones(4))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.full((4,), 0.1))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.randn(4))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.rand(4))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.randn(4) * 0.02)),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.zeros(1))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.zeros(()))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.ones(4), requires_grad=False)),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.randn(4), requires_grad=False)),
            lambda: Net(lambda s, x: x + s.g, g=nn.Parameter(torch.zeros(4))),
        ],
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_variant_of_a_layer_has_a_key_of_its_own(family):
    shape, builders = FAMILIES[family]
    keys = [key(build, shape) for build in builders]
    assert [(i, keys.index(k)) for i, k in enumerate(keys) if keys.index(k) != i] == []


def test_input_shape_and_dtype_count():
    relu = nn.ReLU()
    keys = {key(relu, (4,)), key(relu, (5,)), key(relu, (4, 1)), key(relu, (4,), dtype="float64")}
    assert len(keys) == 4


@pytest.mark.parametrize("freeze", [lambda m: m.weight, lambda m: m.bias])
def test_a_frozen_parameter_counts(freeze):
    def frozen():
        module = nn.Linear(4, 4)
        freeze(module).requires_grad_(False)
        return module

    assert key(frozen) != key(lambda: nn.Linear(4, 4))


def test_local_response_norm_of_zeros_without_k_is_not_zero():
    def body(s, x):
        return s.c(x) + F.local_response_norm(x * 0, 3, k=0.0)

    found = key_or_refusal(lambda: Net(body, c=conv(k=1)), MAP)
    assert found != key(lambda: Net(lambda s, x: s.c(x), c=conv(k=1)), MAP)


def test_a_deviation_is_not_the_root_of_a_variance():
    def build(spread):
        return lambda: Net(lambda s, x: spread(s.fc(x).relu()).unsqueeze(1), fc=nn.Linear(4, 4))

    still = torch.zeros(2, 4, requires_grad=True), torch.zeros(2, 4, requires_grad=True)
    still[0].std(1).sum().backward()
    still[1].var(1).sqrt().sum().backward()
    assert float(still[0].grad.sum()) == 0.0  # they differ where all numbers are one
    assert bool(still[1].grad.isnan().all())
    assert key(build(lambda h: h.std(1))) != key(build(lambda h: h.var(1).sqrt()))


def test_the_weights_that_attention_gives_back_are_those_that_dropout_left():
    def attending(p):
        return lambda: Net(lambda s, x: s.a(x, x, x)[1], a=nn.MultiheadAttention(8, 2, dropout=p, batch_first=True))

    assert key(attending(0.3), (5, 8)) != key(attending(0.0), (5, 8))
