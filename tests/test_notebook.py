"""The notebook for a first class runs from top to bottom, with the Python of the tests, and is kept without its outputs."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "first_class.ipynb"
MOST_SECONDS = 120
RUN = """\
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)
client = NotebookClient(notebook, kernel_name="this_python", resources={"metadata": {"path": "."}})
client.execute()
nbformat.write(notebook, "done.ipynb")
"""


@pytest.fixture(scope="module")
def cells():
    """What is kept."""
    return json.loads(NOTEBOOK.read_text("utf-8"))["cells"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The cells after they were run, and how long that took: in an empty folder, by a process of its own."""
    folder = tmp_path_factory.mktemp("class")
    kernel = folder / "kernels" / "this_python"
    kernel.mkdir(parents=True)
    words = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": words, "display_name": "this Python", "language": "python"}))
    own = ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JITNAS_HOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER_", "JPY_", "MPL"))}
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(NOTEBOOK)],
        cwd=folder,
        env={**kept, **dict.fromkeys(own, str(folder)), "MPLCONFIGDIR": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads((folder / "done.ipynb").read_text("utf-8"))["cells"], time.monotonic() - began


def printed(cells, name):
    """What a cell has printed."""
    outputs = next(cell["outputs"] for cell in cells if cell["id"] == name)
    return "".join("".join(one["text"]) for one in outputs if one["output_type"] == "stream" and one["name"] == "stdout")


def shown(cells, name):
    """The kinds of pictures that a cell shows."""
    outputs = next(cell["outputs"] for cell in cells if cell["id"] == name)
    return {kind for one in outputs for kind in one.get("data", {}) if kind.startswith("image/")}


def test_it_is_kept_without_outputs(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_each_exercise_has_an_empty_cell(cells):
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    empty = [cell["id"] for cell in cells if cell["cell_type"] == "code" and not "".join(cell["source"]).strip()]
    assert empty == [f"exercise-{number}" for number in re.findall(r"^\*\*(\d)\.\*\*", text, re.MULTILINE)]
    assert len(empty) == 6


def test_every_file_that_is_named_exists(cells):
    text = "\n".join("".join(cell["source"]) for cell in cells)
    named = re.findall(r"\]\(([^)]+)\)", text) + [f"../{path}" for path in re.findall(r"examples/\w+\.\w+", text)]
    assert named
    assert all((NOTEBOOK.parent / path).is_file() for path in named)


@pytest.mark.slow
@pytest.mark.timeout(MOST_SECONDS + 30)
def test_no_cell_fails_and_two_minutes_are_enough(done):
    cells, seconds = done
    outputs = [one for cell in cells for one in cell.get("outputs", [])]
    assert not [one for one in outputs if one["output_type"] == "error"]
    assert not [one for one in outputs if one.get("name") == "stderr"]
    assert seconds < MOST_SECONDS


@pytest.mark.slow
@pytest.mark.timeout(MOST_SECONDS + 30)
def test_what_the_text_says_is_what_happens(done):
    cells, _ = done
    assert printed(cells, "evaluate").startswith("trained in ")
    assert printed(cells, "again").startswith("cache in ")
    assert "the same fingerprint: True" in printed(cells, "again")
    assert "19,208 points" in printed(cells, "space")
    *_, first, second = printed(cells, "counting").split()
    assert first == second
    known = [list(map(float, line.split(":")[1].split())) for line in printed(cells, "three-seeds").splitlines()]
    assert all(seconds[0] < min(seconds[1:]) / 2 for seconds in known)
    assert printed(cells, "peek").startswith("NotAllowed: the test part is sealed while a search runs")
    assert all(shown(cells, name) == {"image/svg+xml"} for name in ("network", "space"))
    assert all(shown(cells, name) == {"image/png"} for name in ("evaluate", "one-seed", "three-seeds"))


@pytest.mark.slow
@pytest.mark.timeout(MOST_SECONDS + 30)
def test_the_final_numbers_are_printed(done):
    cells, _ = done
    for method in ("random_search", "evolution"):
        line = next(line for line in printed(cells, "numbers").splitlines() if line.startswith(method))
        told = re.fullmatch(r"\w+ +test accuracy (0\.\d{4}) ± 0\.\d{4} over 3 seeds", line)
        assert 0.9 < float(told[1]) < 1
    trained = re.search(r"72 evaluations were compared, (\d+) different networks", printed(cells, "summing-up"))
    assert 60 < int(trained[1]) <= 72
    assert re.search(r": validation 0\.9\d+, test 0\.9\d+$", printed(cells, "summing-up").strip())
