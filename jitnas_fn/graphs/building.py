"""Layers put into a graph, one after another, with the arguments and initialisations that PyTorch's own layers have."""

import math
from collections.abc import Sequence

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.operations import Shape


class Layers:
    """A graph that is being built; every method adds a layer that reads `x` and returns the index of its value.

    Parameters
    ----------
    input_shape
        One sample, (C, H, W) for images.

    Attributes
    ----------
    graph
        What was built so far.
    x
        The input.
    """

    def __init__(self, input_shape: Sequence[int]) -> None:
        self.graph = Graph()
        self.x = self.graph.input(tuple(input_shape), "float32")

    def shape(self, x: int) -> Shape:
        """Of one sample of a value."""
        return self.graph.nodes[x].shape[1:]

    def channels(self, x: int) -> int:
        """Channels of a value."""
        return self.shape(x)[0]

    def conv(
        self, x: int, channels: int, kernel: int, *, stride: int = 1, groups: int = 1, dilation: int = 1, bias: bool = False
    ) -> int:
        """`nn.Conv2d`, padded so that a stride of 1 keeps height and width (kernel odd)."""
        shape = (channels, self.channels(x) // groups, kernel, kernel)
        padding = dilation * (kernel - 1) // 2
        attrs = {"stride": [stride] * 2, "padding": [padding] * 2, "dilation": [dilation] * 2, "groups": groups}
        return self._weighed("conv", x, shape, bias=bias, attrs=attrs)

    def linear(self, x: int, features: int, *, bias: bool = True) -> int:
        """`nn.Linear` over the last axis."""
        return self._weighed("linear", x, (features, self.shape(x)[-1]), bias=bias, attrs={})

    def batch_norm(self, x: int, *, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> int:
        """`nn.BatchNorm1d` or `nn.BatchNorm2d`."""
        count = (self.channels(x),)
        edges = [
            ("x", x),
            ("mean", self.graph.buffer(count, {"const": 0.0})),
            ("variance", self.graph.buffer(count, {"const": 1.0})),
        ]
        if affine:
            edges += [(name, self.graph.parameter(count, {"const": value})) for name, value in (("weight", 1.0), ("bias", 0.0))]
        return self.graph.add("running_batch_norm", edges, {"eps": eps, "momentum": momentum})

    def activation(self, x: int, kind: str) -> int:
        """An activation without arguments, such as "relu", "tanh", "silu" or "sigmoid"."""
        return self.graph.add(kind, [("x", x)])

    def relu(self, x: int) -> int:
        """`nn.ReLU`."""
        return self.activation(x, "relu")

    def relu6(self, x: int) -> int:
        """`nn.ReLU6`."""
        return self.graph.add("hardtanh", [("x", x)], {"low": 0.0, "high": 6.0})

    def max_pool(self, x: int, kernel: int, *, stride: int, padding: int = 0) -> int:
        """`nn.MaxPool2d`."""
        return self.graph.add("max_pool", [("x", x)], {**_window(kernel, stride, padding), "dilation": [1, 1]})

    def avg_pool(self, x: int, kernel: int, *, stride: int, padding: int = 0) -> int:
        """`nn.AvgPool2d` that does not count what was padded."""
        attrs = {**_window(kernel, stride, padding), "count_include_pad": padding == 0, "divisor": None}
        return self.graph.add("avg_pool", [("x", x)], attrs)

    def global_mean(self, x: int) -> int:
        """The mean over height and width."""
        return self.graph.add("mean", [("x", x)], {"axes": [2, 3]})

    def flat(self, x: int) -> int:
        """`nn.Flatten`."""
        return self.graph.add("reshape", [("x", x)], {"shape": [-1, math.prod(self.shape(x))]})

    def zeros(self, x: int, *, channels: int | None = None) -> int:
        """Zeros of the shape of a value, with its channels or as many as are given."""
        shape = [-1, channels or self.channels(x), *self.shape(x)[1:]]
        return self.graph.add("full", [], {"shape": shape, "value": 0.0, "dtype": "float32"})

    def sum(self, values: Sequence[int]) -> int:
        """The sum of values of one shape, one added after the other as Python's `sum` does.

        Sums of more terms than the normal form opens, such as those of a stack of cells that only add, stay as they are nested.
        """
        total = values[0]
        for value in values[1:]:
            total = self.graph.add("sum", [("1.0", total), ("1.0", value)], {"constant": 0.0})
        return total

    def cat(self, values: Sequence[int]) -> int:
        """Channels of all values behind each other."""
        return (
            values[0]
            if len(values) == 1
            else self.graph.add("cat", [(str(i), value) for i, value in enumerate(values)], {"axis": 1})
        )

    def sliced(self, x: int, *, axis: int, start: int = 0, stop: int | None = None, step: int = 1) -> int:
        """Every `step`-th of what lies from `start` to before `stop` along an axis, of which the batch is the first."""
        length = self.graph.nodes[x].shape[axis]
        if (start, stop or length, step) == (0, length, 1):
            return x
        attrs = {"axis": axis, "start": start, "stop": stop or length, "step": step}
        return self.graph.add("slice", [("x", x)], attrs)

    def padded(self, x: int, *, channels: int) -> int:
        """As many channels of zeros before and behind those of `x`, an image."""
        widths = [[channels, channels], [0, 0], [0, 0]]
        return self.graph.add("pad", [("x", x)], {"mode": "constant", "widths": widths, "value": 0.0})

    def ended(self, x: int) -> Graph:
        """The graph, which returns `x`."""
        self.graph.outputs.append(x)
        return self.graph

    def _weighed(self, op: str, x: int, shape: Shape, *, bias: bool, attrs: Json) -> int:
        """A layer with a weight, which PyTorch draws from ±1/√(numbers that an output reads), and the bias alike."""
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        init = {"uniform": [-bound, bound]}
        edges = [("x", x), ("weight", self.graph.parameter(shape, init))]
        if bias:
            edges.append(("bias", self.graph.parameter(shape[:1], init)))
        return self.graph.add(op, edges, attrs)


def _window(kernel: int, stride: int, padding: int) -> Json:
    return {"kernel": [kernel] * 2, "stride": [stride] * 2, "padding": [padding] * 2, "ceil_mode": False}
