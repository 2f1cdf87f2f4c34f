"""What a test sees of the trainings at a cluster, and does to them: jobs, their processes, their epochs, their leases."""

import os
import signal
from pathlib import Path

from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.worker.board import Board
from tests.site import processes


class Jobs:
    """The trainings of one test.

    Parameters
    ----------
    cluster
        That is up.
    worker, store
        Folders of the site.
    """

    def __init__(self, cluster, *, worker, store):
        self.cluster, self.worker, self.store_folder = cluster, Path(worker), Path(store)
        self._before = set(self._ids("all"))

    @property
    def store(self):
        return SegmentStore(self.store_folder)

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

    def trains(self, key, seconds, *, epoch=1):
        """Wait until so many epochs of a key are done; its status then."""

        def far_enough():
            now = Board(self.worker).read(key)
            return now if (now.get("epoch") or 0) >= epoch else None

        return self.cluster.wait_until(far_enough, seconds)

    def resumed(self, evaluation, seconds, *, told=0):
        """Wait until another attempt at an evaluation is on its way.

        The last epoch that the one before told of, `told` if it told nothing more, and the epoch after which this one goes on.
        """
        board, epochs = Board(self.worker), [told]

        def goes_on():
            now = board.read(evaluation.key)
            epochs.append(0 if now.get("resumed") else now.get("epoch") or 0)
            return evaluation.done() or now.get("resumed")

        after = self.cluster.wait_until(goes_on, seconds)
        assert not evaluation.done(), "it was over before anybody looked"
        return max(epochs), after

    def leases(self):
        """Files of the leases that lie with the store."""
        return sorted(path for path in (self.store_folder / "leases").rglob("*") if path.is_file())

    def as_if_waited(self, seconds):
        """Set the last beat of every lease and ticket back, so that one whose holder is gone looks that much older."""
        for path in [*self.leases(), *(self.store_folder / "tickets").glob("*")]:
            before = path.stat()
            if before.st_mtime_ns:  # 0 means that it was given up
                os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns - int(seconds * 1e9)))
