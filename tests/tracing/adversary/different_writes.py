"""In-place writes, indices, patches, strides, complex numbers, and mixtures of operations as architecture search has them."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, ROW, built, conv, free, lin


def written(change):
    """The second layer sees what was written into the first one's output."""

    def body(s, x):
        y = s.a(x) * 1
        change(y, x)
        return s.b(y) + x

    return built(body, a=lin(), b=lin())


def put(index, value):
    return lambda y, x: y.__setitem__(index, value)


def patched(cut):
    return built(lambda s, x: s.f(cut(x)), f=lin(16, 4))


def grid(x):
    return x.view(-1, 4, 4, 2, 4, 2)


def transformed(body):
    return built(lambda s, x: s.b(body(s.a(x))), a=lin(), b=lin())


def mixed(weigh, *, alpha=torch.zeros):
    """A mixture of three operations with trained weights."""

    def body(s, x):
        w = weigh(s.alpha, s.training)
        return w[0] * s.a(x) + w[1] * s.b(x) + w[2] * x

    return built(body, a=conv(padding=1), b=conv(k=1), alpha=free(lambda: alpha(3)))


def best(alpha, training):
    return F.one_hot(alpha.argmax(), 3).to(alpha.dtype)


def through(alpha, training):
    p = alpha.softmax(0)
    return best(alpha, training) + p - p.detach()


