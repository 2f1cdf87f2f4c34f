"""Every example runs, from any folder, on a machine that has nothing yet."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.client.tables import import_table
from tests.spaces.tables import FOLDER

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


NO_LOGIN = ("GLOBUS_", "JITNAS_ENDPOINT")


def output_of(path, folder, *words, before=(), **more):
    """What an example prints, for somebody who has no endpoint and no login but those in `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NO_LOGIN)}
    run = subprocess.run(
        [sys.executable, str(path), *words],
        cwd=folder,
        env={
            **kept,
            "GLOBUS_COMPUTE_USER_DIR": str(folder),
            "PYTHONPATH": os.pathsep.join(map(str, (*before, ROOT))),
            **more,
        },
        stdin=subprocess.DEVNULL,
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


ENDPOINT = "0a0a0a0a-0000-4000-8000-00000000000a"


def asked(folder, *words, **more):
    """What the example of an endpoint prints."""
    return output_of(ROOT / "examples" / "04_on_an_endpoint.py", folder, *words, **more)


def test_who_names_no_endpoint_is_told_how_to_name_one_and_how_to_set_one_up(tmp_path):
    told = asked(tmp_path)
    assert "no endpoint is named" in told
    assert "JITNAS_ENDPOINT=ID" in told
    assert (ROOT / told.split()[-1]).is_file()


def test_an_endpoint_that_is_no_uuid_is_refused(tmp_path):
    assert asked(tmp_path, "mine") == "endpoint mine cannot be used from here: the id of an endpoint is a UUID, not 'mine'\n"


def test_who_lacks_the_sdk_is_told_what_to_install(tmp_path):
    (tmp_path / "globus_compute_sdk.py").write_text("raise ImportError('not here')\n")
    told = asked(tmp_path, JITNAS_ENDPOINT=ENDPOINT, before=[tmp_path])
    assert told.startswith(f"endpoint {ENDPOINT} cannot be used from here: the Globus Compute SDK is missing (not here)")
    assert told.endswith("pip install 'jitnas_fn[globus]'\n")


def test_who_is_not_logged_in_is_told_to_log_in(tmp_path):
    pytest.importorskip("globus_compute_sdk")
    told = asked(tmp_path, ENDPOINT)
    assert told == "nobody is logged in to Globus: run `jitnas site login` once, in a terminal\n"


# a published table

TABLE = FOLDER / "nb201.csv.gz"


def searched(folder, *words, **more):
    """What the example of a table prints."""
    return output_of(ROOT / "examples" / "06_search_a_table.py", folder, *words, **more)


@pytest.mark.parametrize("words", [(), ("nosuch.csv",)])
def test_who_has_no_table_is_told_how_to_get_one(tmp_path, words):
    told = searched(tmp_path, *words, JITNAS_TABLES="")
    assert told.startswith("there is no table to search here: ")
    assert ("nosuch.csv cannot be read" if words else "table nasbench201 is not here") in told
    assert all((ROOT / path).is_file() for path in re.findall(r"(?:docs|examples)/[\w-]+\.\w+", told))


@pytest.mark.slow
@pytest.mark.parametrize("way", ["folder", "file", "imported"])
def test_who_has_a_table_searches_it_twenty_times(tmp_path, way):
    if not TABLE.exists():
        pytest.skip(f"there is no {TABLE.name} here: JITNAS_TABLES names a folder with it")
    if way == "imported":
        import_table("nasbench201", TABLE)
    told = searched(tmp_path, *([str(TABLE)] if way == "file" else []), JITNAS_TABLES=str(FOLDER) if way == "folder" else "")
    assert "15,625 cells, 5,485 different networks" in told
    tests = {name: float(value) for name, value in re.findall(r"^(\w+) +test accuracy (0\.\d+) ± ", told, re.MULTILINE)}
    assert tests == {"random_search": pytest.approx(0.9373, abs=0.003), "evolution": pytest.approx(0.9396, abs=0.004)}
