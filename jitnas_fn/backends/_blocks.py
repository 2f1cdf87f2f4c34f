"""What a block is: the job that holds the GPUs, as the `[blocks]` table of a site file describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jitnas_fn.backends._site_file import Field, check, number, of_type, one_of, path_of, stated_in, whole_number
from jitnas_fn.core.errors import SiteFileError

JOB_NAME = "jitnas"  # of every block, by which squeue finds them
SCHEDULERS = ("slurm", "local")
GPU_REQUESTS = ("gres", "gpus-per-node")
MOST = 10_000  # of what is counted
WALLTIME = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The jobs in which tasks are trained.

    Attributes
    ----------
    scheduler
        "slurm", or "local" for processes on this very machine.
    account, partition, qos, constraint
        As `sbatch` takes them; None leaves them to the cluster.
    gpus
        GPUs of a block.
    gpu_request
        How this cluster wants GPUs to be asked for: "gres" (`--gres=gpu:1`) or "gpus-per-node".
    gpu_type
        Such as "L40", where the cluster asks for types.
    whole_nodes
        Whether a block is a whole node with `gpus` trainings beside each other. Otherwise it is one training, which sees the
        GPUs that Slurm gives it.
    cores
        Processor cores of a block; None leaves them to the cluster.
    memory_gb
        Memory of a block [GB]; None leaves it to the cluster.
    walltime
        Of a block [HH:MM:SS]. What is not done by then goes on in the next.
    most
        Blocks at the same time.
    idle_seconds
        After which a block without work is given back. [s]
    look_seconds
        How often the scheduler is asked how the blocks are. [s]
    heartbeat_seconds
        A block that is silent for three times as long counts as lost. [s]
    environment
        Lines of shell that make Python ready in the job: `module load …`, `source …/activate`.
    python
        Interpreter in the job; None for the one that runs here.
    address
        Of this machine as the nodes see it; None tries them all.
    """

    scheduler: str = "slurm"
    account: str | None = None
    partition: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gpus: int = 1
    gpu_request: str = "gres"
    gpu_type: str | None = None
    whole_nodes: bool = False
    cores: int | None = None
    memory_gb: int | None = None
    walltime: str = "01:00:00"
    most: int = 1
    idle_seconds: float = 120.0
    look_seconds: float = 30.0
    heartbeat_seconds: float = 30.0
    environment: tuple[str, ...] = ()
    python: str | None = None
    address: str | None = None

    @property
    def workers(self) -> int:
        """Trainings beside each other in a block."""
        return max(1, self.gpus) if self.whole_nodes else 1

    @property
    def walltime_seconds(self) -> int:
        """Walltime of a block. [s]."""
        hours, minutes, seconds = map(int, self.walltime.split(":"))
        return 3600 * hours + 60 * minutes + seconds

    @property
    def gpu_words(self) -> str | None:
        """The GPUs as `gpu_request` spells them; None without any."""
        if not self.gpus:
            return None
        named = f"{self.gpu_type}:{self.gpus}" if self.gpu_type else str(self.gpus)
        return f"gpu:{named}" if self.gpu_request == "gres" else named


def blocks_in(path: Path) -> Blocks:
    """The `[blocks]` of a site file.

    Raises
    ------
    SiteFileError
        If it cannot be read, has no such table, names an unknown field or gives a value out of its range.
    """
    return blocks_of(stated_in(path), path)


def blocks_of(stated: Mapping[str, Any], path: Path) -> Blocks:
    """The `[blocks]` of a file of which is known already what it says; raises `SiteFileError`."""
    table = stated.get("blocks")
    if not isinstance(table, dict):
        raise SiteFileError(f"site file {path} has no table [blocks], which says what jobs to ask for")
    check(table, FIELDS, path=path, table="blocks")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    return Blocks(**values)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[\w.,:|&*@/+-]{1,200}", value, re.ASCII))


def _is_walltime(value: Any) -> bool:
    found = WALLTIME.fullmatch(value) if isinstance(value, str) else None
    return found is not None and int(found[1]) * 60 + int(found[2]) >= 1


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) and "\n" not in line and "\0" not in line for line in value)


WORD = (_is_word, "one word, of letters, digits and . , : | & * @ / + - _")
FIELDS: dict[str, Field] = {
    "scheduler": one_of(SCHEDULERS),
    **dict.fromkeys(("account", "partition", "qos", "constraint", "gpu_type", "address"), WORD),
    "gpus": whole_number(least=0, most=MOST),
    "gpu_request": one_of(GPU_REQUESTS),
    "whole_nodes": of_type(bool, "true or false"),
    **dict.fromkeys(("cores", "memory_gb", "most"), whole_number(most=MOST)),
    "walltime": (_is_walltime, "HH:MM:SS, at least a minute, in quotation marks"),
    **dict.fromkeys(("idle_seconds", "look_seconds", "heartbeat_seconds"), number()),
    "environment": (_is_lines, "a list of lines of shell"),
    "python": path_of("the path of an interpreter"),
}
