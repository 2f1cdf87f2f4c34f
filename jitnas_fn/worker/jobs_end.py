"""What a block and its workers tell each other: that the job is to end, and who is at work. Files in a folder on their node.

- `ending`: the job is to end, and its workers begin nothing
- `PID.TOKEN`: that process trains this run
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.worker.board import Run

BLOCK = "JITNAS_BLOCK"  # where the environment of what a block runs names the folder


def announce_the_end() -> None:
    """Have the workers of this block begin nothing any more, and the block end with what is at work in it.

    Without a block around this process, nothing happens.
    """
    with contextlib.suppress(OSError):
        if (folder := _folder()) is not None:
            (folder / "ending").touch()


def is_ending() -> bool:
    """Whether this block is to end."""
    folder = _folder()
    return folder is not None and (folder / "ending").exists()


@contextlib.contextmanager
def at_work(run: Run) -> Iterator[None]:
    """Let the block know that this process trains a run."""
    folder = _folder()
    file = None if folder is None else folder / f"{os.getpid()}.{run.token}"
    with contextlib.suppress(OSError):
        if file is not None:
            file.touch()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if file is not None:
                file.unlink()


def is_at_work(folder: Path) -> bool:
    """Whether a process that lives trains anything in the block of this folder; where that cannot be told, it may."""
    try:
        return any(_lives(path.name.partition(".")[0]) for path in folder.iterdir())
    except OSError:
        return True


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: str) -> bool:
    """Whether it has ended, and its parent has not noticed yet."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] in ("Z", "X")
    return False


def _folder() -> Path | None:
    named = os.environ.get(BLOCK)
    return Path(named) if named else None
