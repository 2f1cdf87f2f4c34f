"""A search space of one's own: what a point chooses, how it is written, and the network that it stands for. Six are trained."""

import random
from collections.abc import Sequence

from jitnas_fn import Client
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point
from jitnas_fn.graphs.wiring import Wiring, chain

DIGITS = ((1, 8, 8), 10)  # one image, and the number of classes


class Pyramids(Choices):
    """Three convolutions, each with a width and a kernel of its own."""

    about = "three convolutions, their widths and kernels"

    def __init__(self) -> None:
        super().__init__([("8", "16", "32"), ("1", "3", "5")] * 3)

    def written(self, point: Point) -> str:
        """Such as 8x3-16x3-32x1: widths and kernels."""
        names = [names[option] for names, option in zip(self.options, point, strict=True)]
        return "-".join(f"{width}x{kernel}" for width, kernel in zip(names[::2], names[1::2], strict=True))

    def read(self, text: str) -> Point:
        """The point that this stands for."""
        return tuple(self.option(place, name) for place, name in enumerate(text.replace("x", "-").split("-")))

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """The network, without a line of PyTorch."""
        layers = Layers(input_shape)
        x = layers.x
        for width, kernel in (map(int, word.split("x")) for word in self.written(point).split("-")):
            x = layers.relu(layers.batch_norm(layers.conv(x, width, kernel)))
        return layers.ended(layers.linear(layers.global_mean(x), classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """What is drawn and encoded of it."""
        return {"network": chain(self.written(point).split("-"))}


space, rng = Pyramids(), random.Random(0)
points = [space.sample(rng) for _ in range(6)]
networks = [space.architecture(point, *DIGITS) for point in points]
print(f"{space.size} points; {space.written(points[0])} has {len(space.neighbours(points[0]))} neighbours")
for point, evaluation in zip(points, Client().map(networks, dataset="digits", recipe="quick"), strict=True):
    record = evaluation.result()
    accuracy, cost = record.metrics["validation"]["accuracy"], space.cost(point, *DIGITS)
    print(
        f"{space.written(point):<16} {cost.parameters:>6,} parameters  validation accuracy {accuracy:.4f}  {evaluation.source}"
    )
