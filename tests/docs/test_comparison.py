"""The page on comparing methods: its options and methods exist, its figures come out, its script makes a table."""

import contextlib
import csv
import gzip
import itertools
import os
import re
import shlex
import statistics
import subprocess
import sys

import pytest

from jitnas_fn.cli.app import run
from jitnas_fn.core import shelf
from jitnas_fn.tables import nasbench201
from tests.docs.pages import BLOCK, ROOT, answered, commands, prose, text_of
from tests.spaces.tables import FOLDER

COMPARISON = text_of("compare-two-nas-methods")
TABLE = FOLDER / "nb201.csv.gz"
PERCENT = r"(\d\d\.\d\d) ± (\d\.\d\d)"


def test_the_two_lines_are_two_and_the_ten_are_ten():
    blocks = [code for _, language, code, _ in BLOCK.findall(COMPARISON) if language == "python"][:2]
    assert [len([line for line in code.splitlines() if line.strip()]) for code in blocks] == [2, 10]


def test_every_option_that_is_named_exists(capsys):
    told = {}
    for command in ("compare", "search", "report", "transfer", "lookup", "cache import"):
        with contextlib.suppress(SystemExit):
            run([*command.split(), "--help"])
        told[command] = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    for _, command, *words in commands(COMPARISON):
        assert {word for word in words if word.startswith("--")} <= told[command]
    named = set(re.findall(r"`(--[a-z-]+)[ `]", prose(COMPARISON)))
    assert len(named) > 8
    assert named <= set().union(*told.values())


def test_every_method_is_named_and_the_other_way_round():
    rows = COMPARISON.partition("| methods | |\n")[2].partition("\n\n")[0].splitlines()[1:]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])} == set(shelf.names("searchers"))


STAND_IN = """
class Api:
    meta_archs = ["|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|none~2|"]
    arch2infos_dict = {}

    def get_more_info(self, index, dataset, hp, is_random):
        assert is_random is False
        late = hp == "200"
        found = {"test-accuracy": 50.0 + 10 * late, "train-all-time": 12.5 * int(hp)}
        return found if dataset == "cifar10" else found | {"valid-accuracy": 40.0 + 10 * late + len(dataset) / 100}

    def get_cost_info(self, index, dataset, hp):
        return {"params": 0.129306, "flops": 15.64737}


def create(folder, space, fast_mode, verbose):
    assert (folder, space, fast_mode) == ("folder", "tss", True)
    return Api()
"""


def test_the_script_that_makes_a_table_makes_one_that_is_read(tmp_path):
    """Against the functions of nats_bench 1.8, and a cell of our own making."""
    code = next(code for marker, _, code, _ in BLOCK.findall(COMPARISON) if marker == "save nb201_to_csv.py")
    (tmp_path / "nb201_to_csv.py").write_text(code, "utf-8")
    (tmp_path / "nats_bench.py").write_text(STAND_IN, "utf-8")
    subprocess.run([sys.executable, "nb201_to_csv.py", "folder"], cwd=tmp_path, check=True, timeout=60)
    (row,), _ = nasbench201.TABLE.read(tmp_path / "nb201.csv.gz")
    assert row.point == (4, 2, 1, 2, 1, 0)
    assert row.sizes["cifar10"] == (129_306, 15_647_370)
    found = {(figure.dataset, figure.recipe): figure for figure in row.figures}
    for dataset, length in (("cifar10", 13), ("cifar100", 8), ("imagenet16_120", 14)):  # of cifar10-valid, cifar100, …
        early, late = (found[dataset, f"nasbench201_{epochs}"] for epochs in (12, 200))
        assert early.validation == pytest.approx(0.4 + length / 10_000)
        assert (early.test, late.test) == (0.5, 0.6)
    assert found["cifar10", "nasbench201_200"].seconds == 2500.0


def of_the_table():
    if not TABLE.exists():
        pytest.skip(f"there is no {TABLE.name} here: JITNAS_TABLES names a folder with it")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_replay_that_is_shown_is_what_happens(tmp_path):
    of_the_table()
    (tmp_path / TABLE.name).symlink_to(TABLE)
    words = next(words for words in commands(COMPARISON) if "--seeds 200" in " ".join(words))
    shown = re.search(r"--seeds 200\n```\n```text\n(.*?)```", COMPARISON, re.DOTALL)[1]
    told = answered(shlex.join(words), tmp_path)
    rows, shown_rows = (re.findall(r"^(\w+ +\w+ +200 .*) [\d.]+$", text, re.MULTILINE) for text in (told, shown))
    assert rows == shown_rows
    assert len(rows) == 9
    assert told.splitlines()[-1] == shown.splitlines()[-1]
    figures = re.findall(rf"^\| `(\w+)` \| `(\w+)` \| .* \| {PERCENT} \|$", COMPARISON, re.MULTILINE)
    assert len(figures) == 6
    for method, dataset, mean, deviation in figures:
        row = next(row for row in rows if row.split()[:2] == [dataset, method])
        assert [f"{100 * float(number):.2f}" for number in re.findall(r"0\.\d{4}", row)[:2]] == [mean, deviation]
    run_name = re.search(r"^run (\S+-cifar10-\w+):", told, re.MULTILINE)[1]
    moved = answered(f"jitnas transfer {run_name} --to cifar100,imagenet16_120 --table {TABLE.name}", tmp_path)
    stated = re.findall(r"0\.\d{3}", COMPARISON.partition("\n## On another dataset\n")[2].partition("\n## ")[0])
    assert re.findall(r"rank correlation (0\.\d{3}) over 15,625 points", moved) == stated


def test_a_replay_from_python_prints_what_is_shown(tmp_path):
    of_the_table()
    (tmp_path / TABLE.name).symlink_to(TABLE)
    code, shown = next((code, shown) for marker, _, code, shown in BLOCK.findall(COMPARISON) if "search_a_table" in marker)
    environment = {**os.environ, "JITNAS_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == shown


def test_every_method_that_is_told_how_far_it_is_from_the_best_exists():
    rows = COMPARISON.partition("\n### How far from the best\n")[2].partition("\n### ")[0]
    named = re.findall(r"^\| `(\w+)` \|", rows, re.MULTILINE)
    assert len(named) == 5
    assert set(named) <= set(shelf.names("searchers"))


def test_what_random_search_finds_in_the_mean_is_as_stated():
    """How likely it is that the best of 100 draws has a rank can be written down; of equal ones each is as likely."""
    of_the_table()
    stated = re.search(rf"written down, and that gives {PERCENT}, {PERCENT} and {PERCENT}\.", " ".join(COMPARISON.split()))
    with gzip.open(TABLE, "rt", newline="") as file:
        cells = list(csv.DictReader(file))
    for place, dataset in enumerate(nasbench201.DATASETS):
        pairs = sorted((float(cell[f"{dataset}_val_12"]), float(cell[f"{dataset}_test_200_mean"])) for cell in cells)
        below, mean, square = 0, 0.0, 0.0
        for _, equal in itertools.groupby(pairs, key=lambda pair: pair[0]):
            tests = [test for _, test in equal]
            chance = ((below + len(tests)) / len(pairs)) ** 100 - (below / len(pairs)) ** 100
            mean += chance * statistics.fmean(tests)
            square += chance * statistics.fmean([test**2 for test in tests])
            below += len(tests)
        assert f"{mean:.2f}" == stated[2 * place + 1]
        assert f"{(square - mean**2) ** 0.5:.2f}" == stated[2 * place + 2]
