"""Where checkpoints lie: one folder, a file for each epoch that is kept. Without torch.

- KEY.EPOCH.checkpoint: a half-trained network, as `training.checkpoint` writes it; the newest two of a key
- KEY.EPOCH.checkpoint.corrupt: one that was damaged and is kept for whoever wants to know why; the last one of a key
- KEY.DRAFT.draft: one that is being written; 16 hexadecimal digits

A key here is the 64 digits of a hash: what has no fingerprint has no checkpoint.
"""

import contextlib
import os
import re
import stat
import time
from pathlib import Path

from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.task import HASH

KEPT = 2
DAY_SECONDS = 24 * 3600.0
AGE_SECONDS = 30 * DAY_SECONDS  # what nobody asked for again in that time is removed
CHECKPOINT = re.compile(rf"({HASH.pattern})\.(0|[1-9][0-9]{{0,8}})\.checkpoint(\.corrupt)?")
DRAFT = re.compile(rf"{HASH.pattern}\.[0-9a-f]{{16}}\.draft")


def path_of(folder: Path, key: str, epoch: int) -> Path:
    """Where an epoch of a key is kept; raises `TaskError` for what has not the form of a key."""
    return folder / f"{_checked(key)}.{epoch}.checkpoint"


def draft_of(folder: Path, key: str) -> Path:
    """Where a checkpoint is written before it gets its name; another path each time."""
    return folder / f"{_checked(key)}.{os.urandom(8).hex()}.draft"


def epochs_of(folder: Path, key: str) -> list[int]:
    """Epochs of a key that have a file, rising; none where the folder cannot be read."""
    return sorted(epoch for epoch, corrupt in _of(folder, _checked(key)) if not corrupt)


def set_aside(folder: Path, key: str, epoch: int) -> None:
    """Take a damaged file out of the way. The one that was set aside before goes. Where nothing can be written, it stays."""
    path = path_of(folder, key, epoch)
    for other, corrupt in _of(folder, key):
        if corrupt:
            _remove(path_of(folder, key, other).with_suffix(".checkpoint.corrupt"))
    with contextlib.suppress(OSError):
        path.rename(path.with_suffix(".checkpoint.corrupt"))


def clear(folder: Path, key: str) -> None:
    """Remove all that is kept of a key: it was trained, and its record is safe."""
    for epoch, corrupt in _of(folder, _checked(key)):
        path = path_of(folder, key, epoch)
        _remove(path.with_suffix(".checkpoint.corrupt") if corrupt else path)


def leave_a_day(folder: Path, key: str) -> None:
    """Let what is kept of a key look so old that it is removed after a day: there is a record, but it may not be safe."""
    old = time.time() - (AGE_SECONDS - DAY_SECONDS)
    for epoch, corrupt in _of(folder, _checked(key)):
        if not corrupt:
            with contextlib.suppress(OSError):
                os.utime(path_of(folder, key, epoch), (old, old), follow_symlinks=False)


def remove(folder: Path, key: str, epoch: int) -> None:
    """Remove one epoch of a key."""
    _remove(path_of(folder, key, epoch))


def sweep(folder: Path, *, most_bytes: int) -> None:
    """Remove what was left behind.

    That is what nobody wrote for 30 days (drafts: for a day); then, while all together have more than `most_bytes`, the
    oldest of what nobody wrote for a day. Other people's files in the folder are none of our business.
    """
    now, left = time.time(), list[tuple[float, int, Path]]()
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            draft = DRAFT.fullmatch(path.name)
            if not draft and not CHECKPOINT.fullmatch(path.name):
                continue
            with contextlib.suppress(OSError):
                status = path.lstat()
                if stat.S_ISDIR(status.st_mode):
                    continue
                if now - status.st_mtime > (DAY_SECONDS if draft else AGE_SECONDS):
                    path.unlink()
                else:
                    left.append((status.st_mtime, status.st_size, path))
    together = sum(size for _, size, _ in left)
    for written, size, path in sorted(left):
        if together <= most_bytes or now - written <= DAY_SECONDS:
            break
        _remove(path)
        together -= size


def _of(folder: Path, key: str) -> list[tuple[int, bool]]:
    """Of each file of a key its epoch, and whether it was set aside."""
    with contextlib.suppress(OSError):
        names = (CHECKPOINT.fullmatch(name) for name in os.listdir(folder) if name.startswith(key))  # noqa: PTH208  names alone
        return [(int(name[2]), name[3] is not None) for name in names if name and name[1] == key]
    return []


def _checked(key: str) -> str:
    if not HASH.fullmatch(key):
        raise TaskError(f"what is kept is named by a key of 64 hexadecimal digits, not {key[:80]!r}")
    return key


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
