"""Networks that differ in how they start: never one key."""

import copy
import ctypes

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.numerics import Net, key, key_or_refusal


def two_layers(change):
    def build():
        first, second = nn.Linear(4, 4), nn.Linear(4, 4)
        second = change(first, second) or second
        return Net(lambda s, x: s.a(x) - torch.tanh(s.b(x)), a=first, b=second)

    return build


def mirrored(a, b):
    b.weight.data = -a.weight.data
    b.bias.data = -a.bias.data


def copied_in_place(a, b):
    b.weight.data.copy_(a.weight.data)


CORRELATED = {
    "deepcopy": lambda a, b: copy.deepcopy(a),
    "load_state_dict": lambda a, b: b.load_state_dict(a.state_dict()) and None,
    "mirrored": mirrored,
    "copy_": copied_in_place,
}


@pytest.mark.parametrize("change", CORRELATED)
@pytest.mark.parametrize("as_object", [False, True])
def test_two_layers_that_start_equal_are_not_two_that_start_independently(change, as_object):
    same, apart = two_layers(CORRELATED[change]), two_layers(lambda a, b: None)
    assert key_or_refusal(same() if as_object else same) != key(apart)


ROWS = {
    "copy_ of a row": lambda: nn.Parameter(torch.empty(4, 4).copy_(torch.rand(1, 4))),
    "clone of an expanded row": lambda: nn.Parameter(torch.rand(1, 4).expand(4, 4).clone()),
    "one number everywhere": lambda: nn.Parameter(torch.rand(1).expand(4, 4).contiguous()),
}


@pytest.mark.parametrize("rows", ROWS)
def test_a_row_repeated_is_not_a_matrix_drawn(rows):
    def build(weight):
        return lambda: Net(lambda s, x: F.linear(x, s.w), w=weight())

    assert key_or_refusal(build(ROWS[rows])) != key(build(lambda: nn.Parameter(torch.rand(4, 4))))


@pytest.mark.parametrize("write", [lambda w: w.fill(0), lambda w: w.sort()])
def test_weights_written_through_numpy_are_not_the_default_draw(write):
    def written():
        layer = nn.Linear(4, 4)
        write(layer.weight.data.numpy())
        return layer

    assert key_or_refusal(written) != key(lambda: nn.Linear(4, 4))


def test_memory_never_filled_is_not_zero():
    def unfilled():
        weight = torch.empty(4)
        ctypes.memset(weight.data_ptr(), 0, 16)  # what a fresh page holds
        return Net(lambda s, x: x * s.w, w=nn.Parameter(weight))

    assert key_or_refusal(unfilled) is None


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_pruned_weights_of_an_object_are_not_the_default_draw(share):
    module = nn.Linear(64, 64)
    module.weight.data[torch.rand(64, 64) < share] = 0
    assert key_or_refusal(module, (64,)) != key(lambda: nn.Linear(64, 64), (64,))


def test_asking_for_a_fingerprint_draws_nothing_from_the_callers_generator():
    before = torch.get_rng_state()
    key(lambda: nn.Linear(4, 4))
    assert torch.equal(torch.get_rng_state(), before)
