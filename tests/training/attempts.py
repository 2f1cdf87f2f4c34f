"""A training in several attempts: each builds everything anew, as another process would."""

import torch
from torch import nn

from jitnas_fn.core import shelf
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.training.attempt import Attempt
from jitnas_fn.training.checkpoint import Checkpoints
from jitnas_fn.training.data import load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from jitnas_fn.training.state import fits

CARD = shelf.take("datasets", "synthetic").DATASET
CPU = torch.device("cpu")
RECIPE = Recipe(epochs=5, batch_size=64, learning_rate=0.05, momentum=0.9, flip=True, shift=1, schedule="cosine")
CONDITIONS = {"device": "cpu", "torch": "2"}


def rich():
    """Has all that a checkpoint could forget: running statistics, dropout, a frozen parameter, noise."""

    class Rich(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
            self.drop, self.last = nn.Dropout(0.2), nn.Linear(4, 4)
            self.first.bias.requires_grad_(False)

        def forward(self, x):
            x = self.drop(torch.relu(self.norm(self.first(x)))).mean((2, 3))
            return self.last(x + 0.01 * torch.randn_like(x)) if self.training else self.last(x)

    return Rich()


ARCHITECTURE = Architecture.from_module(rich, input_shape=CARD.input_shape, validate=False)


def parts_of(recipe=RECIPE, seed=0):
    return Task(ARCHITECTURE.fingerprint, CARD.name, CARD.sha256, recipe, seed).parts


def checkpoints(folder, *, recipe=RECIPE, parts=None, warn=None, **changes):
    """What keeps each epoch of a training; a warning that nobody expects is an error."""

    def unexpected(text):
        raise AssertionError(text)

    given = {"conditions": CONDITIONS, "environment": {"device": "cpu"}, "most_bytes": 10**9, "every_seconds": 0.0} | changes
    return Checkpoints(folder, parts or parts_of(recipe), warn=warn or unexpected, **given)


class Cut(Exception):
    """The power went off."""


def attempt(keeper=None, *, recipe=RECIPE, cut_after=None, stop=lambda: False, meter=None, seconds=None, seed=0):
    """Train from what `keeper` has to the end, or until the power goes off `cut_after` some epoch."""
    network, meter = ARCHITECTURE.build(seed), meter or Meter(CPU)

    def progress(now):
        if now.epoch == cut_after:
            raise Cut

    def suits(state):
        return fits(state, network, recipe=recipe, metric=CARD.metric, device=CPU)

    begun = None if keeper is None else keeper.latest(suits)
    return train(
        network,
        load(CARD, recipe),
        card=CARD,
        recipe=recipe,
        seed=seed,
        meter=meter,
        progress=progress,
        seconds=seconds,
        attempt=Attempt(begun=begun, keeper=keeper, stop=stop),
    )


def begin(folder, *, epochs=3, recipe=RECIPE, **changes):
    """Train some epochs, and lose power."""
    try:
        attempt(checkpoints(folder, recipe=recipe, **changes), recipe=recipe, cut_after=epochs)
    except Cut:
        return
    raise AssertionError("nothing cut it")


def kept_in(folder):
    """Names of what is there, without the key."""
    return sorted(path.name[65:] for path in folder.iterdir())
