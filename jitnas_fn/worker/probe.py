"""What an interpreter has, as JSON: `python -m jitnas_fn.worker.probe`. `jitnas site doctor` runs it as a job would be run."""

import importlib.metadata
import json
import platform
import sys

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json

PACKAGES = ("jitnas_fn", "torch", "parsl", "globus-compute-sdk", "globus-compute-endpoint")


def found() -> Json:
    """What the interpreter that runs here has.

    Returns
    -------
    dict
        {python, machine, versions (of packages, None for what is missing), torch ({error} or {gpus, built_for}), datasets (of
        each what is wrong with its content, None for nothing)}.
    """
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: _version(name) for name in PACKAGES},
        "torch": _torch(),
        "datasets": {name: _wrong_with(name) for name in shelf.names("datasets")},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> Json:
    try:
        import torch
    except (ImportError, OSError) as reason:
        return {"error": f"{type(reason).__name__}: {reason}"}
    built_for = "CUDA" if torch.version.cuda else "ROCm" if torch.version.hip else None
    return {"error": None, "gpus": torch.cuda.device_count(), "built_for": built_for}


def _wrong_with(dataset: str) -> str | None:
    try:
        from jitnas_fn.training.data import raw

        raw(shelf.take("datasets", dataset).DATASET)
    except Exception as reason:  # noqa: BLE001  a file on the shelf may fail with anything
        return f"{type(reason).__name__}: {reason}"
    return None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(found()) + "\n")
