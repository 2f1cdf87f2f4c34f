"""What would escape a trace: gradients, modes, questions about the run, state, randomness. Refused, or a key of its own."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from tests.tracing.numerics import Net, key, key_or_refusal


def linear(**more):
    return {"fc": nn.Linear(4, 4), "fd": nn.Linear(4, 4), **more}


def plain(s, x):
    return s.fd(torch.tanh(s.fc(x)))


def cut_by_clone(s, x):
    h = torch.tanh(s.fc(x))
    with torch.no_grad():
        h = h.clone()
    return s.fd(h)


def cut_by_cat(s, x):
    h = torch.tanh(s.fc(x))
    with torch.inference_mode():
        h = torch.cat([h])
    return s.fd(h)


def cut_by_contiguous(s, x):
    h = torch.tanh(s.fc(x)).view(-1, 2, 2).transpose(1, 2)
    with torch.no_grad():
        h = h.contiguous()
    return s.fd(h.transpose(1, 2).reshape(-1, 4))


@torch.no_grad()
def cloned(x):
    return x.clone()


def cut_by_decorator(s, x):
    return s.fd(cloned(torch.tanh(s.fc(x))))


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return -g


class ReversedInTwoSteps(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, g):
        return -g


reversed_gradient, reversed_in_two_steps = Reversed.apply, ReversedInTwoSteps.apply  # bound before any trace


def zeroed_on_the_way_back(s, x):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t * 0, lambda t: t):
        return plain(s, x)


class Doubling(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        value = func(*args, **(kwargs or {}))
        return value * 2 if str(func) == "aten.tanh.default" else value


def under_a_dispatch_mode(s, x):
    with Doubling():
        h = torch.tanh(s.fc(x))
    return s.fd(h)


def cuda_autocast(s, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        region = torch.autocast("cuda", dtype=torch.bfloat16)
    with region:
        return plain(s, x)


def doubled_if(question):
    """tanh(fc(x)) is doubled where the question says so; the traced tensor answers otherwise than the real one."""

    def body(s, x):
        try:
            yes = question(x)
        except Exception:  # noqa: BLE001 - the model's own try
            yes = False
        return s.fd(torch.tanh(s.fc(x)) * (2.0 if yes else 1.0))

    return body


SPOILED = [
    pytest.param(cut_by_clone, id="clone under no_grad"),
    pytest.param(cut_by_contiguous, id="contiguous under no_grad"),
    pytest.param(cut_by_decorator, id="clone under a no_grad decorator"),
    pytest.param(cut_by_cat, id="cat of one under inference_mode"),
    pytest.param(lambda s, x: s.fd(reversed_gradient(torch.tanh(s.fc(x)))), id="saved apply"),
    pytest.param(lambda s, x: s.fd(reversed_in_two_steps(torch.tanh(s.fc(x)))), id="saved apply, setup_context"),
    pytest.param(lambda s, x: s.fd(Reversed.apply(torch.tanh(s.fc(x)))), id="apply"),
    pytest.param(zeroed_on_the_way_back, id="saved_tensors_hooks"),
    pytest.param(under_a_dispatch_mode, id="dispatch mode in forward"),
    pytest.param(cuda_autocast, id="autocast for cuda"),
    pytest.param(lambda s, x: s.fd(torch.tanh(s.fc(x)).detach()), id="detach"),
    pytest.param(lambda s, x: s.fd(torch.tanh(s.fc(x)).data), id="data"),
    pytest.param(doubled_if(lambda x: not torch.is_grad_enabled()), id="is_grad_enabled"),
    pytest.param(doubled_if(lambda x: torch.is_inference_mode_enabled()), id="is_inference_mode_enabled"),
    pytest.param(doubled_if(lambda x: type(x) is torch.Tensor), id="type of x"),
    pytest.param(doubled_if(lambda x: isinstance(x.shape[0], int)), id="batch is an int"),
    pytest.param(doubled_if(lambda x: isinstance(x.shape, torch.Size)), id="shape is a Size"),
    pytest.param(doubled_if(lambda x: x.shape[0] in {1, 8}), id="batch in a set"),
    pytest.param(doubled_if(lambda x: {8: True}.get(x.size(0), False)), id="dict.get(batch)"),
    pytest.param(doubled_if(lambda x: str(x.shape[0]) == "8"), id="str(batch)"),
    pytest.param(doubled_if(lambda x: x.shape[0] == 8), id="batch == 8"),
    pytest.param(doubled_if(lambda x: x.shape[0] % 2 == 0), id="batch % 2"),
    pytest.param(doubled_if(lambda x: x.shape[0] & 1 == 0), id="batch & 1 in a try"),
    pytest.param(doubled_if(lambda x: divmod(x.shape[0], 2)), id="divmod(batch) in a try"),
    pytest.param(doubled_if(lambda x: -x.shape[0] < 0), id="-batch in a try"),
    pytest.param(doubled_if(lambda x: x.shape.numel() > 8), id="shape.numel() in a try"),
    pytest.param(doubled_if(lambda x: x.sum() > 0), id="value in a try"),
    pytest.param(doubled_if(lambda x: x.requires_grad), id="requires_grad in a try"),
]


@pytest.mark.parametrize("body", SPOILED)
def test_what_changes_gradients_or_asks_about_the_run_is_refused_or_another_key(body):
    assert key_or_refusal(lambda: Net(body, **linear())) != key(lambda: Net(plain, **linear()))


def dead_call(s, x):
    y = s.n(x)
    s.n(x * 3)
    return y


def zeroed_call(s, x):
    return s.n(x) + 0 * s.n(x * 3)


@pytest.mark.parametrize("body", [dead_call, zeroed_call])
def test_a_batch_norm_call_whose_value_is_not_used_still_moves_the_statistics(body):
    first, second = Net(body, n=nn.BatchNorm1d(4)), Net(lambda s, x: s.n(x), n=nn.BatchNorm1d(4))
    x = torch.randn(8, 4) + 1
    first(x), second(x)
    assert not torch.allclose(first.eval()(x), second.eval()(x))  # they really differ
    assert key_or_refusal(lambda: Net(body, n=nn.BatchNorm1d(4))) != key(lambda: Net(lambda s, x: s.n(x), n=nn.BatchNorm1d(4)))


def frozen_read(s, x):
    return F.batch_norm(x * 2, s.n.running_mean, s.n.running_var, training=False)


def read_after(s, x):
    y = s.n(x)
    return y + frozen_read(s, x)


def read_before(s, x):
    z = frozen_read(s, x)
    return s.n(x) + z


def test_reading_statistics_before_or_after_they_move_is_not_the_same():
    x = torch.randn(8, 4) + 1
    assert not torch.allclose(Net(read_after, n=nn.BatchNorm1d(4))(x), Net(read_before, n=nn.BatchNorm1d(4))(x))
    keys = [key_or_refusal(lambda body=body: Net(body, n=nn.BatchNorm1d(4))) for body in (read_after, read_before)]
    assert keys[0] is None or keys[0] != keys[1]


class HalfShared(nn.Module):
    """Two batch-norms with one running mean, called in either order."""

    def __init__(self, first):
        super().__init__()
        self.a, self.b, self.first = nn.BatchNorm1d(4), nn.BatchNorm1d(4), first
        self.b.running_mean = self.a.running_mean

    def forward(self, x):
        if self.first:
            u, v = self.a(x), self.b(x * 3 + 1)
        else:
            v, u = self.b(x * 3 + 1), self.a(x)
        return u * 2 + v


def test_the_order_of_calls_counts_where_only_one_statistic_is_shared():
    first, second, x = HalfShared(first=True), HalfShared(first=False), torch.randn(8, 4) + 1
    first(x), second(x)
    assert not torch.allclose(first.a.running_mean, second.a.running_mean)
    found = key_or_refusal(lambda: HalfShared(first=True))
    assert found is None or found != key_or_refusal(lambda: HalfShared(first=False))


def one_mask_twice(s, x):
    state = torch.get_rng_state()
    a = s.d(x)
    torch.set_rng_state(state)
    return s.fc(a * s.d(x))


def a_fixed_mask(s, x):
    state = torch.get_rng_state()
    torch.manual_seed(0)
    y = s.d(x)
    torch.set_rng_state(state)
    return s.fc(y * s.d(x))


@pytest.mark.parametrize("body", [one_mask_twice, a_fixed_mask])
def test_one_draw_used_twice_is_not_two_draws(body):
    def build(body):
        return lambda: Net(body, d=nn.Dropout(), fc=nn.Linear(4, 4))

    assert key_or_refusal(build(body)) != key(build(lambda s, x: s.fc(s.d(x) * s.d(x))))


def test_seeding_in_forward_is_refused_whatever_the_state_before():
    def body(s, x):
        torch.manual_seed(0)
        return s.fc(s.d(x))

    module = Net(body, d=nn.Dropout(), fc=nn.Linear(4, 4))
    torch.manual_seed(0)
    assert key_or_refusal(module) is None


# initialisation: how draws hang together


def test_a_hook_where_gradients_accumulate_is_refused():
    def hooked():
        module = nn.Linear(4, 4)
        node = module.weight.view_as(module.weight).grad_fn.next_functions[0][0]
        node.register_prehook(lambda g: (g[0] * 0,))
        module.kept = node
        return module

    assert key_or_refusal(hooked) != key(lambda: nn.Linear(4, 4))


def test_a_layer_switched_to_evaluation_by_hand_is_refused_and_by_its_own_train_is_keyed():
    by_hand = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    by_hand[1].eval()
    assert key_or_refusal(by_hand) is None

    class Frozen(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[1].eval()
            return self

    assert key(lambda: Frozen(nn.Linear(4, 4), nn.BatchNorm1d(4))) != key(
        lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    )


def test_state_in_a_forward_put_into_a_layer_of_torch_is_seen(monkeypatch):
    def counting(self, x):
        self.calls = getattr(self, "calls", 0) + 1
        return torch.relu(x)

    monkeypatch.setattr(nn.ReLU, "forward", counting)
    assert key_or_refusal(nn.Sequential(nn.Linear(4, 4), nn.ReLU())) is None
