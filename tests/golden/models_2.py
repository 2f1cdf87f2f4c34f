"""The networks that hold opset 2: every operation that it adds, every new way to begin."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from tests.golden.models import Bare, Builder, body


class OnRows(nn.Module):
    """A function on the image as a sequence of 8 rows of 24 numbers; what it gives is averaged over the rows."""

    def __init__(self, function: Callable[..., torch.Tensor], outputs: int, **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.head = nn.Linear(outputs, 5)
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.function(self, x.transpose(1, 2).flatten(2)).mean(1))


def rows(function: Callable[..., torch.Tensor], outputs: int = 24, **layers: Callable[[], nn.Module]) -> Builder:
    """A builder of an `OnRows`."""
    return lambda: OnRows(function, outputs, **{name: make() for name, make in layers.items()})


def attention(mask: Callable[[torch.Tensor], torch.Tensor]) -> Builder:
    """Attention of the rows to one another, its scores masked."""
    return rows(lambda m, x: torch.softmax(mask(x @ x.transpose(1, 2) / math.sqrt(24)), -1) @ x)


def no_grad(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A value without gradient next to one with it."""
    with torch.no_grad():
        gate = torch.sigmoid(x)
    return gate * torch.tanh(x)


def drop_path(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Stochastic depth."""
    branch = torch.relu(module.conv(x))
    if module.training:
        branch = branch * (x.new_empty((x.shape[0], 1, 1, 1)).bernoulli_(0.75) / 0.75)
    return x + branch


class Buffered(nn.Module):
    """An image plus a buffer, and a linear layer."""

    def __init__(self, numbers: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("numbers", numbers)
        self.linear = nn.Linear(192, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear((x + self.numbers).flatten(1))


def forget_gate() -> nn.Module:
    """A recurrent layer whose bias starts in pieces."""
    layer = nn.LSTM(24, 4, batch_first=True)
    with torch.no_grad():
        layer.bias_ih_l0[4:8].fill_(1.0)
    return layer


ELEMENTWISE: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    **{name: getattr(torch, name) for name in ("exp", "expm1", "abs", "sin", "cos", "erf", "sign", "floor", "ceil", "round")},
    "log": lambda x: torch.log(1 + x * x),
    "log1p": lambda x: torch.log1p(x * x),
    "sqrt": lambda x: torch.sqrt(1 + x * x),
    "rsqrt": lambda x: torch.rsqrt(1 + x * x),
    "reciprocal": lambda x: 1 / (1 + x * x),
    "clamp": lambda x: x.clamp(-0.5, 2),
    "clamp_below": lambda x: x.clamp(min=0.1),
    "power": lambda x: (1 + x * x) ** 1.5,
    "ratio": lambda x: x / (1 + x * x),
    "maximum": lambda x: torch.maximum(x, torch.tanh(x)),
    "minimum": lambda x: torch.minimum(x, torch.tanh(x)),
    "where": lambda x: torch.where(x > 0.5, torch.tanh(x), torch.sin(x)),
    "masked_fill": lambda x: x.masked_fill((x > 1) | ((x < -1) & ~(x < -2)), 0.5),
    "compare": lambda x: (x >= torch.tanh(x)).float() * x,
    "cumsum": lambda x: x.cumsum(1),
    "flip": lambda x: x.flip(2, 3) + x,
    "variance": lambda x: x * x.var((2, 3), keepdim=True),
    "deviation": lambda x: x * x.std((2, 3), keepdim=True, unbiased=False),
    "norm": lambda x: F.normalize(x, dim=1),
    "norm_3": lambda x: x * x.norm(3, dim=1, keepdim=True),
    "largest": lambda x: x * x.max(1, keepdim=True)[0],
    "smallest": lambda x: x * x.min(1, keepdim=True)[0],
    "reduce_min": lambda x: x - x.amin((2, 3), keepdim=True),
    "logsumexp": lambda x: x - x.logsumexp(1, keepdim=True),
    "detach": lambda x: x * torch.sigmoid(x).detach(),
    "straight_through": lambda x: x + (x.round() - x).detach(),
    "constant": lambda x: x * torch.arange(64.0).view(8, 8),
    "take": lambda x: x[:, torch.tensor([3, 1, 1, 0])],
}

MODELS_2: dict[str, Builder] = {
    **{name: body(lambda m, x, f=function: f(x)) for name, function in ELEMENTWISE.items()},
    "no_grad": body(no_grad),
    "drop_path": body(drop_path, conv=lambda: nn.Conv2d(4, 4, 3, padding=1)),
    "gaussian_noise": body(lambda m, x: x + 0.1 * torch.randn_like(x) if m.training else x),
    "uniform_noise": body(lambda m, x: x * torch.rand(x.shape[0], 4, 1, 1)),
    "coins": body(lambda m, x: x * torch.empty_like(x).bernoulli_(0.3)),
    "doubled_in_evaluation": body(lambda m, x: x if m.training else x * 2),
    "interpolate_nearest": body(lambda m, x: F.interpolate(x, scale_factor=2)),
    "interpolate_bilinear": body(lambda m, x: F.interpolate(x, size=(12, 10), mode="bilinear", antialias=True)),
    "interpolate_corners": body(lambda m, x: F.interpolate(x, scale_factor=1.5, mode="bicubic", align_corners=True)),
    "interpolate_scale": body(lambda m, x: F.interpolate(x, scale_factor=1.3, mode="bilinear")),
    "pixel_shuffle": body(lambda m, x: F.pixel_shuffle(x, 2).repeat(1, 4, 1, 1)),
    "buffer": lambda: Buffered(torch.sin(torch.arange(192.0)).view(3, 8, 8)),
    "integer_buffer": lambda: Buffered(torch.arange(192).view(3, 8, 8)),
    "random_buffer": lambda: Buffered(torch.randn(3, 8, 8)),
    "frozen_content": lambda: Bare(lambda: torch.tensor([0.5, 1.0, 2.0, 4.0, 8.0]), trainable=False),
    "multi_head": rows(lambda m, x: m.attend(x, x, x)[0], attend=lambda: nn.MultiheadAttention(24, 4, 0.1, batch_first=True)),
    "causal": rows(lambda m, x: F.scaled_dot_product_attention(m.q(x), x, x, is_causal=True), q=lambda: nn.Linear(24, 24)),
    "causal_by_hand": attention(lambda scores: scores.masked_fill(torch.ones(8, 8).triu(1) == 1, -math.inf)),
    "added_mask": attention(lambda scores: scores + torch.ones(8, 8).triu(1)),
    "data_mask": rows(lambda m, x: F.scaled_dot_product_attention(x, x, x, attn_mask=(x.mean(-1) > 0).unsqueeze(1))),
    "encoder": rows(lambda m, x: m.layer(x), layer=lambda: nn.TransformerEncoderLayer(24, 2, 16, batch_first=True)),
    "copied_layers": rows(
        lambda m, x: m.both(x),
        both=lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 2, 16, batch_first=True), 2),
    ),
    "einsum": rows(lambda m, x: torch.einsum("bij,bkj->bik", x, x), 8),
    "lstm": rows(lambda m, x: m.layer(x)[0], 8, layer=lambda: nn.LSTM(24, 8, batch_first=True)),
    "lstm_two_ways": rows(
        lambda m, x: m.layer(x)[0], 16, layer=lambda: nn.LSTM(24, 8, 2, dropout=0.2, bidirectional=True, batch_first=True)
    ),
    "lstm_last": rows(lambda m, x: m.layer(x)[1][1].transpose(0, 1), 8, layer=lambda: nn.LSTM(24, 8, batch_first=True)),
    "lstm_forget_gate": rows(lambda m, x: m.layer(x)[0], 4, layer=forget_gate),
    "gru": rows(lambda m, x: m.layer(x)[0], 8, layer=lambda: nn.GRU(24, 8, batch_first=True, bias=False)),
    "rnn": rows(lambda m, x: m.layer(x)[0], 8, layer=lambda: nn.RNN(24, 8, batch_first=True)),
    "rnn_relu": rows(lambda m, x: m.layer(x)[0], 8, layer=lambda: nn.RNN(24, 8, batch_first=True, nonlinearity="relu")),
    "embedding": rows(lambda m, x: x + m.table(torch.arange(8)), table=lambda: nn.Embedding(9, 24, padding_idx=3)),
}
