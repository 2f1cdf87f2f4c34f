"""The module handed in stays as it was, keyed or refused."""

import random
import threading
import types

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from jitnas_fn.core.errors import UnsupportedModel
from tests.tracing.numerics import Net, key, key_or_refusal


def photographed(module):
    attributes = {name: dict(m.__dict__) for name, m in module.named_modules()}
    inner = {name: {k: dict(v) for k, v in d.items() if isinstance(v, dict)} for name, d in attributes.items()}
    lists = {name: {k: list(v) for k, v in d.items() if isinstance(v, list)} for name, d in attributes.items()}
    tensors = {name: (id(t), t.clone()) for name, t in module.state_dict(keep_vars=True).items()}
    gradients = {name: (p.requires_grad, p.grad) for name, p in module.named_parameters()}
    return attributes, inner, lists, tensors, gradients


def assert_same(before, after):
    for one, other in zip(before[:3], after[:3], strict=True):
        assert {k: list(v) for k, v in one.items()} == {k: list(v) for k, v in other.items()}
        assert all(one[k][n] is other[k][n] or one[k][n] == other[k][n] for k in one for n in one[k])
    assert list(before[3]) == list(after[3])
    assert all(
        before[3][n][0] == after[3][n][0] and torch.equal(before[3][n][1].detach(), after[3][n][1].detach()) for n in before[3]
    )
    assert before[4] == after[4]


def counting(s, x):
    s.calls = 1
    s.memory.append(x)
    s.table["x"] = x
    return s.fc(x)


def raising(s, x):
    s.memory.append(x)
    raise ValueError


def to_eval(s, x):
    s.eval()
    return s.fc(x)


def hooking(s, x):
    s.fc.register_forward_hook(lambda *a: None)
    return s.fc(x)


def replacing(s, x):
    s.fc = nn.Identity()
    return s.fc(x)


BODIES = [lambda s, x: s.n(s.fc(x)), counting, raising, to_eval, hooking, replacing, lambda s, x: s.fc(x).cumsum(1)]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("training", [True, False])
def test_state_attributes_and_modes_are_those_of_before(body, training):
    module = Net(body, fc=nn.Linear(4, 4), n=nn.BatchNorm1d(4), memory=[], table={}).train(training)
    module.n.train(not training)
    before, states = photographed(module), [m.training for m in module.modules()]
    key_or_refusal(module)
    assert_same(before, photographed(module))
    assert [m.training for m in module.modules()] == states
    if body is BODIES[0]:
        module(torch.zeros(3, 4))


def test_a_trace_draws_no_random_numbers():
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()
    key(module)
    assert torch.equal(before, torch.get_rng_state())
    assert (numpy_before == np.random.get_state()[1]).all()


def test_random_states_are_put_back_when_forward_draws():
    module = Net(lambda s, x: s.fc(x) * float(np.random.rand()), fc=nn.Linear(4, 4))
    before = np.random.get_state()[2]
    assert key_or_refusal(module) is None
    assert np.random.get_state()[2] == before


@pytest.mark.parametrize("draw", [random.random, np.random.rand, lambda: float(torch.rand(()))])
@pytest.mark.parametrize("validate", [True, False])
def test_another_thread_may_draw_meanwhile_and_draws_nothing_twice(draw, validate):
    numbers, looks = [], []

    def body(s, x):
        if len(looks) < 2:  # in the first look of the trace, and not in the second
            looks.append(x)
            other = threading.Thread(target=lambda: numbers.append(draw()))
            other.start()
            other.join()
        return s.fc(x)

    module = Net(body, fc=nn.Linear(4, 4))
    assert key(module, validate=validate) == key(nn.Sequential(nn.Linear(4, 4)))
    assert len({*numbers, draw()}) == 3


def test_a_forward_that_draws_is_refused_beside_a_thread_that_draws():
    ended = threading.Event()

    def draws():
        while not ended.wait(0.001):
            random.random()

    other = threading.Thread(target=draws)
    other.start()
    try:
        with pytest.raises(UnsupportedModel, match="forward draws random numbers"):
            key(Net(lambda s, x: s.fc(x) * random.random(), fc=nn.Linear(4, 4)))
    finally:
        ended.set()
        other.join()


class Dropped(nn.Module):
    def forward(self, w):
        return F.dropout(w, 0.5, self.training)


def test_a_parametrization_that_draws_is_not_run():
    module = nn.Linear(4, 4)
    parametrize.register_parametrization(module, "weight", Dropped())
    before = torch.get_rng_state()
    key_or_refusal(module)
    assert torch.equal(before, torch.get_rng_state())


def held(s, x):
    s.holder.last = x
    return s.fc(x)


@pytest.mark.parametrize("holder", [types.SimpleNamespace(last=None), type("Holder", (), {"last": None})()])
def test_an_object_that_a_module_holds_keeps_no_traced_tensor(holder):
    assert key_or_refusal(Net(held, fc=nn.Linear(4, 4), holder=holder)) is None
    assert holder.last is None


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


def test_another_thread_may_use_autograd_functions_meanwhile():
    tracing, done, failures = threading.Event(), threading.Event(), []

    def train():
        tracing.wait(10)
        try:
            Doubled.apply(torch.zeros(3))
        except Exception as reason:  # noqa: BLE001
            failures.append(reason)
        done.set()

    def body(s, x):
        tracing.set()
        done.wait(10)
        return s.fc(x)

    other = threading.Thread(target=train)
    other.start()
    key_or_refusal(Net(body, fc=nn.Linear(4, 4)))
    other.join()
    assert failures == []


def test_threads_that_trace_at_once_get_the_keys_they_would_get_alone():
    builders = [lambda n=n: nn.Sequential(nn.Linear(4, n), nn.ReLU(), nn.Linear(n, 2)) for n in range(1, 9)]
    modules, found = [build() for build in builders], {}
    alone = [key(build) for build in builders]
    threads = [threading.Thread(target=lambda i=i: found.update({i: key(modules[i])})) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[i] for i in range(8)] == alone
