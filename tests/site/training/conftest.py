"""A person on the login node: a site file, an executor that trains in Slurm jobs, a client with an empty cache."""

import json
from pathlib import Path

import pytest

from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from tests.site.jobs import Jobs

SITE = {"name": "one machine", "checkpoint_seconds": 0, "margin_seconds": 5}
BLOCKS = {
    "partition": "gpu",
    "gpus": 1,
    "cores": 1,
    "walltime": "00:10:00",
    "most": 2,
    "idle_seconds": 3,
    "look_seconds": 1,
    "heartbeat_seconds": 2,
}


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:  # Parsl leaves sockets to the collector
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))


class Site(Jobs):
    """What one test has at the cluster."""

    def __init__(self, cluster, folder):
        super().__init__(cluster, worker=folder / "worker", store=folder / "store")
        self.folder, self.executors = folder, []

    def file(self, *, site=None, **blocks):
        """A site file with these changes, and folders of this test."""
        path = self.folder / f"site{len(self.executors)}.toml"
        fields = {**SITE, "folder": str(self.folder / "worker"), "store": str(self.folder / "store"), **(site or {})}
        lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value is not None]
        table = [f"{name} = {json.dumps(value)}" for name, value in {**BLOCKS, **blocks}.items() if value is not None]
        path.write_text("\n".join([*lines, "[blocks]", *table]) + "\n")
        return path

    def executor(self, **changes):
        executor = parsl(self.file(**changes))
        self.executors.append(executor)
        return executor

    def client(self, **changes):
        return Client(store=MemoryStore(), executor=self.executor(**changes))

    def close(self):
        for executor in self.executors:
            executor.shutdown(wait=False)


@pytest.fixture
def here(idle, tmp_path, monkeypatch):
    """The cluster, with nothing running, and one's own folder on the storage that login node and nodes share."""
    for name, value in idle.environment.items():
        monkeypatch.setenv(name, value)
    site = Site(idle, tmp_path)
    yield site
    site.close()
