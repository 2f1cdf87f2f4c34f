"""How torch spells recurrent layers: several layers and directions are written as single ones, cells as products and gates."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.spellings.views import view
from jitnas_fn.tracing.traced import Recorder

LAYERS = {"lstm": torch.lstm, "gru": torch.gru, "rnn_tanh": torch.rnn_tanh, "rnn_relu": torch.rnn_relu}
LABELS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def stacked(
    kind: str,
    input: Tensor,
    state: Sequence[Tensor],
    flat_weights: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """A recurrent network as one layer and direction after the other, with dropout between layers; as torch's `lstm` and kin.

    Parameters
    ----------
    kind
        One of `LAYERS`.
    state
        First hidden state, and for an LSTM first cell state, each (layers · directions, N, H).
    input, flat_weights, has_biases, num_layers, dropout, train, bidirectional, batch_first
        As `torch.lstm` takes them.
    """
    x = input if batch_first else input.transpose(0, 1)  # (N, T, F)
    directions, each, last = 2 if bidirectional else 1, 4 if has_biases else 2, []
    for layer in range(num_layers):
        outputs = []
        for turned in range(directions):
            place = layer * directions + turned
            weights = list(flat_weights[place * each : (place + 1) * each])
            start = [part[place : place + 1] for part in state]
            y, ends = _one(kind, x.flip(1) if turned else x, start, weights, has_biases, train)
            outputs.append(y.flip(1) if turned else y)
            last.append(ends)
        x = torch.cat(outputs, -1) if bidirectional else outputs[0]
        if dropout and train and layer < num_layers - 1:
            x = F.dropout(x, dropout)
    final = [torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*last, strict=True)]
    return (x if batch_first else x.transpose(0, 1), *final)


def _one(
    kind: str, x: Tensor, start: list[Tensor], weights: list[Tensor], has_biases: bool, train: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer in one direction."""
    first = tuple(start) if kind == "lstm" else start[0]
    y, *ends = LAYERS[kind](x, first, weights, has_biases, 1, 0.0, train, False, True)  # type: ignore[operator]
    return y, tuple(ends)


def _handler(kind: str) -> Any:
    def handler(
        r: Recorder,
        input: Any,
        hx: Any,
        params: Any,
        has_biases: Any,
        num_layers: Any,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> Any:
        state = list(hx) if isinstance(hx, (tuple, list)) else [hx]
        if not isinstance(has_biases, bool) or len(r.shape(input)) != 3:
            refuse("a recurrent layer on packed sequences, or without a batch", "give (N, T, F) with batch_first=True")
        if len(params) != num_layers * (1 + bidirectional) * (4 if has_biases else 2):
            refuse("a recurrent layer with proj_size", "use it without, and nn.Linear after it")
        if num_layers > 1 or bidirectional or not batch_first:
            return r.spelled_out(
                stacked, kind, input, state, params, has_biases, num_layers, dropout, train, bidirectional, batch_first
            )
        return _layer(r, kind, input, state, list(params))

    return handler


def _layer(r: Recorder, kind: str, x: Any, state: list[Any], weights: list[Any]) -> tuple[Tensor, ...]:
    """The operation of the graph, and the parts that torch returns."""
    op, _, nonlinearity = kind.partition("_")
    attrs = {"nonlinearity": nonlinearity} if nonlinearity else {}
    steps, hidden = r.shape(x)[1], r.shape(weights[1])[1]
    given = [("x", r.node(x)), *((label, r.node(weight)) for label, weight in zip(LABELS, weights, strict=False))]
    for label, part in zip(("h", "c"), state, strict=False):
        flat = view(r, part, "reshape", {"shape": [r.shape(x)[0], hidden]})
        given.append((label, r.node(flat)))
    whole = r.traced(r.add(op, given, attrs))
    rows = [(0, steps), (steps - 1, steps)] + ([(steps, steps + 1)] if kind == "lstm" else [])
    y, *ends = [view(r, whole, "slice", {"axis": 1, "start": a, "stop": b, "step": 1}) for a, b in rows]
    return y, *(view(r, end, "reshape", {"shape": [1, r.shape(x)[0], hidden]}) for end in ends)


for _kind, _function in LAYERS.items():
    spelled(_function, getattr(torch._VF, _kind))(_handler(_kind))


# cells


def lstm_cell(
    input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM; as `torch.nn.LSTMCell` documents it."""
    h, c = hx
    i, f, g, o = (F.linear(input, w_ih, b_ih) + F.linear(h, w_hh, b_hh)).chunk(4, -1)
    after = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(after), after


def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a GRU; as `torch.nn.GRUCell` documents it."""
    inward, across = F.linear(input, w_ih, b_ih).chunk(3, -1), F.linear(hx, w_hh, b_hh).chunk(3, -1)
    reset, update = torch.sigmoid(inward[0] + across[0]), torch.sigmoid(inward[1] + across[1])
    new = torch.tanh(inward[2] + reset * across[2])
    return (1 - update) * new + update * hx


def _rnn_cell(activation: Any) -> Any:
    def cell(
        input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
    ) -> Any:
        return activation(F.linear(input, w_ih, b_ih) + F.linear(hx, w_hh, b_hh))

    return cell


def _cell(function: Any) -> Any:
    def handler(r: Recorder, input: Any, hx: Any, *weights: Any) -> Any:
        return r.spelled_out(function, input, hx, *weights)

    return handler


CELLS = {
    "lstm_cell": lstm_cell,
    "gru_cell": gru_cell,
    "rnn_tanh_cell": _rnn_cell(torch.tanh),
    "rnn_relu_cell": _rnn_cell(torch.relu),
}
for _name, _written in CELLS.items():
    spelled(getattr(torch, _name), getattr(torch._VF, _name))(_cell(_written))
