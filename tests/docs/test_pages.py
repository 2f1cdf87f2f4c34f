"""What the pages in docs show is what happens: their code runs, and what they link to is there."""

import contextlib
import io
import re
import sys
import types
from pathlib import Path

import pytest

from tests.docs.pages import BLOCK, PAGES, ROOT, anchors, answered, prose


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_prints_what_is_shown(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JITNAS_HOME", str(tmp_path))
    module = types.ModuleType("page")  # a class of the page has a source, as in a file
    module.__file__ = str(tmp_path / "example.py")
    monkeypatch.setitem(sys.modules, "page", module)
    for marker, language, code, shown in BLOCK.findall(page.read_text("utf-8")):
        if marker.startswith("save "):
            (tmp_path / marker.removeprefix("save ")).write_text(code, "utf-8")
            continue
        told = printed(code, module) if language == "python" else answered(code, tmp_path)
        if marker == "measure":
            assert alike(told, shown), told
        else:
            assert told.strip() == shown.strip(), code
    for drawing in tmp_path.glob("*.svg"):
        assert drawing.read_text("utf-8") == (ROOT / "docs" / "images" / drawing.name).read_text("utf-8")


def printed(code, module):
    Path(module.__file__).write_text(code, "utf-8")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, module.__file__, "exec"), vars(module))
    return out.getvalue()


def alike(told, shown):
    """Whether two texts say the same, but for what is measured: accuracies are near, times and hashes are free."""
    lines = [[line.split() for line in text.strip().splitlines()] for text in (told, shown)]
    pairs = [zip(one, other, strict=True) for one, other in zip(*lines, strict=True)]
    return all(same(*pair) for line in pairs for pair in line)


def same(word, other):
    if all(re.fullmatch(r"[01]\.\d{4}", one) for one in (word, other)):
        return abs(float(word) - float(other)) < 0.05
    free = (r"[\d,]+\.\d+", r"(?<=[-@])[0-9a-f]{8}\b")
    return re.sub("|".join(free), "#", word) == re.sub("|".join(free), "#", other)


def test_every_block_of_python_is_run_or_saved():
    for page in PAGES:
        text = page.read_text("utf-8")
        assert len(re.findall(r"^```python$", text, re.MULTILINE)) == sum(b[1] == "python" for b in BLOCK.findall(text))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_every_file_and_heading_that_is_linked_exists(page):
    for target in re.findall(r"\]\(([^)]+)\)", prose(page.read_text("utf-8"))):
        path, _, heading = target.partition("#")
        if ":" in path:
            continue
        linked = page.parent / path if path else page
        assert linked.exists(), target
        if heading:
            assert heading in anchors(linked.read_text("utf-8")), target
