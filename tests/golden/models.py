"""The networks whose fingerprints are frozen: every operation of the opset, every initialisation, every way of wiring."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

Builder = Callable[[], nn.Module]
IMAGE = (3, 8, 8)


class Body(nn.Module):
    """A convolution, a function on its map, global average pooling and a linear layer."""

    def __init__(self, function: Callable[[nn.Module, torch.Tensor], torch.Tensor], outputs: int, **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(outputs, 5)
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.function(self, self.stem(x))
        return self.head(x.mean((2, 3)) if x.dim() == 4 else x)


def body(function: Callable[..., torch.Tensor], outputs: int = 4, **layers: Callable[[], nn.Module]) -> Builder:
    """A builder of a `Body`."""
    return lambda: Body(function, outputs, **{name: make() for name, make in layers.items()})


class Bare(nn.Module):
    """A linear layer whose output is multiplied by a parameter of its own."""

    def __init__(self, gate: Callable[[], torch.Tensor], *, trainable: bool = True) -> None:
        super().__init__()
        self.gate = nn.Parameter(gate(), requires_grad=trainable)
        self.linear = nn.Linear(192, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.flatten(1)) * self.gate


def filled(fill: Callable[[torch.Tensor], object]) -> Builder:
    """A linear layer whose weights are initialised by `fill`."""

    def build() -> nn.Module:
        layer = nn.Linear(192, 5)
        fill(layer.weight)
        return nn.Sequential(nn.Flatten(), layer)

    return build


def activated(layer: Callable[[], nn.Module]) -> Builder:
    """A perceptron with this activation."""
    return lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 8), layer(), nn.Linear(8, 5))


def flattened(*layers: Callable[[], nn.Module], width: int) -> Builder:
    """Layers on the image, then a linear one on all of it."""
    return lambda: nn.Sequential(*[layer() for layer in layers], nn.Flatten(), nn.Linear(width, 5))


def frozen_stem() -> nn.Module:
    """A network whose first layer is not trained."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    net[0].requires_grad_(False)
    return net


