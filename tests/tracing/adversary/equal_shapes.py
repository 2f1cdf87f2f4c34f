"""One layer with its arguments written in several ways; views and global pooling."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.tracing.adversary.networks import MAP, ROW, Net, built, conv, lin


def same(make, *spelt):
    """Layers of one kind, each with a convolution in front."""
    return {str(i): lambda m=m: nn.Sequential(nn.Conv2d(4, 4, 1), m()) for i, m in enumerate((make, *spelt))}


def mapped(**bodies):
    return {name: built(body, c=conv(), f=lin()) for name, body in bodies.items()}


def flat(**bodies):
    return {name: built(body, c=conv(), f=lin(144, 3)) for name, body in bodies.items()}


GROUPS = {
    "convolution's arguments": (
        MAP,
        {
            "int": conv(padding=1),
            "tuples": conv(k=(3, 3), stride=(1, 1), padding=(1, 1), dilation=(1, 1)),
            "same": conv(padding="same"),
            "list": lambda: nn.Conv2d(4, 4, kernel_size=[3, 3], padding=[1, 1]),
            "function": built(lambda s, x: F.conv2d(x, s.c.weight, s.c.bias, padding=1), c=conv()),
            "function, same": built(lambda s, x: torch.conv2d(x, s.c.weight, s.c.bias, 1, "same"), c=conv()),
        },
    ),
    "dilated, same": (
        MAP,
        {
            "same": conv(dilation=2, padding="same"),
            "2": conv(dilation=2, padding=2),
            "tuple": conv(dilation=(2, 2), padding=(2, 2)),
        },
    ),
    "no padding": (MAP, {"valid": conv(padding="valid"), "0": conv(), "tuple": conv(padding=(0, 0))}),
    "five by five": (
        MAP,
        {"same": conv(k=5, padding="same"), "2": conv(k=5, padding=2), "list": conv(k=[5, 5], padding=[2, 2])},
    ),
    "depthwise": (
        MAP,
        {
            "groups": conv(groups=4),
            "width": lambda: nn.Conv2d(4, 4, (3, 3), groups=2 + 2),
            "function": built(lambda s, x: F.conv2d(x, s.c.weight, s.c.bias, groups=x.shape[1]), c=conv(groups=4)),
        },
    ),
    "max pooling": (
        MAP,
        same(
            lambda: nn.MaxPool2d(2),
            lambda: nn.MaxPool2d((2, 2)),
            lambda: nn.MaxPool2d(2, 2),
            lambda: nn.MaxPool2d(2, stride=(2, 2), padding=0),
            lambda: Net(lambda s, x: F.max_pool2d(x, 2)),
            lambda: Net(lambda s, x: F.max_pool2d(x, kernel_size=2, stride=2)),
            lambda: Net(lambda s, x: torch.max_pool2d(x, 2)),
        ),
    ),
    "average pooling": (
        MAP,
        same(
            lambda: nn.AvgPool2d(2),
            lambda: nn.AvgPool2d((2, 2), 2),
            lambda: Net(lambda s, x: F.avg_pool2d(x, 2)),
            lambda: Net(lambda s, x: F.avg_pool2d(x, (2, 2), stride=2)),
        ),
    ),
    "batch norm": (
        MAP,
        same(
            lambda: nn.BatchNorm2d(4),
            lambda: nn.BatchNorm2d(4, 1e-5, 0.1),
            lambda: Net(
                lambda s, x: F.batch_norm(x, s.n.running_mean, s.n.running_var, s.n.weight, s.n.bias, s.training),
                n=nn.BatchNorm2d(4),
            ),
        ),
    ),
    "batch norm without statistics": (
        MAP,
        same(
            lambda: nn.BatchNorm2d(4, track_running_stats=False),
            lambda: Net(lambda s, x: F.batch_norm(x, None, None, s.n.weight, s.n.bias, True), n=nn.BatchNorm2d(4)),
        ),
    ),
    "group norm": (
        MAP,
        same(
            lambda: nn.GroupNorm(2, 4),
            lambda: nn.GroupNorm(num_groups=2, num_channels=4, eps=1e-5),
            lambda: Net(lambda s, x: F.group_norm(x, 2, s.n.weight, s.n.bias), n=nn.GroupNorm(2, 4)),
        ),
    ),
    "layer norm": (
        ROW,
        {
            "int": lambda: nn.LayerNorm(4),
            "list": lambda: nn.LayerNorm([4]),
            "function": lambda: Net(lambda s, x: F.layer_norm(x, (4,), s.n.weight, s.n.bias), n=nn.LayerNorm(4)),
            "by its input": lambda: Net(lambda s, x: F.layer_norm(x, x.shape[1:], s.n.weight, s.n.bias), n=nn.LayerNorm((4,))),
        },
    ),
    "global average pooling": (
        MAP,
        mapped(
            adaptive=lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), 1).flatten(1)),
            adaptive_tuple=lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), (1, 1)).view(x.size(0), -1)),
            module=lambda s, x: s.f(torch.flatten(nn.AdaptiveAvgPool2d(1)(s.c(x)), 1)),
            mean=lambda s, x: s.f(s.c(x).mean((2, 3))),
            mean_list=lambda s, x: s.f(torch.mean(s.c(x), dim=[-1, -2])),
            mean_kept=lambda s, x: s.f(s.c(x).mean((2, 3), keepdim=True).flatten(1)),
            squeezed=lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), 1).squeeze(-1).squeeze(-1)),
            squeezed_pair=lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), 1).squeeze((2, 3))),
            indexed=lambda s, x: s.f(F.adaptive_avg_pool2d(s.c(x), 1)[:, :, 0, 0]),
            pooled=lambda s, x: s.f(F.avg_pool2d(s.c(x), 6).flatten(1)),
        ),
    ),
    "flatten": (
        MAP,
        flat(
            flatten=lambda s, x: s.f(s.c(x).flatten(1)),
            function=lambda s, x: s.f(torch.flatten(s.c(x), start_dim=1)),
            module=lambda s, x: s.f(nn.Flatten()(s.c(x))),
            view=lambda s, x: s.f(s.c(x).view(x.size(0), -1)),
            view_of_shape=lambda s, x: s.f(s.c(x).view(x.shape[0], 4 * 6 * 6)),
            view_without_batch=lambda s, x: s.f(s.c(x).view(-1, 144)),
            reshape=lambda s, x: s.f(torch.reshape(s.c(x), (x.shape[0], -1))),
            contiguous=lambda s, x: s.f(s.c(x).contiguous().view(s.c(x).size()[0], -1)),
            in_two_steps=lambda s, x: s.f(s.c(x).flatten(2).flatten(1)),
            features=lambda s, x: (lambda y: s.f(y.view(-1, y.shape[1] * y.shape[2] * y.shape[3])))(s.c(x)),
        ),
    ),
}
