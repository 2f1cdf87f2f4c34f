"""What a user does at the login node of a cluster: Slurm's commands, and waiting for what they tell."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.site import needs, processes

OURS = ("SLURM", "SBATCH", "SRUN", "SALLOC", "SQUEUE", "SINFO", "SCANCEL", "SCONTROL")  # what tunes Slurm's commands
FIELD = re.compile(r"(?:^|\s)([A-Z][\w/:]*)=")


class Login:
    """The login node of the cluster in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder).resolve()

    @property
    def environment(self):
        """What a process needs in its environment to be at the login node of this cluster."""
        path = os.pathsep.join((str(Path(sys.executable).parent), needs.PATH))
        return {"SLURM_CONF": str(processes.configuration(self.folder)), "PATH": path}

    def run(self, *command, text="", check=True):
        """What a command of Slurm prints at the login node."""
        env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | self.environment
        done = subprocess.run(command, env=env, input=text, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def submit(self, script, *options):
        """Id of a new job that runs the lines of a shell script. `output` tells what it prints."""
        where = ("--parsable", "--open-mode=append", f"--output={self.folder}/jobs/%j.out")
        return self.run("sbatch", *where, *options, text=f"#!/bin/bash\n{script}\n").strip()

    def output(self, job_id):
        """All that a job that was `submit`ted has printed so far, in all its lives."""
        path = self.folder / "jobs" / f"{job_id}.out"
        return path.read_text() if path.exists() else ""

    def squeue(self):
        """State of each job that is not over, by id."""
        return dict(line.split() for line in self.run("squeue", "-h", "-o", "%A %T").splitlines())

    def node_states(self):
        """State of each node, as sinfo shortens it."""
        return dict(line.split() for line in self.run("sinfo", "-h", "-N", "-o", "%N %t").splitlines())

    def job(self, job_id):
        """All that scontrol tells of a job, as text by name, until five minutes after its end."""
        _, *parts = FIELD.split(self.run("scontrol", "show", "job", "-o", job_id).strip())
        return dict(zip(parts[::2], parts[1::2], strict=True))

    def wait_for(self, job_id, *states, seconds=60):
        """The job, as soon as it is in one of these states."""
        return self.wait_until(lambda: (job := self.job(job_id))["JobState"] in states and job, seconds)

    def cancel(self, job_id):
        self.run("scancel", job_id)

    def requeue(self, job_id):
        self.run("scontrol", "requeue", job_id)

    def end_in(self, job_id, seconds):
        """Cut a running job's time. Slurm looks every 30 s for jobs that are over theirs."""
        self.run("scontrol", "update", f"jobid={job_id}", f"EndTime=now+{seconds}")

    def wait_until(self, predicate, seconds):
        """What the predicate returns as soon as it is true. TimeoutError, with queue and log, when it is not in time."""
        deadline = time.monotonic() + seconds
        while not (answer := predicate()):
            if time.monotonic() > deadline:
                state = self.run("squeue", check=False) + self.run("sinfo", "-N", "-l", check=False)
                raise TimeoutError(f"not so within {seconds} s\n{state}{self.log('slurmctld')}")
            time.sleep(0.1)
        return answer

    def log(self, part, lines=30):
        """The last lines of a daemon's log: of `slurmctld`, `munged`, or a node."""
        path = self.folder / "log" / f"{part}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
