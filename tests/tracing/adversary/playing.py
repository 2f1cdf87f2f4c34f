"""A network with known numbers in it, and what it shows over a script of calls and steps of SGD."""

import random
from collections import Counter
from functools import cache, lru_cache

import torch

from tests.tracing.adversary import statistics
from tests.tracing.adversary.networks import fed
from tests.tracing.adversary.outputs import taken_apart

# train, batch, scale of the input, under no_grad
SCRIPT = [
    (False, 4, 1.0, False),
    (True, 4, 1.0, False),
    (True, 6, 3.0, False),
    (True, 4, 0.05, False),
    (False, 4, 1.0, True),
    (True, 1, 1.0, False),
    (True, 3, 1.0, False),
    (False, 1, 1.0, False),
    (False, 2, 1.0, False),
    (False, 3, 10.0, False),
    (False, 3, 10.0, False),
]
DRAWS = 200


def reseed(seed):
    torch.default_generator.manual_seed(seed)  # without the devices, which takes most of the time
    random.seed(seed)


def drawn(inputs, batch, scale, dtype, seed):
    """A batch of random inputs."""
    draw = torch.Generator().manual_seed(seed)
    for shape, kind in zip(*fed(inputs), strict=True):
        if kind == "int64":
            yield torch.randint(0, 5, (batch, *shape), generator=draw)
        elif kind == "bool":
            yield torch.rand(batch, *shape, generator=draw) < 0.7
        else:
            yield (torch.randn(batch, *shape, generator=draw, dtype=torch.float64) * scale).to(dtype)


@lru_cache(1000)
def numbers(shape, index):
    """The values of the index-th parameter of this shape, the same for every network."""
    draw = torch.Generator().manual_seed(1000 + 7919 * index + sum((i + 2) * n for i, n in enumerate(shape)))
    return torch.randn(shape, generator=draw, dtype=torch.float64) * 0.6 + 0.2


def as_built(build, dtype):
    reseed(11)
    return build().to(dtype)


@cache
def chance_contents(build):
    """Names of frozen parameters and buffers whose contents another construction draws anew."""
    reseed(1)
    one = build()
    reseed(2)
    other = build()
    held = [{**{n: p for n, p in m.named_parameters() if not p.requires_grad}, **dict(m.named_buffers())} for m in (one, other)]
    return {n for n, t in held[0].items() if t.is_floating_point() and not torch.equal(t, held[1][n])}


@cache
def slots(build, inputs):
    """(shape, trained) of what the numbers are given to, by name: parameters that matter, and contents that are drawn."""
    model = as_built(build, torch.float32)
    held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    before = [*seen(model, inputs)]
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    mattering = [n for n, p in trained.items() if p.grad is not None or moves(build, n, inputs, before)]
    names = {n: (tuple(held[n].shape), True) for n in mattering}
    return names | {n: (tuple(held[n].shape), False) for n in sorted(chance_contents(build)) if moves(build, n, inputs, before)}


def moves(build, name, inputs, before):
    """Whether the outputs move when this parameter or buffer does."""
    model = as_built(build, torch.float32)
    held = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        held[name].add_(torch.randn(held[name].shape))
    return any(not torch.equal(a, b) for a, b in zip(before, seen(model, inputs), strict=False))


def seen(model, inputs):
    """Outputs in training and in evaluation; gradients are left behind."""
    for training in (True, False):
        model.train(training)
        reseed(5)
        _, tensors = taken_apart(model(*drawn(inputs, 4, 1.0, torch.float32, 3)))
        if any(t.requires_grad for t in tensors):
            score(tensors).backward()
        yield from (t.detach() for t in tensors)


