"""ConvNeXt: Liu et al., "A ConvNet for the 2020s", 2022."""

import torch
from torch import Tensor, nn

from tests.tracing.families.family import Family
from tests.tracing.families.stochastic_depth import DropPath, path_dropped

IMAGE = (3, 16, 16)


class ChannelsFirstNorm(nn.Module):
    """Layer-norm over the channels of a map, written out."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels)), eps

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution of 7 by 7, then a perceptron with the channels last, scaled by a small learnt vector."""

    def __init__(self, channels: int, drop: float) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(1e-6 * torch.ones(channels), requires_grad=True)
        self.drop_path = DropPath(drop, path_dropped) if drop > 0.0 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inputs = x
        x = self.dwconv(x).permute(0, 2, 3, 1)  # (N, H, W, C)
        x = self.pwconv2(self.act(self.pwconv1(self.norm(x))))
        x = (self.gamma * x).permute(0, 3, 1, 2)  # (N, C, H, W)
        return inputs + self.drop_path(x)


class ConvNeXt(nn.Module):
    """Two stages with a patch stem, weights from a truncated normal."""

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 2, 2), ChannelsFirstNorm(8))
        self.down = nn.Sequential(ChannelsFirstNorm(8), nn.Conv2d(8, 12, 2, 2))
        self.stages = nn.ModuleList([ConvNeXtBlock(8, 0.0), nn.Sequential(ConvNeXtBlock(12, drop), ConvNeXtBlock(12, drop))])
        self.norm, self.head = nn.LayerNorm(12, eps=1e-6), nn.Linear(12, 5)
        self.apply(self._init_weights)

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.trunc_normal_(module.weight, std=0.02)
            nn.init.constant_(module.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages[0](self.stem(x))
        x = self.stages[1](self.down(x))
        return self.head(self.norm(x.mean([-2, -1])))


FAMILIES = {
    "ConvNeXt": Family(lambda: ConvNeXt(0.1), IMAGE, still=lambda: ConvNeXt(0.0)),
}
