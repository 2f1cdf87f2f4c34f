"""Convolutional networks layer by layer: a block, its width, its kernel and a skip for each of eight layers.

A point is written with a word for each layer: `conv:32:3:skip sep:64:5:plain none:16:3:plain …`; what stands behind `none`
counts for nothing. Behind every second layer the map is halved, as long as it has two rows and columns; so images of any shape
fit.
"""

from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, image_of
from jitnas_fn.graphs.wiring import Wiring, chain
from jitnas_fn.spaces._inverted import inverted_residual

LAYERS, STEM = 8, 16
BLOCKS = ("none", "conv", "sep", "inv")
WIDTHS = ("16", "32", "64", "128")
KERNELS = ("3", "5")
SKIPS = ("plain", "skip")
PLACES = (BLOCKS, WIDTHS, KERNELS, SKIPS)
WIDER = 4  # an inverted residual block, inside


class Macro(Choices):
    """Chains of eight layers."""

    about = "chains of 8 layers: block, width, kernel, skip; images of any shape"

    def __init__(self) -> None:
        super().__init__(PLACES * LAYERS)

    def written(self, point: Point) -> str:
        """A word for each layer."""
        self.check(point)
        return " ".join(":".join(layer) for layer in self._layers(point))

    def read(self, text: str) -> Point:
        """The point of such a text."""
        names = [name for word in text.split() for name in word.split(":")]
        if len(names) != len(self.options):
            raise PointError(f"a point of macro has {LAYERS} words such as conv:32:3:skip, not {text[:80]!r}")
        return tuple(self.option(place, name) for place, name in enumerate(names))

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """A stem, the layers, and a classifier."""
        self.check(point)
        layers = Layers(image_of(input_shape, self.name, least=1))
        x = layers.relu(layers.batch_norm(layers.conv(layers.x, STEM, 3)))
        for number, (block, width, kernel, skip) in enumerate(self._layers(point)):
            if block != "none":
                deep = _block(layers, x, block, int(width), int(kernel))
                x = layers.sum([deep, _as_wide(layers, x, int(width))]) if skip == "skip" else deep
            if number % 2 and min(layers.shape(x)[1:]) > 1:
                x = layers.max_pool(x, 2, stride=2)
        return layers.ended(layers.linear(layers.global_mean(x), classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """The chain of layers."""
        return {"network": chain([":".join(layer) for layer in self._layers(point) if layer[0] != "none"])}

    def _layers(self, point: Point) -> list[tuple[str, ...]]:
        names = [names[option] for names, option in zip(self.options, point, strict=True)]
        return [tuple(names[start : start + len(PLACES)]) for start in range(0, len(names), len(PLACES))]


def _block(layers: Layers, x: int, block: str, width: int, kernel: int) -> int:
    if block == "conv":
        return layers.relu(layers.batch_norm(layers.conv(x, width, kernel)))
    if block == "inv":
        return inverted_residual(layers, x, width, kernel, wider=WIDER, stride=1, activation=layers.relu)
    deep = layers.conv(x, layers.channels(x), kernel, groups=layers.channels(x))
    return layers.relu(layers.batch_norm(layers.conv(deep, width, 1)))


def _as_wide(layers: Layers, x: int, width: int) -> int:
    return x if layers.channels(x) == width else layers.batch_norm(layers.conv(x, width, 1))


SPACE = Macro()