def dressed(build, inputs, dtype, order):
    """The network with the known numbers in its slots, those of one shape in this order."""
    model = as_built(build, dtype)
    held = {**dict(model.named_parameters(remove_duplicate=False)), **dict(model.named_buffers(remove_duplicate=False))}
    count = Counter()
    with torch.no_grad():
        for name, kind in slots(build, inputs).items():
            held[name].copy_(numbers(kind[0], order[kind][count[kind]]))
            count[kind] += 1
    return model


def score(tensors):
    """A loss whose gradient is neither zero nor huge."""
    total = 0.0
    for i, t in enumerate(t for t in tensors if t.requires_grad):
        aim = torch.cos(torch.arange(t.numel(), dtype=t.dtype) + i).reshape(t.shape)
        total = total + (t * aim).mean() + ((t - aim) ** 2).mean() / (1 + t.detach().square().mean())
    return total


@lru_cache(64)
def whole_play(build, inputs, dtype, order, skipped):
    return list(played(build, inputs, dtype, dict(order), skipped))


def played(build, inputs, dtype, order, skipped):
    """What its user sees, call by call: the structure of the outputs, the tensors in it, and sizes of the gradients."""
    model, kinds = dressed(build, inputs, dtype, order), slots(build, inputs)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=0.05, momentum=0.9, weight_decay=0.01) if trained else None
    for step, (training, batch, scale, blind) in enumerate(SCRIPT):
        if training in skipped:
            continue
        model.train(training)
        reseed(step)
        try:
            with torch.set_grad_enabled(not blind):
                structure, tensors = taken_apart(model(*drawn(inputs, batch, scale, dtype, step)))
            values = [t.detach().clone() for t in tensors]
            if training and any(t.requires_grad for t in tensors) and optimiser:
                optimiser.zero_grad()
                score(tensors).backward()
                pulled = pulls(model, kinds)
                structure, values = structure + str([*pulled]), [*values, torch.stack([*pulled.values()])]
                optimiser.step()
            yield structure, values
        except (RuntimeError, ValueError, IndexError, TypeError, AssertionError) as error:
            yield type(error).__name__, []


def pulls(model, kinds):
    """For each shape with gradients, and how many there are, the sum of their squares."""
    found = {}
    for name, parameter in model.named_parameters():
        if name in kinds and parameter.grad is not None:
            found.setdefault(kinds[name][0], []).append(parameter.grad.double().square().sum())
    return {(shape, len(g)): torch.stack(g).sum() for shape, g in sorted(found.items())} | {
        (): torch.zeros((), dtype=torch.float64)
    }


@cache
def noisy(build, inputs):
    """The modes in which two seeds give two outputs."""
    found = set()
    for training in (True, False):
        outputs = []
        for seed in (1, 2, 3, 4, 5, 6):
            model = as_built(build, torch.float32).train(training)
            reseed(seed)
            outputs.append(taken_apart(model(*drawn(inputs, 4, 1.0, torch.float32, 3)))[1])
        if any(not torch.equal(a, b) for o in outputs for a, b in zip(outputs[0], o, strict=False)):
            found.add(training)
    return frozenset(found)


@lru_cache(64)
def random_outputs(build, inputs, dtype, order, training, learning):
    """Of many calls: some outputs of two samples, and the size of the gradient."""
    model = dressed(build, inputs, dtype, dict(order)).train(training)
    rows, given = [], [*drawn(inputs, 4, 1.0, dtype, 3)]
    for draw in range(DRAWS):
        reseed(draw)
        model.zero_grad()
        _, tensors = taken_apart(model(*(x.clone() for x in given)))
        if learning and any(t.requires_grad for t in tensors):
            score(tensors).backward()
        size = sum(p.grad.double().square().sum() for p in model.parameters() if p.grad is not None)
        parts = [t.detach().double()[:2].reshape(2, -1)[:, :8].reshape(-1) for t in tensors if t.dim() and len(t) > 1]
        rows.append(torch.cat([*parts, torch.as_tensor(size, dtype=torch.float64).reshape(1)]))
    return statistics.summary_of_rows(torch.stack(rows))
