"""`jitnas space`: what there is to search in, and what a point stands for."""

import json
import xml.etree.ElementTree as ET

import pytest

from jitnas_fn.core import shelf

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|"


def test_all_spaces_are_listed(jitnas):
    code, out, _ = jitnas("space", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == shelf.names("spaces")
    assert "6,561" in out
    assert max(map(len, out.splitlines())) <= 120


def test_the_list_as_json_has_a_point_of_each(jitnas):
    _, out, _ = jitnas("space", "list", "--json")
    found = json.loads(out)["spaces"]
    assert {one["name"]: one["size"] for one in found}["nasbench201"] == 15_625
    for one in found:
        code, out, _ = jitnas("space", "show", one["name"], one["example"], "--input", "1,8,8", "--classes", 10, "--json")
        assert code == 0
        assert json.loads(out)["point"] == one["example"]


def test_a_point_has_its_published_figures(jitnas):
    code, out, _ = jitnas("space", "show", "nasbench201", CELL, "--dataset", "cifar10", "--json")
    assert code == 0
    fields = json.loads(out)
    assert (fields["parameters"], fields["macs"]) == (802_426, 113_951_370)
    assert len(fields["fingerprint"]) == 64
    code, out, _ = jitnas("space", "show", "nasbench201", CELL, "--input", "3,32,32", "--classes", 10)
    assert fields["fingerprint"] in out
    assert "802426" in out


def test_layers_that_reach_no_output_count_as_published_and_are_no_part_of_the_network(jitnas):
    dead = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    fields = json.loads(jitnas("space", "show", "nasbench201", dead, "--dataset", "cifar10", "--json")[1])
    assert fields["parameters"] > fields["live_parameters"]
    assert fields["macs"] > fields["live_macs"]


@pytest.mark.parametrize(
    ("space", "point", "cells"), [("nasbench201", CELL, ["cell"]), ("darts", "DARTS_V2", ["normal", "reduce"])]
)
def test_a_drawing_is_one_svg_file_with_every_operation(jitnas, tmp_path, space, point, cells):
    code, _, _ = jitnas("space", "show", space, point, "--dataset", "cifar10", "--svg", tmp_path / "cell.svg")
    assert code == 0
    text = (tmp_path / "cell.svg").read_text()
    ET.fromstring(text)
    for word in [*cells, "input", "output", "conv_3x3"]:
        assert word in text
    assert "Cut:" not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nasbench301", CELL, "--dataset", "cifar10"), "there are darts"),
        (("nasbench201", "|none~0|", "--dataset", "cifar10"), "is written"),
        (("nasbench201", CELL, "--dataset", "mnist"), "there are digits, synthetic; and of published tables cifar10"),
        (("nasbench201", CELL), "--dataset cifar10, or --input 3,32,32 --classes 10"),
        (("nasbench201", CELL, "--input", "3,32,32"), "--input 3,32,32 --classes 10"),
        (("nasbench201", CELL, "--dataset", "cifar10", "--classes", 5), "--input 3,32,32 --classes 10"),
        (("nasbench201", CELL, "--input", "3,30,30", "--classes", 10), "divisible by 4"),
        (("nasbench201", CELL, "--input", "x", "--classes", 10), "x"),
    ],
)
def test_what_makes_no_sense_is_told(jitnas, words, told):
    code, out, err = jitnas("space", "show", *words)
    assert code == 2
    assert out == ""
    assert told in err


def test_a_file_that_cannot_be_written_is_told_of(jitnas, tmp_path):
    code, _, err = jitnas("space", "show", "nasbench201", CELL, "--dataset", "cifar10", "--svg", tmp_path / "none" / "cell.svg")
    assert code == 1
    assert "cannot be written" in err
