"""Convolutional classifiers other than residual ones."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.tracing.families.family import Family

IMAGE = (3, 16, 16)


def unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, batch-norm and ReLU."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Plain(nn.Module):
    """Convolutions, pooling, dropout and two linear layers, as in VGG."""

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.features = nn.Sequential(unit(3, 8), unit(8, 8), nn.MaxPool2d(2, 2), unit(8, 16), nn.MaxPool2d(2, 2))
        self.classifier = nn.Sequential(nn.Linear(16 * 16, 24), nn.ReLU(True), nn.Dropout(drop), nn.Linear(24, 5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        return self.classifier(torch.flatten(x, 1))


class Inception(nn.Module):
    """Four branches side by side (Szegedy et al., "Going deeper with convolutions", 2015)."""

    def __init__(self, inputs: int, one: int, three: tuple[int, int], five: tuple[int, int], pool: int) -> None:
        super().__init__()
        self.one = unit(inputs, one, 1)
        self.three = nn.Sequential(unit(inputs, three[0], 1), unit(*three, 3))
        self.five = nn.Sequential(unit(inputs, five[0], 1), unit(*five, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True), unit(inputs, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)


class DenseLayer(nn.Module):
    """Batch-norm, ReLU and convolution, twice; its maps are joined to what came in (Huang et al., 2017)."""

    def __init__(self, inputs: int, growth: int, drop: float) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.drop = drop

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = self.conv1(F.relu(self.norm1(torch.cat(maps, 1))))
        x = self.conv2(F.relu(self.norm2(x)))
        return F.dropout(x, p=self.drop, training=self.training) if self.drop > 0 else x


class DenseBlock(nn.Module):
    """Layers each of which reads all maps before it, and a transition that halves them."""

    def __init__(self, inputs: int, growth: int, layers: int, drop: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(inputs + i * growth, growth, drop) for i in range(layers))
        outputs = inputs + layers * growth
        self.transition = nn.Sequential(
            *[
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
                nn.Conv2d(outputs, outputs // 2, 1, bias=False),
                nn.AvgPool2d(2, 2),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(maps))
        return self.transition(torch.cat(maps, 1))


class Shuffle(nn.Module):
    """Half of the channels pass by, and all are shuffled afterwards (Ma et al., "ShuffleNet V2", 2018)."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride, half = stride, channels // 2
        inputs = channels // 2 if stride == 1 else channels
        self.through = nn.Sequential(unit(inputs, half, 1), *_separable(half, half, stride)[:2], unit(half, half, 1))
        if stride > 1:
            self.beside = nn.Sequential(*_separable(channels, channels, stride)[:2], unit(channels, half, 1))

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            beside, through = x.chunk(2, dim=1)
            out = torch.cat((beside, self.through(through)), dim=1)
        else:
            out = torch.cat((self.beside(x), self.through(x)), dim=1)
        batch, channels, height, width = out.size()
        out = out.view(batch, 2, channels // 2, height, width)
        return torch.transpose(out, 1, 2).contiguous().view(batch, channels, height, width)


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A convolution of each channel by itself, then one across channels (Howard et al., "MobileNets", 2017)."""
    return nn.Sequential(*unit(inputs, inputs, 3, stride, groups=inputs), *unit(inputs, outputs, 1))


def headed(*body: nn.Module, features: int) -> nn.Module:
    """A stem of eight channels, the body, global average pooling and five scores."""
    return nn.Sequential(unit(3, 8), *body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 5))


def mobilenet_v1() -> nn.Module:
    """Depthwise-separable convolutions."""
    return headed(_separable(8, 16, 1), _separable(16, 32, 2), _separable(32, 32, 1), features=32)


def googlenet(drop: float) -> nn.Module:
    """Two inception modules with pooling between them."""
    first, second = Inception(8, 4, (6, 8), (2, 4), 4), Inception(20, 8, (8, 12), (2, 6), 6)
    return headed(first, nn.MaxPool2d(3, stride=2, ceil_mode=True), second, nn.Dropout(drop), features=32)


def densenet(drop: float) -> nn.Module:
    """Two dense blocks."""
    return headed(DenseBlock(8, 4, 3, drop), DenseBlock(10, 4, 3, drop), nn.BatchNorm2d(11), nn.ReLU(), features=11)


def line() -> nn.Module:
    """Convolutions along one axis."""
    first = [nn.Conv1d(3, 8, 5, stride=2, padding=2), nn.BatchNorm1d(8), nn.GELU(), nn.MaxPool1d(2)]
    second = [nn.Conv1d(8, 12, 3, dilation=2), nn.BatchNorm1d(12), nn.ReLU(), nn.AdaptiveAvgPool1d(1)]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(12, 5))


FAMILIES = {
    "plain CNN": Family(lambda: Plain(0.5), IMAGE, still=lambda: Plain(0.0)),
    "one-dimensional CNN": Family(line, (3, 40)),
    "MobileNetV1": Family(mobilenet_v1, IMAGE),
    "GoogLeNet": Family(lambda: googlenet(0.4), IMAGE, still=lambda: googlenet(0.0)),
    "DenseNet": Family(lambda: densenet(0.2), IMAGE, still=lambda: densenet(0.0)),
    "ShuffleNet": Family(lambda: headed(Shuffle(8, 2), Shuffle(8, 1), Shuffle(8, 1), features=8), IMAGE),
}
