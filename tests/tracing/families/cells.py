"""Networks of cells, as neural architecture search knows them: NAS-Bench-101, NAS-Bench-201, DARTS and its supernet."""

from torch import nn

from tests.tracing.families.darts import DARTS_V2, Network, Supernet
from tests.tracing.families.family import Family
from tests.tracing.families.nasbench import (
    INCEPTION,
    INCEPTION_OPERATIONS,
    NB101,
    NB201,
    TRUNCATED,
    TRUNCATED_OPERATIONS,
    same_edges,
)

IMAGE = (3, 16, 16)
FIRST_201 = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"  # id 0
MIXED_201 = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"


def nasbench_101() -> nn.Module:
    """Nine inception-like cells on a stem of 128 channels: 2,694,282 parameters."""
    return NB101(INCEPTION, INCEPTION_OPERATIONS, stem=128, classes=10)


def nasbench_201() -> nn.Module:
    """Fifteen cells of convolutions, C = 16 and N = 5: 1,531,546 parameters."""
    return NB201(same_edges("nor_conv_3x3"), channels=16, cells=5, classes=10)


def darts_20() -> nn.Module:
    """DARTS_V2 as evaluated on CIFAR-10, without its auxiliary head: 3,349,342 parameters."""
    return Network(DARTS_V2, channels=36, layers=20, classes=10)


def darts_14() -> nn.Module:
    """Fourteen cells of DARTS_V2."""
    return Network(DARTS_V2, channels=16, layers=14, classes=10)


def small_201(text: str) -> nn.Module:
    """Three cells."""
    return NB201(text, channels=4, cells=1, classes=5)


FAMILIES = {
    "NAS-Bench-101, inception-like": Family(lambda: NB101(INCEPTION, INCEPTION_OPERATIONS, stem=8, classes=5), IMAGE),
    "NAS-Bench-101, truncated": Family(lambda: NB101(TRUNCATED, TRUNCATED_OPERATIONS, stem=5, classes=5), IMAGE),
    "NAS-Bench-101, input to output": Family(lambda: NB101(((0, 1), (0, 0)), (), stem=4, classes=5), IMAGE),
    "NAS-Bench-201, convolutions": Family(lambda: small_201(same_edges("nor_conv_3x3")), IMAGE),
    "NAS-Bench-201, mixed": Family(lambda: small_201(MIXED_201), IMAGE),
    # nothing comes through the last cell: what is left is batch-norm of 16 zeros, and the classifier
    "NAS-Bench-201, none": Family(lambda: small_201(same_edges("none")), IMAGE, live=2 * 16 + 16 * 5 + 5),
    "DARTS": Family(lambda: Network(DARTS_V2, channels=4, layers=5, classes=5), IMAGE),
    "DARTS, drop path and auxiliary head": Family(
        lambda: Network(DARTS_V2, channels=4, layers=4, classes=5, drop=0.2, auxiliary=True),
        IMAGE,
        outputs=((5,), (5,)),
        still=lambda: Network(DARTS_V2, channels=4, layers=4, classes=5, auxiliary=True),
    ),
    "DARTS, supernet": Family(lambda: Supernet(channels=4, layers=3, classes=5, vertices=2), IMAGE),
}
