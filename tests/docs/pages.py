"""The pages in docs: their text, the code and the commands that they show, and what these print."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCK = re.compile(
    r"^<!-- (run|measure|save \S+) -->\n```(python|sh)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL
)


def text_of(name):
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


def answered(code, folder):
    words = shlex.split(code)
    assert words[0] == "jitnas"
    done = subprocess.run(
        [sys.executable, "-m", "jitnas_fn.cli", *words[1:]],
        cwd=folder,
        env={**os.environ, "JITNAS_HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def commands(page):
    """The commands in the blocks of a page, each as its words."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [shlex.split(line, comments=True) for block in blocks for line in block.replace("\\\n", " ").splitlines()]


def prose(text):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text):
    """The names that headings have in links."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
