"""`jitnas fingerprint --explain`: are two models one architecture, and if not, where do they differ."""

import json
import textwrap
from xml.etree import ElementTree as ET

import pytest

from jitnas_fn.cli.options import inputs_of
from jitnas_fn.core.errors import TaskError
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.graph import Graph

FILE = """
    from torch import nn

    def network():
        return nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

    def unpadded():
        return nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.conv = nn.Linear(16, 10), nn.Conv2d(3, 16, 3, padding="same")

        def forward(self, x):
            return self.head(self.conv(x).relu().mean((2, 3)))

    class Branching(Network):
        def forward(self, x):
            return super().forward(x if x.sum() > 0 else -x)
"""
SENTENCES = [
    "The convolution (3→16, 3×3, bias): padding 1 in A, 0 in B.",
    "A has 28,842 multiply-adds, B 16,298.",
]
INPUT = ["--input", "3,8,8"]


@pytest.fixture
def models(tmp_path):
    path = tmp_path / "models.py"
    path.write_text(textwrap.dedent(FILE), "utf-8")
    return path


def test_two_ways_to_write_one_network_are_the_same(jitnas, models):
    code, out, err = jitnas("fingerprint", "--explain", f"{models}:network", f"{models}:Network", *INPUT)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "the same architecture"
    assert [line[:3] for line in lines[1:]] == ["A  ", "B  "]
    assert lines[1].split()[1] == lines[2].split()[1]


def test_two_networks_are_told_apart_in_words_and_exit_with_3(jitnas, models):
    code, out, _ = jitnas("fingerprint", "--explain", f"{models}:network", f"{models}:unpadded", *INPUT)
    assert code == 3
    lines = out.splitlines()
    assert lines[0] == "not the same architecture"
    assert lines[2].endswith(f"{models}:unpadded")
    assert lines[3:] == [f"- {sentence}" for sentence in SENTENCES]


def test_json_has_both_fingerprints_and_the_differences(jitnas, models):
    alone = json.loads(jitnas("fingerprint", f"{models}:network", *INPUT, "--json")[1])["fingerprint"]
    code, out, _ = jitnas("fingerprint", "--explain", f"{models}:network", f"{models}:unpadded", *INPUT, "--json")
    found = json.loads(out)
    assert code == 3
    assert set(found) == {"same", "fingerprints", "differences"}
    assert (found["same"], found["differences"], found["fingerprints"][0]) == (False, SENTENCES, alone)
    code, out, _ = jitnas("fingerprint", "--explain", f"{models}:network", f"{models}:Network", *INPUT, "--json")
    assert (code, json.loads(out)) == (0, {"same": True, "fingerprints": [alone, alone], "differences": []})


def test_a_drawing_of_one_model_and_of_two(jitnas, models, tmp_path):
    code, out, err = jitnas("fingerprint", f"{models}:network", *INPUT, "--svg", tmp_path / "one.svg")
    assert code == 0
    assert out.startswith("fingerprint ")
    assert err == f"jitnas: the drawing is in {tmp_path / 'one.svg'}\n"
    words = ["--explain", f"{models}:network", f"{models}:unpadded", *INPUT, "--svg", tmp_path / "two.svg", "--json"]
    code, out, err = jitnas("fingerprint", *words)
    assert code == 3
    assert json.loads(out)["same"] is False
    assert "two.svg" in err
    titles = [ET.parse(tmp_path / name).getroot()[0].text for name in ("one.svg", "two.svg")]
    assert titles == ["models.py:network", "models.py:network and models.py:unpadded"]


def test_a_drawing_that_cannot_be_written_is_bad_input(jitnas, models, tmp_path):
    code, out, err = jitnas("fingerprint", f"{models}:network", *INPUT, "--svg", tmp_path / "nosuch" / "one.svg")
    assert (code, out) == (2, "")
    assert "cannot be written" in err


def test_a_refused_model_is_named_with_its_reason(jitnas, models):
    code, out, err = jitnas("fingerprint", "--explain", f"{models}:network", f"{models}:Branching", *INPUT)
    assert (code, out) == (2, "")
    assert err.startswith("jitnas: models.py:Branching has no fingerprint: ")
    assert "models.py, line 2" in err
    assert err.count("\n") == 1


def test_a_document_is_compared_without_naming_its_input(jitnas, models, tmp_path):
    graph = Graph()
    sources = [graph.input((4,), "float32") for _ in range(2)]
    graph.outputs = [graph.add("sum", [("1.0", source) for source in sources], {"constant": 0.0})]
    one = tmp_path / "one.json"
    one.write_text(Architecture.from_graph(graph).to_json())
    assert jitnas("fingerprint", "--explain", one, one)[0] == 0
    code, out, _ = jitnas("fingerprint", "--explain", one, f"{models}:network", *INPUT)
    assert code == 3
    assert "- A takes 2 inputs, B takes 1." in out.splitlines()
    assert jitnas("fingerprint", one, "--json")[1].startswith('{"fingerprint":')


@pytest.mark.parametrize("text", ["{}", "[1", None])
def test_a_broken_document_is_bad_input(jitnas, tmp_path, text):
    path = tmp_path / "broken.json"
    if text is not None:
        path.write_text(text)
    code, out, err = jitnas("fingerprint", path)
    assert (code, out) == (2, "")
    assert err.startswith("jitnas: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{file}:network"], "a model needs --input"),
        (["{file}:network", "{file}:network", *INPUT], "expected one model, or two with --explain"),
        (["--explain", "{file}:network", *INPUT], "--explain takes two models"),
        (["--explain", "{file}:network", "{file}:network", "--input", "3,8,0"], "whole numbers above 0"),
        (["{file}:network", "--input", "3,8,8", "--dtype", "float32;int64"], "1 inputs have one dtype for all"),
    ],
)
def test_wrong_usage_is_exit_code_2(jitnas, models, words, message):
    code, out, err = jitnas("fingerprint", *(word.format(file=models) for word in words))
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())


@pytest.mark.parametrize("shapes", [["3,8,8", "5"], ["3,8,8;5"], ["3x8x8; 5"]])
def test_several_inputs_are_repeated_or_separated(shapes):
    assert inputs_of(shapes, None) == (((3, 8, 8), (5,)), ("float32", "float32"))
    assert inputs_of(shapes, ["float32", "int64"]) == inputs_of(shapes, ["float32;int64"])
    assert inputs_of(shapes, ["float32", "int64"]).dtypes == ("float32", "int64")
    with pytest.raises(TaskError, match="2 inputs have one dtype for all or one each, not 3"):
        inputs_of(shapes, ["float32"] * 3)
