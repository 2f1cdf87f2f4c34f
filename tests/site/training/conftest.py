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

    def pids(self, module="", *, job=None):
        """Processes of jobs, or of one, that were started as `python -m module`; all of them without a module."""
        found = []
        for pid, environment in processes.processes(self.cluster.folder).items():
            of_job, line = environment.get("SLURM_JOB_ID"), processes.command_line(pid)
            if of_job and job in (None, of_job) and (not module or line.partition(" -m ")[2].startswith(module)):
                found.append(pid)
        return found

    def kill(self, pid):
        """End a process of a job, at once, and wait until it has ended."""
        os.kill(pid, signal.SIGKILL)
        self.cluster.wait_until(lambda: not processes.environment(pid), 10)  # a zombie has none

    def halt(self, pid):
        """Have a process stand still, until SIGCONT or SIGKILL."""
        os.kill(pid, signal.SIGSTOP)
        self.cluster.wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", 10)

    def resumed(self, evaluation, seconds, *, told=0):
        """Wait until another attempt at an evaluation is on its way.

        The last epoch that the one before told of, `told` if it told nothing more, and the epoch after which this one goes on.
        """
        board, epochs = Board(self.folder / "worker"), [told]

        def goes_on():
            now = board.read(evaluation.key)
            epochs.append(0 if now.get("resumed") else now.get("epoch") or 0)
            return evaluation.done() or now.get("resumed")

        after = self.cluster.wait_until(goes_on, seconds)
        assert not evaluation.done(), "it was over before anybody looked"
        return max(epochs), after

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
