"""Parameters and multiply-adds are those that were published, to the last one."""

import math

import pytest

from jitnas_fn.spaces.darts import SPACE as DARTS
from jitnas_fn.spaces.darts import Darts
from jitnas_fn.spaces.hand_designed import SPACE as BY_HAND
from jitnas_fn.spaces.nasbench101 import SPACE as NB101
from jitnas_fn.spaces.nasbench201 import SPACE as NB201
from jitnas_fn.spaces.nasbench_macro import SPACE as MACRO
from jitnas_fn.spaces.nats_size import SPACE as SIZES
from tests.spaces.tables import rows_of

CIFAR10, CIFAR100, IMAGENET16 = ((3, 32, 32), 10), ((3, 32, 32), 100), ((3, 16, 16), 120)
ID_0 = "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"
ID_11 = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"
INCEPTION = (
    '{"matrix":[[0,1,1,1,0,1,0],[0,0,0,0,0,0,1],[0,0,0,0,0,0,1],[0,0,0,0,1,0,0],[0,0,0,0,0,0,1],[0,0,0,0,0,0,1],[0,0,0,0,0,0,0]],'
    '"ops":["input","conv1x1-bn-relu","conv3x3-bn-relu","conv3x3-bn-relu","conv3x3-bn-relu","maxpool3x3","output"]}'
)


def all_of(kind):
    return "+".join("".join(f"|{kind}~{source}" for source in range(vertex)) + "|" for vertex in (1, 2, 3))


@pytest.mark.parametrize(
    ("space", "text", "of", "parameters", "macs"),
    [
        (NB201, all_of("nor_conv_3x3"), CIFAR10, 1_531_546, None),
        (NB201, all_of("none"), CIFAR10, 73_306, None),
        (NB201, ID_0, CIFAR10, 129_306, 15_647_370),
        (NB201, ID_11, CIFAR10, 802_426, 113_951_370),
        (NB201, ID_11, CIFAR100, 808_276, 113_957_220),
        (NB201, ID_11, IMAGENET16, 809_576, 28_495_480),
        (NB101, INCEPTION, CIFAR10, 2_694_282, None),
        (SIZES, "8:8:8:8:8", CIFAR10, 11_714, 4_481_114),
        (SIZES, "8:8:8:16:32", CIFAR10, 49_202, 6_840_650),
        (MACRO, "00000000", CIFAR10, 387_882, None),
        (MACRO, "22222222", CIFAR10, 2_932_586, None),
        (MACRO, "22212220", CIFAR10, 1_985_514, None),
        (DARTS, "DARTS_V2", CIFAR10, 3_349_342, None),
        (DARTS, "DARTS_V1", CIFAR10, 3_169_414, None),
        (DARTS, "MNIST", ((1, 28, 28), 10), 3_279_358, None),
        (DARTS, "FASHION", ((1, 28, 28), 10), 3_576_790, None),
        (DARTS, "GRAPHENE", ((1, 28, 28), 1), 1_655_893, None),
        (Darts(layers=8), "GRAPHENE", ((1, 28, 28), 1), 780_949, None),
        (BY_HAND, "resnet20", CIFAR10, 269_722, None),  # 0.27 M in He et al.
        (BY_HAND, "mobilenetv2", ((3, 224, 224), 1000), 3_504_872, None),  # 3.4 M in Sandler et al., and their code's figure
    ],
)
def test_a_published_figure(space, text, of, parameters, macs):
    cost = space.cost(space.read(text), *of)
    assert cost.parameters == parameters
    assert macs is None or cost.macs == macs


def test_spaces_have_the_published_sizes():
    assert NB201.size == 15_625
    assert NB101.size == 423_624
    assert SIZES.size == 32_768
    assert MACRO.size == 6_561
    assert math.isqrt(DARTS.size) == 1_037_664_180  # of each of the two cells


def cell_of(row):
    """The point of a row of the sample of NAS-Bench-101."""
    count, bits = int(row["vertices"]), iter(map(int, row["adjacency_upper_bits"]))
    matrix = tuple(tuple(next(bits) if b > a else 0 for b in range(count)) for a in range(count))
    return matrix, tuple(map(int, row["ops(0=conv3x3,1=conv1x1,2=maxpool3x3)"]))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_cell_of_nasbench101_has_its_parameters():
    rows = rows_of("nb101_sample20k")
    assert len(rows) == 20_001
    wrong = [
        row["module_hash"] for row in rows if NB101.cost(cell_of(row), *CIFAR10).parameters != int(row["trainable_parameters"])
    ]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_cell_of_nasbench201_has_its_parameters_and_multiply_adds():
    rows = rows_of("nb201")
    assert len(rows) == 15_625
    for row in rows:
        point = tuple(map(int, row["code"]))
        cost = NB201.cost(point, *CIFAR10)
        assert (cost.parameters, cost.macs) == (int(row["cifar10_params"]), int(row["cifar10_macs"])), row["arch_id"]
    for row in rows[::50]:
        cost = NB201.cost(tuple(map(int, row["code"])), *IMAGENET16)
        assert (cost.parameters, cost.macs) == (int(row["imagenet16_120_params"]), int(row["imagenet16_120_macs"])), row[
            "arch_id"
        ]


@pytest.mark.slow
def test_every_network_of_nasbench_macro_has_its_parameters_and_multiply_adds():
    """Their authors do not count the ten additions of the last bias."""
    rows = rows_of("nasbench_macro_cifar10")
    assert len(rows) == 6_561
    for row in rows[::3]:
        cost = MACRO.cost(MACRO.read(row["arch"]), *CIFAR10)
        assert (cost.parameters, cost.macs - 10) == (int(row["params"]), int(row["flops"])), row["arch"]
