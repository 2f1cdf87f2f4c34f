"""What keeping checkpoints costs: a training with them beside the same one without, at most 1.03 times as long.

`python bench_checkpoint.py [SECONDS]`: how long one training takes, 60 s unless given. Run in turn, in pairs; the bar is for
the processor seconds, and for the clock inside the one run, which sees the disk: its time over its time less what keeping took.
(The clocks of two runs differ by more where others use the machine; their ratio is printed.) The epochs are short, so that a
checkpoint is due each second, which is the worst case; the network is that of a small search space.
"""

import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch import nn

from jitnas_fn.core import shelf
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Task
from jitnas_fn.training.attempt import Attempt
from jitnas_fn.training.checkpoint import Checkpoints
from jitnas_fn.training.data import Split, load
from jitnas_fn.training.loop import train
from jitnas_fn.training.meter import Meter
from jitnas_fn.worker.site import Site

BAR, PAIRS, SECONDS = 1.03, 3, 60.0
CARD = shelf.take("datasets", "digits").DATASET
RECIPE = Recipe(name="bench", epochs=2, batch_size=64, learning_rate=0.05, momentum=0.9, data_fraction=0.25)


class Counting(Checkpoints):
    """Counts what it keeps, and how long that takes."""

    saved, took = 0, 0.0

    def save(self, state):
        began = time.perf_counter()
        done = super().save(state)
        self.saved, self.took = self.saved + done, self.took + time.perf_counter() - began
        return done


def a_network() -> nn.Module:
    torch.manual_seed(0)
    convolutions = [
        part
        for size_in, size_out in ((1, 32), (32, 64), (64, 128), (128, 128))
        for part in (nn.Conv2d(size_in, size_out, 3, padding=1), nn.BatchNorm2d(size_out), nn.ReLU())
    ]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def timed(splits: dict[str, Split], recipe: Recipe, keeper: Checkpoints | None) -> tuple[float, float]:
    """Wall and processor seconds of one training."""
    network, began = a_network(), (time.perf_counter(), time.process_time())
    attempt = Attempt(keeper=keeper)
    train(network, splits, card=CARD, recipe=recipe, seed=0, meter=Meter(torch.device("cpu")), attempt=attempt)
    return time.perf_counter() - began[0], time.process_time() - began[1]


def keeping(folder: Path, recipe: Recipe) -> Counting:
    """As a site keeps them that states nothing."""
    site, task = Site(), Task("a" * 64, CARD.name, CARD.sha256, recipe, 0)
    return Counting(
        folder,
        task.parts,
        conditions={},
        environment={},
        most_bytes=site.checkpoint_bytes,
        every_seconds=site.checkpoint_seconds,
        warn=print,
    )


def main(seconds: float) -> int:
    torch.set_num_threads(1)
    splits = load(CARD, RECIPE)
    timed(splits, RECIPE, None)
    an_epoch = timed(splits, RECIPE, None)[0] / RECIPE.epochs
    recipe = dataclasses.replace(RECIPE, epochs=max(2, round(seconds / an_epoch)))
    walls, processor, saved, inside = [], [], [], []
    for pair in range(PAIRS):
        times = {}
        for kept in (True, False) if pair % 2 else (False, True):
            with tempfile.TemporaryDirectory() as folder:
                keeper = keeping(Path(folder), recipe) if kept else None
                times[kept] = timed(splits, recipe, keeper)
                if keeper is not None:
                    saved.append(keeper.saved)
                    inside.append(times[True][0] / (times[True][0] - keeper.took))
        walls.append(times[True][0] / times[False][0])
        processor.append(times[True][1] / times[False][1])
    parameters = sum(parameter.numel() for parameter in a_network().parameters())
    by_clock, by_processor = statistics.median(inside), statistics.median(processor)
    ok = by_clock <= BAR and by_processor <= BAR
    print(
        f"{recipe.epochs} epochs of {an_epoch:.2f} s, {parameters:,} parameters, {statistics.median(saved):.0f} checkpoints: "
        f"{by_clock:.3f}x the time, {by_processor:.3f}x the processor time (bar {BAR}x) {'ok' if ok else 'MISSED'}; "
        f"clocks of the pairs {', '.join(f'{wall:.3f}' for wall in walls)}"
    )
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
