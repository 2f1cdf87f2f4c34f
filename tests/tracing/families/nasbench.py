"""NAS-Bench-101 (Ying et al., 2019) and NAS-Bench-201 (Dong and Yang, 2020): a network from the description of its cell."""

import torch
from torch import Tensor, nn

Matrix = tuple[tuple[int, ...], ...]
INCEPTION: Matrix = (  # the cell of the benchmark's own introduction
    (0, 1, 1, 1, 0, 1, 0),
    (0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 1, 0, 0),
    (0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0, 0, 0),
)
INCEPTION_OPERATIONS = ("conv1x1", "conv3x3", "conv3x3", "conv3x3", "maxpool3x3")
TRUNCATED: Matrix = (  # an odd split of the output, a vertex that is cut for its reader, and the input added to the output
    (0, 1, 1, 0, 1),
    (0, 0, 1, 1, 1),
    (0, 0, 0, 0, 1),
    (0, 0, 0, 0, 1),
    (0, 0, 0, 0, 0),
)
TRUNCATED_OPERATIONS = ("conv3x3", "maxpool3x3", "conv1x1")


def conv_norm_relu(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """NAS-Bench-101's convolution; its batch-norm keeps 0.997 of its statistics."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.003), nn.ReLU(inplace=True))


class Cell101(nn.Module):
    """A cell of NAS-Bench-101.

    Parameters
    ----------
    matrix
        Which vertex feeds which: V by V, upper triangular, the input first and the output last.
    operations
        Of the V − 2 vertices between them.
    """

    def __init__(self, matrix: Matrix, operations: tuple[str, ...], inputs: int, outputs: int) -> None:
        super().__init__()
        self.matrix, self.last = matrix, len(matrix) - 1
        self.channels = vertex_channels(matrix, outputs)
        self.vertices, self.projections = nn.ModuleDict(), nn.ModuleDict()
        for v in range(1, self.last + 1):
            if v < self.last:
                width, kind = self.channels[v], operations[v - 1]
                pooled = kind == "maxpool3x3"
                self.vertices[str(v)] = nn.MaxPool2d(3, 1, 1) if pooled else conv_norm_relu(width, width, int(kind[-1]))
            if matrix[0][v]:
                self.projections[str(v)] = conv_norm_relu(inputs, self.channels[v], 1)

    def forward(self, x: Tensor) -> Tensor:
        found: dict[int, Tensor] = {}
        for v in range(1, self.last):
            fed = [found[s][:, : self.channels[v]] for s in range(1, v) if self.matrix[s][v]]
            if self.matrix[0][v]:
                fed.append(self.projections[str(v)](x))
            found[v] = self.vertices[str(v)](sum(fed))
        joined = [found[s] for s in range(1, self.last) if self.matrix[s][self.last]]
        out = torch.cat(joined, 1) if joined else 0
        return out + self.projections[str(self.last)](x) if self.matrix[0][self.last] else out


def vertex_channels(matrix: Matrix, outputs: int) -> list[int]:
    """What feeds the output shares its channels, the first taking the rest; others are as wide as their widest reader."""
    last = len(matrix) - 1
    channels = [0] * last + [outputs]
    joined = [v for v in range(1, last) if matrix[v][last]]
    for i, v in enumerate(joined):
        channels[v] = outputs // len(joined) + (i < outputs % len(joined))
    for v in range(last - 1, 0, -1):
        if v not in joined:
            channels[v] = max(channels[reader] for reader in range(v + 1, last) if matrix[v][reader])
    return channels


class NB101(nn.Module):
    """A stem and three stacks of three cells, halved and doubled in between."""

    def __init__(self, matrix: Matrix, operations: tuple[str, ...], *, stem: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_norm_relu(3, stem, 3)]
        inputs = stem
        for stack in range(3):
            if stack:
                layers.append(nn.MaxPool2d(2, 2))
            for _ in range(3):
                layers.append(Cell101(matrix, operations, inputs, stem * 2**stack))
                inputs = stem * 2**stack
        self.layers, self.classifier = nn.ModuleList(layers), nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.classifier(torch.mean(x, (2, 3)))


# NAS-Bench-201


class Zero(nn.Module):
    """The operation "none"."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0)


def relu_conv_norm(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """NAS-Bench-201's convolution."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(inplace=False), conv, nn.BatchNorm2d(outputs))


def operation_201(name: str, channels: int) -> nn.Module:
    """One of the five operations."""
    if name == "nor_conv_3x3":
        return relu_conv_norm(channels, channels, 3)
    if name == "nor_conv_1x1":
        return relu_conv_norm(channels, channels, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return {"skip_connect": nn.Identity, "none": Zero}[name]()


class Cell201(nn.Module):
    """Three vertices, each the sum of operations on all before it."""

    def __init__(self, text: str, channels: int) -> None:
        super().__init__()
        self.layers, self.wiring = nn.ModuleList(), []  # type: ignore[var-annotated]
        for vertex in text.split("+"):
            fed = []
            for item in vertex.strip("|").split("|"):
                name, source = item.split("~")
                fed.append((len(self.layers), int(source)))
                self.layers.append(operation_201(name, channels))
            self.wiring.append(fed)

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for fed in self.wiring:
            found.append(sum(self.layers[layer](found[source]) for layer, source in fed))
        return found[-1]


class Reduction201(nn.Module):
    """The residual block that halves the map."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a, self.conv_b = relu_conv_norm(inputs, outputs, 3, 2), relu_conv_norm(outputs, outputs, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, stride=2, padding=0), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class NB201(nn.Module):
    """A stem and three stages of cells.

    Parameters
    ----------
    text
        The cell, as `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…~0|…~1|…~2|`.
    channels, cells
        C of the first stage and N of each.
    """

    def __init__(self, text: str, *, channels: int, cells: int, classes: int) -> None:
        super().__init__()
        widths = (channels, 2 * channels, 4 * channels)
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        self.cells = nn.ModuleList()
        for stage, width in enumerate(widths):
            if stage:
                self.cells.append(Reduction201(widths[stage - 1], width))
            self.cells.extend(Cell201(text, width) for _ in range(cells))
        self.lastact = nn.Sequential(nn.BatchNorm2d(widths[-1]), nn.ReLU(inplace=True))
        self.global_pooling, self.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        x = self.global_pooling(self.lastact(x))
        return self.classifier(x.view(x.size(0), -1))


def same_edges(name: str) -> str:
    """The cell all of whose edges are this operation."""
    return "+".join("".join(f"|{name}~{source}" for source in range(vertex + 1)) + "|" for vertex in range(3))
