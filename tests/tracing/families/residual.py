"""Residual convolutional classifiers, and the published ones of the benchmark."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.tracing.families.convolutional import IMAGE, headed
from tests.tracing.families.family import Family

# He et al., "Deep residual learning for image recognition", 2016


class Basic(nn.Module):
    """Two convolutions of 3 by 3 and a short cut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    """1 by 1, 3 by 3 (in groups: Xie et al., "Aggregated residual transformations", 2017), 1 by 1, and a short cut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int, groups: int = 1) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class Grouped(Bottleneck):
    """A bottleneck in four groups."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__(inputs, width, stride, groups=4)


class SqueezedBasic(Basic):
    """A basic block whose channels are weighed before they are added (Hu et al., "Squeeze-and-excitation", 2018)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__(inputs, width, stride)
        self.squeeze = nn.AdaptiveAvgPool2d(1)
        self.excite = nn.Sequential(nn.Linear(width, width // 4), nn.ReLU(), nn.Linear(width // 4, width), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        batch, channels, _, _ = out.size()
        gate = self.excite(self.squeeze(out).view(batch, channels)).view(batch, channels, 1, 1)
        out = out * gate.expand_as(out)
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """A stem, stages of blocks that halve the map, global pooling."""

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck],
        depths: tuple[int, ...],
        *,
        width: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1, self.relu, self.maxpool = nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        inputs, stages = width, []
        for stage, depth in enumerate(depths):
            blocks = []
            for i in range(depth):
                blocks.append(block(inputs, width * 2**stage, 2 if stage and not i else 1))
                inputs = width * 2**stage * block.expansion
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.avgpool(self.stages(x))
        return self.fc(torch.flatten(x, 1))


def initialised(network: nn.Module, *, zero_last: bool = False) -> nn.Module:
    """The network with He's normal draws, and on request with zeros in the last batch-norm of each bottleneck."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 1)
            nn.init.constant_(module.bias, 0)
    for module in network.modules():
        if zero_last and isinstance(module, Bottleneck):
            nn.init.constant_(module.bn3.weight, 0)
    return network


def resnet18() -> nn.Module:
    """The published network, 11,689,512 parameters, with PyTorch's default weights."""
    return ResNet(Basic, (2, 2, 2, 2), width=64, classes=1000)


def resnet50() -> nn.Module:
    """The published network, 25,557,032 parameters, with PyTorch's default weights."""
    return ResNet(Bottleneck, (3, 4, 6, 3), width=64, classes=1000)


class PreActivation(nn.Module):
    """Batch-norm and ReLU before each convolution (He et al., "Identity mappings in deep residual networks", 2016)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), nn.Conv2d(width, width, 3, 1, 1, bias=False)
        if stride != 1 or inputs != width:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(F.relu(self.bn2(out)))
        out += shortcut
        return out


FAMILIES = {
    "ResNet, basic blocks": Family(lambda: initialised(ResNet(Basic, (1, 2, 1, 1), width=8, classes=5)), (3, 64, 64)),
    "ResNet, bottlenecks": Family(
        lambda: initialised(ResNet(Bottleneck, (1, 2, 1, 1), width=4, classes=5), zero_last=True), (3, 64, 64)
    ),
    "ResNeXt": Family(lambda: ResNet(Grouped, (1, 2), width=8, classes=5), (3, 32, 32)),
    "squeeze-excite ResNet": Family(lambda: ResNet(SqueezedBasic, (2, 1), width=8, classes=5), (3, 32, 32)),
    "pre-activation ResNet": Family(lambda: headed(PreActivation(8, 8, 1), PreActivation(8, 12, 2), features=12), IMAGE),
}
