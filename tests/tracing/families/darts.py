"""DARTS (Liu et al., 2019): networks of a genotype, and the supernet that they are found in."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Edges = tuple[tuple[str, int], ...]


class Genotype(NamedTuple):
    """Two edges, (operation, source), for each vertex of the two kinds of cell. All four vertices are joined."""

    normal: Edges
    reduce: Edges


DARTS_V2 = Genotype(
    normal=(
        *(("sep_conv_3x3", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("sep_conv_3x3", 1)),
        *(("sep_conv_3x3", 1), ("skip_connect", 0), ("skip_connect", 0), ("dil_conv_3x3", 2)),
    ),
    reduce=(
        *(("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 1)),
        *(("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("max_pool_3x3", 1)),
    ),
)
PRIMITIVES = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)


class Zero(nn.Module):
    """The operation "none", on every second pixel if the cell reduces."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0) if self.stride == 1 else x[:, :, :: self.stride, :: self.stride].mul(0.0)


class FactorizedReduce(nn.Module):
    """Half of the channels from the even pixels, half from the odd ones."""

    def __init__(self, inputs: int, outputs: int, affine: bool) -> None:
        super().__init__()
        self.relu, self.bn = nn.ReLU(inplace=False), nn.BatchNorm2d(outputs, affine=affine)
        self.conv_1 = nn.Conv2d(inputs, outputs // 2, 1, stride=2, padding=0, bias=False)
        self.conv_2 = nn.Conv2d(inputs, outputs // 2, 1, stride=2, padding=0, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], dim=1))


def relu_conv_norm(inputs: int, outputs: int, affine: bool = True) -> nn.Sequential:
    """The 1 by 1 convolution before a cell."""
    return nn.Sequential(
        nn.ReLU(inplace=False), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs, affine=affine)
    )


def separable(channels: int, kernel: int, stride: int, dilation: int, affine: bool) -> nn.Sequential:
    """ReLU, a convolution of each channel by itself, one across channels, batch-norm."""
    padding = dilation * (kernel // 2)
    depthwise = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)
    pointwise = nn.Conv2d(channels, channels, 1, padding=0, bias=False)
    return nn.Sequential(nn.ReLU(inplace=False), depthwise, pointwise, nn.BatchNorm2d(channels, affine=affine))


def operation(name: str, channels: int, stride: int, affine: bool) -> nn.Module:
    """One of the eight operations."""
    kernel = int(name[-1]) if name[-1].isdigit() else 0
    if name == "none":
        return Zero(stride)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride=stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False)
    if name.startswith("dil"):
        return separable(channels, kernel, stride, 2, affine)
    return nn.Sequential(separable(channels, kernel, stride, 1, affine), separable(channels, kernel, 1, 1, affine))


def drop_path(x: Tensor, p: float) -> Tensor:
    """Leave the branch out for a sample with probability p; written in place, as published."""
    keep = 1.0 - p
    mask = x.new_empty(x.size(0), 1, 1, 1).bernoulli_(keep)
    x.div_(keep)
    x.mul_(mask)
    return x


