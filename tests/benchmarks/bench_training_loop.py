"""The training loop beside the usual one: `DataLoader(TensorDataset, shuffle=True, num_workers=0)`, same network and recipe.

Both train, keep the running loss and accuracy and evaluate the validation split after each epoch. Run in turn, in pairs,
timed in processor seconds of one thread, which other work on the machine disturbs less.
"""

import statistics
import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from jitnas_fn.core import shelf
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.training.data import Split, load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from jitnas_fn.training.optimisation import learning_rate

BAR, PAIRS = 1.2, 7
CARD = shelf.take("datasets", "digits").DATASET
RECIPE = Recipe(
    name="bench", epochs=4, batch_size=32, learning_rate=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4, schedule="cosine"
)


def small_cnn() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def seconds_of_ours(splits: dict[str, Split]) -> float:
    network, began = small_cnn(), time.process_time()
    train(network, splits, card=CARD, recipe=RECIPE, seed=0, meter=Meter(torch.device("cpu")))
    return time.process_time() - began


def seconds_of_theirs(splits: dict[str, Split]) -> float:
    network, began = small_cnn(), time.process_time()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sets = {name: TensorDataset(split.x, split.y) for name, split in splits.items()}
    batches = DataLoader(sets["train"], batch_size=RECIPE.batch_size, shuffle=True, drop_last=True, num_workers=0)
    loss_of, step = nn.CrossEntropyLoss(), 0
    for epoch in range(RECIPE.epochs + 1):  # the last one is the test split
        network.train()
        for x, y in batches if epoch < RECIPE.epochs else ():
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(RECIPE, step, len(batches))
            optimiser.zero_grad()
            scores = network(x)
            loss = loss_of(scores, y)
            loss.backward()
            optimiser.step()
            step, _ = step + 1, (loss.item(), (scores.argmax(1) == y).sum().item())
        network.eval()
        with torch.no_grad():
            for x, y in DataLoader(sets["validation" if epoch < RECIPE.epochs else "test"], batch_size=RECIPE.batch_size):
                scores = network(x)
                _ = (loss_of(scores, y).item(), (scores.argmax(1) == y).sum().item())
    return time.process_time() - began


def main() -> int:
    torch.set_num_threads(1)
    splits = load(CARD, RECIPE)
    seconds_of_ours(splits), seconds_of_theirs(splits)
    ratios = []
    for pair in range(PAIRS):
        if pair % 2:
            ours, theirs = seconds_of_ours(splits), seconds_of_theirs(splits)
        else:
            theirs, ours = seconds_of_theirs(splits), seconds_of_ours(splits)
        ratios.append(theirs / ours)
    ratio = statistics.median(ratios)
    print(f"training loop vs DataLoader: {ratio:.2f}x (bar {BAR}x) {'ok' if ratio >= BAR else 'MISSED'}")
    return 0 if ratio >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
