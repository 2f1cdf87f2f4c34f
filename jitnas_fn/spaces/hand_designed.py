"""Networks that people designed, to be compared with; as deep as the images allow.

References
----------
.. [1] K. He et al., "Deep Residual Learning for Image Recognition", CVPR 2016: ResNet-20 for CIFAR-10, short cuts of type A.
.. [2] K. Simonyan and A. Zisserman, "Very Deep Convolutional Networks", ICLR 2015: stacks of 3 by 3 convolutions; here with
   batch-norm and one linear layer.
.. [3] M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018: its table 2.
"""

from collections.abc import Sequence

from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.building import Layers
from jitnas_fn.graphs.choices import Choices
from jitnas_fn.graphs.graph import Graph
from jitnas_fn.graphs.space import Point, image_of
from jitnas_fn.graphs.wiring import Wiring, chain
from jitnas_fn.spaces._inverted import inverted_residual

NAMES = ("resnet20", "vgg", "mobilenetv2")
VGG = ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2))  # channels and convolutions between two poolings: VGG-11 of [2]_
MOBILE = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))  # t c n s
SMALLEST = 4  # rows and columns below which a map is not halved
STEM, LAST = 32, 1280  # channels of [3]_


class HandDesigned(Choices):
    """Three networks."""

    about = "ResNet-20, VGG and MobileNetV2, scaled to the images"

    def __init__(self) -> None:
        super().__init__([NAMES])

    def written(self, point: Point) -> str:
        """Its name."""
        self.check(point)
        return NAMES[point[0]]

    def read(self, text: str) -> Point:
        """The point of a name."""
        if text.strip() not in NAMES:
            raise PointError(f"a network of {self.name} is one of {', '.join(NAMES)}, not {text[:80]!r}")
        return (NAMES.index(text.strip()),)

    def graph(self, point: Point, input_shape: Sequence[int], classes: int) -> Graph:
        """The network."""
        self.check(point)
        layers = Layers(image_of(input_shape, self.name, least=1))
        x = (_resnet, _vgg, _mobilenet)[point[0]](layers)
        return layers.ended(layers.linear(layers.global_mean(x), classes))

    def wirings(self, point: Point) -> dict[str, Wiring]:
        """Its name alone."""
        return {"network": chain([self.written(point)])}


def _resnet(layers: Layers) -> int:
    """Three stages of three blocks with 16, 32 and 64 channels [1]_."""
    x = layers.relu(layers.batch_norm(layers.conv(layers.x, 16, 3)))
    for channels in (16, 32, 64):
        for block in range(3):
            x = _basic_block(layers, x, channels, stride=2 if block == 0 and channels > 16 else 1)
    return x


def _basic_block(layers: Layers, x: int, channels: int, *, stride: int) -> int:
    """Two convolutions and a short cut without parameters: every second pixel, and zeros for the channels that are new."""
    deep = layers.relu(layers.batch_norm(layers.conv(x, channels, 3, stride=stride)))
    deep = layers.batch_norm(layers.conv(deep, channels, 3))
    if stride > 1:
        thin = layers.sliced(layers.sliced(x, axis=2, step=stride), axis=3, step=stride)
        x = layers.padded(thin, channels=(channels - layers.channels(x)) // 2)
    return layers.relu(layers.sum([deep, x]))


def _vgg(layers: Layers) -> int:
    x = layers.x
    for channels, convolutions in VGG:
        for _ in range(convolutions):
            x = layers.relu(layers.batch_norm(layers.conv(x, channels, 3)))
        if min(layers.shape(x)[1:]) >= SMALLEST:
            x = layers.max_pool(x, 2, stride=2)
    return x


def _mobilenet(layers: Layers) -> int:
    x = layers.relu6(layers.batch_norm(layers.conv(layers.x, STEM, 3, stride=_stride(layers, layers.x, 2))))
    for wider, channels, count, stride in MOBILE:
        for block in range(count):
            halves = _stride(layers, x, stride) if block == 0 else 1
            x = inverted_residual(layers, x, channels, 3, wider=wider, stride=halves, activation=layers.relu6)
    return layers.relu6(layers.batch_norm(layers.conv(x, LAST, 1)))


def _stride(layers: Layers, x: int, stride: int) -> int:
    """The stride, if the map is large enough for it."""
    return stride if min(layers.shape(x)[1:]) >= 2 * SMALLEST else 1


SPACE = HandDesigned()
