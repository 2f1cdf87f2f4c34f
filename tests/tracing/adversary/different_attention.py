"""Attention: heads, bias, dropout, scale, masks and what they mean."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import SEQUENCE, built, lin, tokens


def attention(*, mask=None, heads=2, **given):
    def body(s, x):
        return s.m(x, x, x, need_weights=False, attn_mask=None if mask is None else mask(5))[0]

    return built(body, m=lambda: nn.MultiheadAttention(4, heads, batch_first=True, **given))


def by_function(*, scale=None, causal=False, mask=None, heads=1, dropout=0.0):
    def body(s, x):
        q, k, v = (layer(x).view(-1, 5, heads, 4 // heads).transpose(1, 2) for layer in (s.q, s.k, s.v))
        p = dropout if s.training else 0.0
        given = None if mask is None else mask(5).to(x.dtype if mask(5).is_floating_point() else torch.bool)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=given, dropout_p=p, is_causal=causal, scale=scale)
        return y.transpose(1, 2).flatten(2)

    return built(body, q=lin(), k=lin(), v=lin())


def by_hand(*, scale=0.5, axis=-1, fill=-math.inf, mask=None, gate=torch.softmax):
    def body(s, x):
        q, k, v = s.q(x), s.k(x), s.v(x)
        w = q @ k.mT * scale
        if mask is not None:
            w = w.masked_fill(mask(5), fill)
        return gate(w, axis) @ v

    return built(body, q=lin(), k=lin(), v=lin())


def encoder(heads=2, wide=8, **given):
    return lambda: nn.TransformerEncoderLayer(4, heads, wide, batch_first=True, **given)


def upper(n):
    return torch.ones(n, n).triu(1).bool()


def lower(n):
    return torch.ones(n, n).tril(-1).bool()


def window(n):
    return (torch.arange(n)[:, None] - torch.arange(n)).abs() > 1


def first_key(n):
    return (torch.arange(n) == 0).expand(n, n).clone()


def bias(slope):
    return lambda n: -slope * (torch.arange(n)[:, None] - torch.arange(n)).abs().float()


def skewed(heads):
    """Masks keys by what is padded, the token 0."""
    return built(
        lambda s, t: (lambda x: s.m(x, x, x, key_padding_mask=heads(t), need_weights=False)[0])(s.e(t)),
        e=lambda: nn.Embedding(5, 4),
        m=lambda: nn.MultiheadAttention(4, 2, batch_first=True),
    )


FAMILIES = {
    "attention": (
        SEQUENCE,
        {
            "2 heads": attention(),
            "1 head": attention(heads=1),
            "4 heads": attention(heads=4),
            "no bias": attention(bias=False),
            "bias of keys": attention(add_bias_kv=True),
            "a zero to attend to": attention(add_zero_attn=True),
            "dropout": attention(dropout=0.3),
            "more dropout": attention(dropout=0.5),
            "causal": attention(mask=upper),
            "anticausal": attention(mask=lower),
            "window": attention(mask=window),
            "not the first": attention(mask=first_key),
            "distance": attention(mask=lambda n: bias(0.5)(n) * 1.0),
            "other distance": attention(mask=lambda n: bias(0.25)(n) * 1.0),
            "weights too": built(lambda s, x: s.m(x, x, x), m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)),
            "weights of heads": built(
                lambda s, x: s.m(x, x, x, average_attn_weights=False), m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)
            ),
            "over the batch": built(lambda s, x: s.m(x, x, x)[0], m=lambda: nn.MultiheadAttention(4, 2)),
            "crossed": built(lambda s, x: s.m(x, x.flip(1) * 2, x)[0], m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)),
            "crossed, values": built(
                lambda s, x: s.m(x, x, x.flip(1) * 2)[0], m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)
            ),
            "residual": built(lambda s, x: x + s.m(x, x, x)[0], m=lambda: nn.MultiheadAttention(4, 2, batch_first=True)),
        },
    ),
    "attention's function": (
        SEQUENCE,
        {
            "plain": by_function(),
            "2 heads": by_function(heads=2),
            "scale 1": by_function(scale=1.0),
            "scale 0.3": by_function(scale=0.3),
            "causal": by_function(causal=True),
            "allowed below": by_function(mask=lower),
            "allowed above": by_function(mask=lambda n: ~lower(n)),
            "distance": by_function(mask=bias(0.5)),
            "dropout": by_function(dropout=0.3),
            "dropout 0.5": by_function(dropout=0.5),
        },
    ),
    "attention by hand": (
        SEQUENCE,
        {
            "plain": by_hand(),
            "scale 1": by_hand(scale=1.0),
            "over queries": by_hand(axis=-2),
            "causal": by_hand(mask=upper),
            "anticausal": by_hand(mask=lower),
            "window": by_hand(mask=window),
            "weakly causal": by_hand(mask=upper, fill=-1.0),
            "masked with zero": by_hand(mask=upper, fill=0.0),
            "linear": by_hand(gate=lambda w, axis: w),
            "sigmoid": by_hand(gate=lambda w, axis: w.sigmoid()),
            "softmax cut": by_hand(gate=lambda w, axis: w.softmax(axis).detach()),
        },
    ),
    "transformer layers": (
        SEQUENCE,
        {
            "plain": encoder(dropout=0.0),
            "norm first": encoder(dropout=0.0, norm_first=True),
            "gelu": encoder(dropout=0.0, activation="gelu"),
            "dropout": encoder(dropout=0.1),
            "heads": encoder(dropout=0.0, heads=4),
            "wide": encoder(dropout=0.0, wide=16),
            "eps": encoder(dropout=0.0, layer_norm_eps=1e-3),
            "no bias": encoder(dropout=0.0, bias=False),
            "clones": lambda: nn.TransformerEncoder(encoder(dropout=0.0)(), 2, enable_nested_tensor=False),
            "two": lambda: nn.Sequential(encoder(dropout=0.0)(), encoder(dropout=0.0)()),
            "one, twice": built(lambda s, x: s.e(s.e(x)), e=encoder(dropout=0.0)),
        },
    ),
    "masks of padding": (
        tokens(6),
        {
            "none": skewed(lambda t: None),
            "token 0": skewed(lambda t: t == 0),
            "token 1": skewed(lambda t: t == 1),
            "last places": skewed(lambda t: (torch.arange(6) > 3).expand(len(t), 6)),
            "first places": skewed(lambda t: (torch.arange(6) < 2).expand(len(t), 6)),
        },
    ),
}
