"""The canonical stage gives the same fingerprints in every Python that is here: it needs the standard library alone."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jitnas_fn.graphs.architecture import Architecture
from tests.golden.fingerprints import FILE

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, random, sys
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.graphs.document import graph_of
print(json.dumps([Architecture.from_json(text).fingerprint for text in json.load(sys.stdin)]))
"""
WANTED = ("3.11", "3.12", "3.13", "3.14")


def _pythons():
    """Interpreters of other builds or versions than this one, by what they are called."""
    folder = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {f"python{version}": shutil.which(f"python{version}", path="/usr/bin:/usr/local/bin") for version in WANTED}
    for place in sorted(folder.glob("3.*")) if folder.is_dir() else ():
        if ".".join(place.name.split(".")[:2]) in WANTED:
            found[place.name] = str(place / "bin" / "python3")
    own = Path(sys.base_prefix) / "bin" / "python3"
    return {name: path for name, path in found.items() if path and not Path(path).samefile(own)}


@pytest.mark.skipif(not _pythons(), reason="this is the only Python here")
@pytest.mark.parametrize("name", sorted(_pythons()))
def test_another_python_computes_the_frozen_fingerprints(name):
    texts = [entry["document"] for entry in json.loads(FILE.read_text("ascii")).values() if "document" in entry]
    surroundings = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "99", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [_pythons()[name], "-S", "-c", SCRIPT],
        input=json.dumps(texts),
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [Architecture.from_json(text).fingerprint for text in texts]
