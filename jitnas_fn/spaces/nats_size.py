"""The size space of NATS-Bench: how many channels each of five layers has, in one cell that is the same everywhere.

A point has an option for each layer and is written by its channels, `8:16:32:48:64`.

References
----------
.. [1] X. Dong et al., "NATS-Bench: Benchmarking NAS Algorithms for Architecture Topology and Size", TPAMI 2021.
"""

from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, image_of
from jitnas_fn.graphs.wiring import Wiring, chain
from jitnas_fn.spaces._cells201 import CONV3, SKIP, cell, halved

CHANNELS = tuple(range(8, 72, 8))  # of each layer in [1]_
HALVES = (False, True, False, True, False)  # which layers are residual blocks that halve the map
CELL = (CONV3, CONV3, CONV3, SKIP, CONV3, CONV3)  # the best of the topology space, used in every network of [1]_


class NatsSize(Choices):
    """The 32,768 widths."""

    about = "channels of 5 layers, each one of 8, 16, … 64 (Dong et al., 2021)"

    def __init__(self) -> None:
        super().__init__([[str(channels) for channels in CHANNELS]] * len(HALVES))

    def written(self, point: Point) -> str:
        """Channels with colons between them."""
        self.check(point)
        return ":".join(str(CHANNELS[option]) for option in point)

    def read(self, text: str) -> Point:
        """The point of such a text."""
        channels = text.strip().split(":")
        if len(channels) != len(HALVES):
            raise PointError(f"a size of NATS-Bench is written 8:16:32:48:64, five numbers of channels, not {text[:80]!r}")
        return tuple(self.option(place, name) for place, name in enumerate(channels))

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """A stem, three cells with residual blocks between them that halve the map, and a classifier."""
        self.check(point)
        widths = [CHANNELS[option] for option in point]
        layers = Layers(image_of(input_shape, self.name, least=4, even=4))
        x = layers.batch_norm(layers.conv(layers.x, widths[0], 3))
        for width, halves in zip(widths, HALVES, strict=True):
            x = halved(layers, x, width) if halves else cell(layers, x, CELL, width)
        x = layers.global_mean(layers.relu(layers.batch_norm(x)))
        return layers.ended(layers.linear(x, classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """The chain of layers."""
        names = [f"{'block' if halves else 'cell'} {CHANNELS[option]}" for option, halves in zip(point, HALVES, strict=True)]
        return {"network": chain(names)}


SPACE = NatsSize()
