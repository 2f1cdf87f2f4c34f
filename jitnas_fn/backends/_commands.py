"""sbatch, squeue and scancel: what they are told by their surroundings, and that they end."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Collection

FILTERS = ("SQUEUE_", "SCANCEL_", "SACCT_")  # hide jobs from whoever asks, and from scancel
LEFT_OPEN = ("account", "partition", "qos", "constraint", "reservation")  # a user's own choice, where the site file has none
CLUSTER = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT")  # all else that begins so is of a job around us
NO_ANSWER, NOT_FOUND = 124, 127  # as a shell returns them


def surroundings(stated: Collection[str]) -> dict[str, str]:
    """The environment of a command of Slurm's, for a site file that states so much.

    Slurm puts `SBATCH_PARTITION` above the script's own partition, and hands the variables of a job in which we may run down to
    the jobs that we ask for, which would take themselves for tasks of its array.
    """
    own = {*CLUSTER, *(f"SBATCH_{name.upper()}" for name in LEFT_OPEN if name not in stated)}
    foreign = (*FILTERS, "SBATCH_", "SLURM_")
    return {name: value for name, value in os.environ.items() if name in own or not name.startswith(foreign)}


def answer(command: str, *, environment: dict[str, str], seconds: float) -> tuple[int, str, str]:
    """What a command returned, said, and complained of; one that takes longer is killed, and has failed."""
    try:
        process = subprocess.Popen(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,
        )
    except OSError as reason:
        return NOT_FOUND, "", str(reason)
    try:
        said, complained = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return NO_ANSWER, "", f"no answer to {command.split()[0]} within {seconds:g} s"
    return process.returncode, said, complained
