"""Client and worker need neither the same Python nor the same jitnas_fn; where they do not fit, both are told so."""

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from jitnas_fn import Architecture
from jitnas_fn.core import envelope
from jitnas_fn.core.errors import EnvelopeError
from tests.site.needs import LACK
from tests.site.training.models import QUICK, small

ROOT = Path(__file__).parents[3]
NAMES = [f"python3.{minor}" for minor in range(11, 16) if minor != sys.version_info.minor]
PACKAGES = (
    "globus-compute-sdk",
    "numpy",
    "tinydb",
    "filelock",
    "platformdirs",
    "cloudpickle",
    "fsspec",
    "tenacity",
)  # no torch


def another_python():
    """An interpreter of another minor version that works, or None."""
    found = [shutil.which(name) for name in NAMES]
    found += [str(path) for name in NAMES for path in Path.home().glob(f".pyenv/versions/*/bin/{name}")]
    works = "import sys, venv; sys.exit(sys.version_info < (3, 11))"
    for python in filter(None, found):
        if not subprocess.run([python, "-c", works], capture_output=True, check=False).returncode:
            return python
    return None


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The interpreter of an environment of another Python, with the client's packages."""
    python = another_python()
    if python is None:
        pytest.skip(f"{LACK}no second Python from 3.11 on")
    folder = tmp_path_factory.mktemp("other")
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(ROOT / "constraints.txt")]
    subprocess.run([str(folder / "bin" / "python"), *install, *PACKAGES], check=True)
    return folder / "bin" / "python"


def test_a_client_on_another_python_is_served(laptop, other, tmp_path):
    document = tmp_path / "small.json"
    document.write_text(Architecture.from_module(small, input_shape=(1, 8, 8)).to_json())
    script = f"""
        import sys
        from jitnas_fn import Architecture, Client
        from jitnas_fn.backends.globus_compute import globus_compute
        architecture = Architecture.from_json(open({str(document)!r}).read())
        executor = globus_compute({laptop.endpoint_id!r})
        record = Client(executor=executor).evaluate(architecture, dataset="digits", recipe="instant", seed=5)
        assert "torch" not in sys.modules
        print(sys.version_info.minor, record.verdict, record.environment["versions"]["python"])
    """
    done = subprocess.run(
        [str(other), "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    minor, verdict, python = done.stdout.split()
    assert verdict == "trained"
    assert int(minor) != sys.version_info.minor
    assert python.split(".")[1] == str(sys.version_info.minor)


def test_a_client_that_is_newer_than_the_site_is_told_so(laptop, monkeypatch):
    monkeypatch.setattr(envelope, "PROTOCOL", 2)
    evaluation = laptop.client().submit(small, **QUICK, seed=77)
    with pytest.raises(EnvelopeError, match="this side speaks protocol 2, the other '1': upgrade the older jitnas_fn"):
        evaluation.result(120)
