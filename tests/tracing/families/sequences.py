"""Perceptrons, recurrent networks and convolutions on tokens."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.tracing.families.family import Family

IMAGE, LENGTH, VOCABULARY = (3, 8, 8), 10, 30


def perceptron(drop: float) -> nn.Module:
    """Two hidden layers."""
    hidden = [nn.Linear(12, 16), nn.ReLU(), nn.Dropout(drop), nn.Linear(16, 16), nn.Tanh(), nn.LayerNorm(16)]
    return nn.Sequential(*hidden, nn.Linear(16, 5))


class MixerBlock(nn.Module):
    """A perceptron across patches, then one across channels (Tolstikhin et al., "MLP-Mixer", 2021)."""

    def __init__(self, patches: int, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(patches, 8), nn.GELU(), nn.Linear(8, patches))
        self.channels = nn.Sequential(nn.Linear(width, 24), nn.GELU(), nn.Linear(24, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    """Two blocks on sixteen patches."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.blocks = nn.Conv2d(3, 12, 2, 2), nn.Sequential(MixerBlock(16, 12), MixerBlock(16, 12))
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)  # (N, 16, 12)
        return self.head(self.norm(self.blocks(x)).mean(dim=1))


# Hochreiter and Schmidhuber, "Long short-term memory", 1997; Cho et al., "Learning phrase representations", 2014


class Recurrent(nn.Module):
    """An embedding, two recurrent layers both ways, a linear layer on the last states."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU], drop: float, *, batch_first: bool) -> None:
        super().__init__()
        self.embedding, self.batch_first = nn.Embedding(VOCABULARY, 8), batch_first
        self.rnn = kind(8, 6, num_layers=2, bidirectional=True, dropout=drop, batch_first=batch_first)
        self.drop, self.head = nn.Dropout(drop), nn.Linear(12, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens)
        _, state = self.rnn(x if self.batch_first else x.transpose(0, 1))
        h = state[0] if isinstance(state, tuple) else state  # (layers · directions, N, 6)
        return self.head(self.drop(torch.cat((h[-2], h[-1]), dim=1)))


class LastStep(nn.Module):
    """A recurrent layer on numbers, read at the last step."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.rnn, self.head = kind(3, 8, batch_first=True), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.rnn(x)
        return self.head(out[:, -1, :])


class Loop(nn.Module):
    """A cell, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(3, 8), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.size(0), 8)
        c = torch.zeros(x.size(0), 8, dtype=x.dtype, device=x.device)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        return self.head(h)


class TextCNN(nn.Module):
    """Convolutions of three lengths, each read where it is largest (Kim, 2014)."""

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 8, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(8, 6, kernel) for kernel in (2, 3, 4))
        self.drop, self.head = nn.Dropout(drop), nn.Linear(18, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embedding(tokens).permute(0, 2, 1)  # (N, 8, length)
        maps = [F.relu(conv(x)) for conv in self.convs]
        found = [F.max_pool1d(m, m.size(2)).squeeze(2) for m in maps]
        return self.head(self.drop(torch.cat(found, dim=1)))


def text(build: Callable[[float], nn.Module], drop: float = 0.2) -> Family:
    """A network on tokens."""
    return Family(
        lambda: build(drop),
        (LENGTH,),
        dtype="int64",
        still=lambda: build(0.0),
        tokens=VOCABULARY,
    )


FAMILIES = {
    "perceptron": Family(lambda: perceptron(0.3), (12,), still=lambda: perceptron(0.0)),
    "MLP-Mixer": Family(Mixer, IMAGE),
    "LSTM": text(lambda drop: Recurrent(nn.LSTM, drop, batch_first=True)),
    "LSTM, sequence first": text(lambda drop: Recurrent(nn.LSTM, drop, batch_first=False)),
    "GRU": text(lambda drop: Recurrent(nn.GRU, drop, batch_first=True)),
    "LSTM, last step": Family(lambda: LastStep(nn.LSTM), (LENGTH, 3)),
    "GRU, last step": Family(lambda: LastStep(nn.GRU), (LENGTH, 3)),
    "LSTM cell in a loop": Family(Loop, (LENGTH, 3)),
    "text CNN": text(TextCNN),
}
