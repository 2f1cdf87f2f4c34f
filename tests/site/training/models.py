"""What is trained at the cluster."""

import time

from torch import nn

from jitnas_fn import Recipe
from jitnas_fn.backends.local import local
from jitnas_fn.client.client import Client
from jitnas_fn.stores.memory import MemoryStore

QUICK = {"dataset": "digits", "recipe": "instant"}
BRIEF = {"dataset": "digits", "recipe": Recipe(name="brief", epochs=120, batch_size=16, learning_rate=0.02)}  # some 7 s
LONG = {"dataset": "digits", "recipe": Recipe(name="long", epochs=250, batch_size=16, learning_rate=0.02)}  # some 15 s
LONGER = {"dataset": "digits", "recipe": Recipe(name="longer", epochs=900, batch_size=16, learning_rate=0.02)}  # some 50 s
STEADY = {"dataset": "digits", "recipe": Recipe(name="steady", epochs=14, batch_size=1, learning_rate=0.005)}  # of `deep`


def small():
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


def deep():
    """Epochs under `STEADY` take most of a second: so long that the board tells of each."""
    layers = [nn.Conv2d(1, 8, 3, padding=1), nn.ReLU()]
    for _ in range(3):
        layers += [nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10))


def only(found):
    """The one that was found."""
    (one,) = found
    return one


def at_epoch(evaluation, number, seconds=90):
    """Wait until so many epochs of an evaluation are over, and say how many."""
    end = time.monotonic() + seconds
    while (epoch := evaluation.status().epoch or 0) < number:
        assert not evaluation.done(), evaluation.exception()
        assert time.monotonic() < end, evaluation.status()
        time.sleep(0.1)
    return epoch


_undisturbed = {}


def undisturbed(ask, model=small):
    """The record of a training that nothing interrupts."""
    name = ask["recipe"].name
    if name not in _undisturbed:
        _undisturbed[name] = Client(store=MemoryStore(), executor=local(1)).evaluate(model, **ask)
    return _undisturbed[name]


def assert_as_undisturbed(record, *, attempts, ask=LONG, model=small):
    """The record has the very curves of an uninterrupted training, and says how many attempts it took."""
    assert record.curves == undisturbed(ask, model).curves
    assert record.metrics == undisturbed(ask, model).metrics
    assert record.cost["attempts"] == attempts
