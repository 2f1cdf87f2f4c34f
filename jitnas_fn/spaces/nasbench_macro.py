"""NAS-Bench-Macro: one of three blocks in each of eight layers.

A point is written by its eight digits: 0 nothing (or a projection, where the map is halved), 1 an inverted residual block that
is three times as wide inside with a kernel of 3, 2 one that is six times as wide with a kernel of 5.

References
----------
.. [1] X. Su et al., "Prioritized Architecture Sampling with Monto-Carlo Tree Search", CVPR 2021.
"""

from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, image_of
from jitnas_fn.graphs.wiring import Wiring, chain
from jitnas_fn.spaces._inverted import inverted_residual

BLOCKS = ("identity", "MB3 3x3", "MB6 5x5")
STAGES = (2, 3, 3)  # layers of each; the first of a stage halves the map and doubles the channels
STEM, LAST = 32, 1280  # channels, of [1]_'s code
INSIDE = {1: (3, 3), 2: (6, 5)}  # digit: (how many times as wide inside, kernel)


class NasBenchMacro(Choices):
    """The 6,561 networks."""

    about = "one of 3 blocks in each of 8 layers (Su et al., 2021)"

    def __init__(self) -> None:
        super().__init__([BLOCKS] * sum(STAGES))

    def written(self, point: Point) -> str:
        """Eight digits."""
        self.check(point)
        return "".join(map(str, point))

    def read(self, text: str) -> Point:
        """The point of eight digits."""
        digits = text.strip()
        if len(digits) != sum(STAGES) or not set(digits) <= set("012"):
            raise PointError(f"a point of NAS-Bench-Macro is eight digits, each 0, 1 or 2, not {text[:80]!r}")
        return tuple(map(int, digits))

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """A stem, the layers, a wide convolution and a classifier."""
        self.check(point)
        layers = Layers(image_of(input_shape, self.name, least=8))
        x = layers.relu(layers.batch_norm(layers.conv(layers.x, STEM, 3)))
        digits, channels = iter(point), STEM
        for length in STAGES:
            channels *= 2
            for layer in range(length):
                x = _layer(layers, x, next(digits), channels, stride=1 if layer else 2)
        x = layers.relu(layers.batch_norm(layers.conv(x, LAST, 1)))
        return layers.ended(layers.linear(layers.global_mean(x), classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """The chain of blocks."""
        return {"network": chain([BLOCKS[digit] for digit in point])}


def _layer(layers: Layers, x: int, digit: int, channels: int, *, stride: int) -> int:
    if digit:
        wider, kernel = INSIDE[digit]
        return inverted_residual(layers, x, channels, kernel, wider=wider, stride=stride, activation=layers.relu)
    return x if stride == 1 else layers.batch_norm(layers.conv(x, channels, 1, stride=stride))


SPACE = NasBenchMacro()
