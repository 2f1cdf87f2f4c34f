"""The network of a document runs beside the model: what a trace has missed, or a rebuild does wrong, is a refusal."""

import copy
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from jitnas_fn import Architecture, Client
from jitnas_fn.core.errors import UnsupportedModel
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.tracing import run
from jitnas_fn.tracing.validation import pair, remembered
from tests.tracing.numerics import Net, key


def refused(build, shape=(4,), **options):
    with pytest.raises(UnsupportedModel) as caught:
        key(build, shape, **options)
    return str(caught.value)


# mistakes of a rebuild: one in each kind of thing that is compared

MISTAKES = {
    "the output in training, call 1": ("sigmoid", lambda m, x: torch.sigmoid(m.fc(x)), lambda x, a: x.sigmoid() * (1 + 1e-6)),
    "the gradient of fc": ("detach", lambda m, x: m.fc(x).detach() * m.fc(x), lambda x, a: x),
    "the output in evaluation, call 1": (
        "tanh",
        lambda m, x: m.fc(x) if m.training else m.fc(x).tanh(),
        lambda x, a: x.tanh() * (1 + 1e-6),
    ),
}


@pytest.mark.parametrize("named", MISTAKES)
def test_a_mistake_of_the_rebuilt_network_is_a_refusal_that_names_what_differs(named, monkeypatch):
    op, body, wrong = MISTAKES[named]
    original = pair.Network._program

    def program(self, *, training):
        steps = original(self, training=training)
        return [(i, _wrong(self.graph.nodes[i], call, op, wrong), done) for i, call, done in steps]

    monkeypatch.setattr(pair.Network, "_program", program)
    assert named in refused(lambda: Net(body, fc=nn.Linear(4, 4)))


def _wrong(node, call, op, wrong):
    if node.op != op:
        return call
    return lambda values, network, batch: wrong(values[node.source("x")], node.attrs)


def test_statistics_after_the_call_are_compared(monkeypatch):
    special = run.SPECIAL["running_batch_norm"]

    def slower(node, graph, number):
        attrs = {**node.attrs, "momentum": node.attrs["momentum"] + 1e-3}
        return special(node._replace(attrs=attrs), graph, number)

    monkeypatch.setitem(run.SPECIAL, "running_batch_norm", slower)
    assert "running_mean, after the call in training" in refused(lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)))


def test_an_eps_that_is_a_little_off_is_seen(monkeypatch):
    norm = run.NAMED["layer_norm"]
    monkeypatch.setitem(run.NAMED, "layer_norm", lambda t, a: norm(t, {**a, "eps": a["eps"] * 1.01}))
    assert "differs by" in refused(lambda: nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)))


# what a trace cannot see


class Counter:
    def __init__(self):
        self.calls = [[[[0]]]]  # deeper than attributes are looked at

    def up(self):
        self.calls[0][0][0][0] += 1
        return self.calls[0][0][0][0]


def test_state_too_deep_to_be_seen_shows_when_it_acts_later():
    def body(s, x):
        return s.fc(x) * (1.0 if s.counter.up() <= 4 else 2.0)

    assert "output" in refused(lambda: Net(body, fc=nn.Linear(4, 4), counter=Counter()))


def test_a_model_that_writes_into_its_weights_past_torch_is_refused():
    def body(s, x):
        s.fc.weight.untyped_storage()  # the storage may be written to
        s.numbers[0, 0] += 0.0 if isinstance(x.shape[0], torch.SymInt) else 1.0
        return s.fc(x)

    def build():
        module = Net(body, fc=nn.Linear(4, 4))
        module.numbers = module.fc.weight.detach().numpy()
        return module

    with pytest.raises(UnsupportedModel):
        key(build)


def test_a_gradient_that_a_hook_of_the_accumulator_changes_is_named():
    module = nn.Linear(4, 4)
    node = module.weight.view_as(module.weight).grad_fn.next_functions[0][0]
    node.register_prehook(lambda g: (g[0] * 0,))
    module.kept = node
    assert "the gradient of weight is changed by a hook" in refused(module)


# ordinary models pass


def cached(s, x):
    if x.shape[1] not in s.cache:
        s.cache[x.shape[1]] = torch.arange(x.shape[1], dtype=x.dtype, device=x.device)
    return s.fc(x) + s.cache[x.shape[1]]


def noise_without_gradients(s, x):
    h = s.fc(x)
    if not s.training:
        return x + h
    with torch.no_grad():
        kept = x.new_empty((x.shape[0], 1)).bernoulli_(0.8)
    return x + h * kept / 0.8


def test_a_batch_norm_without_running_statistics_passes_on_vectors():
    assert len(key(lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)))) == 64


