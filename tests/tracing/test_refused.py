"""What cannot be said is refused, by one of four errors, and the message names the operation or line."""

import contextlib
import random
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.utils.checkpoint import checkpoint

from jitnas_fn.core.errors import ModelFailed, NotAModel, UnknownInitialisation, UnsupportedModel
from tests.tracing.numerics import Net, key


def net(body, **parts):
    return lambda: Net(body, fc=nn.Linear(4, 4), **parts)


class Hidden:
    weight = torch.randn(4, 4, requires_grad=True)


def counted(s, x):
    s.calls = getattr(s, "calls", 0) + 1
    return s.fc(x)


def remembered(s, x):
    s.memory.append(x)
    return s.fc(x)


def caught(s, x):
    try:
        return s.fc(x).cumprod(1)
    except ValueError:
        return s.fc(x)


def through_global_random(s, x):
    return s.fc(x) * (1.0 if random.random() < 0.5 else 2.0)


def through_numpy_random(s, x):
    return s.fc(x) * float(np.random.rand())


def hook_in_forward(s, x):
    s.fc.register_forward_hook(lambda module, args, y: y * 2)
    return s.fc(x)


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g


UNSUPPORTED = {
    "cumprod": net(lambda s, x: s.fc(x).cumprod(1)),
    "sort": net(lambda s, x: s.fc(x).sort(1)[0]),
    "indices of a maximum": net(lambda s, x: s.fc(x) + s.fc(x).max(1)[1].unsqueeze(1)),
    "masks": net(lambda s, x: s.fc(x[x > 0].view(-1, 4))),
    "without a batch|no batch of sequences": lambda: Net(lambda s, x: s.g(x.unsqueeze(0))[0], g=nn.GRU(4, 4, batch_first=True)),
    "item": net(lambda s, x: s.fc(x) * s.fc.bias.item()),
    "__setitem__": net(lambda s, x: x.__setitem__(0, 1) or s.fc(x)),
    "a loop over the batch": net(lambda s, x: [s.fc(x), *list(x)][0]),
    "loop over the batch": net(lambda s, x: sum(x.unbind(0), s.fc(x))),
    "looks at the numbers": net(lambda s, x: s.fc(x) if s.fc.bias.sum() > 0 else x),
    "Tensor.all": net(lambda s, x: s.fc(x) if (x > 0).all() else x),
    "changed in place where gradients are off": net(lambda s, x: torch.no_grad()(s.fc(x).relu_)()),
    "Parameter is|parameter or buffer is": net(lambda s, x: s.fc.weight.data.clamp_(-1, 1) is None or s.fc(x)),
    "requires_grad_": net(lambda s, x: s.fc(x.requires_grad_())),
    "numpy": net(lambda s, x: s.fc(x) + torch.from_numpy(x.numpy())),
    "randint|random": net(lambda s, x: s.fc(x) + torch.randint(0, 2, (4,))),
    "randperm|random": net(lambda s, x: s.fc(x)[:, torch.randperm(4)]),
    "exponential_": net(lambda s, x: s.fc(x) + torch.empty_like(x).exponential_()),
    "before it was filled": net(lambda s, x: s.fc(x) + torch.empty_like(x)),
    "bernoulli": net(lambda s, x: s.fc(x) * torch.bernoulli(x)),
    "_foreach_add": net(lambda s, x: torch._foreach_add([s.fc(x)], 1.0)[0]),
    "aten": net(lambda s, x: torch.ops.aten.relu(s.fc(x))),
    "out": net(lambda s, x: torch.add(x, s.fc(x), out=torch.zeros(4))),
    "grad is not in the table": net(lambda s, x: torch.autograd.grad(s.fc(x), x)[0]),
    "register_hook": net(lambda s, x: s.fc(x).register_hook(print) and x),
    "Squared": net(lambda s, x: Squared.apply(s.fc(x))),
    "no registered parameter": net(lambda s, x: F.linear(x, Hidden.weight)),
    "is no registered": net(lambda s, x: s.layers[0](x), layers=[nn.Linear(4, 4)]),
    "forward changes calls": net(counted),
    "forward changes memory": net(remembered, memory=[]),
    "cumprod is not in the table": net(caught),
    "random": net(through_global_random),
    "numbers outside": net(through_numpy_random),
    "_forward_hooks": net(hook_in_forward),
    "len.. of a batch": net(lambda s, x: s.fc(x).view(len(x), -1)),
    "squeeze without a dim": net(lambda s, x: s.fc(x.unsqueeze(1)).squeeze()),
    "CheckpointFunction": net(lambda s, x: checkpoint(s.fc, x, use_reentrant=True)),
    "under a checkpoint": lambda: Net(lambda s, x: checkpoint(s.n, x, use_reentrant=False), n=nn.BatchNorm1d(4)),
    "redraws": net(lambda s, x: checkpoint(s.fc, x, use_reentrant=False, preserve_rng_state=False)),
    "batch size is looked at": net(lambda s, x: s.fc(x) if x.shape[0] > 1 else x),
    "hooks": lambda: (lambda m: (m.register_forward_hook(lambda *a: None), m)[1])(nn.Linear(4, 4)),
    "backward hooks|has hooks": lambda: (lambda m: (m.register_full_backward_hook(lambda *a: None), m)[1])(nn.Linear(4, 4)),
    "gradient hook": lambda: (lambda m: (m.weight.register_hook(lambda g: g * 2), m)[1])(nn.Linear(4, 4)),
    "has hooks": lambda: nn.utils.spectral_norm(nn.Linear(4, 4)),
    "_weight_norm": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
    "share memory": lambda: (lambda a: Net(lambda s, x: s.a(x) * s.w, a=a, w=nn.Parameter(a.weight.data[0])))(nn.Linear(4, 4)),
    "returns a list": net(lambda s, x: [s.fc(x), x]),
    "another structure": net(lambda s, x: (s.fc(x), x) if s.training else s.fc(x)),
    "another output": net(lambda s, x: s.fc(x) if s.training else s.fc(x)[:, :2]),
    "returns a dict": net(lambda s, x: {"y": s.fc(x)}),
    "returns a NoneType": net(lambda s, x: None),
    "gives back its input": nn.Identity,
    "not the batch": net(lambda s, x: s.fc.weight),
    "over the batch": net(lambda s, x: s.fc(x).mean()),
    "batch is not reduced": net(lambda s, x: s.fc(x) - s.fc(x).mean(0)),
    "feature axis": net(lambda s, x: torch.softmax(s.fc(x), 0)),
    "another view": net(lambda s, x: (lambda h: h[:, :2].relu_() is None or s.fc(h))(s.fc(x))),
    "running statistic": lambda: Net(lambda s, x: s.n(x) * s.n.running_mean, n=nn.BatchNorm1d(4)),
    "outlives": net(lambda s, x: s.fc(x) + s.k.add_(1), k=nn.Buffer(torch.ones(4))),
    "buffer is changed": net(lambda s, x: s.k.mul_(s.fc.bias) is None or s.fc(x), k=nn.Buffer(torch.ones(4))),
    "view of fc.weight": lambda: (lambda m: (setattr(m, "w", m.fc.weight.detach()[0]), m)[1])(
        Net(lambda s, x: s.fc(x) * s.w, fc=nn.Linear(4, 4))
    ),
    "evaluation the model": net(lambda s, x: F.dropout(s.fc(x), 0.5)),
    "switches between": net(lambda s, x: s.eval().fc(x)),
    "rrelu": nn.RReLU,
    "a bool stands|bool": net(lambda s, x: s.fc(x) * True),
    "float64": net(lambda s, x: s.fc(x) * s.g, g=nn.Parameter(torch.zeros(4, dtype=torch.float64))),
    "scripted": lambda: torch.jit.script(nn.Linear(4, 4)),
}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("names", UNSUPPORTED)
def test_what_the_graph_cannot_say_is_refused_by_name(names):
    with pytest.raises(UnsupportedModel, match=names.replace("under_no_grad", "grad")):
        key(UNSUPPORTED[names])


