"""First values that depend on each other, on a fixed generator, or on statistics that were set beforehand."""

import torch
from torch import nn
from torch.nn import init

from tests.tracing.adversary.networks import MAP, ROW, SEQUENCE, built, conv, lin


def started(change):
    """Two layers of 8 by 8 whose construction ends with this change."""

    def build():
        net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU(), nn.Linear(8, 8, bias=False))
        with torch.no_grad():
            change(net[0].weight, net[2].weight)
        return net

    return build


def shuffled(change):
    """A convolution before a pixel shuffle."""

    def build():
        layer = nn.Conv2d(4, 16, 3, padding=1)
        with torch.no_grad():
            change(layer.weight)
        return nn.Sequential(layer, nn.PixelShuffle(2))

    return build


def blocks(w):
    """Sub-pixels that start alike, against chequered outputs."""
    w.copy_(w[::4].repeat_interleave(4, 0))


def statistics(mean, variance, **given):
    def setup(s):
        s.n.running_mean.fill_(mean)
        s.n.running_var.fill_(variance)

    return built(lambda s, x: s.n(s.a(x)), a=lin(), n=lambda: nn.BatchNorm1d(4, **given), setup=setup)


def fixed(seed, scale=1.0, *, trained=True):
    """Values from a generator of one's own: the same in every construction."""
    return built(
        lambda s, x: s.a(x) * s.g,
        a=lin(),
        g=lambda: nn.Parameter(torch.randn(4, generator=torch.Generator().manual_seed(seed)) * scale, requires_grad=trained),
    )


def recurrent(change):
    def setup(s):
        with torch.no_grad():
            change(s.r)

    return built(lambda s, x: s.r(x)[0][:, -1], r=lambda: nn.LSTM(4, 4, batch_first=True), setup=setup)


def attending(change):
    def setup(s):
        with torch.no_grad():
            change(s.m)

    return built(lambda s, x: s.m(x, x, x)[0], m=lambda: nn.MultiheadAttention(4, 2, batch_first=True), setup=setup)


def projected(std=0.2, seed=None):
    """Random features that are never trained."""

    def drawn():
        return torch.randn(4, 4, generator=None if seed is None else torch.Generator().manual_seed(seed)) * std

    return built(lambda s, x: s.a((x @ s.w).cos()), a=lin(), w=drawn)


FAMILIES = {
    "copies of first values": (
        (8,),
        {
            "independent": started(lambda v, w: None),
            "second is the first": started(lambda v, w: w.copy_(v)),
            "second is the first, turned": started(lambda v, w: w.copy_(v.T)),
            "second is the first, negative": started(lambda v, w: w.copy_(-v)),
            "second is the first, flipped": started(lambda v, w: w.copy_(v.flip(0))),
            "half is the other half": started(lambda v, w: v[:4].copy_(v[4:])),
            "columns alike": started(lambda v, w: v.copy_(v[:, :1].expand(8, 8).clone())),
            "rows alike": started(lambda v, w: v.copy_(v[:1].repeat(8, 1))),
            "symmetric": started(lambda v, w: v.copy_(v.triu() + v.triu(1).T)),
            "lower": started(lambda v, w: v.tril_()),
            "upper": started(lambda v, w: v.triu_()),
            "diagonal zero": started(lambda v, w: v.fill_diagonal_(0)),
            "sorted": started(lambda v, w: v.copy_(v.flatten().sort().values.view(8, 8))),
            "signs alone": started(lambda v, w: v.sign_()),
            "product": started(lambda v, w: v.mul_(w)),
            "sum of two": started(lambda v, w: v.add_(w)),
            "scaled by another": started(lambda v, w: v.mul_(w[0, 0])),
            "masked at random": started(lambda v, w: v.mul_(torch.rand_like(v) < 0.5)),
            "centred": started(lambda v, w: v.sub_(v.mean())),
            "centred rows": started(lambda v, w: v.sub_(v.mean(1, keepdim=True))),
        },
    ),
    "sub-pixels": (
        MAP,
        {"independent": shuffled(lambda w: None), "alike": shuffled(blocks), "zero": shuffled(lambda w: w.zero_())},
    ),
    "kernels": (
        MAP,
        {
            "independent": conv(),
            "same for all inputs": built(
                lambda s, x: s.c(x), c=conv(), setup=lambda s: s.c.weight.data.copy_(s.c.weight.data[:, :1].repeat(1, 4, 1, 1))
            ),
            "mean over inputs": built(
                lambda s, x: s.c(x), c=conv(), setup=lambda s: s.c.weight.data.copy_(s.c.weight.data.mean(1, keepdim=True))
            ),
            "dirac": built(lambda s, x: s.c(x), c=conv(), setup=lambda s: init.dirac_(s.c.weight)),
            "centre zero": built(lambda s, x: s.c(x), c=conv(), setup=lambda s: s.c.weight.data[:, :, 1, 1].zero_()),
            "corner zero": built(lambda s, x: s.c(x), c=conv(), setup=lambda s: s.c.weight.data[:, :, 0, 0].zero_()),
        },
    ),
    "statistics at the start": (
        ROW,
        {
            "0, 1": statistics(0.0, 1.0),
            "1, 1": statistics(1.0, 1.0),
            "0, 2": statistics(0.0, 2.0),
            "0, 2, slow": statistics(0.0, 2.0, momentum=0.01),
            "0, 0": statistics(0.0, 0.0),
        },
    ),
    "a generator of one's own": (
        ROW,
        {
            "trained, 1": fixed(1),
            "trained, 2": fixed(2),
            "trained, 1, small": fixed(1, 0.1),
            "frozen, 1": fixed(1, trained=False),
            "frozen, 2": fixed(2, trained=False),
            "any": built(lambda s, x: s.a(x) * s.g, a=lin(), g=lambda: nn.Parameter(torch.randn(4))),
            "any, frozen": built(
                lambda s, x: s.a(x) * s.g, a=lin(), g=lambda: nn.Parameter(torch.randn(4), requires_grad=False)
            ),
        },
    ),
    "random features": (
        ROW,
        {"any": projected(), "wider": projected(1.0), "seed 1": projected(seed=1), "seed 2": projected(seed=2)},
    ),
    "first values of an lstm": (
        SEQUENCE,
        {
            "default": recurrent(lambda r: None),
            "forget gate": recurrent(lambda r: r.bias_ih_l0[4:8].fill_(1)),
            "input gate": recurrent(lambda r: r.bias_ih_l0[:4].fill_(1)),
            "biases zero": recurrent(lambda r: (r.bias_ih_l0.zero_(), r.bias_hh_l0.zero_())),
            "orthogonal": recurrent(lambda r: init.orthogonal_(r.weight_hh_l0)),
            "xavier": recurrent(lambda r: init.xavier_normal_(r.weight_ih_l0)),
        },
    ),
    "first values of attention": (
        SEQUENCE,
        {
            "default": attending(lambda m: None),
            "normal": attending(lambda m: init.normal_(m.in_proj_weight, 0, 0.02)),
            "output zero": attending(lambda m: m.out_proj.weight.zero_()),
            "output xavier": attending(lambda m: init.xavier_uniform_(m.out_proj.weight)),
            "bias of one": attending(lambda m: m.in_proj_bias.fill_(1)),
            "second half as the first": attending(lambda m: m.in_proj_weight[6:].copy_(m.in_proj_weight[:6])),
        },
    ),
}