ORDINARY = {
    "logarithms": (lambda s, x: torch.log(x + 0.0) + s.fc(x), (4,), "float32"),
    "casts to its own type": (lambda s, x: s.fc(x.float()).to(torch.float32), (4,), "float32"),
    "tensors of its own type": (lambda s, x: s.fc(x) * torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=x.dtype), (4,), "float32"),
    "numbers of numpy made before": (lambda s, x: s.fc(x) + torch.linspace(0, 1, 4), (4,), "float32"),
    "noise": (lambda s, x: s.fc(x) + 0.1 * torch.randn_like(x) * torch.rand(x.shape), (4,), "float32"),
    "a dropout that nobody reads": (lambda s, x: (F.dropout(x, 0.5), s.fc(x))[1], (4,), "float32"),
    "alpha dropout": (lambda s, x: F.alpha_dropout(s.fc(x), 0.3, s.training), (4,), "float32"),
    "in place on a dropout": (lambda s, x: F.dropout(s.fc(x), 0.3, s.training).relu_(), (4,), "float32"),
    "numbers of numpy": (lambda s, x: s.fc(x) / np.sqrt(8) * np.float32(0.5), (4,), "float32"),
    "noise without gradients": (noise_without_gradients, (4,), "float32"),
    "a norm of torch": (lambda s, x: s.fc(x) / torch.norm(x, 2, 1, keepdim=True), (4,), "float32"),
    "a mask that is an input": (lambda s, x: s.fc(x.float()).masked_fill(x, 0.0), (4,), "bool"),
    "double": (lambda s, x: s.fc.double()(x), (4,), "float64"),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_an_ordinary_model_passes(name):
    body, shape, dtype = ORDINARY[name]
    build = (lambda: Net(lambda s, x: s.fc(x), fc=nn.Linear(4, 4).double())) if name == "double" else None
    assert len(key(build or (lambda: Net(body, fc=nn.Linear(4, 4))), shape, dtype=dtype)) == 64


class Rotary(nn.Module):
    """Rotary positions as they are often written: from a buffer of frequencies."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.register_buffer("frequencies", 1.0 / 10000 ** (torch.arange(0, 8, 2) / 8))

    def forward(self, x):
        angles = torch.outer(torch.arange(x.shape[1]), self.frequencies)
        h, cos, sin = self.fc(x), angles.cos(), angles.sin()
        a, b = h[..., 0::2], h[..., 1::2]
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


@pytest.mark.parametrize("length", [5, 64, 256])
def test_what_is_computed_from_a_buffer_is_compared_as_it_is(length):
    assert len(key(Rotary, (length, 8))) == 64


def test_a_long_loop_of_one_layer_is_not_held_against_all_its_steps(monkeypatch):
    """Each step is looked for where it is expected: not among all others, which takes as many looks as steps squared."""
    looks, fits, steps = [], remembered._Once.fits, 40
    monkeypatch.setattr(remembered._Once, "fits", lambda once, tensors: looks.append(once) or fits(once, tensors))

    def body(s, x):
        h = x[:, 0]
        for i in range(steps):
            h = torch.tanh(s.fc(h) + x[:, i])
        return h

    key(lambda: Net(body, fc=nn.Linear(128, 128)), (steps, 128))
    assert steps * len(pair.CALLS) <= len(looks) <= 2 * steps * len(pair.CALLS)


def test_a_model_in_half_precision_passes_within_its_precision():
    assert len(key(lambda: nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 4)).bfloat16(), (8,), dtype="bfloat16")) == 64


def test_the_model_is_as_it_was_and_so_are_its_gradients_and_random_numbers():
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), nn.Linear(4, 2))
    module(torch.randn(3, 4)).sum().backward()
    module.eval()
    before, gradients = copy.deepcopy(module.state_dict()), [p.grad for p in module.parameters()]
    places, attributes = [p.data_ptr() for p in module.parameters()], [dict(vars(m)) for m in module.modules()]
    torch.manual_seed(3)
    state = torch.get_rng_state()
    for validate in (True, False):
        Architecture.from_module(module, (4,), initialisation="default", validate=validate)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(before.values(), module.state_dict().values(), strict=True))
    assert all(a is p.grad for a, p in zip(gradients, module.parameters(), strict=True))
    assert places == [p.data_ptr() for p in module.parameters()]
    assert attributes == [dict(vars(m)) for m in module.modules()]
    assert all(p.dtype == torch.float32 for p in module.parameters())


def test_the_model_is_as_it_was_after_a_refusal():
    module = Net(lambda s, x: s.fc(x) * (1.0 if s.counter.up() <= 4 else 2.0), fc=nn.Linear(4, 4), counter=Counter())
    weight, place = module.fc.weight.detach().clone(), module.fc.weight.data_ptr()
    refused(module)
    assert torch.equal(module.fc.weight, weight)
    assert module.fc.weight.data_ptr() == place
    assert module.training


def test_threads_that_ask_for_one_model_get_one_key():
    module, found = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), []
    threads = [threading.Thread(target=lambda: found.append(key(module))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_network_too_large_to_run_beside_itself_says_so():
    wide = nn.Sequential(nn.Conv2d(1, 1 << 22, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert "too many to run it beside its copy" in refused(wide, (1, 8, 8))


# validate=False, and what a record says


def test_without_validation_the_key_is_the_same():
    def build():
        return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.2), nn.ReLU(), nn.Linear(4, 4))

    assert key(build, validate=False) == key(build)


@pytest.mark.parametrize(("validate", "said"), [(True, "passed"), (False, "skipped")])
def test_a_record_says_whether_its_key_was_validated(validate, said):
    def small():
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

    with Client(store=MemoryStore()) as client:
        record = client.evaluate(small, dataset="digits", recipe="instant", seed=0, validate=validate)
        assert record.provenance["validation"] == said
        architecture = Architecture.from_module(small, (1, 8, 8))
        other = client.evaluate(architecture, dataset="digits", recipe="instant", seed=1)
        assert other.provenance["validation"] == "not needed"
