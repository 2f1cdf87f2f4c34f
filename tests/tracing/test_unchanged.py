"""A model object is traced once as long as it is as it was, and again after any change."""

import contextlib
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jitnas_fn.core.errors import UnsupportedModel
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.tracing import translate, unchanged
from tests.tracing.families import residual
from tests.tracing.numerics import Net, key

SCALE = 2.0
SETTINGS = types.SimpleNamespace(scale=2.0)


def doubled(x):
    return x * SCALE


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.gate = nn.Parameter(torch.zeros(4))
        self.factor = 1.0
        self.options = {"slopes": [0.1, 0.2]}
        self.register_buffer("shift", torch.arange(4.0))

    def forward(self, x):
        return F.leaky_relu(doubled(self.fc(x)) * self.gate * self.factor, self.options["slopes"][0]) + self.shift


@pytest.fixture
def traces(monkeypatch):
    """Counts the traces."""
    seen = []

    def counting(*args, **named):
        seen.append(args)
        return original(*args, **named)

    original = translate.traced
    monkeypatch.setattr(translate, "traced", counting)
    return seen


@pytest.mark.parametrize("build", [Scaled, lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), residual.resnet18])
def test_an_unchanged_object_is_traced_once(build, traces):
    module, shape = build(), (3, 32, 32) if build is residual.resnet18 else (4,)
    first = key(module, shape)
    module.train(not module.training)
    assert key(module, shape) == first
    assert len(traces) == 1


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.bn = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.bn(self.fc(x)) * getattr(self.fc.weight, "factor", 1.0)


CHANGES = {
    "attribute": (Scaled, lambda m: setattr(m, "factor", 3.0)),
    "inside an attribute": (Scaled, lambda m: m.options["slopes"].__setitem__(0, 0.3)),
    "a gate": (Scaled, lambda m: m.gate.data.fill_(1.0)),
    "a buffer": (Scaled, lambda m: m.shift.data.add_(1.0)),
    "frozen": (Scaled, lambda m: m.fc.weight.requires_grad_(False)),
    "a layer": (Scaled, lambda m: setattr(m, "fc", nn.Linear(4, 4, bias=False))),
    "an attribute more": (Scaled, lambda m: setattr(m, "forward", lambda x: m.fc(x))),
    "a hook": (Scaled, lambda m: m.fc.weight.register_hook(lambda g: g * 2)),
    "a part in evaluation": (Named, lambda m: m.bn.eval()),
    "shared memory": (Named, lambda m: setattr(m.fc.bias, "data", m.bn.bias.data)),
    "an attribute of a parameter": (Named, lambda m: setattr(m.fc.weight, "factor", 7.0)),
}


@pytest.mark.parametrize(("build", "change"), CHANGES.values(), ids=CHANGES)
def test_any_change_is_seen(build, change):
    module = build()
    first = key(module)
    change(module)
    with contextlib.suppress(ValueError):
        assert key(module) != first


def test_a_changed_global_is_seen(monkeypatch):
    module = Scaled()
    first = key(module)
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    assert key(module) != first


def test_a_changed_global_object_is_seen_or_nothing_is_remembered():
    module = Net(lambda s, x: s.fc(x) * SETTINGS.scale, fc=nn.Linear(4, 4))
    first = key(module)
    SETTINGS.scale = 7.0
    try:
        assert key(module) != first
    finally:
        SETTINGS.scale = 2.0


def test_a_changed_method_and_a_changed_closure_are_seen(monkeypatch):
    factor = 2.0
    module = Net(lambda s, x: s.fc(x) * factor, fc=nn.Linear(4, 4))
    first = key(module)
    factor = 3.0
    assert key(module) != first
    scaled = Scaled()
    before = key(scaled)
    monkeypatch.setattr(Scaled, "forward", lambda self, x: self.fc(x))
    assert key(scaled) != before


def test_what_cannot_be_read_is_not_remembered(traces):
    class Slotted:
        __slots__ = ("value",)

    module = Net(lambda s, x: s.fc(x), fc=nn.Linear(4, 4), thing=Slotted())
    key(module), key(module)
    assert len(traces) == 2
    assert unchanged.signature_of(module) is None


def test_shape_validation_and_initialisation_are_asked_for_anew(traces):
    module = nn.Sequential(nn.Conv2d(1, 2, 1))
    Architecture.from_module(module, (1, 4, 4))
    Architecture.from_module(module, (1, 5, 5))
    Architecture.from_module(module, (1, 4, 4), validate=False)
    Architecture.from_module(module, (1, 4, 4), initialisation="default")
    assert len(traces) == 4


def test_a_document_that_was_changed_by_its_reader_does_not_come_back():
    module = nn.Sequential(nn.Linear(4, 4))
    first = Architecture.from_module(module, (4,))
    fingerprint = first.fingerprint
    first.document["nodes"].clear()
    assert Architecture.from_module(module, (4,)).fingerprint == fingerprint


def test_one_number_of_a_large_weight_is_seen():
    module = nn.Sequential(nn.Linear(512, 512, bias=False))
    first = unchanged.signature_of(module)
    module[0].weight.data[257, 131] = 0.0
    assert unchanged.signature_of(module) != first


def test_a_global_hook_is_seen():
    module = Named()
    key(module)
    handle = nn.modules.module.register_module_forward_hook(lambda *args: None)
    try:
        with pytest.raises(UnsupportedModel):
            key(module)
    finally:
        handle.remove()


def test_what_code_looks_up_by_a_text_or_imports_is_not_remembered(traces):
    def body(s, x):
        import tests.tracing.test_unchanged as here

        return s.fc(x) * here.SCALE

    module = Net(body, fc=nn.Linear(4, 4))
    key(module), key(module), key(Named()), key(Named())
    assert len(traces) == 4


@pytest.mark.parametrize("thing", [torch.ones(8), np.array([1.0, 2.0]), [torch.ones(3)], object()])
def test_an_attribute_of_any_kind_does_no_harm(thing):
    assert len(key(lambda: Net(lambda s, x: s.fc(x), fc=nn.Linear(4, 4), thing=thing))) == 64
    assert len(key(Net(lambda s, x: s.fc(x), fc=nn.Linear(4, 4), thing=thing))) == 64
