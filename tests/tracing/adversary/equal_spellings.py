"""One network, written by several people: names, order, nesting, modules or functions."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import ROW, Net, built, lin


class First(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.two(torch.relu(self.one(x)))


class Zweites(nn.Module):
    def __init__(self, breite=6):
        super().__init__()
        self.ausgang = nn.Linear(breite, 3)
        self.eingang = nn.Linear(4, breite)

    def forward(self, eingabe):
        h = self.eingang(eingabe)
        h = F.relu(h, inplace=True)
        return self.ausgang(h)


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Sequential(nn.Linear(4, 6), nn.Sequential(nn.ReLU(True))), nn.Identity())
        self.heads = nn.ModuleDict({"main": nn.Linear(6, 3), "unused": nn.Linear(6, 5)})
        self.register_buffer("version", torch.tensor(3.0))

    def forward(self, x):
        return self.heads["main"](self.body(x))


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 6), nn.Linear(6, 3)])
        self.dropout = nn.Dropout(0.0)

    def forward(self, x):
        for i, layer in enumerate(self.layers):
            x = self.dropout(layer(x.relu() if i else x))
        return x


def mlp():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def looking():
    """Prints, counts and asserts as students do, and leaves the values alone."""

    def body(s, x):
        assert x.dim() == 2
        assert x.shape[1] == 4
        y = s.a(x).relu()
        s.a.out_features + y.ndim
        return s.b(y)

    return Net(body, a=nn.Linear(4, 6), b=nn.Linear(6, 3))


def activation(module, *functions):
    spelt = [built(lambda s, x, f=f: s.b(f(s.a(x))), a=lin(), b=lin()) for f in functions]
    spelt = [lambda: nn.Sequential(nn.Linear(4, 4), module(), nn.Linear(4, 4)), *spelt]
    return ROW, {str(i): build for i, build in enumerate(spelt)}


GROUPS = {
    "names, order, nesting": (
        ROW,
        {
            "sequential": mlp,
            "class": First,
            "other names and order": Zweites,
            "nested": Nested,
            "listed": Listed,
            "looking": looking,
            "in evaluation mode": lambda: mlp().eval(),
            "drawn from another seed": lambda: (torch.randn(17), mlp())[1],
            "dead branch": built(lambda s, x: (s.c(x), s.b(s.a(x).relu()))[1], a=lin(4, 6), b=lin(6, 3), c=lin(4, 9)),
            "with identities": lambda: nn.Sequential(nn.Identity(), *mlp(), nn.Identity(), nn.Dropout(0.0)),
            "wrapped": lambda: Net(lambda s, x: s.m(x), m=First()),
        },
    ),
    "unused batch norm, dropout and buffer": (
        ROW,
        {
            "without": lambda: nn.Linear(4, 3),
            "with": built(
                lambda s, x: s.a(x),
                a=lin(4, 3),
                n=lambda: nn.BatchNorm1d(4),
                d=lambda: nn.Dropout(0.5),
                t=lambda: torch.randn(3),
            ),
            "with an unused weight": built(lambda s, x: s.a(x), a=lin(4, 3), w=lambda: nn.Parameter(torch.randn(3))),
            "dropout that nobody reads": built(lambda s, x: (F.dropout(x, 0.5), s.a(x))[1], a=lin(4, 3)),
        },
    ),
    "relu": activation(
        nn.ReLU, F.relu, torch.relu, lambda x: x.relu(), lambda x: F.relu(x, inplace=True), torch.relu_, F.relu_
    ),
    "sigmoid": activation(nn.Sigmoid, torch.sigmoid, F.sigmoid, lambda x: x.sigmoid(), lambda x: x.sigmoid_()),
    "tanh": activation(nn.Tanh, torch.tanh, F.tanh, lambda x: x.tanh()),
    "gelu": activation(nn.GELU, F.gelu, lambda x: F.gelu(x, approximate="none")),
    "silu": activation(nn.SiLU, F.silu, lambda x: F.silu(x, inplace=True), lambda x: nn.SiLU(True)(x)),
    "leaky relu": activation(
        nn.LeakyReLU, F.leaky_relu, lambda x: F.leaky_relu(x, 0.01), lambda x: nn.LeakyReLU(1e-2, True)(x)
    ),
    "elu": activation(nn.ELU, F.elu, lambda x: F.elu(x, alpha=1.0), lambda x: F.elu_(x)),
    "hardswish": activation(nn.Hardswish, F.hardswish, lambda x: F.hardswish(x, True)),
    "relu6": activation(nn.ReLU6, F.relu6, lambda x: F.hardtanh(x, 0.0, 6.0), lambda x: nn.Hardtanh(0, 6)(x)),
    "softplus": activation(nn.Softplus, F.softplus, lambda x: F.softplus(x, 1, 20)),
    "mish": activation(nn.Mish, F.mish),
    "softmax": activation(
        lambda: nn.Softmax(1), lambda x: F.softmax(x, 1), lambda x: torch.softmax(x, dim=-1), lambda x: x.softmax(1)
    ),
    "log-softmax": activation(lambda: nn.LogSoftmax(-1), lambda x: F.log_softmax(x, 1), lambda x: x.log_softmax(-1)),
    "selu": activation(nn.SELU, F.selu, lambda x: F.selu(x, True), torch.selu),
    "dropout": (
        ROW,
        {
            "module": lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3)),
            "function": built(lambda s, x: F.dropout(s.a(x), 0.3, s.training), a=lin()),
            "function, in place": built(lambda s, x: F.dropout(s.a(x), p=0.3, training=s.training, inplace=True), a=lin()),
            "module, in place": lambda: nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3, inplace=True)),
            "on training only": built(lambda s, x: F.dropout(s.a(x), 0.3) if s.training else s.a(x), a=lin()),
        },
    ),
}
