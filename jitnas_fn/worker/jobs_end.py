"""Whether the job that this process runs in is to end: a file that its block makes, or a worker of it, and both look for."""

import contextlib
import os
from pathlib import Path

from jitnas_fn.core.errors import JitnasError
from jitnas_fn.worker.site import current
from jitnas_fn.worker.slurm import job_id

BLOCK = "JITNAS_BLOCK"  # set in the environment of what a block runs


def ask_for_the_end() -> None:
    """Have the block end once nothing is at work in it. Without a block around this process, nothing happens."""
    if BLOCK in os.environ:
        announce_the_end()


def announce_the_end() -> None:
    """Have all workers of this job begin nothing any more, as far as the disk takes it."""
    with contextlib.suppress(OSError, JitnasError):
        if (file := _file()) is not None:
            file.touch()


def forget_the_end() -> None:
    """Begin with a job that is not told to end."""
    with contextlib.suppress(OSError, JitnasError):
        if (file := _file()) is not None:
            file.unlink()


def is_ending() -> bool:
    """Whether this job is to end."""
    file = _file()
    return file is not None and file.exists()


def _file() -> Path | None:
    """None outside a job."""
    job = job_id()
    return None if job is None else current().place() / f"{job}.ending"