FAMILIES = {
    "written in place": (
        ROW,
        {
            "nothing": written(lambda y, x: None),
            "first column": written(put((slice(None), 0), 0.0)),
            "second column": written(put((slice(None), 1), 0.0)),
            "first column, 1": written(put((slice(None), 0), 1.0)),
            "first sample": written(put(0, 0.0)),
            "last sample": written(put(-1, 0.0)),
            "first two columns": written(put((slice(None), slice(0, 2)), 0.0)),
            "every other column": written(put((slice(None), slice(0, None, 2)), 0.0)),
            "negative values": written(lambda y, x: y.__setitem__(y < 0, 0.0)),
            "positive values": written(lambda y, x: y.__setitem__(y > 0, 0.0)),
            "negative values, leaking": written(lambda y, x: y.__setitem__(y < 0, 0.1)),
            "column of the input": written(lambda y, x: y[:, 0].copy_(x[:, 0])),
            "other column of the input": written(lambda y, x: y[:, 0].copy_(x[:, 1])),
            "added to a column": written(lambda y, x: y[:, 0].add_(1)),
            "added to a row's view": written(lambda y, x: y.view(-1, 2, 2)[:, 1].add_(1)),
            "filled by a mask": written(lambda y, x: y.masked_fill_(x > 0, 0.0)),
            "filled by an index": written(lambda y, x: y.index_fill_(1, torch.tensor([1, 2]), 0.0)),
            "filled by another index": written(lambda y, x: y.index_fill_(1, torch.tensor([0, 3]), 0.0)),
            "scattered": written(lambda y, x: y.scatter_(1, x.argmax(1, keepdim=True), 0.0)),
            "scattered sum": written(lambda y, x: y.scatter_add_(1, x.argmax(1, keepdim=True), x)),
            "diagonal": written(lambda y, x: y[:, 2:].mul_(y[:, :2].detach().clone())),
            "clamped": written(lambda y, x: y.clamp_(-0.3, 0.3)),
            "tripled": written(lambda y, x: y.mul_(3)),
            "tripled part": written(lambda y, x: y[:, 2:].mul_(3)),
            "tripled other part": written(lambda y, x: y[:, :2].mul_(3)),
            "turned and tripled": written(lambda y, x: y.t()[0].mul_(3)),
            "resized view": written(lambda y, x: y.unsqueeze(2).squeeze_(2).zero_()),
        },
    ),
    "patches": (
        MAP,
        {
            "rows of patches, channels first": patched(lambda x: grid(x).permute(0, 2, 4, 1, 3, 5).reshape(-1, 16, 16)),
            "columns of patches": patched(lambda x: grid(x).permute(0, 4, 2, 1, 3, 5).reshape(-1, 16, 16)),
            "channels last": patched(lambda x: grid(x).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 16)),
            "turned in the patch": patched(lambda x: grid(x).permute(0, 2, 4, 1, 5, 3).reshape(-1, 16, 16)),
            "wrong view": patched(lambda x: x.reshape(-1, 16, 16)),
            "wrong view, turned": patched(lambda x: x.reshape(-1, 16, 16).mT),
            "dilated": patched(lambda x: x.view(-1, 4, 2, 4, 2, 4).permute(0, 3, 5, 1, 2, 4).reshape(-1, 16, 16)),
            "unfolded, scaled": patched(lambda x: F.unfold(x, 2, stride=2).mT * 2),
            "unfolded by steps of 1": patched(lambda x: F.unfold(x, 2).mT),
            "unfolded, dilated": patched(lambda x: F.unfold(x, 2, dilation=2).mT),
            "unfolded, padded": patched(lambda x: F.unfold(x, 2, padding=1, stride=2).mT),
            "strided": patched(lambda x: x.contiguous().as_strided((x.shape[0], 16, 16), (256, 16, 1)) * 3),
            "strided otherwise": patched(lambda x: x.contiguous().as_strided((x.shape[0], 16, 16), (256, 1, 16)) * 3),
        },
    ),
    "frequencies": (
        ROW,
        {
            "real": transformed(lambda y: torch.fft.fft(y).real),
            "imaginary": transformed(lambda y: torch.fft.fft(y).imag),
            "amplitude": transformed(lambda y: torch.fft.fft(y).abs()),
            "angle": transformed(lambda y: torch.fft.fft(y).angle()),
            "inverse": transformed(lambda y: torch.fft.ifft(y).real),
            "orthonormal": transformed(lambda y: torch.fft.fft(y, norm="ortho").real),
            "over the batch": transformed(lambda y: torch.fft.fft(y, dim=0).real),
            "of pairs": transformed(lambda y: torch.view_as_real(torch.view_as_complex(y.view(-1, 2, 2)) ** 2).flatten(1)),
            "of conjugate pairs": transformed(
                lambda y: torch.view_as_real(torch.view_as_complex(y.view(-1, 2, 2)).conj().resolve_conj()).flatten(1)
            ),
        },
    ),
    "thresholds": (
        ROW,
        {
            "positive": transformed(lambda y: (y.relu() > 0).to(y.dtype) * y),
            "at least zero": transformed(lambda y: (y.relu() >= 0).to(y.dtype) * y),
            "equal to zero": transformed(lambda y: (y.relu() == 0).to(y.dtype) * y),
            "above the mean": transformed(lambda y: (y > y.mean(1, keepdim=True)).to(y.dtype) * y),
            "above the batch's mean": transformed(lambda y: (y > y.mean(0)).to(y.dtype) * y),
            "greatest kept": transformed(lambda y: y * (y == y.amax(1, keepdim=True))),
            "least kept": transformed(lambda y: y * (y == y.amin(1, keepdim=True))),
            "both": transformed(lambda y: y * ((y > -0.5) & (y < 0.5))),
            "either": transformed(lambda y: y * ((y < -0.5) | (y > 0.5))),
            "one alone": transformed(lambda y: y * ((y < 0.5) ^ (y > 0))),
        },
    ),
    "mixtures of operations": (
        MAP,
        {
            "softmax": mixed(lambda a, t: a.softmax(0)),
            "softmax, cooler": mixed(lambda a, t: (a / 0.5).softmax(0)),
            "sigmoid": mixed(lambda a, t: a.sigmoid()),
            "raw": mixed(lambda a, t: a),
            "raw, ones": mixed(lambda a, t: a, alpha=torch.ones),
            "softmax, random start": mixed(lambda a, t: a.softmax(0), alpha=torch.randn),
            "softmax, frozen by a cut": mixed(lambda a, t: a.softmax(0).detach()),
            "best": mixed(best, alpha=torch.randn),
            "best, straight through": mixed(through, alpha=torch.randn),
            "best in evaluation": mixed(lambda a, t: a.softmax(0) if t else best(a, t), alpha=torch.randn),
            "gumbel": mixed(lambda a, t: F.gumbel_softmax(a, 1.0, dim=0)),
            "gumbel, cooler": mixed(lambda a, t: F.gumbel_softmax(a, 0.3, dim=0)),
            "hard gumbel": mixed(lambda a, t: F.gumbel_softmax(a, 1.0, hard=True, dim=0)),
            "gumbel in training": mixed(lambda a, t: F.gumbel_softmax(a, 1.0, dim=0) if t else a.softmax(0)),
        },
    ),
    "linear layers' kin": (
        ROW,
        {
            "linear": lambda: nn.Linear(4, 4),
            "no bias": lambda: nn.Linear(4, 4, bias=False),
            "bilinear": built(lambda s, x: s.f(x, x), f=lambda: nn.Bilinear(4, 4, 4)),
            "weight turned": built(lambda s, x: F.linear(x, s.f.weight.T, s.f.bias), f=lin()),
            "weight normalised": built(lambda s, x: F.linear(x, F.normalize(s.f.weight, dim=1), s.f.bias), f=lin()),
            "weight standardised": built(
                lambda s, x: F.linear(x, s.f.weight - s.f.weight.mean(1, keepdim=True), s.f.bias), f=lin()
            ),
            "weight masked": built(
                lambda s, x: F.linear(x, s.f.weight * s.m, s.f.bias), f=lin(), m=lambda: torch.ones(4, 4).tril()
            ),
            "weight masked above": built(
                lambda s, x: F.linear(x, s.f.weight * s.m, s.f.bias), f=lin(), m=lambda: torch.ones(4, 4).triu()
            ),
            "low rank": built(
                lambda s, x: s.f(x) + (x @ s.u) @ s.v,
                f=lin(),
                u=free(lambda: torch.randn(4, 1)),
                v=free(lambda: torch.zeros(1, 4)),
            ),
            "low rank, zero first": built(
                lambda s, x: s.f(x) + (x @ s.u) @ s.v,
                f=lin(),
                u=free(lambda: torch.zeros(4, 1)),
                v=free(lambda: torch.randn(1, 4)),
            ),
            "low rank, frozen base": built(
                lambda s, x: s.f(x) + (x @ s.u) @ s.v,
                f=lin(),
                u=free(lambda: torch.randn(4, 1)),
                v=free(lambda: torch.zeros(1, 4)),
                setup=lambda s: s.f.requires_grad_(False),
            ),
            "ternary": built(lambda s, x: F.linear(x, s.f.weight.sign(), s.f.bias), f=lin()),
            "ternary, straight through": built(
                lambda s, x: F.linear(x, s.f.weight + (s.f.weight.sign() - s.f.weight).detach(), s.f.bias), f=lin()
            ),
        },
    ),
}
