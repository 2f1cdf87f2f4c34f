"""A machine with a scheduler that knows nothing, and endpoints that `jitnas site init` wrote there."""

import json
import os
from pathlib import Path

import pytest

WORDS = {"slurm": ["partitions=gpu,long", "account=abc", "device=cpu"], "laptop": []}


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:  # Parsl leaves sockets to the collector
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


@pytest.fixture
def endpoints(tmp_path, monkeypatch):
    """The folder of all endpoints, which is not there yet."""
    monkeypatch.setenv("GLOBUS_COMPUTE_USER_DIR", str(tmp_path / "globus"))
    for name in ("SLURM_CONF", "GLOBUS_SDK_ENVIRONMENT", "GLOBUS_SDK_SERVICE_URL_AUTH", "GLOBUS_COMPUTE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "globus"


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Put a program on the PATH, in front of all others."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def program(name, script):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    program("sacct", "exit 1")
    return program


@pytest.fixture
def endpoint(endpoints, programs, jitnas, tmp_path):
    """Have `init` write an endpoint; its folder."""
    programs("sbatch", "exit 1")

    def made(profile="slurm", *more, name="here"):
        changed = {word.partition("=")[0] for word in more}
        usual = [word for word in [f"folder={tmp_path}/site", *WORDS[profile]] if word.partition("=")[0] not in changed]
        words = [part for word in [*usual, *more] for part in ("--set", word)]
        code, out, err = jitnas("site", "init", profile, "--name", name, "--json", *words)
        assert (code, err) == (0, "")
        return Path(json.loads(out)["folder"])

    return made


@pytest.fixture
def alive():
    """Let a folder of a process look as if the process lived: this one, or one of another machine."""

    def write(folder, *, pid=None):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "daemon.pid").write_text(f"{pid or os.getpid()}\n")

    return write


class Service:
    """Stands for a client of the hosted service."""

    def __init__(self):
        self.registered, self.state, self.failure = [], "online", None

    def register_source_code(self, source, function_name, *, description, public):
        if self.failure:
            raise self.failure
        self.registered.append({"source": source, "name": function_name, "public": public})
        return f"0000000{len(self.registered)}-0000-4000-8000-000000000000"

    def get_endpoint_status(self, endpoint):
        if self.failure:
            raise self.failure
        return {"status": self.state, "endpoint": endpoint}


@pytest.fixture
def service(monkeypatch):
    """The hosted service, and somebody who is logged in."""
    from jitnas_fn.cli.site import register, status

    service = Service()
    for module in (register, status):
        monkeypatch.setattr(module, "service", lambda *, may_ask: service)
    return service
