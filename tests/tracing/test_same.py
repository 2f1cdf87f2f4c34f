"""Spellings of one network: one key."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.numerics import Net, key

MAP = (4, 8, 8)


def conv(**given):
    return nn.Conv2d(given.pop("i", 4), given.pop("o", 4), given.pop("k", 3), **given)


def head(body):
    return lambda: Net(body, c=conv(), f=nn.Linear(4, 3))


def flat(body):
    return lambda: Net(body, c=conv(), f=nn.Linear(144, 3))


def twice(body):
    return lambda: Net(body, a=nn.Linear(4, 4), b=nn.Linear(4, 4))


class InOrder(nn.Module):
    def __init__(self, *, swapped):
        super().__init__()
        names = ["first", "second"]
        for name in reversed(names) if swapped else names:
            setattr(self, name, nn.Linear(4, 4))

    def forward(self, x):
        return self.second(self.first(x).relu())


class BoundForward(nn.Linear):
    def forward(self, x, scale=1.0):
        return F.linear(x, self.weight, self.bias) * scale


GROUPS = {
    "global average pooling": (
        MAP,
        [
            head(lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), 1).flatten(1))),
            head(lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), (1, 1)).view(x.shape[0], -1))),
            head(lambda s, x: s.f(s.c(x).mean((2, 3)))),
            head(lambda s, x: s.f(s.c(x).mean([-2, -1]))),
            head(lambda s, x: s.f(torch.mean(s.c(x), dim=(2, 3), keepdim=True).reshape(x.size(0), -1))),
            head(lambda s, x: s.f(F.avg_pool2d(s.c(x), 6).flatten(1))),
            head(lambda s, x: s.f(F.avg_pool2d(s.c(x), s.c(x).shape[2:]).squeeze(-1).squeeze(-1))),
            lambda: nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
            lambda: nn.Sequential(nn.Sequential(conv(), nn.Identity()), nn.AvgPool2d(6), nn.Flatten(1, -1), nn.Linear(4, 3)),
        ],
    ),
    "flatten": (
        MAP,
        [
            flat(lambda s, x: s.f(s.c(x).flatten(1))),
            flat(lambda s, x: s.f(torch.flatten(s.c(x), 1))),
            flat(lambda s, x: s.f(s.c(x).view(x.size(0), -1))),
            flat(lambda s, x: s.f(s.c(x).view(-1, 144))),
            flat(lambda s, x: s.f(s.c(x).reshape(-1, 4 * 6 * 6))),
            flat(lambda s, x: s.f(s.c(x).flatten(2).flatten(1))),
            flat(lambda s, x: s.f(s.c(x).contiguous().clone().unsqueeze(1).flatten(1))),
            lambda: nn.Sequential(conv(), nn.Flatten(), nn.Linear(144, 3)),
        ],
    ),
    "two layers": (
        (4,),
        [
            twice(lambda s, x: s.b(s.a(x).relu())),
            twice(lambda s, x: s.a(F.relu(s.b(x)))),
            twice(lambda s, x: s.a(F.relu(s.b(x), inplace=True))),
            twice(lambda s, x: s.a(torch.relu_(s.b(x)))),
            twice(lambda s, x: F.linear(F.linear(x, s.a.weight, s.a.bias).relu(), s.b.weight, s.b.bias)),
            lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Dropout(0.0), nn.Linear(4, 4)),
            lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Identity(), nn.Sequential(nn.Linear(4, 4))),
            lambda: InOrder(swapped=False),
            lambda: InOrder(swapped=True),
            lambda: nn.Sequential(BoundForward(4, 4), nn.ReLU(), BoundForward(4, 4)),
            lambda: InOrder(swapped=True).eval(),
            lambda: Net(lambda s, x: s.b(s.a(x).relu()), a=nn.Linear(4, 4), b=nn.Linear(4, 4), dead=nn.Linear(9, 9)),
            twice(lambda s, x: [s.a(x * 2), s.b(s.a(x).relu())][1]),
        ],
    ),
    "sum of branches": (
        (4,),
        [
            twice(lambda s, x: s.a(x) + s.b(x).relu() + x),
            twice(lambda s, x: x + (s.b(x).relu() + s.a(x))),
            twice(lambda s, x: s.b(x) + s.a(x).relu() + x),
            twice(lambda s, x: torch.add(x, s.a(x)) + torch.relu(s.b(x))),
            twice(lambda s, x: s.a(x).add_(x).add(s.b(x).relu())),
            twice(lambda s, x: x - (-s.a(x)) + s.b(x).relu()),
            twice(lambda s, x: x + s.a(x) + s.b(x).relu() + 0),
            twice(lambda s, x: sum([s.a(x), s.b(x).relu(), x])),
            twice(lambda s, x: s.b(x).relu() + s.a(x) * 1 + x),
        ],
    ),
    "product": (
        (4,),
        [
            twice(lambda s, x: s.a(x) * s.b(x).sigmoid() * x),
            twice(lambda s, x: x * (s.b(x).sigmoid() * s.a(x))),
            twice(lambda s, x: torch.mul(s.b(x), x) * torch.sigmoid(s.a(x))),
        ],
    ),
    "arguments": (
        MAP,
        [
            lambda: conv(padding=1),
            lambda: conv(k=(3, 3), padding=(1, 1), stride=(1, 1)),
            lambda: conv(padding="same"),
            lambda: nn.Sequential(nn.ZeroPad2d(0), conv(padding=1)),
            lambda: Net(lambda s, x: F.conv2d(x, s.c.weight, s.c.bias, padding=1), c=conv()),
            lambda: Net(lambda s, x: torch.conv2d(x, s.c.weight, s.c.bias, 1, [1, 1], 1, 1), c=conv()),
        ],
    ),
    "squares and scales": (
        (4,),
        [
            lambda: Net(lambda s, x: x * x),
            lambda: Net(lambda s, x: x**2),
            lambda: Net(lambda s, x: x.pow(2)),
            lambda: Net(lambda s, x: torch.square(x)),
        ],
    ),
    "halves": ((4,), [lambda: Net(lambda s, x: x / 2), lambda: Net(lambda s, x: x * 0.5), lambda: Net(lambda s, x: 0.5 * x)]),
    "pieces": (
        (4,),
        [
            lambda: Net(lambda s, x: x[:, :2] * x[:, 2:]),
            lambda: Net(lambda s, x: torch.mul(*x.chunk(2, 1))),
            lambda: Net(lambda s, x: torch.mul(*x.split(2, dim=1))),
            lambda: Net(lambda s, x: torch.mul(*torch.split(x, [2, 2], -1))),
            lambda: Net(lambda s, x: x.narrow(1, 0, 2) * x.narrow(1, 2, 2)),
            lambda: Net(lambda s, x: x[..., :2] * x[..., -2:]),
        ],
    ),
    "channel shuffle": (
        MAP,
        [
            lambda: Net(lambda s, x: x.view(x.size(0), 2, 2, 8, 8).transpose(1, 2).contiguous().view(x.size(0), 4, 8, 8)),
            lambda: Net(lambda s, x: x.reshape(-1, 2, 2, 8, 8).permute(0, 2, 1, 3, 4).reshape(x.shape)),
            lambda: Net(lambda s, x: x.unflatten(1, (2, 2)).swapaxes(1, 2).flatten(1, 2)),
        ],
    ),
    "leaky": ((4,), [nn.LeakyReLU, lambda: nn.LeakyReLU(inplace=True), lambda: Net(lambda s, x: F.leaky_relu(x, 0.01))]),
    "relu6": ((4,), [nn.ReLU6, lambda: nn.Hardtanh(0, 6), lambda: Net(lambda s, x: F.relu6(x))]),
    "a branch times zero": (
        (4,),
        [twice(lambda s, x: s.a(x) + 0 * s.b(x)), lambda: nn.Linear(4, 4), twice(lambda s, x: s.b(x) + s.a(x) * 0.0)],
    ),
    "drop": (
        (4,),
        [
            lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3)),
            lambda: Net(lambda s, x: F.dropout(s.fc(x), 0.3, s.training), fc=nn.Linear(4, 4)),
            lambda: Net(lambda s, x: F.dropout(s.fc(x), p=0.3, training=s.training, inplace=True), fc=nn.Linear(4, 4)),
        ],
    ),
    "starts": (
        (4,),
        [
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.zeros(4))),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(nn.init.zeros_(torch.empty(4)))),
            lambda: Net(lambda s, x: s.g * x, g=nn.init.constant_(nn.Parameter(torch.randn(4)), 0)),
            lambda: Net(lambda s, x: x * s.g, g=nn.Parameter(torch.ones(4) * 0)),
        ],
    ),
}


@pytest.mark.parametrize("group", GROUPS)
def test_every_spelling_has_the_same_key(group):
    shape, builders = GROUPS[group]
    keys = [key(build, shape) for build in builders]
    assert [i for i, k in enumerate(keys) if k != keys[0]] == []


@pytest.mark.parametrize("group", GROUPS)
def test_a_module_object_with_default_weights_has_the_key_of_its_class(group):
    shape, builders = GROUPS[group]
    assert key(builders[0](), shape) == key(builders[-1], shape)


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_the_callers_mode_does_not_matter(around):
    module, usual = nn.Linear(4, 4), key(lambda: nn.Linear(4, 4))
    with around():
        assert key(module) == usual


def test_weights_do_not_matter_where_default_ones_are_asked_for():
    module = nn.Linear(4, 4)
    nn.init.normal_(module.weight)
    assert key(module, initialisation="default") == key(lambda: nn.Linear(4, 4))


@pytest.mark.parametrize(
    "body",
    [
        lambda s, x: s.b(s.a(x).view(x.size(dim=0), -1)),
        lambda s, x: s.b(s.a(x).view(-1, x.shape[1:].numel())),
        lambda s, x: s.b(s.a(x.float())),
        lambda s, x: s.b(s.a(x.to(s.a.weight.device))),
    ],
)
def test_common_ways_to_write_two_layers_have_their_key(body):
    assert key(twice(body)) == key(twice(lambda s, x: s.b(s.a(x))))
