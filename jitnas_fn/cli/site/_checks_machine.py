"""Whether the interpreters have what they need, on this machine and in the jobs."""

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.cli.site._checks_endpoint import program_of
from jitnas_fn.cli.site._endpoint import Endpoint
from jitnas_fn.cli.site._finding import Finding, doubtful, well, wrong
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import SiteFileError
from jitnas_fn.worker.versions import version

PACKAGES = ("jitnas_fn", "globus-compute-endpoint", "globus-compute-sdk", "parsl")
PATIENCE_SECONDS = 180  # for an interpreter on slow storage to import torch
POWER = "ppc64le"
NO_POWER = (
    "PyTorch for ppc64le is there only from Open-CE, documented with Python 3.9, on which neither the endpoint nor jitnas_fn "
    "runs. Train on the aarch64 nodes instead: set python to an interpreter that was installed on one of them (on Bede: the "
    "gh partitions, jitnas site init bede); the agent may stay here, it needs no torch"
)


def agent(endpoint: Endpoint) -> Iterator[Finding]:
    """The interpreter of this machine."""
    here = f"Python {platform.python_version()} on {platform.machine()}"
    yield well("interpreter", f"{here}, {sys.executable}")
    if platform.machine() == POWER and _same(endpoint):
        yield wrong("interpreter", "the jobs run on ppc64le too, which is not supported", NO_POWER)
    yield well("packages", ", ".join(f"{name} {version(name)}" for name in PACKAGES))
    program = program_of(endpoint)
    if not program.is_file():
        yield wrong("packages", f"there is no {program}", f"{program.parent}/python -m pip install 'jitnas_fn[endpoint]'")


def jobs(endpoint: Endpoint) -> Iterator[Finding]:
    """The interpreter of the jobs, run here as a job would run it."""
    python = str(endpoint.stated.get("python"))
    try:
        has = probed(endpoint)
    except SiteFileError as reason:
        yield _cannot_run(python, str(reason), elsewhere=not _same(endpoint))
        return
    versions = has["versions"]
    missing = [name for name in ("jitnas_fn", "parsl", "globus-compute-endpoint") if versions[name] is None]
    if missing:
        yield wrong("jobs", f"{python} lacks {', '.join(missing)}", f"{python} -m pip install 'jitnas_fn[endpoint]'")
    elif versions["jitnas_fn"] != version("jitnas_fn"):
        met = f"{python} has jitnas_fn {versions['jitnas_fn']}, this machine {version('jitnas_fn')}"
        yield doubtful("jobs", met, "install the same version in both: records name the one that trained")
    else:
        yield well("jobs", f"Python {has['python']} on {has['machine']}, {python}")
    yield from _torch(has, device=endpoint.site().device, is_local="workers" in endpoint.stated)
    yield from _datasets(has["datasets"])


def probed(endpoint: Endpoint) -> Json:
    """What the interpreter of the jobs says of itself; raises `SiteFileError` if it does not run here."""
    lines = [str(line) for line in endpoint.stated.get("environment") or ()]
    python = shlex.quote(str(endpoint.stated.get("python")))
    script = "\n".join([*lines, f"exec {python} -m jitnas_fn.worker.probe"])
    try:
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            env={**os.environ, **endpoint.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        found: Json = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise SiteFileError(str(reason)) from None
    except (ValueError, IndexError):
        raise SiteFileError((done.stderr.strip().splitlines() or ["it says nothing"])[-1]) from None
    return found


def _cannot_run(python: str, why: str, *, elsewhere: bool) -> Finding:
    if elsewhere and ("Exec format error" in why or "cannot execute" in why):
        todo = f"it may be for the nodes' processors: run {python} -m jitnas_fn.worker.probe in a job"
        return doubtful("jobs", f"{python} does not run on this machine", todo)
    return wrong("jobs", f"{python} does not run: {why}", "set python, and the lines of environment, in the template")


def _torch(has: Json, *, device: str, is_local: bool) -> Iterator[Finding]:
    torch, number = has["torch"], has["versions"]["torch"]
    if torch["error"]:
        yield wrong("torch", f"cannot be imported: {torch['error']}", "install torch for the jobs' interpreter (pytorch.org)")
    elif device == "cpu":
        yield well("torch", f"{number}, training on the CPU")
    elif torch["gpus"]:
        yield well("torch", f"{number}, for {torch['built_for']}, sees {torch['gpus']} GPUs here")
    elif torch["built_for"] is None and device == "cuda":
        yield wrong("torch", f"{number} was built without CUDA", "install a torch that has it (pytorch.org), or set device")
    elif is_local:
        yield (wrong if device == "cuda" else doubtful)("torch", f"{number} sees no GPU", "set device to cpu in the site file")
    else:
        yield well("torch", f"{number}, for {torch['built_for']}; no GPU here, as on most login nodes: a job has one")


def _datasets(datasets: dict[str, str | None]) -> Iterator[Finding]:
    ready = [name for name, trouble in datasets.items() if trouble is None]
    if ready:
        yield well("datasets", f"content as pinned: {', '.join(ready)}")
    for name, trouble in datasets.items():
        if trouble is not None:
            met = f"{name}: {trouble}"
            todo = "trainings on it fail until it is here"
            yield doubtful("datasets", met, todo) if ready else wrong("datasets", met, todo)


def _same(endpoint: Endpoint) -> bool:
    """Whether jobs have the interpreter of this machine."""
    stated = str(endpoint.stated.get("python"))
    return stated == str(endpoint.stated.get("agent_python", stated)) or Path(stated) == Path(sys.executable)
