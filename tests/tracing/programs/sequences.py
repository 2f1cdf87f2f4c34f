"""Operations on rows (T, F), views, and reductions."""

import math

import torch
import torch.nn.functional as F

from tests.tracing.programs.operations import OPERATIONS, Operation, axes

SWITCH = [True, False]


def _recurrent(c, x, *state):
    if c.layer.batch_first:
        return c.layer(x, *state)[0]
    return c.layer(x.transpose(0, 1), *state)[0].transpose(0, 1)


def _from_zeros(c, x):
    h = x.new_zeros(2 if c.a["both"] else 1, x.shape[0], c.a["o"])
    return _recurrent(c, x, (h, h) if c.a["cell"] == "lstm" else h)


OPERATIONS["recurrent"] = Operation(
    lambda shape: (
        {"cell": ["lstm", "gru", "rnn"], "i": [shape[1]], "o": [4], "bias": SWITCH, "both": [False, True]}
        if len(shape) == 2
        else None
    ),
    [_recurrent, _recurrent, _from_zeros],
    layer="recurrent",
    weight=3,
)


def _attended(need_weights):
    def way(c, x):
        if c.layer.batch_first:
            return c.layer(x, x, x, need_weights=need_weights)[0]
        turned = x.transpose(0, 1)
        return c.layer(turned, turned, turned, need_weights=need_weights)[0].transpose(0, 1)

    return way


OPERATIONS["attention"] = Operation(
    lambda shape: {"i": [4], "heads": [1, 2], "bias": SWITCH} if len(shape) == 2 and shape[1] == 4 else None,
    [_attended(True), _attended(False)],
    layer="attention",
    weight=2,
)


def _by_hand(c, q, k, v):
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if c.a["causal"]:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -math.inf)
    return scores.softmax(-1) @ v


OPERATIONS["attend"] = Operation(
    lambda shape: {"causal": SWITCH} if len(shape) == 2 and shape[1] == 4 else None,
    [lambda c, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=c.a["causal"]), _by_hand],
    arity=3,
    weight=2,
)
OPERATIONS["gram"] = Operation(
    axes(2),
    [
        lambda c, x, y: x @ y.transpose(1, 2),
        lambda c, x, y: torch.bmm(x, y.mT),
        lambda c, x, y: torch.matmul(x, y.permute(0, 2, 1)),
        lambda c, x, y: torch.einsum("btf,bsf->bts", x, y),
    ],
    arity=2,
)
OPERATIONS["conv1d"] = Operation(
    lambda shape: {"i": [shape[1]], "o": [4], "kernel": [1, 3], "padding": [0, 1]} if len(shape) == 2 else None,
    [
        lambda c, x: c.layer(x.transpose(1, 2)).transpose(1, 2),
        lambda c, x: F.conv1d(x.mT, c.layer.weight, c.layer.bias, padding=c.a["padding"]).mT,
    ],
    layer="conv1d",
)

# views


OPERATIONS["tokens"] = Operation(
    axes(3),
    [
        lambda c, x: x.flatten(2).transpose(1, 2),
        lambda c, x: x.view(x.shape[0], x.shape[1], -1).permute(0, 2, 1),
        lambda c, x: x.reshape(x.size(0), x.size(1), x.size(2) * x.size(3)).mT,
    ],
    weight=2,
)
OPERATIONS["turn"] = Operation(
    lambda shape: {"axis": list(range(1, len(shape)))} if len(shape) > 1 else None,
    [
        lambda c, x: x.transpose(c.a["axis"], c.a["axis"] + 1),
        lambda c, x: torch.swapaxes(x, c.a["axis"] + 1, c.a["axis"]),
        lambda c, x: x.movedim(c.a["axis"], c.a["axis"] + 1),
    ],
)
OPERATIONS["flat"] = Operation(
    axes(2, 3),
    [
        lambda c, x: x.flatten(1),
        lambda c, x: torch.flatten(x, 1),
        lambda c, x: x.reshape(x.size(0), -1),
        lambda c, x: x.reshape(-1, math.prod(x.shape[1:])),
        lambda c, x: x.flatten(-2).flatten(1),
    ],
)
OPERATIONS["part"] = Operation(
    lambda shape: {"start": [0, shape[0] // 2]} if shape[0] in (4, 8) else None,
    [
        lambda c, x: x[:, c.a["start"] : c.a["start"] + x.shape[1] // 2],
        lambda c, x: x.narrow(1, c.a["start"], x.shape[1] // 2),
        lambda c, x: x.chunk(2, 1)[c.a["start"] > 0],
        lambda c, x: torch.split(x, x.shape[1] // 2, dim=1)[c.a["start"] > 0],
    ],
)
OPERATIONS["flip"] = Operation(
    lambda shape: {"axis": list(range(1, len(shape) + 1))},
    [lambda c, x: x.flip(c.a["axis"]), lambda c, x: torch.flip(x, [c.a["axis"]])],
)
OPERATIONS["roll"] = Operation(
    lambda shape: {"axis": list(range(1, len(shape) + 1)), "by": [1, 2]},
    [lambda c, x: x.roll(c.a["by"], c.a["axis"]), lambda c, x: torch.roll(x, (c.a["by"],), dims=(c.a["axis"],))],
)

# reductions

REDUCTIONS = {
    "mean": lambda x, axis, keep: x.mean(axis, keepdim=keep),
    "total": lambda x, axis, keep: x.sum(axis, keepdim=keep),
    "most": lambda x, axis, keep: x.amax(axis, keepdim=keep),
    "spread": lambda x, axis, keep: x.var(axis, keepdim=keep),
    "logsumexp": lambda x, axis, keep: x.logsumexp(axis, keepdim=keep),
}
for _name, _reduce in REDUCTIONS.items():
    OPERATIONS[_name] = Operation(
        lambda shape: {"axis": list(range(1, len(shape) + 1))} if len(shape) > 1 and min(shape) > 1 else None,
        [
            lambda c, x, f=_reduce: f(x, c.a["axis"], False),
            lambda c, x, f=_reduce: f(x, c.a["axis"] - x.dim(), True).squeeze(c.a["axis"]),
            lambda c, x, f=_reduce: f(x, (c.a["axis"],), False),
        ],
        weight=0.6,
    )
