"""Convolutional classifiers of inverted residual blocks."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from tests.tracing.families.family import Family
from tests.tracing.families.stochastic_depth import DropPath, Dropped, floor_dropped, path_dropped, row_dropped

IMAGE = (3, 16, 16)


def rounded(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of eight that is not more than a tenth below."""
    near = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return near + divisor if near < 0.9 * channels else near


def unit(
    inputs: int, outputs: int, kernel: int, stride: int, groups: int, activation: Callable[[], nn.Module]
) -> nn.Sequential:
    """Convolution, batch-norm and activation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), activation())


class Squeeze(nn.Module):
    """Squeeze and excitation by 1 by 1 convolutions."""

    def __init__(self, channels: int, squeezed: int, activation: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.pool, self.activation, self.gate = nn.AdaptiveAvgPool2d(1), activation, gate
        self.fc1, self.fc2 = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(self.fc2(self.activation(self.fc1(self.pool(x))))) * x


class Inverted(nn.Module):
    """Widen, convolve each channel by itself, narrow (Sandler et al., "MobileNetV2", 2018)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        stride: int,
        widening: int,
        kernel: int = 3,
        activation: Callable[[], nn.Module] = nn.ReLU6,
        squeeze: Callable[[int], nn.Module] | None = None,
        drop: nn.Module | None = None,
    ) -> None:
        super().__init__()
        wide = inputs * widening
        self.use_res_connect = stride == 1 and inputs == outputs
        layers = [unit(inputs, wide, 1, 1, 1, activation)] if widening != 1 else []
        layers.append(unit(wide, wide, kernel, stride, wide, activation))
        if squeeze is not None:
            layers.append(squeeze(wide))
        self.conv = nn.Sequential(*layers, nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.drop = drop if drop is not None else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return x + self.drop(self.conv(x)) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Inverted residual blocks between a stem and one wide convolution.

    Parameters
    ----------
    settings
        (widening, channels, blocks, stride of the first) for each group.
    """

    def __init__(self, settings: list[tuple[int, int, int, int]], *, stem: int, last: int, classes: int, drop: float) -> None:
        super().__init__()
        features: list[nn.Module] = [unit(3, stem, 3, 2, 1, nn.ReLU6)]
        inputs = stem
        for widening, channels, blocks, stride in settings:
            for i in range(blocks):
                features.append(Inverted(inputs, channels, stride=1 if i else stride, widening=widening))
                inputs = channels
        features.append(unit(inputs, last, 1, 1, 1, nn.ReLU6))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(drop), nn.Linear(last, classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = F.adaptive_avg_pool2d(x, (1, 1)).reshape(x.shape[0], -1)
        return self.classifier(x)


def initialised(network: nn.Module) -> nn.Module:
    """The network with the published draws."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
            nn.init.zeros_(module.bias)
    return network


def mobilenet_v2() -> nn.Module:
    """The published network, 17 blocks and 3,504,872 parameters, with PyTorch's default weights."""
    settings = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    return MobileNetV2(settings, stem=32, last=1280, classes=1000, drop=0.2)


def small_mobilenet_v2(drop: float) -> nn.Module:
    """The same of four blocks."""
    return initialised(MobileNetV2([(1, 8, 1, 1), (6, 8, 2, 2), (6, 12, 1, 1)], stem=8, last=24, classes=5, drop=drop))


def mobilenet_v3(drop: float) -> nn.Module:
    """Hardswish, and gates by hardsigmoid (Howard et al., "Searching for MobileNetV3", 2019)."""
    squeeze = lambda wide: Squeeze(wide, rounded(wide // 4), nn.ReLU(), nn.Hardsigmoid())  # noqa: E731
    body = [
        unit(3, 8, 3, 2, 1, nn.Hardswish),
        Inverted(8, 8, stride=1, widening=1, activation=nn.ReLU, squeeze=squeeze),
        Inverted(8, 12, stride=2, widening=3, activation=nn.ReLU),
        Inverted(12, 12, stride=1, widening=3, kernel=5, activation=nn.Hardswish, squeeze=squeeze),
    ]
    head = [unit(12, 24, 1, 1, 1, nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)]
    return nn.Sequential(*body, *head, nn.Linear(24, 16), nn.Hardswish(inplace=True), nn.Dropout(drop), nn.Linear(16, 5))


def efficientnet(spelling: Dropped, drop: float) -> nn.Module:
    """SiLU, gates by sigmoid, and stochastic depth that grows with the depth (Tan and Le, "EfficientNet", 2019)."""
    squeeze = lambda wide: Squeeze(wide, 4, nn.SiLU(inplace=True), nn.Sigmoid())  # noqa: E731
    settings, body, inputs = [(1, 8, 1, 3), (6, 8, 1, 3), (6, 12, 2, 5), (6, 12, 1, 5)], [unit(3, 8, 3, 2, 1, nn.SiLU)], 8
    for i, (widening, channels, stride, kernel) in enumerate(settings):
        path = DropPath(drop * i / len(settings), spelling)
        body.append(
            Inverted(
                *(inputs, channels),
                stride=stride,
                widening=widening,
                kernel=kernel,
                activation=nn.SiLU,
                squeeze=squeeze,
                drop=path,
            )
        )
        inputs = channels
    head = [unit(inputs, 24, 1, 1, 1, nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Dropout(drop), nn.Linear(24, 5)]
    return nn.Sequential(*body, *head)


FAMILIES = {
    "MobileNetV2": Family(lambda: small_mobilenet_v2(0.2), IMAGE, still=lambda: small_mobilenet_v2(0.0)),
    "MobileNetV3": Family(lambda: mobilenet_v3(0.2), IMAGE, still=lambda: mobilenet_v3(0.0)),
    "EfficientNet, stochastic depth as torchvision": Family(
        lambda: efficientnet(row_dropped, 0.2), IMAGE, still=lambda: efficientnet(row_dropped, 0.0)
    ),
    "EfficientNet, drop path as timm": Family(
        lambda: efficientnet(path_dropped, 0.2), IMAGE, still=lambda: efficientnet(path_dropped, 0.0)
    ),
    "EfficientNet, drop path by floor": Family(
        lambda: efficientnet(floor_dropped, 0.2), IMAGE, still=lambda: efficientnet(floor_dropped, 0.0)
    ),
}