MODELS: dict[str, Builder] = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5)),
    "linear_without_bias": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 5, bias=False)),
    "conv": flattened(lambda: nn.Conv2d(3, 4, 3), width=144),
    "conv_stride": flattened(lambda: nn.Conv2d(3, 4, 3, stride=2), width=36),
    "conv_padding": flattened(lambda: nn.Conv2d(3, 4, 3, padding=1), width=256),
    "conv_dilation": flattened(lambda: nn.Conv2d(3, 4, 3, dilation=2), width=64),
    "conv_groups": flattened(lambda: nn.Conv2d(3, 6, 3, groups=3), width=216),
    "conv_same_even": flattened(lambda: nn.Conv2d(3, 4, 2, padding="same"), width=256),
    "conv_reflect": flattened(lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), width=256),
    "conv_circular": flattened(lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"), width=256),
    "conv_replicate": flattened(lambda: nn.Conv2d(3, 4, 3, padding=1, padding_mode="replicate"), width=256),
    "conv_transpose": flattened(lambda: nn.ConvTranspose2d(3, 2, 3, stride=2, output_padding=1), width=2 * 18 * 18),
    "conv1d": lambda: nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 5), nn.ReLU(), nn.Flatten(), nn.Linear(240, 5)),
    "batch_norm": flattened(lambda: nn.BatchNorm2d(3), width=192),
    "batch_norm_momentum": flattened(lambda: nn.BatchNorm2d(3, momentum=0.3), width=192),
    "batch_norm_eps": flattened(lambda: nn.BatchNorm2d(3, eps=1e-3), width=192),
    "batch_norm_no_statistics": flattened(lambda: nn.BatchNorm2d(3, track_running_stats=False), width=192),
    "batch_norm_no_affine": flattened(lambda: nn.BatchNorm2d(3, affine=False), width=192),
    "batch_norm_frozen": body(
        lambda m, x: F.batch_norm(x, m.norm.running_mean, m.norm.running_var), norm=lambda: nn.BatchNorm2d(4)
    ),
    "batch_norm_called_twice": body(lambda m, x: m.norm(torch.relu(m.norm(x))), norm=lambda: nn.BatchNorm2d(4)),
    "instance_norm": flattened(lambda: nn.InstanceNorm2d(3, affine=True), width=192),
    "group_norm": flattened(lambda: nn.GroupNorm(3, 3), width=192),
    "layer_norm": flattened(lambda: nn.LayerNorm([3, 8, 8]), width=192),
    "rms_norm": flattened(lambda: nn.RMSNorm(8), width=192),
    "local_response_norm": flattened(lambda: nn.LocalResponseNorm(2), width=192),
    "max_pool": flattened(lambda: nn.MaxPool2d(2), width=48),
    "max_pool_ceil": flattened(lambda: nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), width=75),
    "max_pool_dilation": flattened(lambda: nn.MaxPool2d(2, dilation=2, stride=1), width=108),
    "avg_pool": flattened(lambda: nn.AvgPool2d(3, stride=1, padding=1), width=192),
    "avg_pool_inside": flattened(lambda: nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), width=192),
    "avg_pool_divisor": flattened(lambda: nn.AvgPool2d(2, divisor_override=3), width=48),
    "adaptive_avg_pool": flattened(lambda: nn.AdaptiveAvgPool2d(3), width=27),
    "adaptive_max_pool": flattened(lambda: nn.AdaptiveMaxPool2d(3), width=27),
    "relu": activated(nn.ReLU),
    "sigmoid": activated(nn.Sigmoid),
    "tanh": activated(nn.Tanh),
    "silu": activated(nn.SiLU),
    "mish": activated(nn.Mish),
    "selu": activated(nn.SELU),
    "hardswish": activated(nn.Hardswish),
    "hardsigmoid": activated(nn.Hardsigmoid),
    "softsign": activated(nn.Softsign),
    "tanhshrink": activated(nn.Tanhshrink),
    "log_sigmoid": activated(nn.LogSigmoid),
    "gelu": activated(nn.GELU),
    "gelu_tanh": activated(lambda: nn.GELU("tanh")),
    "leaky_relu": activated(lambda: nn.LeakyReLU(0.2)),
    "elu": activated(nn.ELU),
    "celu": activated(lambda: nn.CELU(1.5)),
    "softplus": activated(nn.Softplus),
    "relu6": activated(nn.ReLU6),
    "hardtanh": activated(nn.Hardtanh),
    "softshrink": activated(nn.Softshrink),
    "hardshrink": activated(nn.Hardshrink),
    "threshold": activated(lambda: nn.Threshold(0.1, 0.0)),
    "prelu": activated(nn.PReLU),
    "softmax": activated(lambda: nn.Softmax(1)),
    "log_softmax": activated(lambda: nn.LogSoftmax(1)),
    "glu": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 16), nn.GLU(), nn.Linear(8, 5)),
    "dropout": activated(lambda: nn.Dropout(0.3)),
    "dropout2d": flattened(lambda: nn.Conv2d(3, 4, 3), lambda: nn.Dropout2d(0.3), width=144),
    "alpha_dropout": activated(lambda: nn.AlphaDropout(0.3)),
    "feature_alpha_dropout": flattened(lambda: nn.Conv2d(3, 4, 3), lambda: nn.FeatureAlphaDropout(0.3), width=144),
    "residual": body(lambda m, x: x + m.conv(torch.relu(x)), conv=lambda: nn.Conv2d(4, 4, 3, padding=1)),
    "shared_conv": body(lambda m, x: m.conv(torch.relu(m.conv(x))), conv=lambda: nn.Conv2d(4, 4, 3, padding=1)),
    "one_conv_two_branches": body(lambda m, x: torch.relu(m.conv(x)) + torch.tanh(m.conv(x)), conv=lambda: nn.Conv2d(4, 4, 1)),
    "two_convs_two_branches": body(
        lambda m, x: torch.relu(m.a(x)) + torch.tanh(m.b(x)), a=lambda: nn.Conv2d(4, 4, 1), b=lambda: nn.Conv2d(4, 4, 1)
    ),
    "weighted_sum": body(lambda m, x: 0.5 * torch.relu(x) - 0.25 * torch.tanh(x) + 1.5),
    "third": body(lambda m, x: (torch.relu(x) + torch.tanh(x) + torch.sigmoid(x)) / 3),
    "product": body(lambda m, x: torch.relu(x) * torch.tanh(x) * torch.sigmoid(x)),
    "times_zero": body(lambda m, x: torch.relu(x) + 0.0 * torch.tanh(x)),
    "all_zero_then_norm": body(lambda m, x: m.norm(x * 0.0), norm=lambda: nn.BatchNorm2d(4)),
    "cat": body(lambda m, x: torch.cat([torch.relu(x), torch.cat([torch.tanh(x), x], 1)], 1), 12),
    "channel_shuffle": body(lambda m, x: x.view(x.shape[0], 2, 2, 8, 8).transpose(1, 2).reshape(x.shape[0], 4, 8, 8)),
    "split_and_swap": body(lambda m, x: torch.cat(tuple(reversed(x.chunk(2, 1))), 1)),
    "expanded": body(lambda m, x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)).expand(-1, -1, 8, 8)),
    "padded": body(lambda m, x: F.pad(x, (1, 2, 0, 1), value=0.5)),
    "summed_over_space": body(lambda m, x: x.sum((2, 3))),
    "largest_over_space": body(lambda m, x: x.amax((2, 3))),
    "zero_gate": lambda: Bare(lambda: torch.zeros(1)),
    "one_gate": lambda: Bare(lambda: torch.ones(1)),
    "random_gate": lambda: Bare(lambda: torch.randn(1) * 0.02),
    "frozen_gate": lambda: Bare(lambda: torch.full((5,), 0.1), trainable=False),
    "frozen_stem": frozen_stem,
    "init_normal": filled(lambda w: nn.init.normal_(w, 0.0, 0.02)),
    "init_trunc_normal": filled(lambda w: nn.init.trunc_normal_(w, std=0.02)),
    "init_xavier_uniform": filled(nn.init.xavier_uniform_),
    "init_kaiming_normal": filled(nn.init.kaiming_normal_),
    "init_constant": filled(lambda w: nn.init.constant_(w, 1e-6)),
}
