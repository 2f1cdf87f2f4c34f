"""Networks of the spaces as a person writes them in PyTorch, from the words of a point."""

import itertools

import torch.nn.functional as F
from torch import nn

from tests.tracing.families.nasbench import Reduction201, relu_conv_norm


class Sized(nn.Module):
    """NATS-Bench's size space: the cell, with its first vertex as wide as the layer before."""

    class Cell(nn.Module):
        def __init__(self, before, width):
            super().__init__()
            self.first = nn.ModuleList([relu_conv_norm(before, width, 3), relu_conv_norm(before, width, 3)])
            self.short = (
                nn.Identity()
                if before == width
                else nn.Sequential(nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width))
            )
            self.deep = nn.ModuleList(relu_conv_norm(width, width, 3) for _ in range(3))

        def forward(self, x):
            one = self.first[0](x)
            two = self.first[1](x) + self.deep[0](one)
            return self.short(x) + self.deep[1](one) + self.deep[2](two)

    def __init__(self, widths):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, padding=1, bias=False), nn.BatchNorm2d(widths[0]))
        layers, before = [], widths[0]
        for place, width in enumerate(widths):
            layers.append(Reduction201(before, width) if place % 2 else self.Cell(before, width))
            before = width
        self.layers, self.norm, self.last = nn.Sequential(*layers), nn.BatchNorm2d(before), nn.Linear(before, 10)

    def forward(self, x):
        return self.last(F.relu(self.norm(self.layers(self.stem(x)))).mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, before, after, kernel, wider, stride, act):
        super().__init__()
        inside = before * wider
        first = [nn.Conv2d(before, inside, 1, bias=False), nn.BatchNorm2d(inside), act()] if wider > 1 else []
        self.deep = nn.Sequential(
            *first,
            nn.Conv2d(inside, inside, kernel, stride, kernel // 2, groups=inside, bias=False),
            nn.BatchNorm2d(inside),
            act(),
            nn.Conv2d(inside, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.adds = stride == 1 and before == after

    def forward(self, x):
        return x + self.deep(x) if self.adds else self.deep(x)


def conv_norm(before, after, kernel, stride=1):
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(after))


def macro_bench(digits):
    """NAS-Bench-Macro."""
    layers, before = [conv_norm(3, 32, 3), nn.ReLU()], 32
    for place, digit in enumerate(digits):
        starts = place in (0, 2, 5)
        after, stride = before * (1 + starts), 1 + starts
        if digit == "0":
            layers.append(conv_norm(before, after, 1, 2) if starts else nn.Identity())
        else:
            layers.append(Inverted(before, after, 3 if digit == "1" else 5, 3 if digit == "1" else 6, stride, nn.ReLU))
        before = after
    layers += [conv_norm(before, 1280, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10)]
    return nn.Sequential(*layers)


class Added(nn.Module):
    """A layer and what it reads, brought to its width."""

    def __init__(self, deep, before, after):
        super().__init__()
        self.deep, self.short = deep, nn.Identity() if before == after else conv_norm(before, after, 1)

    def forward(self, x):
        return self.deep(x) + self.short(x)


def macro_block(kind, before, after, kernel):
    if kind == "inv":
        return Inverted(before, after, kernel, 4, 1, nn.ReLU)
    if kind == "conv":
        return nn.Sequential(conv_norm(before, after, kernel), nn.ReLU())
    alone = nn.Conv2d(before, before, kernel, 1, kernel // 2, groups=before, bias=False)
    return nn.Sequential(alone, conv_norm(before, after, 1), nn.ReLU())


def macro(text, size):
    """The space `macro`, for images of `size` rows and columns."""
    layers, before = [conv_norm(3, 16, 3), nn.ReLU()], 16
    for place, word in enumerate(text.split()):
        block, width, kernel, skip = word.split(":")
        after, kernel = int(width), int(kernel)
        if block != "none":
            deep = macro_block(block, before, after, kernel)
            layers.append(Added(deep, before, after) if skip == "skip" else deep)
            before = after
        if place % 2 and size > 1:
            layers.append(nn.MaxPool2d(2, 2))
            size //= 2
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def mlp(text, features):
    """The space `mlp`."""
    widths, act, norm = text.split()
    layers, before = [nn.Flatten()], features
    for width in filter(None, map(int, widths.split("-"))):
        layers.append(nn.Linear(before, width, bias=norm == "plain"))
        layers += [nn.BatchNorm1d(width)] if norm == "bn" else []
        layers.append({"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU, "sigmoid": nn.Sigmoid}[act]())
        before = width
    return nn.Sequential(*layers, nn.Linear(before, 10))


class Block20(nn.Module):
    """Of ResNet-20, its short cut without parameters."""

    def __init__(self, before, after):
        super().__init__()
        self.stride, self.more = 1 + (before != after), (after - before) // 2
        self.one, self.two = conv_norm(before, after, 3, self.stride), conv_norm(after, after, 3)

    def forward(self, x):
        deep = self.two(F.relu(self.one(x)))
        short = x if self.stride == 1 else F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more, self.more))
        return F.relu(deep + short)


def resnet20():
    widths = [16] * 4 + [32] * 3 + [64] * 3
    blocks = [Block20(before, after) for before, after in itertools.pairwise(widths)]
    return nn.Sequential(conv_norm(3, 16, 3), nn.ReLU(), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def vgg():
    """For images of 32 rows and columns: five stacks, the last of which is not halved to nothing."""
    layers, before = [], 3
    for width, count in ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)):
        for _ in range(count):
            layers += [conv_norm(before, width, 3), nn.ReLU()]
            before = width
        if len([one for one in layers if isinstance(one, nn.MaxPool2d)]) < 4:
            layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def mobilenetv2():
    """For images of 32 rows and columns: of five halvings, the first three."""
    layers, before, size = [conv_norm(3, 32, 3, 2), nn.ReLU6()], 32, 16
    settings = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for wider, width, count, stride in settings:
        for block in range(count):
            halves = block == 0 and stride == 2 and size >= 8
            size //= 1 + halves
            layers.append(Inverted(before, width, 3, wider, 1 + halves, nn.ReLU6))
            before = width
    layers += [conv_norm(320, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10)]
    return nn.Sequential(*layers)
