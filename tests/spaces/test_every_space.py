"""Whatever file lies on the shelf of spaces has passed these."""

import random
import subprocess
import sys

import pytest
import torch

from jitnas_fn.core import shelf
from jitnas_fn.core.errors import PointError
from jitnas_fn.graphs.space import ENCODINGS, Space

SPACES = shelf.names("spaces")
IMAGE, DIGITS = (3, 32, 32), (1, 8, 8)


@pytest.fixture(params=SPACES)
def space(request):
    return shelf.take("spaces", request.param).SPACE


@pytest.fixture
def points(space):
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(20)]


def test_it_is_named_as_its_file_and_says_what_it_is(space):
    assert isinstance(space, Space)
    assert space.name in SPACES
    assert 10 < len(space.about) < 100
    assert type(space.size) is int
    assert space.size > 1


def test_a_seed_gives_the_same_points_again_and_another_gives_others(space, points):
    rng = random.Random(0)
    assert [space.sample(rng) for _ in points] == points
    rng = random.Random(1)
    assert [space.sample(rng) for _ in points] != points


def test_what_is_written_is_read_again(space, points):
    for point in points:
        text = space.written(point)
        assert isinstance(text, str)
        assert space.read(text) == point
        assert space.read(f"  {text}\n") == point
        assert hash(point) == hash(space.read(text))


@pytest.mark.parametrize(
    "text", ["", " ", "x", "0", "{}", "[]", "|none~0|", "9" * 8, "resnet", "64-0", "\0", "a" * 100_000, '{"matrix": 3}']
)
def test_a_text_that_is_no_point_is_refused(space, text):
    with pytest.raises(PointError):
        space.read(text)


@pytest.mark.parametrize(
    "point", [(), None, "x", (0,) * 100, (-1,), (9,) * 6, [0] * 6, (0.5,), ((), ()), (True,), (((0, 1), (1, 0)), ())]
)
def test_what_is_no_point_is_refused(space, point):
    for ask in (space.check, space.written, space.neighbours, lambda one: space.graph(one, IMAGE, 10)):
        with pytest.raises(PointError):
            ask(point)


def test_a_neighbour_is_one_choice_away_and_so_is_the_way_back(space, points):
    for point in points[:5]:
        found = space.neighbours(point)
        assert len(set(found)) == len(found) > 0
        assert point not in found
        for other in found[:: max(1, len(found) // 10)]:
            space.check(other)
            assert point in space.neighbours(other)


def test_a_mutation_is_a_neighbour_and_all_of_them_come(space, points):
    rng, point = random.Random(2), points[0]
    near = set(space.neighbours(point))
    drawn = [space.mutate(point, rng) for _ in range(40 * len(near))]
    assert set(drawn) <= near
    assert len(set(drawn)) >= 0.9 * len(near)


@pytest.mark.parametrize("kind", ENCODINGS)
def test_a_point_has_numbers_under_names(space, points, kind):
    for point in points:
        encoded = space.encode(point, kind)
        assert encoded == space.encode(point, kind)
        assert encoded or kind == "path"
        assert all(isinstance(name, str) and value == 1.0 for name, value in encoded.items())


def test_one_hot_tells_points_apart(space, points):
    known = {point: frozenset(space.encode(point, "one_hot")) for point in [*points, *space.neighbours(points[0])]}
    assert len(set(known.values())) == len(known)


def test_an_encoding_that_there_is_not_is_refused(space, points):
    with pytest.raises(PointError, match="there are adjacency, path, one_hot"):
        space.encode(points[0], "graph2vec")


@pytest.mark.parametrize(("shape", "classes"), [(IMAGE, 10), (DIGITS, 10)])
def test_its_networks_run_and_give_an_output_for_each_class(space, points, shape, classes):
    for point in points[:2]:
        architecture = space.architecture(point, shape, classes)
        assert architecture.input_shape == shape
        assert architecture.output_shape == (classes,)
        cost = space.cost(point, shape, classes)
        assert cost.parameters >= architecture.parameters
        assert cost.macs >= architecture.macs > 0
        network = architecture.build(0).eval()
        with torch.no_grad():
            assert network(torch.randn(2, *shape)).shape == (2, classes)


@pytest.mark.parametrize("shape", [(), (0,), (-1, 8, 8), (3, 0, 8), (3.5, 8, 8), ("3", 8, 8)])
def test_an_input_that_does_not_fit_is_refused(space, points, shape):
    with pytest.raises(PointError):
        space.graph(points[0], shape, 10)


@pytest.mark.parametrize("shape", [(3, 32), (32,), (3, 32, 32, 32)])
def test_networks_for_images_take_images_alone(space, points, shape):
    if space.name != "mlp":
        with pytest.raises(PointError, match="takes images"):
            space.graph(points[0], shape, 10)


def test_a_wiring_leads_from_the_inputs_to_the_output(space, points):
    for point in points:
        for wiring in space.wirings(point).values():
            assert wiring.labels[0].startswith("input")
            assert wiring.labels[-1] == "output"
            nodes = range(len(wiring.labels))
            assert all(source in nodes and target in nodes and source != target for source, target in wiring.edges)


def test_a_space_needs_no_torch():
    script = """
import random, sys
from jitnas_fn.core import shelf
for name in shelf.names("spaces"):
    space = shelf.take("spaces", name).SPACE
    print(space.architecture(space.sample(random.Random(0)), (1, 8, 8), 10).fingerprint)
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False).returncode == 0
