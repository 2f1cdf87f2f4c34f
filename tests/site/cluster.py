"""A real Slurm on one machine: munged, slurmctld and a slurmd for each virtual node, all in one folder.

It needs neither root nor systemd, touches nothing outside its folder (as root: and cgroups named after its nodes), and
listens on this host's own address only. Several may run side by side. Node names begin with letters drawn at random.
"""

import dataclasses
import os
import secrets
import subprocess
import sys
from pathlib import Path

from tests.site import configuration, needs, processes
from tests.site.login import Login

ROOT = Path(__file__).parents[2]
WORKING = {"idle", "mix", "alloc", "comp"}


class Cluster(Login):
    """One cluster, up inside `with` or between `up()` and `down()`.

    Parameters
    ----------
    folder
        A short path, empty or not there. `down` removes it.
    nodes
        Virtual nodes; their names get the cluster's own beginning.
    partitions
        A name and what slurm.conf says of it. Its nodes are those that name it.
    settings
        Of slurm.conf, instead of those in `configuration.settings`.
    """

    def __init__(self, folder, *, nodes=configuration.NODES, partitions=configuration.PARTITIONS, settings=()):
        super().__init__(folder)
        own = "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(4))
        self.nodes = tuple(dataclasses.replace(node, name=f"{own}-{node.name}") for node in nodes)
        self.partitions, self.settings = dict(partitions), dict(settings)
        self._guard = None

    def __enter__(self):
        return self.up()

    def __exit__(self, *_):
        self.down()

    def up(self):
        """Start everything, and wait until every node serves. What is half up is taken down again."""
        if reason := needs.obstacle():
            raise RuntimeError(reason)
        if len(str(self.folder)) > configuration.MAX_FOLDER:
            raise ValueError(f"{self.folder} is too long for unix sockets: {configuration.MAX_FOLDER} characters at most")
        if self.folder.exists() and any(self.folder.iterdir()):
            raise FileExistsError(f"{self.folder} is not empty, and would be removed at the end")
        command = [sys.executable, "-m", "tests.site.guard", str(self.folder), str(os.getpid())]
        try:
            self._guard = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, start_new_session=True)
            self.folder.mkdir(exist_ok=True)
            self.folder.chmod(0o755)  # munged insists that everybody may reach its socket
            configuration.write(self.folder, self.nodes, self.partitions, self.settings)
            self._start_munged()
            self._start("slurmctld", "slurmctld")
            self.wait_until(self._controller_answers, 30)
            for node in self.nodes:
                self._start(node.name, "slurmd", "-N", node.name)
            self.wait_until(lambda: set(self.node_states().values()) <= WORKING, 30)
        except BaseException:
            self.down()
            raise
        return self

    def down(self):
        """End every daemon and every job, at once, and remove the folder. Nothing happens when nothing is up."""
        if self._guard:
            processes.take_down(self.folder)
            self._guard.kill()
            self._guard.wait()
            self._guard = None

    def crash(self, node):
        """End a node as a power cut does: Slurm notices after SlurmdTimeout."""
        processes.end(lambda: processes.daemons(self.folder, node) + processes.job_processes(self.folder, node))

    def kill_slurmd(self, node, *, keep_jobs=True):
        """End a node's slurmd and step daemons; what its jobs run lives on, beyond Slurm's reach, unless `keep_jobs=False`."""
        if not keep_jobs:
            self.crash(node)
        processes.end(lambda: processes.daemons(self.folder, node))

    def kill_slurmd_alone(self, node):
        """End a node's slurmd. Its jobs go on under their step daemons, as during an upgrade of Slurm."""
        processes.end(lambda: processes.slurmd(self.folder, node))

    def boot(self, node):
        """Start the slurmd of a node that has none, and wait until the node serves again."""
        if not processes.slurmd(self.folder, node):
            self._start(node, "slurmd", "-N", node)
        self.wait_until(lambda: self.node_states()[node] in WORKING, 30)

    def clear(self):
        """Cancel what there is, end what escaped, boot what is down, and wait until every node is idle."""
        if ids := list(self.squeue()):
            self.run("scancel", "--batch", "--signal=KILL", *ids, check=False)  # else one that ignores TERM takes KillWait
            self.run("scancel", *ids)
        for node in self.nodes:
            self.boot(node.name)
        self.wait_until(lambda: not self.squeue() and set(self.node_states().values()) == {"idle"}, 60)
        for node in self.nodes:
            processes.end(lambda name=node.name: processes.job_processes(self.folder, name))

    def _start(self, part, *command):
        """Start a daemon, which goes to the background when it serves."""
        printed = self.folder / "log" / f"{part}.err"
        env = {**self.environment, processes.PART: part}
        with printed.open("ab") as stream:
            done = subprocess.run(
                command,
                env=env,
                cwd=self.folder,
                umask=0o022,  # munged refuses a log that others may write
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stream,
                timeout=60,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {printed.read_text()}\n{self.log(part)}")

    def _controller_answers(self):
        if processes.gone(
            lambda: processes.daemons(self.folder, "slurmctld")
        ):  # it reads half of its settings in the background
            raise RuntimeError(f"slurmctld ended: {self.log('slurmctld')}")
        return "is UP" in self.run("scontrol", "ping", check=False)

    def _start_munged(self):
        run, log = self.folder / "run", self.folder / "log" / "munged.log"
        files = f"--key-file={self.folder}/etc/munge.key --socket={run}/munge.socket --pid-file={run}/munged.pid".split()
        self._start("munged", "munged", *files, f"--seed-file={run}/munged.seed", f"--log-file={log}", "--num-threads=2")
