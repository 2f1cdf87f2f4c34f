"""Ask for many networks at once. Those that are the same network are trained once, however they were written."""

import functools
from concurrent.futures import as_completed

from torch import nn

from jitnas_fn import Client


def network(width: int, depth: int) -> nn.Module:
    layers = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    for _ in range(depth):
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * 16, 10))


def with_a_useless_layer(width: int, depth: int) -> nn.Module:
    return nn.Sequential(nn.Identity(), network(width, depth))


points = [(4, 0), (8, 0), (8, 1)]
models = [functools.partial(make, *point) for make in (network, with_a_useless_layer) for point in points]

with Client() as client:
    evaluations = client.map(models, dataset="digits", recipe="quick")
    print(f"{len(models)} asked for, {len(set(evaluations))} of them different")
    names = {evaluation.key: point for evaluation, point in zip(evaluations, points * 2, strict=True)}
    for evaluation in as_completed(set(evaluations)):
        record, (width, depth) = evaluation.result(), names[evaluation.key]
        accuracy = record.metrics["validation"]["accuracy"]
        print(f"width {width}, depth {depth}: validation accuracy {accuracy:.3f} ({evaluation.source})")
