"""Where the gradient is cut, turned or scaled: the outputs may agree, the training does not."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, ROW, built, conv, lin, normal, ones


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.sign(x)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def blind(function, *given):
    with torch.no_grad():
        return function(*given)


def seeing(function, *given):
    with torch.inference_mode():
        found = function(*given)
    return found.clone()


def two(body, **more):
    return built(body, a=lin(), b=lin(), **more)


def reached(s):
    """A frozen first layer, as in transfer learning."""
    s.a.requires_grad_(False)


def hooked(name, hook):
    return lambda s: getattr(s, name).register_full_backward_hook(hook)


def unwatched(s, x):
    y = s.a(x)
    with torch.no_grad():
        y.clamp_(-0.5, 0.5)
    return s.b(y)


def written(s, x):
    y = s.a(x)
    y.data.clamp_(-0.5, 0.5)
    return s.b(y)


def seen_clamp(s, x):
    return s.b(s.a(x).clamp(-0.5, 0.5))


def hook_on_value(factor):
    def body(s, x):
        y = s.a(x)
        if y.requires_grad:
            y.register_hook(lambda g: g * factor)
        return s.b(y.relu())

    return body


FAMILIES = {
    "a cut in the middle": (
        ROW,
        {
            "none": two(lambda s, x: s.b(s.a(x).relu())),
            "detach": two(lambda s, x: s.b(s.a(x).relu().detach())),
            "frozen layer": two(lambda s, x: s.b(s.a(x).relu()), setup=reached),
            "bias frozen": two(lambda s, x: s.b(s.a(x).relu()), setup=lambda s: s.a.bias.requires_grad_(False)),
            "weight frozen": two(lambda s, x: s.b(s.a(x).relu()), setup=lambda s: s.a.weight.requires_grad_(False)),
            "last layer frozen": two(lambda s, x: s.b(s.a(x).relu()), setup=lambda s: s.b.requires_grad_(False)),
            "weight detached": two(lambda s, x: s.b(F.linear(x, s.a.weight.detach(), s.a.bias).relu())),
            "weight's data": two(lambda s, x: s.b(F.linear(x, s.a.weight, s.a.bias.data).relu())),
            "bias detached in the last": two(lambda s, x: F.linear(s.a(x).relu(), s.b.weight, s.b.bias.detach())),
            "gradient halved": two(lambda s, x: (lambda y: s.b(y * 0.5 + y.detach() * 0.5))(s.a(x).relu())),
            "gradient doubled": two(lambda s, x: (lambda y: s.b(y * 2 - y.detach()))(s.a(x).relu())),
            "gradient reversed": two(lambda s, x: s.b(Reversed.apply(s.a(x).relu()))),
            "hook, a third": two(hook_on_value(0.3)),
            "hook, thrice": two(hook_on_value(3.0)),
            "module's backward hook": two(
                lambda s, x: s.b(s.a(x).relu()), setup=hooked("b", lambda m, i, o: (i[0] * 0.7 if i[0] is not None else None,))
            ),
            "parameter's hook": two(
                lambda s, x: s.b(s.a(x).relu()), setup=lambda s: (s.a.weight.register_hook(lambda g: g * 0.1), None)[1]
            ),
            "forward hook": two(
                lambda s, x: s.b(s.a(x).relu()), setup=lambda s: (s.a.register_forward_hook(lambda m, i, o: o * 2), None)[1]
            ),
            "forward pre-hook": two(
                lambda s, x: s.b(s.a(x).relu()),
                setup=lambda s: (s.a.register_forward_pre_hook(lambda m, i: (i[0] + 1,)), None)[1],
            ),
            "hook that detaches": two(
                lambda s, x: s.b(s.a(x).relu()),
                setup=lambda s: (s.a.register_forward_hook(lambda m, i, o: o.detach() * 1.3), None)[1],
            ),
        },
    ),
    "under no_grad": (
        ROW,
        {
            "seen": two(lambda s, x: s.b(s.a(x).relu()) + x),
            "whole branch": two(lambda s, x: s.b(blind(s.a, x).relu()) + x),
            "inference mode": two(lambda s, x: s.b(seeing(s.a, x).relu().mul(2)) + x),
            "relu alone": two(lambda s, x: s.b(blind(F.relu, s.a(x)) * s.a(x)) + x),
            "relu not cut": two(lambda s, x: s.b(F.relu(s.a(x)) * s.a(x)) + x),
            "all": two(lambda s, x: blind(lambda y: s.b(s.a(y).relu()), x) + x),
        },
    ),
    "a clamp under no_grad": (ROW, {"seen": two(seen_clamp), "unseen": two(unwatched)}),
    "a clamp through data": (ROW, {"seen": two(seen_clamp), "unseen": two(written), "none": two(lambda s, x: s.b(s.a(x)))}),
    "a clamp straight through": (
        ROW,
        {"seen": two(seen_clamp), "unseen": two(lambda s, x: (lambda y: s.b(y + (y.clamp(-0.5, 0.5) - y).detach()))(s.a(x)))},
    ),
    "a shared value": (
        ROW,
        {
            "neither cut": two(lambda s, x: (lambda y: y * s.b(y))(s.a(x))),
            "left cut": two(lambda s, x: (lambda y: y.detach() * s.b(y))(s.a(x))),
            "right cut": two(lambda s, x: (lambda y: y * s.b(y.detach()))(s.a(x))),
            "both cut": two(lambda s, x: (lambda y: y.detach() * s.b(y.detach()))(s.a(x))),
            "gate cut after": two(lambda s, x: (lambda y: y * s.b(y).detach())(s.a(x))),
            "cut by data": two(lambda s, x: (lambda y: y.data * s.b(y).relu())(s.a(x))),
            "recomputed and cut": two(lambda s, x: s.a(x).detach() * s.b(s.a(x)).tanh()),
            "recomputed": two(lambda s, x: s.a(x) * s.b(s.a(x)).tanh()),
            "square": two(lambda s, x: s.b(s.a(x) * s.a(x))),
            "square half cut": two(lambda s, x: s.b(s.a(x) * s.a(x).detach())),
            "sum of twins": two(lambda s, x: s.b(s.a(x) + s.a(x))),
            "sum of a twin cut": two(lambda s, x: s.b(s.a(x) + s.a(x).detach())),
            "doubled": two(lambda s, x: s.b(s.a(x) * 3 - s.a(x).detach())),
        },
    ),
    "a cut behind views": (
        ROW,
        {
            "whole": two(lambda s, x: s.b(s.a(x).view(-1, 2, 2).flatten(1))),
            "half cut": two(lambda s, x: (lambda y: s.b(torch.cat([y[:, :2].detach(), y[:, 2:]], 1)))(s.a(x))),
            "other half cut": two(lambda s, x: (lambda y: s.b(torch.cat([y[:, :2], y[:, 2:].detach()], 1)))(s.a(x))),
            "view cut": two(lambda s, x: s.b(s.a(x).view(-1, 2, 2).detach().flatten(1))),
            "mean cut": two(lambda s, x: (lambda y: s.b(y - y.mean(1, keepdim=True).detach()))(s.a(x))),
            "mean": two(lambda s, x: (lambda y: s.b(y - y.mean(1, keepdim=True)))(s.a(x))),
            "max cut": two(lambda s, x: (lambda y: s.b(y - y.amax(1, keepdim=True).detach()))(s.a(x))),
            "max": two(lambda s, x: (lambda y: s.b(y - y.amax(1, keepdim=True)))(s.a(x))),
            "stack cut": two(lambda s, x: (lambda y: s.b(torch.stack([y, x]).detach().sum(0) + y))(s.a(x))),
            "stack": two(lambda s, x: (lambda y: s.b(torch.stack([y, x]).sum(0) + y))(s.a(x))),
            "norm cut": two(lambda s, x: (lambda y: s.b(y / (y.norm(dim=1, keepdim=True).detach() + 1)))(s.a(x))),
            "norm": two(lambda s, x: (lambda y: s.b(y / (y.norm(dim=1, keepdim=True) + 1)))(s.a(x))),
            "transform cut": two(lambda s, x: (lambda y: s.b(torch.fft.fft(y).real.detach() + y))(s.a(x))),
            "transform": two(lambda s, x: (lambda y: s.b(torch.fft.fft(y).real + y))(s.a(x))),
            "softmax cut": two(lambda s, x: (lambda y: s.b(y * y.softmax(1).detach()))(s.a(x))),
            "softmax": two(lambda s, x: (lambda y: s.b(y * y.softmax(1)))(s.a(x))),
        },
    ),
    "binary activations": (
        ROW,
        {
            "sign": two(lambda s, x: s.b(torch.sign(s.a(x)))),
            "straight through": two(lambda s, x: s.b(Through.apply(s.a(x)))),
            "straight through by detach": two(lambda s, x: (lambda y: s.b(y + (torch.sign(y) - y).detach() * 1.5))(s.a(x))),
            "through tanh": two(lambda s, x: (lambda y: s.b(y.tanh() + (torch.sign(y) - y.tanh()).detach()))(s.a(x))),
            "clipped through": two(
                lambda s, x: (lambda y: s.b(y.clamp(-1, 1) + (torch.sign(y) - y.clamp(-1, 1)).detach()))(s.a(x))
            ),
            "rounded": two(lambda s, x: s.b(torch.round(s.a(x)))),
            "rounded through": two(lambda s, x: (lambda y: s.b(y + (torch.round(y) - y).detach()))(s.a(x))),
            "compared": two(lambda s, x: s.b((s.a(x) > 0).to(x.dtype))),
            "compared, through": two(lambda s, x: (lambda y: s.b(y + ((y > 0).to(x.dtype) - y).detach()))(s.a(x))),
            "one-hot": two(lambda s, x: s.b(F.one_hot(s.a(x).argmax(1), 4).to(x.dtype))),
            "one-hot, through": two(
                lambda s, x: (lambda y: s.b(y + (F.one_hot(y.argmax(1), 4).to(x.dtype) - y).detach()))(s.a(x).softmax(1))
            ),
        },
    ),
    "bare parameters": (
        ROW,
        {
            "trained scale": built(lambda s, x: s.a(x) * s.g, a=lin(), g=ones(4)),
            "detached scale": built(lambda s, x: s.a(x) * s.g.detach(), a=lin(), g=ones(4)),
            "scale's data": built(lambda s, x: s.a(x) + (s.g.data * x), a=lin(), g=ones(4)),
            "frozen normal": built(
                lambda s, x: s.a(x) * s.g, a=lin(), g=lambda: nn.Parameter(torch.randn(4), requires_grad=False)
            ),
            "trained normal": built(lambda s, x: s.a(x) * s.g, a=lin(), g=normal(4)),
            "buffer of ones plus x": built(lambda s, x: s.a(x) * s.g + x, a=lin(), g=lambda: torch.ones(4)),
            "no scale": built(lambda s, x: s.a(x), a=lin()),
        },
    ),
    "auxiliary heads": (
        MAP,
        {
            "both train the trunk": built(
                lambda s, x: (lambda y: (s.f(y), s.g(y)))(s.c(x).mean((2, 3))), c=conv(), f=lin(), g=lin(4, 2)
            ),
            "second is cut": built(
                lambda s, x: (lambda y: (s.f(y), s.g(y.detach())))(s.c(x).mean((2, 3))), c=conv(), f=lin(), g=lin(4, 2)
            ),
            "first is cut": built(
                lambda s, x: (lambda y: (s.f(y.detach()), s.g(y)))(s.c(x).mean((2, 3))), c=conv(), f=lin(), g=lin(4, 2)
            ),
            "second output is cut": built(
                lambda s, x: (lambda y: (s.f(y), s.g(y).detach()))(s.c(x).mean((2, 3))), c=conv(), f=lin(), g=lin(4, 2)
            ),
        },
    ),
}
