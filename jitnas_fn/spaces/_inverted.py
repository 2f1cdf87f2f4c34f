"""The inverted residual block of MobileNetV2.

References
----------
.. [1] M. Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018.
"""

from collections.abc import Callable

from jitnas_fn.graphs.building import Layers


def inverted_residual(
    layers: Layers, x: int, channels: int, kernel: int, *, wider: int, stride: int, activation: Callable[[int], int]
) -> int:
    """Wide by a convolution of 1 by 1, unless `wider` is 1; each channel by itself; narrow again; added to `x` if it fits."""
    inside = layers.channels(x) * wider
    deep = x if wider == 1 else activation(layers.batch_norm(layers.conv(x, inside, 1)))
    deep = activation(layers.batch_norm(layers.conv(deep, inside, kernel, stride=stride, groups=inside)))
    deep = layers.batch_norm(layers.conv(deep, channels, 1))
    return layers.sum([deep, x]) if stride == 1 and layers.channels(x) == channels else deep
