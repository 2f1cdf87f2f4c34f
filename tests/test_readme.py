"""What the README shows is what happens."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.cli.app import SHELF, run
from jitnas_fn.core import shelf

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
EXTRAS = ("sync", "parsl", "globus", "endpoint", "search", "plots", "gateway", "dev")


def blocks(language, after=""):
    """Code blocks of one language, those after a heading only."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.partition(after)[2] if after else README, re.MULTILINE | re.DOTALL)


def stable(text):
    """The lines with their numbers masked that depend on machine and load; hashes stay."""
    return [re.sub(r"\d+\.\d+( s\b)?", "#", line).split() for line in text.splitlines()]


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """What the README's Python prints, and the record that it leaves."""
    home = tmp_path_factory.mktemp("readme")
    code = f"{blocks('python')[0]}\nprint(record.to_json())\n"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=home,
        env={**os.environ, "JITNAS_HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    *printed, record = run.stdout.splitlines()
    return "\n".join(printed), json.loads(record)


def test_the_code_prints_what_is_shown(shown):
    expected = blocks("text", after="## Ten lines")[0]
    assert stable(shown[0]) == stable(expected)
    accuracies = [float(re.search(r"trained (0\.\d+)", text)[1]) for text in (shown[0], expected)]
    assert accuracies[0] == pytest.approx(accuracies[1], abs=0.03)


def test_the_search_spaces_are_as_shown(capsys):
    listed, printed = blocks("text", after="## Search spaces")[:2]
    assert run(["space", "list"]) == 0
    assert capsys.readouterr().out == listed
    exec(blocks("python", after="## Search spaces")[0], {})
    assert capsys.readouterr().out == printed


def test_the_replay_that_is_shown_is_that_of_its_page():
    page = (ROOT / "docs" / "compare-two-nas-methods.md").read_text("utf-8")
    assert set(blocks("text", after="## Search and compare")[0].splitlines()) <= set(page.splitlines())


def test_every_way_to_search_is_named():
    section = README.partition("\n## Search and compare\n")[2].partition("\n## ")[0]
    assert all(f"`{name}`" in section for name in shelf.names("searchers"))


def test_the_record_shown_is_that_of_the_code(shown):
    told, record = json.loads(blocks("json")[0]), shown[1]
    for name in ("key", "parts", "verdict", "size"):
        assert told[name] == record[name]

    def same_fields(part, whole):
        assert set(part) <= set(whole), set(part) - set(whole)
        for name, value in part.items():
            if isinstance(value, dict):
                same_fields(value, whole[name])

    same_fields(told, record)
    assert set(told) == set(record) - {"record_version", "limits"}


def test_the_ten_lines_are_about_ten():
    code = blocks("python")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 11


def test_every_command_that_is_named_exists_and_the_other_way_round():
    commands = [line.split() for block in blocks("sh") for line in block.splitlines()]
    assert {words[1] for words in commands if words[0] == "jitnas"} == set(shelf.names(SHELF))
    targets = {words[1] for words in commands if words[0] == "make"} | set(re.findall(r"`make\s(\w+)`", README))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert {"demo", "test", "check", "bench"} <= targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_every_command_for_an_endpoint_that_is_named_exists_and_the_other_way_round():
    named = re.findall(r"jitnas site ((?:\w+ \| )*\w+)", README) + re.findall(r"an endpoint: ((?:\w+ \| )*\w+)", README)
    assert {command for names in named for command in names.split(" | ")} == set(shelf.names("cli.site"))


def test_every_file_and_extra_that_is_named_exists():
    assert all((ROOT / path).exists() for path in re.findall(r"\]\(([^)#:]+)\)", README))
    assert all((ROOT / path).exists() for path in re.findall(r"examples/\w+\.py", README))
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert all(re.search(rf"^{extra} = ", project, re.MULTILINE) for extra in EXTRAS)
    assert set(re.findall(r"jitnas_fn\[(\w+)\]", README)) <= set(EXTRAS)
