"""Whether a folder can hold what a site keeps; `python -m jitnas_fn.cli.site._storage FOLDER…` tells it under any account.

Stores, leases and checkpoints rely on what is tried here: a file is on disk after fsync, a link is made once, a file takes
another's place at once, and O_EXCL makes a file once. Clocks of storage and machine may differ by a minute.
"""

import contextlib
import json
import os
import shutil
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from jitnas_fn.cli.site._finding import Finding, doubtful, well, wrong

MOST_SKEW_SECONDS = 60.0  # beyond which leases are taken over too early
SOME_SKEW_SECONDS = 10.0
SLOW_SECONDS = 2.0  # of one fsync
LITTLE_BYTES, FULL_BYTES = 10_000_000_000, 500_000_000


def storage(folder: Path) -> Iterator[Finding]:
    """Try all of it, in the folder or in the nearest one above that is there, and leave nothing behind."""
    place = _nearest(folder)
    if place == Path(folder.anchor) != folder:
        yield wrong("storage", f"{folder}: nothing of this path is on this machine", "name a folder that is, in the site file")
        return
    met = str(folder) if place == folder else f"{folder}, to be made in {place}"
    probe = place / f".jitnas-doctor-{uuid.uuid4().hex}"
    try:
        began = time.monotonic()
        _write_once(probe)
        seconds = time.monotonic() - began
        skew = probe.stat().st_mtime - time.time()
        _link_and_rename(probe)
    except OSError as reason:
        yield wrong(
            "storage", f"{met}: {reason}", "choose a folder on storage that this account may write to, and that has links"
        )
        return
    finally:
        for path in (probe, probe.with_suffix(".link"), probe.with_suffix(".new")):
            with contextlib.suppress(OSError):
                path.unlink()
    yield from _clock(met, skew)
    yield from _space(met, place)
    if seconds > SLOW_SECONDS:
        yield doubtful(
            "storage", f"{met}: one fsync took {seconds:.1f} s", "each record takes so long to keep: try other storage"
        )
    yield well("storage", f"{met}: fsync, link, rename and O_EXCL work")


def _nearest(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))


def _write_once(path: Path) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        os.write(handle, b"jitnas site doctor\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    raise OSError("O_EXCL made the same file twice")


def _link_and_rename(path: Path) -> None:
    link, new = path.with_suffix(".link"), path.with_suffix(".new")
    os.link(path, link)
    if path.stat().st_nlink != 2:
        raise OSError(f"a linked file has {path.stat().st_nlink} links, not 2")
    try:
        os.link(path, link)
    except FileExistsError:
        pass
    else:
        raise OSError("the same link was made twice")
    new.write_bytes(b"new\n")
    new.replace(link)
    if link.read_bytes() != b"new\n":
        raise OSError("a file that took another's place is not there")


def _clock(met: str, skew: float) -> Iterator[Finding]:
    told = f"{met}: its clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    if abs(skew) > MOST_SKEW_SECONDS:
        yield wrong("clock", told, "have the clocks set (NTP): a minute apart, two jobs may train the same key")
    elif abs(skew) > SOME_SKEW_SECONDS:
        yield doubtful("clock", told, "have the clocks set (NTP) before it is a minute")


def _space(met: str, place: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(place).free
    told = f"{met}: {free / 1e9:,.1f} GB free"
    if free < FULL_BYTES:
        yield wrong("space", told, "make room: records could not be kept")
    elif free < LITTLE_BYTES:
        yield doubtful(
            "space", told, "half-trained models take up to 20 GB: set checkpoint_bytes in the site file, or make room"
        )


if __name__ == "__main__":
    sys.stdout.write(json.dumps([finding.to_dict() for name in sys.argv[1:] for finding in storage(Path(name))]) + "\n")
