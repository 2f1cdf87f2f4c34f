"""The families on which identity must hold: keyed, rebuilt exactly, trained alike, counted right.

`FAMILIES` names them all; each must have a key. Numbers are compared in float64, without randomness, from equal weights.
"""

import functools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.document import document_of
from jitnas_fn.tracing.trace import traced
from tests.tracing.families import cells, convnext, convolutional, dense, mobile, residual, sequences, transformers

SHELF = (convolutional, residual, mobile, convnext, cells, sequences, transformers, dense)
FAMILIES = {name: family for table in SHELF for name, family in table.FAMILIES.items()}
every_family = pytest.mark.parametrize("name", FAMILIES)


@functools.cache
def architecture_of(name):
    """The architecture, traced once."""
    family = FAMILIES[name]
    return Architecture.from_module(family.build, input_shape=family.shape, dtype=family.dtype)


def twins(family):
    """An original without randomness and its rebuilt network with the same weights, both in float64."""
    torch.manual_seed(1)
    dtype = tuple("float64" if name == "float32" else name for name in family.dtypes)
    found = traced(
        family.still or family.build,
        family.shape,
        dtype=dtype if isinstance(family.dtype, tuple) else dtype[0],
    )
    rebuilt = Architecture.from_graph(found.graph).build(0)
    originals = dict([*found.module.named_parameters(), *found.module.named_buffers()])
    with torch.no_grad():
        for node, name in document_of(found.graph)[1].items():
            if node in found.names:
                getattr(rebuilt, name).copy_(originals[found.names[node]])
    return found.module, rebuilt


@pytest.fixture
def doubles():
    """Whatever is built meanwhile is built in float64."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def listed(value):
    return list(value) if isinstance(value, tuple) else [value]


def descended(network, batches):
    """The losses of SGD with momentum, one step for each batch: the sum of the mean squares of the outputs."""
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.01, momentum=0.9)
    network.train()
    losses = []
    for batch in batches:
        loss = sum((output**2).mean() for output in listed(network(*batch)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@every_family
def test_a_family_is_keyed_whatever_weights_its_builder_draws(name):
    family = FAMILIES[name]
    torch.manual_seed(7)
    again = Architecture.from_module(family.build, input_shape=family.shape, dtype=family.dtype)
    assert again.fingerprint == architecture_of(name).fingerprint
    assert "labelling" not in again.document


@every_family
def test_a_document_read_back_has_the_same_fingerprint(name):
    architecture = architecture_of(name)
    assert Architecture.from_json(architecture.to_json()).fingerprint == architecture.fingerprint


@every_family
def test_a_rebuilt_network_traced_again_has_the_same_fingerprint(name):
    family, architecture = FAMILIES[name], architecture_of(name)
    again = Architecture.from_module(architecture.build(3), input_shape=family.shape, dtype=family.dtype)
    assert again.fingerprint == architecture.fingerprint


@every_family
def test_all_live_parameters_are_counted_and_no_others(name):
    family = FAMILIES[name]
    whole = sum(parameter.numel() for parameter in family.build().parameters())
    assert architecture_of(name).parameters == (whole if family.live is None else family.live)


@every_family
def test_a_rebuilt_network_takes_and_gives_the_same_shapes(name):
    family = FAMILIES[name]
    found = listed(architecture_of(name).build(0)(*family.batch(3)))
    assert [tuple(output.shape) for output in found] == [(3, *shape) for shape in family.outputs]


@every_family
def test_five_steps_of_sgd_and_the_evaluation_after_them_are_the_same(name, doubles):
    family = FAMILIES[name]
    module, rebuilt = twins(family)
    batches = [family.batch(6, seed) for seed in range(5)]
    assert descended(rebuilt, batches) == pytest.approx(descended(module, batches), rel=1e-9)
    module.eval(), rebuilt.eval()
    with torch.no_grad():
        ours, theirs = listed(rebuilt(*family.batch(4, 9))), listed(module(*family.batch(4, 9)))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9 * other.abs().max().item())


@every_family
def test_a_rebuilt_network_learns_with_its_own_randomness(name):
    family = FAMILIES[name]
    network = architecture_of(name).build(1)
    batch, losses = family.batch(8, 4), []
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    for step in range(12):
        network.train()
        network.at_step(step)
        scores = [output.flatten(2).mean(2) if output.dim() > 2 else output for output in listed(network(*batch))]
        loss = sum(F.cross_entropy(score, torch.arange(8) % score.shape[1]) for score in scores)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert sum(losses[-3:]) < sum(losses[:3])


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.still is not None])
def test_a_family_with_randomness_draws_anew_at_each_step_of_training_and_never_in_evaluation(name):
    family = FAMILIES[name]
    network, batch = architecture_of(name).build(1), family.batch(6)

    def output(step):
        network.at_step(step)
        return listed(network(*batch))[0]

    network.train()
    assert torch.equal(output(1), output(1))
    assert not torch.equal(output(1), output(2))
    network.eval()
    assert torch.equal(output(1), output(2))


def test_the_published_networks_have_the_published_numbers_of_parameters():
    built = {
        residual.resnet18: 11_689_512,
        residual.resnet50: 25_557_032,
        mobile.mobilenet_v2: 3_504_872,
        cells.nasbench_101: 2_694_282,
        cells.nasbench_201: 1_531_546,
        cells.darts_20: 3_349_342,
    }
    assert {build: _parameters(build()) for build in built} == built
    assert _parameters(cells.NB201(cells.same_edges("none"), channels=16, cells=5, classes=10)) == 73_306
    assert _parameters(cells.NB201(cells.FIRST_201, channels=16, cells=5, classes=10)) == 129_306
    supernet = cells.Supernet(channels=16, layers=8, classes=10)
    assert _parameters(supernet) - supernet.alphas_normal.numel() - supernet.alphas_reduce.numel() == 1_930_618


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
