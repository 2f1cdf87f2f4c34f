"""What an interpreter says of itself, for `jitnas site doctor`."""

import json
import platform
import subprocess
import sys

import torch

from jitnas_fn.core.errors import DatasetError
from jitnas_fn.worker import probe


def test_it_is_one_line_of_json_and_tells_what_is_here():
    said = subprocess.check_output([sys.executable, "-m", "jitnas_fn.worker.probe"], text=True, timeout=100)
    found = json.loads(said)
    assert (len(said.splitlines()), found["python"]) == (1, platform.python_version())
    assert found["versions"]["torch"] == torch.__version__
    assert found["torch"]["gpus"] == torch.cuda.device_count()
    assert found["datasets"]["digits"] is None


def test_a_dataset_that_is_not_as_pinned_is_told_and_the_others_too(monkeypatch):
    def raw(card):
        if card.name == "digits":
            raise DatasetError("dataset digits has content hash 0")

    monkeypatch.setattr("jitnas_fn.training.data.raw", raw)
    datasets = probe.found()["datasets"]
    assert datasets.pop("digits") == "DatasetError: dataset digits has content hash 0"
    assert set(datasets.values()) == {None}


def test_without_torch_it_tells_the_rest(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    found = probe.found()
    assert found["torch"]["error"].startswith("ModuleNotFoundError")
    assert found["versions"]["jitnas_fn"] is not None


def test_a_package_that_is_missing_has_no_version(monkeypatch):
    monkeypatch.setattr(probe, "PACKAGES", ("no-such-package", "jitnas_fn"))
    versions = probe.found()["versions"]
    assert (versions["no-such-package"], versions["jitnas_fn"] is None) == (None, False)
