"""The rebuilt network behaves as the original: families, odd layers, five steps of SGD."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jitnas_fn.graphs.architecture import Architecture
from tests.tracing.numerics import Net, key, losses, twins, worst_difference


def unit(i, o, k=3, **given):
    return nn.Sequential(nn.Conv2d(i, o, k, padding=k // 2, bias=False, **given), nn.BatchNorm2d(o), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.a = unit(i, o, stride=stride)
        self.b = nn.Sequential(nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o))
        self.short = nn.Sequential() if i == o and stride == 1 else nn.Conv2d(i, o, 1, stride)

    def forward(self, x):
        return F.relu(self.b(self.a(x)) + self.short(x))


class PreActivation(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n, self.m = nn.BatchNorm2d(c), nn.BatchNorm2d(c)
        self.a, self.b = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x):
        return x + self.b(self.m(self.a(self.n(x).relu())).relu_())


class SqueezeExcite(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = nn.Linear(c, 2), nn.Linear(2, c)

    def forward(self, x):
        n, c = x.shape[:2]
        gate = self.b(self.a(x.mean((2, 3))).relu()).sigmoid().view(n, c, 1, 1)
        return x * gate.expand_as(x)


class Inception(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.branches = nn.ModuleList([unit(c, 2, 1), unit(c, 3, 3), unit(c, 2, 5)])

    def forward(self, x):
        return torch.cat([*(b(x) for b in self.branches), F.max_pool2d(x, 3, 1, 1)], 1)


class Dense(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList([unit(c + 2 * i, 2) for i in range(3)])

    def forward(self, x):
        found = [x]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        return torch.cat(found, 1)


class Shuffled(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = unit(c, c, groups=2), unit(c, c, groups=c)

    def forward(self, x):
        y = self.a(x)
        n, c, h, w = y.size()
        return self.b(y.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)) + x


class Gated(nn.Module):
    """Weights of one number, which meet a wider value first."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b, self.how = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1)), forward

    def forward(self, x):
        return self.how(x, self.a, self.b)


class Noisy(nn.Module):
    """What is added in training stands between two terms that evaluation adds."""

    def forward(self, x):
        y = x.tanh()
        return (y + 2 * torch.rand_like(y) if self.training else y) - x.abs().sqrt()


class Dropped(nn.Module):
    """Stochastic depth of a quotient by a value."""

    def forward(self, x):
        y = 1.0 / (x.abs() + 1.0)
        return y * (torch.bernoulli(torch.full((y.shape[0], 1), 0.5)) / 0.5) if self.training else y


def stacked(*layers, features):
    return nn.Sequential(unit(3, 4), *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 5))