def test_the_line_of_the_model_is_named():
    with pytest.raises(UnsupportedModel, match=r"test_refused\.py, line \d+"):
        key(net(lambda s, x: s.fc(x).cumprod(1)))


def test_autocast_in_forward_is_refused():
    def body(s, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return s.fc(x)

    with pytest.raises(UnsupportedModel):
        key(net(body))


@pytest.mark.parametrize("fill", [nn.init.orthogonal_, nn.init.eye_, nn.init.dirac_, lambda w: nn.init.sparse_(w, 0.5)])
def test_an_initialisation_that_cannot_be_repeated_is_refused(fill):
    def build():
        weight = torch.empty(4, 4, 3) if fill is nn.init.dirac_ else torch.empty(4, 4)
        return Net(lambda s, x: x + s.w.flatten(1).mean(1), w=nn.Parameter(fill(weight)))

    with pytest.raises(UnknownInitialisation, match="w is"):
        key(build)


@pytest.mark.parametrize("change", [lambda w: w * 3, lambda w: w + 1, torch.zeros_like, lambda w: w.abs()])
def test_trained_weights_of_an_object_are_refused_or_read(change):
    module = nn.Linear(32, 32)
    module.weight.data = change(module.weight.data)
    with contextlib.suppress(UnknownInitialisation):
        assert key(module, (32,)) != key(lambda: nn.Linear(32, 32), (32,))


@pytest.mark.parametrize("thing", [3, None, "resnet", [nn.ReLU()], {}, lambda: 3, torch.zeros(3)])
def test_what_is_no_model_is_named(thing):
    with pytest.raises(NotAModel):
        key(thing)


def test_a_model_that_fails_says_how():
    with pytest.raises(ModelFailed, match="ValueError: mine"):
        key(net(lambda s, x: exec("raise ValueError('mine')")))
    with pytest.raises(ModelFailed, match="building"):
        key(lambda: 1 / 0)
    with pytest.raises(ModelFailed, match="NotImplementedError"):
        key(nn.Module)


@pytest.mark.parametrize("shape", [(0,), (-1,), (3.0,), ("4",), "four"])
def test_a_bad_input_shape_is_named(shape):
    with pytest.raises(NotAModel, match="input_shape"):
        key(nn.ReLU(), shape)


@pytest.mark.parametrize("shape", [4, None, (2**31,), (1,) * 9])
def test_an_input_shape_that_is_no_list_or_too_large_is_named(shape):
    with pytest.raises((NotAModel, UnsupportedModel)):
        key(nn.ReLU(), shape)


class WithoutWeight(nn.Linear):
    def __init__(self):
        super().__init__(4, 4)
        del self.weight
        self.core = nn.Parameter(torch.ones(4, 4))

    def forward(self, x):
        return F.linear(x, self.core, self.bias)


class WithoutWeightButTheName(WithoutWeight):
    def __init__(self):
        super().__init__()
        self.register_parameter("weight", None)


@pytest.mark.parametrize("layer", [WithoutWeight, WithoutWeightButTheName])
def test_a_subclass_of_linear_without_its_weight_is_keyed(layer):
    assert len(key(layer)) == 64


@pytest.mark.parametrize("parameter", [torch.zeros(1, 0), torch.zeros(4, dtype=torch.complex64), torch.zeros((1,) * 9)])
def test_a_parameter_that_the_graph_cannot_hold_is_refused_for_good(parameter):
    def body(s, x):
        try:
            return s.fc(x) * s.p
        except ValueError:
            return s.fc(x)

    with pytest.raises(UnsupportedModel):
        key(net(body, p=nn.Parameter(parameter)))


@pytest.mark.parametrize("build", [lambda: sys.exit(), net(lambda s, x: sys.exit(1))])
def test_a_model_that_leaves_the_program_failed(build):
    try:
        key(build)
    except SystemExit:
        pytest.fail("the program would have ended")
    except ModelFailed:
        pass


def test_an_initialisation_of_another_type_is_refused():
    with pytest.raises(UnknownInitialisation, match="as built, default"):
        key(nn.Linear(4, 4), initialisation=5)


REPLACED = """
import torch, torch.nn.functional as F
F.silu = F.relu  # a hack to swap the activation of somebody else's model
from torch import nn
from jitnas_fn.graphs.architecture import Architecture
print([node["op"] for node in Architecture.from_module(nn.ReLU(), input_shape=(4,)).document["nodes"]])
"""


def test_a_function_of_torch_replaced_before_the_first_trace_is_not_mistaken():
    found = subprocess.run([sys.executable, "-c", REPLACED], capture_output=True, text=True, check=False)
    assert "silu" not in found.stdout


def test_a_parametrization_is_part_of_the_network_or_refused():
    class Doubled(nn.Module):
        def forward(self, w):
            return 2 * w

    def build():
        layer = nn.Linear(4, 4)
        parametrize.register_parametrization(layer, "weight", Doubled())
        return layer

    with contextlib.suppress(UnknownInitialisation, UnsupportedModel):
        assert key(build) != key(lambda: nn.Linear(4, 4))


@pytest.mark.parametrize(
    "build", [lambda: nn.LazyLinear(4), net(lambda s, x: torch.vmap(s.fc)(x)), lambda: nn.BatchNorm1d(4, momentum=None)]
)
def test_lazy_layers_vmap_and_averages_over_all_batches_have_no_key(build):
    with pytest.raises((UnsupportedModel, ModelFailed)):
        key(build)


def test_a_lazy_layer_is_told_to_be_called_first():
    with pytest.raises(UnsupportedModel, match="lazy"):
        key(lambda: nn.LazyLinear(4))
