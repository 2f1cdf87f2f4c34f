"""Every example runs, from any folder, on a machine that has nothing yet."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


def output_of(path, folder):
    run = subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def outputs():
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_is_short(path, tmp_path, outputs):
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 60
    assert "__name__" not in path.read_text("utf-8")
    outputs[path.stem] = output_of(path, tmp_path)
    assert outputs[path.stem]


def test_the_demo_shows_a_miss_and_then_a_hit(outputs, tmp_path):
    _, first, second = (outputs.get("00_demo") or output_of(EXAMPLES[0], tmp_path)).splitlines()
    seconds = [float(re.search(r" (?:trained|cache) +(\d+\.\d+) s ", line)[1]) for line in (first, second)]
    assert " trained " in first
    assert " cache " in second
    assert seconds[1] < seconds[0] / 2
    assert first.split("fingerprint ")[1] == second.split("fingerprint ")[1]


def test_the_batch_trains_duplicates_once(outputs, tmp_path):
    text = outputs.get("02_batch") or output_of(EXAMPLES[2], tmp_path)
    assert "6 asked for, 3 of them different" in text
    assert text.count("(trained)") == 3