IMAGE, LINE = (3, 8, 8), (3, 12)
FAMILIES = {
    "plain": (IMAGE, lambda: nn.Sequential(unit(3, 4), nn.MaxPool2d(2), unit(4, 6), nn.Flatten(), nn.Linear(96, 5))),
    "residual": (IMAGE, lambda: stacked(Residual(4, 4, 1), Residual(4, 6, 2), features=6)),
    "pre-activation": (IMAGE, lambda: stacked(PreActivation(4), PreActivation(4), features=4)),
    "depthwise-separable": (IMAGE, lambda: stacked(unit(4, 4, groups=4), unit(4, 6, 1), features=6)),
    "squeeze-excite": (IMAGE, lambda: stacked(SqueezeExcite(4), features=4)),
    "inception": (IMAGE, lambda: stacked(Inception(4), features=11)),
    "dense": (IMAGE, lambda: stacked(Dense(4), features=10)),
    "shuffled": (IMAGE, lambda: stacked(Shuffled(4), features=4)),
    "shared": (
        IMAGE,
        lambda: Net(lambda s, x: s.f(s.c(s.c(s.i(x))).mean((2, 3))), i=unit(3, 4), c=unit(4, 4), f=nn.Linear(4, 5)),
    ),
    "one-dimensional": (
        LINE,
        lambda: nn.Sequential(
            nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.GELU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(20, 2)
        ),
    ),
    "three-dimensional": (
        (2, 4, 4, 4),
        lambda: nn.Sequential(nn.Conv3d(2, 3, 2), nn.BatchNorm3d(3), nn.AvgPool3d(3), nn.Flatten()),
    ),
    "gated twice": ((4,), lambda: Gated(lambda x, a, b: (x * a) * b)),
    "gated and squared": ((4,), lambda: Gated(lambda x, a, b: (x * a).square())),
    "shifted twice": ((4,), lambda: Gated(lambda x, a, b: (x + a) - b)),
    "crossed": ((4,), lambda: Gated(lambda x, a, b: (a * x[:, :, None]) * x[:, None] * b)),
    "perceptron": ((6,), lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 3))),
    "transposed": (
        IMAGE,
        lambda: nn.Sequential(nn.ConvTranspose2d(3, 4, 3, 2, 1, 1), nn.InstanceNorm2d(4, affine=True), nn.PReLU(4)),
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_rebuilt_exactly(family):
    shape, build = FAMILIES[family]
    torch.manual_seed(1)
    assert worst_difference(build(), shape) < 1e-10


RANDOM = {"partial sum of two modes": ((4,), Noisy), "inverse, then dropped": ((4,), Dropped)}


@pytest.mark.parametrize("family", [*FAMILIES, *RANDOM])
def test_a_rebuilt_network_and_a_document_read_back_keep_the_key(family):
    shape, build = (FAMILIES | RANDOM)[family]
    first = Architecture.from_module(build, input_shape=shape)
    assert Architecture.from_json(first.to_json()).fingerprint == first.fingerprint
    assert key(first.build(3), shape) == first.fingerprint


@pytest.mark.parametrize("family", ["residual", "dense", "shuffled", "perceptron", "shared"])
def test_five_steps_of_sgd_are_the_same(family):
    shape, build = FAMILIES[family]
    torch.manual_seed(2)
    module = build().double()
    rebuilt, _ = twins(module, shape)
    assert losses(rebuilt, shape) == pytest.approx(losses(module, shape), rel=1e-9)


M = (4, 7, 7)
ODD = {
    "even kernel, same": (M, lambda: nn.Conv2d(4, 4, 2, padding="same")),
    "even dilated kernel, same": (M, lambda: nn.Conv2d(4, 4, (2, 4), dilation=(1, 3), padding="same")),
    "same and reflected": (M, lambda: nn.Conv2d(4, 4, 4, padding="same", padding_mode="reflect")),
    "circular": (M, lambda: nn.Conv2d(4, 4, 3, padding=(2, 1), padding_mode="circular")),
    "ceil": (M, lambda: nn.AvgPool2d(2, 2, ceil_mode=True)),
    "ceil, padded, not counted": (M, lambda: nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)),
    "divisor": (M, lambda: nn.AvgPool2d(2, divisor_override=3)),
    "max dilated": (M, lambda: nn.MaxPool2d(3, 2, 1, 2, ceil_mode=True)),
    "adaptive 7 to 3": (M, lambda: nn.AdaptiveAvgPool2d((3, None))),
    "adaptive up": (M, lambda: nn.AdaptiveAvgPool2d(9)),
    "adaptive max": (M, lambda: nn.AdaptiveMaxPool2d((2, 5))),
    "local response": (M, lambda: nn.LocalResponseNorm(3, 0.1, 0.5, 2.0)),
    "group norm": (M, lambda: nn.GroupNorm(2, 4)),
    "rms norm": ((5,), lambda: nn.RMSNorm(5)),
    "batch-norm without statistics": (M, lambda: nn.BatchNorm2d(4, track_running_stats=False)),
    "batch-norm twice": (M, lambda: Net(lambda s, x: s.n(s.n(x) * 2 + 1), n=nn.BatchNorm2d(4))),
    "batch-norm in order": (M, lambda: Net(lambda s, x: 3 * s.n(x) + s.n(2 * x + 1), n=nn.BatchNorm2d(4))),
    "crop": (M, lambda: nn.ConstantPad2d((-1, 2, 0, -2), 1.5)),
    "glu": (M, lambda: nn.GLU(1)),
    "shared prelu": (M, lambda: nn.PReLU()),
    "tied": ((4,), lambda: Net(lambda s, x: F.linear(s.f(x).tanh(), s.f.weight.mT), f=nn.Linear(4, 4))),
    "fold batch": ((6, 4), lambda: Net(lambda s, x: s.n(x.view(-1, 4)).view(x.shape), n=nn.BatchNorm1d(4))),
    "batch moved": ((6, 4), lambda: Net(lambda s, x: s.f(x.permute(1, 0, 2)).transpose(0, 1), f=nn.Linear(4, 4))),
    "rows mixed": ((4,), lambda: Net(lambda s, x: s.f(x).transpose(0, 1).reshape(-1, 4), f=nn.Linear(4, 4))),
    "zero gate": ((4,), lambda: Net(lambda s, x: x + s.g * s.f(x), f=nn.Linear(4, 4), g=nn.Parameter(torch.zeros(())))),
    "token": (
        (3, 4),
        lambda: Net(lambda s, x: torch.cat([s.t.expand(x.shape[0], -1, -1), x], 1), t=nn.Parameter(torch.zeros(1, 1, 4))),
    ),
    "scales": ((4,), lambda: Net(lambda s, x: (x / 3 - 1e-9 + s.f(x) * -0.25 + x * x / 7) * 1e-20 * 1e20, f=nn.Linear(4, 4))),
    "repeated terms": ((4,), lambda: Net(lambda s, x: (lambda h: h + h - x + h * h * h)(s.f(x)), f=nn.Linear(4, 4))),
    "minus itself": ((4,), lambda: Net(lambda s, x: s.f(x) - s.f(x) + x, f=nn.Linear(4, 4))),
    "pieces in place": ((4,), lambda: Net(lambda s, x: torch.cat([s.f(x)[:, :2].relu_(), x[:, 1:3]], 1), f=nn.Linear(4, 4))),
    "frozen part": (
        (4,),
        lambda: Net(lambda s, x: s.f(x) * s.k, f=nn.Linear(4, 4), k=nn.Parameter(torch.ones(4), requires_grad=False)),
    ),
    "softmax over maps": (M, lambda: Net(lambda s, x: x.flatten(2).softmax(-1).view_as(x) * x)),
}


