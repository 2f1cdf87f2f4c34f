"""The cells of NAS-Bench-201 and of NATS-Bench, and the residual blocks between them.

References
----------
.. [1] X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
"""

from collections.abc import Sequence

from jitnas_fn.graphs.building import Layers

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NONE, SKIP, CONV1, CONV3, POOL = range(len(OPERATIONS))
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))


def cell(layers: Layers, x: int, operations: Sequence[int], channels: int) -> int:
    """Three vertices, each the sum of an operation on every vertex before it; `operations` in the order of `EDGES`."""
    vertices = [x]
    for vertex in (1, 2, 3):
        edges = [(source, kind) for (source, target), kind in zip(EDGES, operations, strict=True) if target == vertex]
        vertices.append(layers.sum([_operation(layers, vertices[source], kind, channels) for source, kind in edges]))
    return vertices[-1]


def halved(layers: Layers, x: int, channels: int) -> int:
    """A residual block that halves the map; its shortcut averages, then projects."""
    deep = _relu_conv_norm(layers, _relu_conv_norm(layers, x, channels, 3, stride=2), channels, 3)
    return layers.sum([layers.conv(layers.avg_pool(x, 2, stride=2), channels, 1), deep])


def _operation(layers: Layers, x: int, kind: int, channels: int) -> int:
    """An operation on a vertex. Where that is the cell's input, and narrower or wider, all but none change its width."""
    if kind == NONE:
        return layers.zeros(x, channels=channels)
    if kind == SKIP:
        return x if layers.channels(x) == channels else layers.batch_norm(layers.conv(x, channels, 1))
    if kind == POOL:
        wide = x if layers.channels(x) == channels else _relu_conv_norm(layers, x, channels, 1)
        return layers.avg_pool(wide, 3, stride=1, padding=1)
    return _relu_conv_norm(layers, x, channels, 3 if kind == CONV3 else 1)


def _relu_conv_norm(layers: Layers, x: int, channels: int, kernel: int, *, stride: int = 1) -> int:
    return layers.batch_norm(layers.conv(layers.relu(x), channels, kernel, stride=stride))
