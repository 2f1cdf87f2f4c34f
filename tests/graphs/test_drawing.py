"""Drawings: whole XML, nothing on top of anything else, the same bytes every time."""

import os
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.drawings.boxes import MOST_BOXES
from jitnas_fn.graphs.drawings.drawing import comparison, drawing
from jitnas_fn.graphs.drawings.layout import placed
from jitnas_fn.graphs.graph import Graph
from tests.golden.models import IMAGE, MODELS

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).parents[2]


class Branching(nn.Module):
    def __init__(self, padding=1, norm=True):
        super().__init__()
        self.wide = nn.Conv2d(3, 4, 3, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.narrow, self.head = nn.Conv2d(4, 4, 1), nn.Linear(4, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.wide(x)))
        return self.head((x + self.narrow(x)).mean((2, 3)))


def traced(build):
    return Architecture.from_module(build, input_shape=(3, 8, 8))


def texts(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_a_drawing_names_layers_their_attributes_and_shapes():
    found = texts(drawing(traced(Branching), title="Branches"))
    assert found[:2] == ["Branches", f"186 parameters · 8,242 multiply-adds · {traced(Branching).fingerprint[:12]}…"]
    for text in ("input", "3×8×8", "convolution1", "3→4, 3×3, padding 1", "4×8×8", "batch norm", "ReLU", "addition", "output"):
        assert text in found
    assert "4→4, 1×1, bias" in found


def test_a_drawing_is_accessible_and_readable_on_a_dark_ground():
    root = ET.fromstring(drawing(traced(Branching), title="Branches"))
    assert root.get("role") == "img"
    assert root.get("aria-label") == root.find(f"{SVG}title").text == "Branches"
    assert root.find(f"{SVG}desc").text.startswith("Branches: 186 parameters")
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text


def test_whoever_points_at_a_layer_sees_everything():
    tips = [title.text for title in ET.fromstring(drawing(traced(Branching))).iter(f"{SVG}title")]
    (norm,) = [tip for tip in tips if tip.startswith("running_batch_norm")]
    assert norm.splitlines() == [
        "running_batch_norm → N×4×8×8 float32",
        "eps 1e−05",
        "momentum 0.1",
        "bias 4, at 0",
        "mean 4, at 0",
        "variance 4, at 1",
        "weight 4, at 1",
    ]


def test_what_works_element_by_element_stands_in_the_box_above():
    svg = ET.fromstring(drawing(traced(Branching)))
    edges = [path for path in svg.iter(f"{SVG}path") if path.get("class") == "edge"]
    assert len(edges) == 7  # a chain of six from the input to the output, and a skip; nine if each had a box


def test_titles_are_escaped():
    title = '<script>alert("&")</script>\x00\x1b'
    svg = drawing(traced(Branching), title=title)
    assert "<script" not in svg
    assert texts(svg)[0] == '<script>alert("&")</script>��'


def test_two_networks_side_by_side_with_what_differs_marked():
    svg = comparison(traced(Branching), traced(lambda: Branching(padding=1, norm=False)), titles=("one.py:A", "two.py:B"))
    found = texts(svg)
    assert "A has a batch norm that B lacks, after the 1st convolution." in found
    assert ["A  one.py:A" in found, "B  two.py:B" in found] == [True, True]
    assert found.count("only in A") == 1
    rings = [path for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("class") == "ring"]
    assert len(rings) == 1


def test_a_changed_attribute_is_marked_in_both():
    found = texts(comparison(traced(Branching), traced(lambda: Branching(padding=2))))
    assert found.count("≠ padding 1 in A, 2 in B") == 2


def test_two_of_the_same_have_no_marks():
    svg = comparison(traced(Branching), traced(Branching))
    assert "The same architecture." in texts(svg)
    assert 'class="ring"' not in svg


@pytest.mark.parametrize("name", MODELS)
def test_every_golden_network_is_drawn_as_whole_xml(name):
    root = ET.fromstring(drawing(Architecture.from_module(MODELS[name], input_shape=IMAGE), title=name))
    width, height = float(root.get("width")), float(root.get("height"))
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x")) <= width
        assert 0 <= float(text.get("y")) <= height


def test_of_a_large_network_the_first_boxes_are_drawn_soon_and_that_is_said():
    graph = Graph()
    x = graph.input((4,), "float32")
    weight = graph.parameter((4, 4), {"const": 0.5})
    for _ in range(3000):
        x = graph.add("linear", [("x", x), ("weight", weight)])
        x = graph.add("relu", [("x", x)])
    graph.outputs = [x]
    architecture = Architecture.from_graph(graph)
    started = time.perf_counter()
    found = texts(drawing(architecture))
    assert time.perf_counter() - started < 20
    assert f"Cut: these are the first {MOST_BOXES} of 3,001 boxes." in found
    assert "… 2,601 more" in found


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 25))
    sizes = [(float(draw(st.integers(40, 200))), float(draw(st.integers(20, 90)))) for _ in range(count)]
    pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=50))
    return sizes, [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]


@given(graphs())
@settings(max_examples=150)
def test_boxes_do_not_overlap_and_lines_go_down_without_passing_through_boxes(graph):
    sizes, edges = graph
    found = placed(sizes, edges)
    rectangles = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(found.corners, sizes, strict=True)]
    for one, other in combinations(rectangles, 2):
        assert one[2] <= other[0] + 0.01 or other[2] <= one[0] + 0.01 or one[3] <= other[1] or other[3] <= one[1]
    for (source, target), route in zip(edges, found.routes, strict=True):
        heights = [y for _, y in route]
        assert heights == sorted(heights)
        assert route[0][1] == pytest.approx(rectangles[source][3])
        assert route[-1][1] == pytest.approx(rectangles[target][1])
        assert rectangles[target][0] <= route[-1][0] <= rectangles[target][2]
        for i, (left, top, right, bottom) in enumerate(rectangles):
            for x, y in route[1:-1]:
                assert i in (source, target) or not (left < x < right and top < y < bottom)
    assert all(x >= -0.01 and right <= found.width + 0.01 for x, _, right, _ in rectangles)


def test_a_skip_connection_leaves_the_main_line_straight():
    found = placed([(100.0, 30.0)] * 4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    assert [round(x) for x, _ in found.corners] == [round(found.corners[0][0])] * 4


def test_crossings_that_can_be_avoided_are_avoided():
    found = placed([(50.0, 20.0)] * 7, [(0, 1), (0, 2), (0, 3), (1, 6), (2, 5), (3, 4)])
    order = [sorted(range(1, 4), key=lambda i: found.corners[i]), sorted(range(4, 7), key=lambda i: found.corners[i])]
    assert order[1] == [7 - i for i in order[0]]


SCRIPT = """
import sys
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.drawings.drawing import comparison
one, other = [Architecture.from_json(open(path).read()) for path in sys.argv[1:]]
sys.stdout.buffer.write(comparison(one, other).encode())
assert "torch" not in sys.modules
"""


def test_the_bytes_do_not_depend_on_the_hash_seed_and_torch_is_not_needed(tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, build in zip(paths, (MODELS["residual"], MODELS["one_conv_two_branches"]), strict=True):
        path.write_text(Architecture.from_module(build, input_shape=IMAGE).to_json())
    drawn = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, *map(str, paths)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(drawn) == 1
