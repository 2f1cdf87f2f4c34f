"""Other spellings that would be nice to see as one. Only reported: a false split costs a training and no truth."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, ROW, SEQUENCE, built, conv, lin


def squeezed(body):
    return built(body, u=lin(4, 2), v=lin(2, 4))


def shuffled(body):
    return built(lambda s, x: s.c(body(x)), c=conv(groups=2))


def sized(**given):
    return built(lambda s, x: s.c(F.interpolate(x, **given)), c=conv(k=1))


def attending(body):
    return built(body, q=lin(), k=lin(), v=lin())


def row(*bodies):
    return ROW, {str(i): built(body, a=lin(), b=lin()) for i, body in enumerate(bodies)}


def gates(s, y):
    return torch.sigmoid(s.v(F.relu(s.u(y))))


def heads(t):
    return t.view(t.shape[0], 5, 2, 2).transpose(1, 2)


class Bare(nn.Module):
    """Weights without layers, drawn as the layers draw them."""

    def __init__(self):
        super().__init__()
        one, two = nn.Linear(4, 6), nn.Linear(6, 3)
        self.w1, self.b1, self.w2, self.b2 = one.weight, one.bias, two.weight, two.bias

    def forward(self, x):
        return F.linear(F.relu(F.linear(x, self.w1, self.b1)), self.w2, self.b2)


def mlp():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


GROUPS = {
    "bare weights": (ROW, {"layers": mlp, "bare": Bare}),
    "a part in evaluation mode": (ROW, {"training": mlp, "part evaluating": lambda: (lambda m: (m[0].eval(), m)[1])(mlp())}),
    "padding before a convolution": (
        MAP,
        {
            "inside": conv(padding=1),
            "module": lambda: nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(4, 4, 3)),
            "function": built(lambda s, x: s.c(F.pad(x, (1, 1, 1, 1))), c=conv()),
            "constant": lambda: nn.Sequential(nn.ConstantPad2d(1, 0.0), nn.Conv2d(4, 4, 3)),
        },
    ),
    "global mean of a flat map": (
        MAP,
        {
            "mean": built(lambda s, x: s.f(s.c(x).mean((2, 3))), c=conv(), f=lin()),
            "flat": built(lambda s, x: s.f(s.c(x).flatten(2).mean(2)), c=conv(), f=lin()),
            "viewed": built(lambda s, x: s.f(s.c(x).view(x.size(0), 4, -1).mean(-1)), c=conv(), f=lin()),
        },
    ),
    "length of a batch": (
        MAP,
        {
            "shape": built(lambda s, x: s.f(x.reshape(x.shape[0], -1)), f=lin(256, 3)),
            "len": built(lambda s, x: s.f(x.reshape(len(x), -1)), f=lin(256, 3)),
        },
    ),
    "squeeze and excite": (
        MAP,
        {
            "view": squeezed(lambda s, x: x * gates(s, x.mean((2, 3))).view(-1, 4, 1, 1)),
            "unsqueeze": squeezed(lambda s, x: x * gates(s, x.mean((2, 3))).unsqueeze(-1).unsqueeze(-1)),
            "None": squeezed(lambda s, x: x * gates(s, x.mean((2, 3)))[:, :, None, None]),
            "expand": squeezed(
                lambda s, x: x * gates(s, F.adaptive_avg_pool2d(x, 1).flatten(1)).view(-1, 4, 1, 1).expand_as(x)
            ),
        },
    ),
    "channel shuffle": (
        MAP,
        {
            "view": shuffled(lambda x: x.view(-1, 2, 2, 8, 8).transpose(1, 2).reshape(-1, 4, 8, 8)),
            "flatten": shuffled(lambda x: x.view(x.shape[0], 2, 2, 8, 8).transpose(1, 2).contiguous().flatten(1, 2)),
            "permute": shuffled(lambda x: x.reshape(-1, 2, 2, 8, 8).permute(0, 2, 1, 3, 4).reshape(x.shape)),
            "module": shuffled(lambda x: nn.ChannelShuffle(2)(x)),
            "index": shuffled(lambda x: x[:, [0, 2, 1, 3]]),
            "flat map": shuffled(lambda x: x.view(-1, 2, 2, 64).transpose(1, 2).reshape(-1, 4, 8, 8)),
        },
    ),
    "mean": row(
        lambda s, x: s.a(x) - s.a(x).mean(1, keepdim=True),
        lambda s, x: s.a(x) - s.a(x).mean(-1).unsqueeze(1),
        lambda s, x: s.a(x) - torch.mean(s.a(x), 1)[:, None],
        lambda s, x: s.a(x) - s.a(x).sum(1, keepdim=True) / 4,
    ),
    "up-sampling": (
        MAP,
        {
            "factor": sized(scale_factor=2),
            "size": sized(size=(16, 16)),
            "float factor": sized(scale_factor=2.0, mode="nearest"),
            "module": lambda: nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 4, 1)),
            "repeated": built(lambda s, x: s.c(x.repeat_interleave(2, 2).repeat_interleave(2, 3)), c=conv(k=1)),
        },
    ),
    "up-sampling, bilinear": (
        MAP,
        {
            "factor": sized(scale_factor=2, mode="bilinear"),
            "size": sized(size=16, mode="bilinear"),
            "false": sized(scale_factor=2, mode="bilinear", align_corners=False),
        },
    ),
    "attention": (
        SEQUENCE,
        {
            "function": attending(lambda s, x: F.scaled_dot_product_attention(s.q(x), s.k(x), s.v(x))),
            "by hand": attending(lambda s, x: torch.softmax(s.q(x) @ s.k(x).transpose(-2, -1) / math.sqrt(4), -1) @ s.v(x)),
            "scaled first": attending(lambda s, x: ((s.q(x) * 0.5) @ s.k(x).mT).softmax(-1) @ s.v(x)),
            "bmm": attending(
                lambda s, x: torch.bmm(F.softmax(torch.bmm(s.q(x), s.k(x).permute(0, 2, 1)) * 0.5, dim=2), s.v(x))
            ),
            "einsum": attending(
                lambda s, x: torch.einsum(
                    "bij,bjd->bid", (torch.einsum("bid,bjd->bij", s.q(x), s.k(x)) * 0.5).softmax(-1), s.v(x)
                )
            ),
        },
    ),
    "heads": (
        SEQUENCE,
        {
            "transpose": attending(
                lambda s, x: (
                    F.scaled_dot_product_attention(heads(s.q(x)), heads(s.k(x)), heads(s.v(x)))
                    .transpose(1, 2)
                    .reshape(-1, 5, 4)
                )
            ),
            "flatten": attending(
                lambda s, x: (
                    F.scaled_dot_product_attention(*(heads(f(x)) for f in (s.q, s.k, s.v))).permute(0, 2, 1, 3).flatten(2)
                )
            ),
        },
    ),
    "causal attention": (
        SEQUENCE,
        {
            "flag": attending(lambda s, x: F.scaled_dot_product_attention(s.q(x), s.k(x), s.v(x), is_causal=True)),
            "mask": attending(
                lambda s, x: F.scaled_dot_product_attention(s.q(x), s.k(x), s.v(x), attn_mask=torch.ones(5, 5).tril().bool())
            ),
            "by hand": attending(
                lambda s, x: (
                    (s.q(x) @ s.k(x).mT * 0.5).masked_fill(torch.ones(5, 5).triu(1).bool(), -math.inf).softmax(-1) @ s.v(x)
                )
            ),
        },
    ),
    "q, k, v from one layer": (
        SEQUENCE,
        {
            "chunk": built(lambda s, x: F.scaled_dot_product_attention(*s.a(x).chunk(3, -1)), a=lin(4, 12)),
            "split": built(lambda s, x: F.scaled_dot_product_attention(*s.a(x).split(4, -1)), a=lin(4, 12)),
            "unbind": built(lambda s, x: F.scaled_dot_product_attention(*s.a(x).view(-1, 5, 3, 4).unbind(2)), a=lin(4, 12)),
            "slices": built(
                lambda s, x: (lambda y: F.scaled_dot_product_attention(y[..., :4], y[..., 4:8], y[..., 8:]))(s.a(x)),
                a=lin(4, 12),
            ),
            "permute": built(
                lambda s, x: F.scaled_dot_product_attention(*s.a(x).reshape(-1, 5, 3, 4).permute(2, 0, 1, 3)), a=lin(4, 12)
            ),
        },
    ),
    "product with a transpose": (
        (4, 4),
        {
            "at": built(lambda s, x: s.a(x).mT @ x, a=lin()),
            "einsum": built(lambda s, x: torch.einsum("bij,bik->bjk", s.a(x), x), a=lin()),
        },
    ),
    "swish": row(lambda s, x: F.silu(s.a(x)), lambda s, x: s.a(x) * torch.sigmoid(s.a(x))),
    "square": row(
        lambda s, x: s.a(x) ** 2, lambda s, x: s.a(x).square(), lambda s, x: s.a(x) * s.a(x), lambda s, x: s.a(x).pow(2)
    ),
    "root": row(lambda s, x: s.a(x).abs().sqrt(), lambda s, x: s.a(x).abs() ** 0.5, lambda s, x: torch.sqrt(s.a(x).abs())),
    "clamp at zero": row(lambda s, x: s.a(x).relu(), lambda s, x: s.a(x).clamp(min=0), lambda s, x: torch.clamp_min(s.a(x), 0)),
    "unit length": row(
        lambda s, x: F.normalize(s.a(x), dim=1), lambda s, x: s.a(x) / s.a(x).norm(dim=1, keepdim=True).clamp_min(1e-12)
    ),
    "halves": row(
        lambda s, x: (lambda u, v: torch.cat([v, u], 1))(*s.a(x).chunk(2, 1)),
        lambda s, x: torch.cat([s.a(x)[:, 2:], s.a(x)[:, :2]], 1),
        lambda s, x: s.a(x).roll(2, 1),
    ),
    "gated linear unit": row(lambda s, x: F.glu(s.a(x), 1), lambda s, x: (lambda u, v: u * v.sigmoid())(*s.a(x).chunk(2, 1))),
    "reversed difference": row(
        lambda s, x: 1 - s.a(x).sigmoid(), lambda s, x: -s.a(x).sigmoid() + 1, lambda s, x: torch.rsub(s.a(x).sigmoid(), 1)
    ),
    "mixture": row(
        lambda s, x: torch.lerp(s.a(x), s.b(x).relu(), 0.25),
        lambda s, x: s.a(x) + 0.25 * (s.b(x).relu() - s.a(x)),
        lambda s, x: 0.75 * s.a(x) + 0.25 * s.b(x).relu(),
    ),
    "fused linear": row(
        lambda s, x: s.a(x).relu(),
        lambda s, x: torch.addmm(s.a.bias, x, s.a.weight.t()).relu(),
        lambda s, x: (x @ s.a.weight.T + s.a.bias).relu(),
    ),
    "largest": (
        MAP,
        {
            "amax": built(lambda s, x: s.c(x).amax((2, 3)), c=conv()),
            "max": built(lambda s, x: s.c(x).flatten(2).max(2).values, c=conv()),
            "pool": built(lambda s, x: F.adaptive_max_pool2d(s.c(x), 1).flatten(1), c=conv()),
        },
    ),
    "cut clamp": row(
        lambda s, x: (lambda y: s.b(y + (y.clamp(-0.5, 0.5) - y).detach()))(s.a(x)),
        lambda s, x: (lambda y: (y.data.clamp_(-0.5, 0.5), s.b(y))[1])(s.a(x)),
    ),
    "nearly equal windows": (
        (4, 7, 7),
        {
            "max": lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.MaxPool2d(3, 2)),
            "adaptive": lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.AdaptiveMaxPool2d(3)),
        },
    ),
    "pooled scaling": (
        MAP,
        {
            "pool": built(lambda s, x: s.c(F.avg_pool2d(x, 2)), c=conv()),
            "view": built(lambda s, x: s.c(x.view(-1, 4, 4, 2, 4, 2).mean((3, 5))), c=conv()),
        },
    ),
    "layer norm of a map": (
        MAP,
        {
            "permuted": built(lambda s, x: s.n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), n=lambda: nn.LayerNorm(4)),
            "moved": built(lambda s, x: s.n(x.movedim(1, -1)).movedim(-1, 1), n=lambda: nn.LayerNorm(4)),
        },
    ),
    "tuple or list": row(lambda s, x: (s.a(x), x), lambda s, x: [s.a(x), x]),
    "lstm's last place": (
        SEQUENCE,
        {
            "output": built(lambda s, x: s.r(x)[0][:, -1], r=lambda: nn.LSTM(4, 4, batch_first=True)),
            "state": built(lambda s, x: s.r(x)[1][0][-1], r=lambda: nn.LSTM(4, 4, batch_first=True)),
            "time first": built(lambda s, x: s.r(x.transpose(0, 1))[0][-1], r=lambda: nn.LSTM(4, 4)),
        },
    ),
}
