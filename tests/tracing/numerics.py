"""A network from a function and its parts, its key, and how far the rebuilt network is from the original."""

import torch
from torch import nn

from jitnas_fn.core.errors import JitnasError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.document import document_of
from jitnas_fn.tracing.trace import traced


class Net(nn.Module):
    """`Net(lambda s, x: s.fc(x), fc=nn.Linear(4, 4))`: forward is the function, the parts are attributes."""

    def __init__(self, body, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.body = body

    def forward(self, x):
        return self.body(self, x)


def key(model, shape=(4,), **options):
    """Fingerprint of a module or of what builds one."""
    return Architecture.from_module(model, input_shape=shape, **options).fingerprint


def key_or_refusal(model, shape=(4,)):
    """The fingerprint; None if it is refused. Any other error goes through."""
    try:
        return key(model, shape)
    except JitnasError:
        return None


def twins(module, shape):
    """The rebuilt network with the module's weights, and the pairs (original, rebuilt) of parameters and buffers."""
    options = {"dtype": "float64", "initialisation": "default"}
    rebuilt = Architecture.from_module(module, input_shape=shape, **options).build(0)
    found = traced(module, shape, **options)
    _, names = document_of(found.graph)
    real = dict([*module.named_parameters(), *module.named_buffers()])
    pairs = [(real[found.names[node]], getattr(rebuilt, name)) for node, name in names.items() if node in found.names]
    with torch.no_grad():
        for original, copy in pairs:
            copy.copy_(original)
    return rebuilt, pairs


def worst_difference(module, shape):
    """Over train and eval, two batch sizes, two calls each: outputs, gradients, parameters and statistics, in float64."""
    module = module.double()
    rebuilt, pairs = twins(module, shape)
    draw, worst = torch.Generator().manual_seed(7), 0.0
    for training in (True, False):
        module.train(training)
        rebuilt.train(training)
        for batch in (3, 3, 5):
            x = torch.randn(batch, *shape, generator=draw, dtype=torch.float64)
            entry, exit_ = x.clone().requires_grad_(), x.clone().requires_grad_()
            ours, theirs = rebuilt(entry * 1), module(exit_ * 1)  # times one: forward may change its input in place
            worst = max(worst, (ours - theirs).abs().max().item())
            trained = [(p, q) for p, q in pairs if p.requires_grad]
            weight = torch.randn(theirs.shape, generator=draw, dtype=torch.float64)
            there = torch.autograd.grad((theirs * weight).sum(), [exit_, *(p for p, _ in trained)], allow_unused=True)
            here = torch.autograd.grad((ours * weight).sum(), [entry, *(q for _, q in trained)], allow_unused=True)
            for p, q in zip(there, here, strict=True):
                worst = max(worst, 0.0 if p is None and q is None else (p - q).abs().max().item())
            worst = max([worst, *((p - q).abs().max().item() for p, q in pairs)])
    return worst


def losses(network, shape, steps=5):
    """Losses of a few steps of SGD on fixed data, in float64."""
    draw = torch.Generator().manual_seed(3)
    network.train()
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.05, momentum=0.9)
    found = []
    for _ in range(steps):
        x = torch.randn(6, *shape, generator=draw, dtype=torch.float64)
        loss = (network(x) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        found.append(loss.item())
    return found
