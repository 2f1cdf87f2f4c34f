"""The key of a point is the key of the same network as a person writes it in PyTorch."""

import random

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.spaces import nasbench101
from jitnas_fn.spaces.darts import Darts
from tests.spaces import by_hand
from tests.tracing.families import darts as darts_by_hand
from tests.tracing.families.nasbench import NB101, NB201

IMAGE = (3, 32, 32)


def sampled(space, count=3, seed=0):
    rng = random.Random(seed)
    return [space.sample(rng) for _ in range(count)]


def assert_same(space, point, written, shape=IMAGE):
    made = Architecture.from_module(written, input_shape=shape, validate=False)
    assert space.architecture(point, shape, 10).fingerprint == made.fingerprint, space.written(point)


def space_of(name):
    return shelf.take("spaces", name).SPACE


def test_nasbench201():
    space = space_of("nasbench201")
    for point in [*sampled(space, 6), (0,) * 6, (1,) * 6, (4,) * 6, (0, 3, 0, 0, 2, 4)]:
        assert_same(space, point, NB201(space.written(point), channels=16, cells=5, classes=10))


def test_nasbench101():
    space, names = space_of("nasbench101"), ("conv3x3", "conv1x1", "maxpool3x3")
    straight = (((0, 1), (0, 0)), ())
    for point in [*sampled(space, 3), straight, space.mutate(sampled(space)[0], random.Random(5))]:
        matrix, operations = nasbench101.pruned(*point)
        written = NB101(matrix, tuple(names[option] for option in operations), stem=128, classes=10)
        assert_same(space, point, written)


def test_nats_size():
    space = space_of("nats_size")
    for point in [*sampled(space), space.read("8:8:8:8:8"), space.read("64:8:64:8:64")]:
        assert_same(space, point, by_hand.Sized([int(width) for width in space.written(point).split(":")]))


def test_nasbench_macro():
    space = space_of("nasbench_macro")
    for point in [*sampled(space), (0,) * 8, (2,) * 8]:
        assert_same(space, point, by_hand.macro_bench(space.written(point)))


@pytest.mark.parametrize("name", ["DARTS_V1", "DARTS_V2", "MNIST", "FASHION", "GRAPHENE", None])
def test_darts(name):
    space = Darts(channels=4, layers=6)
    point = sampled(space, 1)[0] if name is None else space.read(name)
    genotype = darts_by_hand.Genotype(*space.genotype(point))
    assert_same(space, point, darts_by_hand.Network(genotype, channels=4, layers=6, classes=10), shape=(3, 16, 16))


@pytest.mark.parametrize("shape", [(3, 32, 32), (3, 7, 7), (3, 1, 1)])
def test_macro(shape):
    space = space_of("macro")
    for point in [*sampled(space), (0,) * 32]:
        assert_same(space, point, by_hand.macro(space.written(point), shape[-1]), shape=shape)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 4), (12,)])
def test_mlp(shape):
    space = space_of("mlp")
    features = 1
    for length in shape:
        features *= length
    for point in [*sampled(space, 4), (0,) * 6]:
        assert_same(space, point, by_hand.mlp(space.written(point), features), shape=shape)


@pytest.mark.parametrize("name", ["resnet20", "vgg", "mobilenetv2"])
def test_hand_designed(name):
    space = space_of("hand_designed")
    assert_same(space, space.read(name), getattr(by_hand, name)())
