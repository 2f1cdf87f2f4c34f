"""A person on the login node: a site file, an executor that trains in Slurm jobs, a client with an empty cache."""

import json
import os
import signal
from pathlib import Path

import pytest

from jitnas_fn import Client
from jitnas_fn.backends.parsl import parsl
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.board import Board
from tests.site import processes

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


class Site:
    """What one test has at the cluster."""

    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        self.executors = []
        self._before = set(self._ids("all"))

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

    @property
    def store(self):
        return SegmentStore(self.folder / "store")

    def jobs(self):
        """Ids of all jobs that were submitted in this test."""
        return [job for job in self._ids("all") if job not in self._before]

    def running(self):
        """Ids of the jobs that run."""
        return self._ids("running")

    def _ids(self, states):
        told = self.cluster.run("squeue", "--noheader", f"--states={states}", "--name=jitnas", "--format=%A")
        return sorted(set(told.split()), key=int)

    def pids(self, words, *, job=None):
        """Processes of jobs, or of one, whose command line has these words."""
        found = []
        for pid, environment in processes.processes(self.cluster.folder).items():
            of_job = environment.get("SLURM_JOB_ID")
            if of_job and job in (None, of_job) and words in processes.command_line(pid):
                found.append(pid)
        return found

    def halt(self, pid):
        """Have a process stand still, until SIGCONT or SIGKILL."""
        os.kill(pid, signal.SIGSTOP)
        self.cluster.wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 10)

    def resumed(self, evaluation, seconds):
        """Wait until another attempt at an evaluation is on its way, and say after which epoch it went on."""
        board = Board(self.folder / "worker")
        epoch = self.cluster.wait_until(lambda: evaluation.done() or board.read(evaluation.key).get("resumed"), seconds)
        assert not evaluation.done(), "it was over before anybody looked"
        return epoch

    def leases(self):
        """Files of the leases that lie with the store."""
        return sorted(path for path in (self.folder / "store" / "leases").rglob("*") if path.is_file())

    def as_if_waited(self, seconds):
        """Set the last beat of every lease back, so that one whose holder is dead looks that much older."""
        for path in self.leases():
            before = path.stat()
            if before.st_mtime_ns:  # 0 means that it was given up
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns - int(seconds * 1e9)))

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
