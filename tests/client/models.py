"""The same small network for 8 by 8 images, written in several ways."""

import functools

from torch import nn
from torch.nn import functional


def small(outputs=10, channels=4):
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, outputs),
    )


class Respelled(nn.Module):
    """`small()` as a class, with functions, other names and another order of construction."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(4, 10)
        self.first = nn.Conv2d(1, 4, 3, padding=1)

    def forward(self, x):
        return self.last(functional.relu(self.first(x)).mean((2, 3)))


class Wider(nn.Module):
    """Another architecture."""

    def __init__(self):
        super().__init__()
        self.body = small(channels=6)

    def forward(self, x):
        return self.body(x)


class Unkeyable(nn.Module):
    """Branches on data: it has no exact key."""

    def __init__(self):
        super().__init__()
        self.body = small(outputs=4)

    def forward(self, x):
        return self.body(x) if bool(x.sum() > 0) else self.body(-x)


small_for_synthetic = functools.partial(small, outputs=4)
