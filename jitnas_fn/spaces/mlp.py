"""Perceptrons: up to four hidden layers, their widths, one activation, and batch-norm or none.

A point is written `64-0-128-32 relu bn`: widths with 0 for no layer, the activation, and `bn` or `plain`.
"""

import math
from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point
from jitnas_fn.graphs.wiring import Wiring, chain

LAYERS = 4
WIDTHS = ("0", "16", "32", "64", "128", "256", "512")
ACTIVATIONS = ("relu", "tanh", "silu", "sigmoid")
NORMS = ("plain", "bn")


class Mlp(Choices):
    """Perceptrons on whatever lies flat."""

    about = "perceptrons: widths of up to 4 hidden layers, activation, batch-norm"

    def __init__(self) -> None:
        super().__init__([*[WIDTHS] * LAYERS, ACTIVATIONS, NORMS])

    def written(self, point: Point) -> str:
        """Widths, activation and norm."""
        self.check(point)
        *widths, activation, norm = (names[option] for names, option in zip(self.options, point, strict=True))
        return f"{'-'.join(widths)} {activation} {norm}"

    def read(self, text: str) -> Point:
        """The point of such a text."""
        words = text.split()
        names = [*words[0].split("-"), *words[1:]] if words else []
        if len(names) != LAYERS + 2:
            raise PointError(f"a perceptron is written 64-0-128-32 relu bn, not {text[:80]!r}")
        return tuple(self.option(place, name) for place, name in enumerate(names))

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """The input laid flat, the hidden layers, and a linear one."""
        self.check(point)
        if not input_shape or any(type(size) is not int or size < 1 for size in input_shape):
            raise PointError(f"{self.name} takes inputs of any shape of sizes above 0, not {tuple(input_shape)}")
        *widths, activation, norm = (names[option] for names, option in zip(self.options, point, strict=True))
        layers = Layers(input_shape)
        x = layers.flat(layers.x) if math.prod(input_shape) != layers.shape(layers.x)[-1] else layers.x
        for width in map(int, widths):
            if width:
                x = layers.linear(x, width, bias=norm == "plain")
                x = layers.activation(layers.batch_norm(x) if norm == "bn" else x, activation)
        return layers.ended(layers.linear(x, classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """The chain of layers."""
        *widths, activation, norm = (names[option] for names, option in zip(self.options, point, strict=True))
        return {"network": chain([f"{width} {activation} {norm}" for width in widths if width != "0"])}


SPACE = Mlp()