class Cell(nn.Module):
    """A cell of a genotype."""

    def __init__(
        self, edges: Edges, before: tuple[int, int], channels: int, *, reduces: bool, reduced: bool, drop: float
    ) -> None:
        super().__init__()
        first = FactorizedReduce(before[0], channels, affine=True) if reduced else relu_conv_norm(before[0], channels)
        self.preprocess0, self.preprocess1 = first, relu_conv_norm(before[1], channels)
        self.sources, self.drop = [source for _, source in edges], drop
        self.operations = nn.ModuleList(
            operation(name, channels, 2 if reduces and source < 2 else 1, affine=True) for name, source in edges
        )

    def forward(self, s0: Tensor, s1: Tensor) -> Tensor:
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        for vertex in range(len(self.sources) // 2):
            ends = []
            for edge in (2 * vertex, 2 * vertex + 1):
                layer = self.operations[edge]
                end = layer(states[self.sources[edge]])
                if self.training and self.drop > 0.0 and not isinstance(layer, nn.Identity):
                    end = drop_path(end, self.drop)
                ends.append(end)
            states.append(ends[0] + ends[1])
        return torch.cat(states[2:], dim=1)


class Network(nn.Module):
    """A stack of cells, two of which halve the map; with an auxiliary head, its scores are given back too."""

    def __init__(
        self, genotype: Genotype, *, channels: int, layers: int, classes: int, drop: float = 0.0, auxiliary: bool = False
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels))
        before, reduced, self.cells, self.head_at = (3 * channels, 3 * channels), False, nn.ModuleList(), 2 * layers // 3
        for i in range(layers):
            reduces = i in (layers // 3, 2 * layers // 3)
            channels *= 1 + reduces
            edges = genotype.reduce if reduces else genotype.normal
            self.cells.append(Cell(edges, before, channels, reduces=reduces, reduced=reduced, drop=drop))
            before, reduced = (before[1], len(edges) // 2 * channels), reduces
            if auxiliary and i == self.head_at:
                self.auxiliary = nn.Sequential(
                    *[nn.ReLU(inplace=True), nn.AvgPool2d(2, stride=2, padding=0, count_include_pad=False)],
                    *[nn.Conv2d(before[1], 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)],
                    *[nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes)],
                )
        self.global_pooling, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(before[1], classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        s0 = s1 = self.stem(x)
        beside = None
        for i, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1)
            if i == self.head_at and hasattr(self, "auxiliary"):
                beside = self.auxiliary(s1)  # its ReLU in place changes s1 too, as published
        out = self.global_pooling(s1)
        scores = self.classifier(out.view(out.size(0), -1))
        return scores if beside is None else (scores, beside)


# the search


class Mixed(nn.Module):
    """All operations on one edge, weighed."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.operations = nn.ModuleList()
        for name in PRIMITIVES:
            layer = operation(name, channels, stride, affine=False)
            pooled = "pool" in name
            self.operations.append(nn.Sequential(layer, nn.BatchNorm2d(channels, affine=False)) if pooled else layer)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        return sum(w * layer(x) for w, layer in zip(weights, self.operations, strict=True))


class MixedCell(nn.Module):
    """A cell with a mixed operation on every edge."""

    def __init__(self, vertices: int, before: tuple[int, int], channels: int, *, reduces: bool, reduced: bool) -> None:
        super().__init__()
        plain = relu_conv_norm(before[0], channels, affine=False)
        self.preprocess0 = FactorizedReduce(before[0], channels, affine=False) if reduced else plain
        self.preprocess1, self.vertices = relu_conv_norm(before[1], channels, affine=False), vertices
        sources = [source for vertex in range(vertices) for source in range(2 + vertex)]
        self.edges = nn.ModuleList(Mixed(channels, 2 if reduces and source < 2 else 1) for source in sources)

    def forward(self, s0: Tensor, s1: Tensor, weights: Tensor) -> Tensor:
        states, offset = [self.preprocess0(s0), self.preprocess1(s1)], 0
        for _ in range(self.vertices):
            s = sum(self.edges[offset + j](h, weights[offset + j]) for j, h in enumerate(states))
            offset += len(states)
            states.append(s)
        return torch.cat(states[-self.vertices :], dim=1)


class Supernet(nn.Module):
    """The stack that is searched in; its architecture weights are registered parameters, drawn near zero."""

    def __init__(self, *, channels: int, layers: int, classes: int, vertices: int = 4) -> None:
        super().__init__()
        edges = sum(range(2, 2 + vertices))
        self.alphas_normal = nn.Parameter(1e-3 * torch.randn(edges, len(PRIMITIVES)))
        self.alphas_reduce = nn.Parameter(1e-3 * torch.randn(edges, len(PRIMITIVES)))
        self.stem = nn.Sequential(nn.Conv2d(3, 3 * channels, 3, padding=1, bias=False), nn.BatchNorm2d(3 * channels))
        before, reduced, self.cells, self.reduces = (3 * channels, 3 * channels), False, nn.ModuleList(), []
        for i in range(layers):
            reduces = i in (layers // 3, 2 * layers // 3)
            channels *= 1 + reduces
            self.cells.append(MixedCell(vertices, before, channels, reduces=reduces, reduced=reduced))
            self.reduces.append(reduces)
            before, reduced = (before[1], vertices * channels), reduces
        self.global_pooling, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(before[1], classes)

    def forward(self, x: Tensor) -> Tensor:
        s0 = s1 = self.stem(x)
        for cell, reduces in zip(self.cells, self.reduces, strict=True):
            weights = F.softmax(self.alphas_reduce if reduces else self.alphas_normal, dim=-1)
            s0, s1 = s1, cell(s0, s1, weights)
        out = self.global_pooling(s1)
        return self.classifier(out.view(out.size(0), -1))
