"""Every attribute of a layer that changes what it computes or how it trains."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, built, conv, lin


def one(layer, **given):
    """A builder of this layer between two convolutions, as it stands in a network."""
    return lambda: nn.Sequential(nn.Conv2d(4, 4, 1), layer(**given))


def after_linear(layer, **given):
    return lambda: nn.Sequential(nn.Linear(4, 4), layer(**given))


FAMILIES = {
    "convolution": (
        MAP,
        {
            "plain": lambda: nn.Conv2d(4, 8, 3),
            "kernel 5": lambda: nn.Conv2d(4, 8, 5),
            "kernel 1x3": lambda: nn.Conv2d(4, 8, (1, 3)),
            "kernel 3x1": lambda: nn.Conv2d(4, 8, (3, 1)),
            "stride 2": lambda: nn.Conv2d(4, 8, 3, stride=2),
            "stride 2x1": lambda: nn.Conv2d(4, 8, 3, stride=(2, 1)),
            "stride 1x2": lambda: nn.Conv2d(4, 8, 3, stride=(1, 2)),
            "padding 1": lambda: nn.Conv2d(4, 8, 3, padding=1),
            "padding 2": lambda: nn.Conv2d(4, 8, 3, padding=2),
            "padding 1x0": lambda: nn.Conv2d(4, 8, 3, padding=(1, 0)),
            "reflect": lambda: nn.Conv2d(4, 8, 3, padding=1, padding_mode="reflect"),
            "replicate": lambda: nn.Conv2d(4, 8, 3, padding=1, padding_mode="replicate"),
            "circular": lambda: nn.Conv2d(4, 8, 3, padding=1, padding_mode="circular"),
            "dilation 2": lambda: nn.Conv2d(4, 8, 3, dilation=2),
            "dilation 2, padding 2": lambda: nn.Conv2d(4, 8, 3, dilation=2, padding=2),
            "groups 2": lambda: nn.Conv2d(4, 8, 3, groups=2),
            "groups 4": lambda: nn.Conv2d(4, 8, 3, groups=4),
            "no bias": lambda: nn.Conv2d(4, 8, 3, bias=False),
            "wider": lambda: nn.Conv2d(4, 12, 3),
            "transposed": lambda: nn.ConvTranspose2d(4, 8, 3),
            "transposed stride 2": lambda: nn.ConvTranspose2d(4, 8, 3, stride=2),
            "transposed output padding": lambda: nn.ConvTranspose2d(4, 8, 3, stride=2, output_padding=1),
        },
    ),
    "transposed or not, square": (
        MAP,
        {
            "conv": lambda: nn.Conv2d(4, 4, 3, padding=1),
            "transposed": lambda: nn.ConvTranspose2d(4, 4, 3, padding=1),
            "even kernel, same": lambda: nn.Conv2d(4, 4, 2, padding="same"),
            "even kernel, padded before": lambda: nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(4, 4, 2)),
        },
    ),
    "padding values": (
        MAP,
        {
            "zero": lambda: nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(4, 4, 3)),
            "one": lambda: nn.Sequential(nn.ConstantPad2d(1, 1.0), nn.Conv2d(4, 4, 3)),
            "before the bias": lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.ZeroPad2d(1), nn.Conv2d(4, 4, 3)),
            "after the bias": lambda: nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3)),
            "lowest before max pooling": one(nn.MaxPool2d, kernel_size=3, stride=1, padding=1),
            "zero before max pooling": lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.ZeroPad2d(1), nn.MaxPool2d(3, 1)),
        },
    ),
    "batch norm": (
        MAP,
        {
            "plain": one(nn.BatchNorm2d, num_features=4),
            "eps": one(nn.BatchNorm2d, num_features=4, eps=1e-3),
            "momentum": one(nn.BatchNorm2d, num_features=4, momentum=0.01),
            "cumulative": one(nn.BatchNorm2d, num_features=4, momentum=None),
            "no affine": one(nn.BatchNorm2d, num_features=4, affine=False),
            "no statistics": one(nn.BatchNorm2d, num_features=4, track_running_stats=False),
            "always evaluating": built(
                lambda s, x: F.batch_norm(s.c(x), s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias),
                c=conv(k=1),
                n=lambda: nn.BatchNorm2d(4),
            ),
            "instance": one(nn.InstanceNorm2d, num_features=4, affine=True),
            "instance without affine": one(nn.InstanceNorm2d, num_features=4),
            "instance with statistics": one(nn.InstanceNorm2d, num_features=4, affine=True, track_running_stats=True),
            "group 2": one(nn.GroupNorm, num_groups=2, num_channels=4),
            "group 1": one(nn.GroupNorm, num_groups=1, num_channels=4),
            "group eps": one(nn.GroupNorm, num_groups=2, num_channels=4, eps=1e-3),
            "layer over all": one(nn.LayerNorm, normalized_shape=(4, 8, 8)),
            "layer over columns": one(nn.LayerNorm, normalized_shape=8),
            "response": one(nn.LocalResponseNorm, size=2),
            "response alpha": one(nn.LocalResponseNorm, size=2, alpha=1e-2),
            "response beta": one(nn.LocalResponseNorm, size=2, alpha=1e-2, beta=0.5),
            "response size": one(nn.LocalResponseNorm, size=4, alpha=1e-2),
        },
    ),
    "norm of a row": (
        (4,),
        {
            "layer": after_linear(nn.LayerNorm, normalized_shape=4),
            "layer eps": after_linear(nn.LayerNorm, normalized_shape=4, eps=1e-6),
            "layer no bias": after_linear(nn.LayerNorm, normalized_shape=4, bias=False),
            "layer no affine": after_linear(nn.LayerNorm, normalized_shape=4, elementwise_affine=False),
            "rms": after_linear(nn.RMSNorm, normalized_shape=4),
            "rms eps": after_linear(nn.RMSNorm, normalized_shape=4, eps=1e-2),
            "unit length": built(lambda s, x: F.normalize(s.a(x), dim=1), a=lin()),
            "unit length, eps": built(lambda s, x: F.normalize(s.a(x), dim=1, eps=5.0), a=lin()),
            "unit length, p 1": built(lambda s, x: F.normalize(s.a(x), p=1, dim=1), a=lin()),
            "standardised, biased": built(
                lambda s, x: (s.a(x) - s.a(x).mean(1, keepdim=True)) / (s.a(x).std(1, unbiased=False, keepdim=True) + 1e-5),
                a=lin(),
            ),
            "standardised, unbiased": built(
                lambda s, x: (s.a(x) - s.a(x).mean(1, keepdim=True)) / (s.a(x).std(1, keepdim=True) + 1e-5), a=lin()
            ),
        },
    ),
    "activation": (
        (4,),
        {
            str(i) + type(make()).__name__: lambda make=make: nn.Sequential(nn.Linear(4, 4), make())
            for i, make in enumerate(
                [
                    nn.ReLU,
                    nn.ReLU6,
                    nn.GELU,
                    lambda: nn.GELU("tanh"),
                    nn.SiLU,
                    nn.Mish,
                    nn.Hardswish,
                    nn.ELU,
                    lambda: nn.ELU(0.7),
                    lambda: nn.CELU(0.7),
                    nn.SELU,
                    nn.LeakyReLU,
                    lambda: nn.LeakyReLU(0.1),
                    nn.PReLU,
                    lambda: nn.PReLU(4),
                    nn.Softplus,
                    lambda: nn.Softplus(2.0),
                    lambda: nn.Softplus(1.0, 2.0),
                    nn.Hardtanh,
                    lambda: nn.Hardtanh(-1, 2),
                    nn.Softshrink,
                    lambda: nn.Softshrink(0.2),
                    nn.Hardshrink,
                    nn.Tanhshrink,
                    nn.Softsign,
                    nn.LogSigmoid,
                    nn.Sigmoid,
                    nn.Hardsigmoid,
                    nn.Tanh,
                    lambda: nn.Threshold(0.1, 0.0),
                    lambda: nn.Softmax(1),
                    lambda: nn.LogSoftmax(1),
                    lambda: nn.Softmin(1),
                    nn.RReLU,
                    lambda: nn.RReLU(0.1, 0.5),
                ]
            )
        },
    ),
    "softmax axis": (
        MAP,
        {
            "channels": one(nn.Softmax, dim=1),
            "rows": one(nn.Softmax, dim=2),
            "columns": one(nn.Softmax, dim=3),
            "temperature": built(lambda s, x: torch.softmax(s.c(x) / 2, 2), c=conv(k=1)),
            "glu over channels": one(nn.GLU, dim=1),
            "glu over rows": one(nn.GLU, dim=2),
        },
    ),
}
