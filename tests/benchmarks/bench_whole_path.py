"""The whole path (trace, key, store, wire, child, record, store) against the bare training loop: at most 10% over it.

Both train the same network, rebuilt from the same document, for some 20 s on the same number of threads; the seed differs from
pair to pair, so that every evaluation is a miss.
"""

import dataclasses
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
from torch import nn

from jitnas_fn import Architecture, Client, Recipe
from jitnas_fn.backends.local import local
from jitnas_fn.datasets.digits import DATASET
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.training.data import load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter

BAR, PAIRS, SECONDS, THREADS = 1.10, 3, 20.0, 1
RECIPE = Recipe(name="bench", epochs=8, batch_size=32, learning_rate=0.05, momentum=0.9)


def network() -> nn.Module:
    layers = [nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


def bare(recipe: Recipe, seed: int) -> float:
    began = time.perf_counter()
    model = Architecture.from_module(network, input_shape=DATASET.input_shape).build(seed)
    meter = Meter(torch.device("cpu"))
    train(model, load(DATASET, recipe), card=DATASET, recipe=recipe, seed=seed, meter=meter)
    return time.perf_counter() - began


def whole(client: Client, recipe: Recipe, *, seed: int) -> float:
    began = time.perf_counter()
    evaluation = client.submit(network, dataset="digits", recipe=recipe, seed=seed)
    assert evaluation.result().verdict == "trained"
    assert evaluation.source == "trained"
    return time.perf_counter() - began


def main() -> int:
    torch.set_num_threads(THREADS)
    with local(workers=1, threads=THREADS) as executor, Client(store=MemoryStore(), executor=executor) as client:
        whole(client, dataclasses.replace(RECIPE, epochs=0), seed=0)  # starts the child
        epochs = round(RECIPE.epochs * SECONDS / min(bare(RECIPE, seed=0) for _ in range(3)))
        recipe = dataclasses.replace(RECIPE, epochs=epochs)
        pairs = [(whole(client, recipe, seed=seed), bare(recipe, seed=seed)) for seed in range(1, PAIRS + 1)]
    ratio = statistics.median(over / under for over, under in pairs)
    shown = ", ".join(f"{over:.1f}/{under:.1f} s" for over, under in pairs)
    print(f"whole path over bare loop: {ratio:.3f} (bar {BAR}; {shown}; {epochs} epochs) {'ok' if ratio <= BAR else 'MISSED'}")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
