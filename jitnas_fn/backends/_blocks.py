"""What a block is: the job that holds the GPUs, as the `[blocks]` table of a site file describes it."""

import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jitnas_fn.core.errors import SiteFileError

JOB_NAME = "jitnas"  # of every block, by which squeue finds them
SCHEDULERS = ("slurm", "local")
GPU_REQUESTS = ("gres", "gpus-per-node")
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
    try:
        stated: Any = tomllib.loads(path.read_text("utf-8")).get("blocks")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise SiteFileError(f"site file {path} cannot be read: {reason}") from None
    if not isinstance(stated, dict):
        raise SiteFileError(f"site file {path} has no table [blocks], which says what jobs to ask for")
    return blocks_of(stated, where=f"site file {path}")


def blocks_of(stated: dict[str, Any], *, where: str) -> Blocks:
    """The blocks that a table describes; raises `SiteFileError`, which begins with `where`."""
    unknown = sorted(set(stated) - set(ALLOWED))
    if unknown:
        raise SiteFileError(f"{where}: [blocks] has no field {', '.join(unknown)}; there are {', '.join(ALLOWED)}")
    for name, value in stated.items():
        allowed, meaning = ALLOWED[name]
        if not allowed(value):
            raise SiteFileError(f"{where}: {name} of [blocks] is {meaning}, not {str(value)[:80]!r}")
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in stated.items()}
    return Blocks(**values)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[\w.,:|&*@/+-]{1,200}", value, re.ASCII))


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= 10_000


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < math.inf


def _is_walltime(value: Any) -> bool:
    found = WALLTIME.fullmatch(value) if isinstance(value, str) else None
    return found is not None and int(found[1]) * 60 + int(found[2]) >= 1


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(line, str) and "\n" not in line and "\0" not in line for line in value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and value != ""


WORD = (_is_word, "one word, of letters, digits and . , : | & * @ / + - _")
# Field -> what it may be, and that in words.
ALLOWED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "scheduler": (lambda value: value in SCHEDULERS, f"one of {', '.join(SCHEDULERS)}"),
    **dict.fromkeys(("account", "partition", "qos", "constraint", "gpu_type", "address"), WORD),
    "gpus": (lambda value: (value == 0 and type(value) is int) or _is_count(value), "a whole number from 0 on"),
    "gpu_request": (lambda value: value in GPU_REQUESTS, f"one of {', '.join(GPU_REQUESTS)}"),
    "whole_nodes": (lambda value: isinstance(value, bool), "true or false"),
    **dict.fromkeys(("cores", "memory_gb", "most"), (_is_count, "a whole number above 0")),
    "walltime": (_is_walltime, "HH:MM:SS, at least a minute, in quotation marks"),
    **dict.fromkeys(("idle_seconds", "look_seconds", "heartbeat_seconds"), (_is_time, "a number above 0")),
    "environment": (_is_lines, "a list of lines of shell"),
    "python": (_is_path, "the path of an interpreter"),
}
