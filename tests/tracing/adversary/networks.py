"""How the tables write a network down: a forward function and its parts, and what it is fed."""

from typing import NamedTuple

import torch
from torch import nn


class Fed(NamedTuple):
    """One sample of each input, and its dtype."""

    shapes: tuple
    dtypes: tuple


def tokens(*shape):
    """Integers from 0 to 4."""
    return Fed((shape,), ("int64",))


def fed(inputs):
    """A plain shape means one input of float32."""
    return inputs if isinstance(inputs, Fed) else Fed((inputs,), ("float32",))


class Net(nn.Module):
    """`Net(lambda s, x: s.fc(x), fc=nn.Linear(4, 4))`; a tensor among the parts is a buffer, `plain` holds attributes."""

    def __init__(self, body, setup=None, plain=None, **parts):
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)
        for name, value in (plain or {}).items():
            object.__setattr__(self, name, value) if isinstance(value, nn.Module) else setattr(self, name, value)
        self.body = body
        if setup is not None:
            setup(self)

    def forward(self, *x):
        return self.body(self, *x)


def built(body, setup=None, plain=None, **makers):
    """A builder: every part is made by its maker, anew for each network."""
    return lambda: Net(
        body,
        setup=setup,
        plain={name: make() for name, make in (plain or {}).items()},
        **{name: make() for name, make in makers.items()},
    )


def lin(i=4, o=4, **given):
    """A maker of linear layers."""
    return lambda: nn.Linear(i, o, **given)


def conv(i=4, o=4, k=3, **given):
    """A maker of convolutions."""
    return lambda: nn.Conv2d(i, o, k, **given)


def free(make):
    """A maker of a parameter from a maker of its first values."""
    return lambda: nn.Parameter(make())


def ones(*shape):
    """A maker of a parameter of ones."""
    return free(lambda: torch.ones(*shape))


def normal(*shape, std=1.0):
    """A maker of a normal parameter."""
    return free(lambda: torch.randn(*shape) * std)


MAP = (4, 8, 8)
ROW = (4,)
SEQUENCE = (5, 4)