@pytest.mark.filterwarnings("ignore:Using padding")
@pytest.mark.parametrize("name", ODD)
def test_an_odd_layer_is_rebuilt_exactly(name):
    shape, build = ODD[name]
    torch.manual_seed(4)
    assert worst_difference(build(), shape) < 1e-10
    first = Architecture.from_module(build, input_shape=shape)
    assert key(first.build(0), shape) == first.fingerprint


ACTIVATIONS = [
    nn.ReLU6(),
    nn.SiLU(),
    nn.Mish(),
    nn.SELU(),
    nn.Hardswish(),
    nn.Hardsigmoid(),
    nn.Softsign(),
    nn.Tanhshrink(),
    nn.LogSigmoid(),
    nn.GELU("tanh"),
    nn.LeakyReLU(0.3),
    nn.ELU(0.7),
    nn.CELU(0.7),
    nn.Softplus(2, 3),
    nn.Hardtanh(-0.3, 0.6),
    nn.Softshrink(0.2),
    nn.Hardshrink(0.2),
    nn.Threshold(0.1, 0.9),
    nn.Softmin(1),
    nn.LogSoftmax(1),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_an_activation_is_rebuilt_exactly(activation):
    assert worst_difference(nn.Sequential(nn.Linear(4, 4), activation), (4,)) < 1e-12


@pytest.mark.parametrize("layer", [nn.Dropout, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout])
@pytest.mark.parametrize("p", [0.2, 0.5, 1.0])
def test_dropout_keeps_the_share_the_mean_and_the_spread_that_torch_keeps(layer, p):
    module = layer(p)
    shape = (40, 5, 5)
    network = Architecture.from_module(module, input_shape=shape).build(1).train()
    x = torch.randn(200, *shape, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    ours, theirs = network(x), module.train()(x)
    assert (ours == 0).float().mean().item() == pytest.approx((theirs == 0).float().mean().item(), abs=0.02)
    assert ours.mean().item() == pytest.approx(theirs.mean().item(), abs=0.03)
    assert ours.std().item() == pytest.approx(theirs.std().item(), abs=0.03)
    whole = ours.var((2, 3)) if ours.std() else torch.zeros(1)
    there = theirs.var((2, 3)) if theirs.std() else torch.zeros(1)
    assert (whole < 1e-9).float().mean().item() == pytest.approx((there < 1e-9).float().mean().item(), abs=0.02)


def test_a_random_buffer_does_not_begin_with_the_numbers_of_a_parameter():
    def build():
        module = nn.Linear(4, 4)
        module.register_buffer("features", torch.rand(4, 4))
        module.forward = lambda x: F.linear(x, module.weight, module.bias) @ module.features
        return module

    rebuilt = Architecture.from_module(build, (4,)).build(5)
    buffer, weight = rebuilt.b0.flatten(), next(p for p in rebuilt.parameters() if p.dim() == 2).detach().flatten()
    assert abs(float(torch.corrcoef(torch.stack([buffer, weight]))[0, 1])) < 0.9
