"""The tables of the pages on identity hold: what is the same, what is not, and what is refused."""

import random
import re
import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from jitnas_fn import JitnasError, fingerprint
from tests.docs.pages import ROOT, text_of

SAMENESS, IDENTITY = text_of("what-makes-two-networks-the-same"), text_of("how-identity-works")


def rows(heading):
    """The first two cells of each row of the table under a heading."""
    table = SAMENESS.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(lines) > 4
    return [(one.strip().strip("`"), other.strip().strip("`")) for one, other, *_ in lines]


class Counted(nn.Module):
    """A layer that counts its calls."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.calls = layer, 0

    def forward(self, x):
        self.calls += 1
        return self.layer(x)


class InAList(nn.Module):
    """A layer where torch does not look for it."""

    def __init__(self, layer):
        super().__init__()
        self.layers = [layer]

    def forward(self, x):
        return self.layers[0](x)


class Moving(nn.Module):
    """A mean that moves, as one writes it by hand."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.register_buffer("mean", torch.zeros(3, 1, 1))

    def forward(self, x):
        y = self.layer(x)
        self.mean.mul_(0.9).add_(0.1 * y.detach().mean((0, 2, 3), keepdim=True)[0])
        return y - self.mean


class Own(torch.autograd.Function):
    """A function with a backward of its own."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient


def started(fill):
    def change(layer):
        fill(layer.weight)
        return layer

    return change


def hooked(layer):
    layer.register_forward_hook(lambda *given: None)
    return layer


def trained(layer):
    with torch.no_grad():
        layer.weight.mul_(0.01)
    return layer


def attend(layer, x):
    return layer(x, x, x)[0]


CHANGED = {
    "xavier": started(nn.init.xavier_uniform_),
    "orthogonal": started(nn.init.orthogonal_),
    "dirac": started(nn.init.dirac_),
    "sparse": started(lambda weight: nn.init.sparse_(weight, 0.5)),
    "spectral_norm": nn.utils.parametrizations.spectral_norm,
    "weight_norm": nn.utils.parametrizations.weight_norm,
    "frozen": lambda layer: layer.requires_grad_(False),
    "hooked": hooked,
    "counted": Counted,
    "moving": Moving,
    "in_a_list": InAList,
}
NAMES = {
    "torch": torch,
    "F": F,
    "random": random,
    "checkpoint": checkpoint,
    "Own": Own,
    "attend": attend,
    "pack_padded_sequence": nn.utils.rnn.pack_padded_sequence,
}


def conv():
    return nn.Conv2d(3, 3, 3, padding=1)


class Written(nn.Module):
    """The network that a cell of a table writes in one line; its layers are built once."""

    def __init__(self, line):
        super().__init__()
        self.a, self.b, self.norm, self.drop = conv(), conv(), nn.BatchNorm2d(3), nn.Dropout(0.5)
        for i, made in enumerate(re.findall(r"nn\.[A-Z]\w+\([^()]*\)", line)):
            self.add_module(f"layer{i}", eval(made, {"nn": nn}))
            line = line.replace(made, f"layer{i}")
        for change, name in re.findall(rf"({'|'.join(CHANGED)})\((\w+)\)\(", line):
            setattr(self, name, CHANGED[change](getattr(self, name)))
            line = line.replace(f"{change}({name})", name)
        self.line = line

    def forward(self, x):
        return eval(self.line, {**NAMES, "x": x, "m": self, **dict(self.named_children())})


def written(cell):
    """What a cell of a table stands for: a forward in one line, or a whole model."""
    if re.search(r"\bx\b", cell):
        return lambda: Written(cell)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, when its compiler is loaded
        whole = eval(cell, {"nn": nn, "torch": torch, "a": conv(), "trained": trained})
    return whole if cell in ("trained(a)", "torch.compile(a)") else lambda: eval(cell, {"nn": nn, "a": conv()})


def keys(one, other):
    return [fingerprint(written(cell), (3, 8, 8)) for cell in (one, other)]


@pytest.mark.parametrize(("one", "other"), rows("The same"))
def test_a_row_of_the_first_table_is_one_network(one, other):
    a, b = keys(one, other)
    assert a == b


DIFFERENT = rows("Not the same") + rows("Two fingerprints although the mathematics agrees")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_a_row_of_the_other_tables_is_two_networks(one, other):
    a, b = keys(one, other)
    assert a != b


@pytest.mark.parametrize(("model", "message"), rows("Refused, and what to do"))
def test_a_refused_model_gets_the_message_that_is_shown(model, message):
    with pytest.raises(JitnasError) as refused:
        fingerprint(written(model), (3, 8, 8))
    assert message in re.sub(r" \([\w<>.]+, line \d+\)", "", str(refused.value))


LEFT_OUT = IDENTITY.partition("\n## What is left out\n")[2].partition("\n## ")[0]
EXAMPLES = [cell for line in LEFT_OUT.splitlines() if line.startswith("| ") for cell in re.findall(r"`([^`]+)`", line)]


@pytest.mark.parametrize("model", EXAMPLES)
def test_what_is_said_to_be_left_out_is_refused(model):
    with pytest.raises(JitnasError) as refused:
        fingerprint(written(model), (3, 8, 8))
    assert "NameError" not in str(refused.value)
    assert "SyntaxError" not in str(refused.value)


def test_an_entry_that_is_shown_is_in_the_tables():
    shown = re.findall(r"^```text\n(\".*)\n```$", IDENTITY, re.MULTILINE)
    tables = "".join((ROOT / "jitnas_fn" / "graphs" / f"opset_{i}.py").read_text("utf-8") for i in (1, 2))
    assert len(shown) == 2
    assert all(f"    {entry}\n" in tables for entry in shown)
