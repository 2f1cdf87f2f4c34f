import dataclasses
import os

import pytest

from jitnas_fn.worker import site as module
from jitnas_fn.worker.site import Site, use


@pytest.fixture(autouse=True)
def site(tmp_path):
    """A site of this test's own, with every payload accepted; call it to change a field."""

    def change(**fields):
        use(dataclasses.replace(module.current(), **fields))
        return module.current()

    use(
        Site(
            name="test site",
            folder=tmp_path / "site",
            accepts=("graph", "cloudpickle"),
            threads=1,
            device="cpu",
            grace_seconds=1.0,
        )
    )
    yield change
    del module._here.site


@pytest.fixture(autouse=True)
def outside_slurm(monkeypatch):
    """Also where the tests themselves run in a job, its end is not that of what they train."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)


class Squeue:
    """A stand-in for the program: a shell script that also writes down how it was called."""

    def __init__(self, folder):
        self._script, self._log = folder / "squeue", folder / "calls"

    def _does(self, line):
        draft = self._script.with_suffix(".new")
        draft.write_text(f'#!/bin/sh\necho "$@" >> {self._log}\n{line}\n')
        draft.chmod(0o755)
        draft.replace(self._script)

    def says(self, text):
        self._does(f'echo "{text}"')

    def fails(self):
        self._does("exit 1")

    def hangs(self):
        self._does("exec sleep 60")

    def calls(self):
        return self._log.read_text().splitlines()


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """`squeue` on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Squeue(folder)
