"""Recurrent layers and cells: which, how deep, which way, started with what, read where."""

import torch
from torch import nn

from tests.tracing.adversary.networks import SEQUENCE, built


def recurrent(make, read="last"):
    read = {
        "last": lambda y, h: y[:, -1],
        "first": lambda y, h: y[:, 0],
        "mean": lambda y, h: y.mean(1),
        "max": lambda y, h: y.amax(1),
        "all": lambda y, h: y,
        "state": lambda y, h: h[-1] if isinstance(h, torch.Tensor) else h[0][-1],
        "lower state": lambda y, h: h[0] if isinstance(h, torch.Tensor) else h[0][0],
        "cell": lambda y, h: h[1][-1],
    }[read]
    return built(lambda s, x: read(*s.r(x)), r=make)


def lstm(**given):
    return lambda: nn.LSTM(4, 4, batch_first=True, **given)


def gru(**given):
    return lambda: nn.GRU(4, 4, batch_first=True, **given)


def rnn(**given):
    return lambda: nn.RNN(4, 4, batch_first=True, **given)


def cells(make, steps):
    def body(s, x):
        h = x.new_zeros(x.shape[0], 4)
        for t in steps:
            h = s.r(x[:, t], h)
        return h

    return built(body, r=make)


def started_with(start):
    return built(lambda s, x: s.r(x, start(x))[0], r=gru())


FAMILIES = {
    "recurrent layers": (
        SEQUENCE,
        {
            "lstm": recurrent(lstm()),
            "lstm, two layers": recurrent(lstm(num_layers=2)),
            "lstm, both ways": recurrent(lstm(bidirectional=True)),
            "lstm without bias": recurrent(lstm(bias=False)),
            "lstm, projected": recurrent(lstm(proj_size=2)),
            "lstm, dropout": recurrent(lstm(num_layers=2, dropout=0.3)),
            "lstm, more dropout": recurrent(lstm(num_layers=2, dropout=0.6)),
            "lstm, wider": recurrent(lambda: nn.LSTM(4, 6, batch_first=True)),
            "lstm, turned": built(lambda s, x: s.r(x.flip(1))[0][:, -1], r=lstm()),
            "lstm, first": recurrent(lstm(), "first"),
            "lstm, mean": recurrent(lstm(), "mean"),
            "lstm, max": recurrent(lstm(), "max"),
            "lstm, all": recurrent(lstm(), "all"),
            "lstm, cell": recurrent(lstm(), "cell"),
            "lstm, two layers, lower state": recurrent(lstm(num_layers=2), "lower state"),
            "lstm over the batch": recurrent(lambda: nn.LSTM(4, 4)),
            "gru": recurrent(gru()),
            "gru, two layers": recurrent(gru(num_layers=2)),
            "gru, both ways": recurrent(gru(bidirectional=True)),
            "gru without bias": recurrent(gru(bias=False)),
            "rnn": recurrent(rnn()),
            "rnn, relu": recurrent(rnn(nonlinearity="relu")),
            "two lstm": built(lambda s, x: s.q(s.r(x)[0])[0][:, -1], r=lstm(), q=lstm(bias=False)),
            "one lstm twice": built(lambda s, x: s.r(s.r(x)[0])[0][:, -1], r=lstm()),
            "flattened into time": built(lambda s, x: s.r(x.mT.reshape(-1, 5, 4))[0][:, -1], r=lstm()),
        },
    ),
    "recurrent cells": (
        SEQUENCE,
        {
            "gru forward": cells(lambda: nn.GRUCell(4, 4), range(5)),
            "gru backward": cells(lambda: nn.GRUCell(4, 4), range(4, -1, -1)),
            "gru, four steps": cells(lambda: nn.GRUCell(4, 4), range(4)),
            "gru, every other": cells(lambda: nn.GRUCell(4, 4), range(0, 5, 2)),
            "gru without bias": cells(lambda: nn.GRUCell(4, 4, bias=False), range(5)),
            "rnn": cells(lambda: nn.RNNCell(4, 4), range(5)),
            "rnn, relu": cells(lambda: nn.RNNCell(4, 4, nonlinearity="relu"), range(5)),
        },
    ),
    "where a recurrence starts": (
        SEQUENCE,
        {
            "zero": started_with(lambda x: None),
            "one": started_with(lambda x: x.new_ones(1, x.shape[0], 4)),
            "mean": started_with(lambda x: x.mean(1)[None]),
            "mean, cut": started_with(lambda x: x.mean(1)[None].detach() * 2),
            "noise": started_with(lambda x: torch.randn(1, x.shape[0], 4, dtype=x.dtype)),
        },
    ),
}
