"""Networks that differ in how they start: never one key."""

import copy
import ctypes

import pytest
import torch
from torch import manual_seed as seed_bound_before  # as a model's file has it
from torch import nn
from torch.nn import functional as F

from jitnas_fn.core.errors import UnknownInitialisation
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


# draws that hang together though no operation says so


class Experts(nn.Module):
    def __init__(self, fill):
        super().__init__()
        self.w, self.o = nn.Parameter(torch.empty(4, 16, 16)), nn.Linear(16, 16)
        fill(self.w, self.o.weight)

    def forward(self, x):
        return self.o(sum(x @ w for w in self.w))


def each_anew(w, other):
    for part in w:
        nn.init.xavier_uniform_(part)


def alike(w, other):
    base = nn.init.xavier_uniform_(torch.empty(16, 16))
    with torch.no_grad():
        for part in w:
            part.copy_(base)


def like_another(w, other):
    each_anew(w, other)
    with torch.no_grad():
        w[2].copy_(other)


@pytest.mark.parametrize("fill", [alike, like_another])
def test_parts_that_are_copies_of_one_draw_are_not_drawn_anew(fill):
    usual = key(lambda: Experts(each_anew), (16,))
    assert usual != key_or_refusal(lambda: Experts(fill), (16,))


def layers(seed):
    def build():
        found = []
        for sizes in ((8, 8), (8, 8)):
            seed()
            found.append(nn.Linear(*sizes))
        return nn.Sequential(*found)

    return build


@pytest.mark.parametrize("seed", [lambda: seed_bound_before(0), lambda: torch.default_generator.manual_seed(0)])
def test_a_seed_chosen_again_is_seen_however_it_is_chosen(seed):
    assert key_or_refusal(layers(seed), (8,)) != key(layers(lambda: None), (8,))


def test_frozen_numbers_under_a_seed_of_the_models_own_are_content():
    def build(seed):
        def made():
            torch.default_generator.manual_seed(seed)
            module = Net(lambda s, x: x @ s.features, fc=nn.Linear(4, 4))
            module.register_buffer("features", torch.randn(4, 4))
            return module

        return made

    assert key(build(1)) != key(build(2))


def out_of_another(a, b):
    torch.mul(a.weight.detach().flip(0), 1.0, out=b.weight.data)


def rounded(a, b):
    b.weight.data.copy_((torch.div(torch.rand(8, 8) * 100, 2, rounding_mode="floor") + 1) * 0.01)


def through_integers(a, b):
    whole = torch.empty(8, 8, dtype=torch.long)
    whole.copy_(torch.rand(8, 8) * 100)
    b.weight.data.copy_((whole.float() + 1) * 0.01)


def as_bits(a, b):
    b.weight.data.view(torch.int32).div_(1 << 16, rounding_mode="floor").mul_(1 << 16)


@pytest.mark.parametrize("spoil", [out_of_another, rounded, through_integers, as_bits])
def test_what_is_written_past_the_algebra_is_not_the_default(spoil):
    def build():
        a, b = nn.Linear(8, 8), nn.Linear(8, 8)
        with torch.no_grad():
            spoil(a, b)
        return nn.Sequential(a, nn.Tanh(), b)

    def reals():
        model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
        with torch.no_grad():
            model[2].weight.copy_((torch.rand(8, 8) * 50 + 1) * 0.01)
        return model

    def plain():
        return nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))

    found = key_or_refusal(build, (8,))
    assert found is None or found not in (key(reals, (8,)), key(plain, (8,)))


def test_a_buffer_that_begins_as_a_copy_of_a_drawn_parameter_is_refused():
    def build():
        module = Net(lambda s, x: s.fc(x) + x @ s.first, fc=nn.Linear(4, 4))
        module.register_buffer("first", module.fc.weight.detach().clone())
        return module

    with pytest.raises(UnknownInitialisation, match="copy"):
        key(build)
