"""Networks that bring a map back to full size, that have several inputs, and that have several outputs."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.tracing.families.family import Family

IMAGE, VECTOR = (3, 8, 8), (6,)


def double(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions with batch-norm."""
    first = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    second = [nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*first, *second)


def upsampled(mode: str, corners: bool | None = None) -> Callable[[int, int], nn.Module]:
    """Interpolate, then narrow."""
    return lambda inputs, outputs: nn.Sequential(
        nn.Upsample(scale_factor=2, mode=mode, align_corners=corners), nn.Conv2d(inputs, outputs, 1)
    )


def transposed(inputs: int, outputs: int) -> nn.Module:
    """A transposed convolution."""
    return nn.ConvTranspose2d(inputs, outputs, kernel_size=2, stride=2)


def shuffled(inputs: int, outputs: int) -> nn.Module:
    """Four times the channels, moved into the plane (Shi et al., 2016)."""
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 3, padding=1), nn.PixelShuffle(2))


class UNet(nn.Module):
    """Down twice, up twice, each time joined to what was there (Ronneberger et al., 2015).

    Parameters
    ----------
    up
        Makes the layer that doubles the size, of input and output channels.
    pooled
        Whether the map is averaged to scores.
    """

    def __init__(self, up: Callable[[int, int], nn.Module], *, pooled: bool) -> None:
        super().__init__()
        self.inc, self.down1, self.down2 = double(3, 4), double(4, 8), double(8, 16)
        self.up1, self.conv1, self.up2, self.conv2 = up(16, 8), double(16, 8), up(8, 4), double(8, 4)
        self.pool, self.outc, self.pooled = nn.MaxPool2d(2), nn.Conv2d(4, 5, 1), pooled
        if pooled:
            self.head = nn.Linear(5, 5)

    def forward(self, x: Tensor) -> Tensor:
        first = self.inc(x)
        second = self.down1(self.pool(first))
        x = self.up1(self.down2(self.pool(second)))
        x = self.conv1(torch.cat([second, x], dim=1))
        x = self.conv2(torch.cat([first, self.up2(x)], dim=1))
        x = self.outc(x)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1)) if self.pooled else x


class Pyramid(nn.Module):
    """Maps of two sizes added by functional interpolation to the size of the larger (Lin et al., 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = double(3, 8), double(8, 8)
        self.lateral, self.smooth, self.head = nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.fine(x)
        coarse = self.coarse(F.max_pool2d(fine, 2))
        top = F.interpolate(coarse, size=fine.shape[-2:], mode="nearest")
        return self.head(self.smooth(self.lateral(fine) + top).mean(dim=[2, 3]))


def features() -> nn.Sequential:
    """An image as eight numbers."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class TwoInputs(nn.Module):
    """An image and a vector, joined before the head."""

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.image, self.vector = features(), nn.Sequential(nn.Linear(6, 8), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(drop), nn.Linear(16, 5))

    def forward(self, image: Tensor, vector: Tensor) -> Tensor:
        return self.head(torch.cat([self.image(image), self.vector(vector)], dim=1))


class Siamese(nn.Module):
    """One network looks at two images; the head at how far apart they are (Koch et al., 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(features(), nn.Linear(8, 8), nn.Sigmoid()), nn.Linear(8, 5)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.head(torch.abs(self.body(first) - self.body(second)))


class TwoHeads(nn.Module):
    """Scores, and those of an auxiliary head half way."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = double(3, 8), double(8, 8)
        self.main, self.auxiliary = nn.Linear(8, 5), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half = self.first(x)
        whole = self.second(F.max_pool2d(half, 2))
        return self.main(whole.mean((2, 3))), self.auxiliary(half.mean((2, 3)))


def unet(up: Callable[[int, int], nn.Module]) -> Family:
    """A U-Net that ends in scores."""
    return Family(lambda: UNet(up, pooled=True), IMAGE)


BILINEAR = upsampled("bilinear", False)
FAMILIES = {
    "U-Net, bilinear": unet(BILINEAR),
    "U-Net, bilinear with corners": unet(upsampled("bilinear", True)),
    "U-Net, nearest": unet(upsampled("nearest")),
    "U-Net, transposed": unet(transposed),
    "U-Net, pixel shuffle": unet(shuffled),
    "U-Net, a map": Family(lambda: UNet(BILINEAR, pooled=False), IMAGE, outputs=((5, 8, 8),)),
    "pyramid": Family(Pyramid, IMAGE),
    "image and vector": Family(
        lambda: TwoInputs(0.3), (IMAGE, VECTOR), dtype=("float32", "float32"), still=lambda: TwoInputs(0.0)
    ),
    "siamese": Family(Siamese, (IMAGE, IMAGE), dtype=("float32", "float32")),
    "two heads": Family(TwoHeads, IMAGE, outputs=((5,), (3,))),
}
