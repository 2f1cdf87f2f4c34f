"""Making a damaged store whole again, without losing anything that could be read.

Only what follows the last newline of a file, where nobody writes any longer, is cut off, and only after it was copied: beside
the user's cache into `<name>.corrupt`, in a shared store into the folder `aside`. A whole entry that lacks nothing but its
newline gets it. Damaged lines in the middle stay where they are; of the cache's they are copied to `<name>.corrupt`, as on
opening. An index that does not say what is in its file is removed, and made anew when it is next needed. Of a shared store the
catalogue is made anew where it is lost. Doing it twice is doing it once.
"""

import io
import time
from collections.abc import Callable
from pathlib import Path

from jitnas_fn.core.errors import StoreError
from jitnas_fn.stores._disk import failure, next_line
from jitnas_fn.stores._ends import cut_or_end, is_whole_entry
from jitnas_fn.stores._index_check import IndexCheck
from jitnas_fn.stores._locked import LockedLog
from jitnas_fn.stores._progress import Meter, Progress, untold
from jitnas_fn.stores._repair_shared import SharedRepair
from jitnas_fn.stores._repaired import Repaired
from jitnas_fn.stores._setting_aside import CorruptFile
from jitnas_fn.stores.careful import opened, shown
from jitnas_fn.stores.places import CACHE, SNAPSHOT, NoStore, Place

__all__ = ["IDLE_SECONDS", "Repaired", "repair"]

IDLE_SECONDS = 3600.0


def repair(
    place: Place,
    *,
    idle_seconds: float = IDLE_SECONDS,
    lock_timeout_seconds: float = 60.0,
    clock: Callable[[], float] = time.time,
    progress: Progress = untold,
) -> Repaired:
    """Repair a store.

    Parameters
    ----------
    place
        The store.
    idle_seconds
        Of a shared store: after which a segment's writer counts as ended; the torn end of a younger one is left alone. [s]
    lock_timeout_seconds
        Of a cache: how long to wait for another process that is writing. [s]
    clock
        The time, for tests. [s since 1970]
    progress
        Told how far it has come.

    Raises
    ------
    NewerVersion
        If a newer jitnas_fn wrote to it. Nothing is changed then.
    NoStore
        If it is a snapshot, which is only replaced as a whole.
    StoreError
        If the disk does not take it, or somebody else is at it; nothing that was there is harmed.
    """
    if place.kind == SNAPSHOT:
        raise NoStore(f"{shown(place.path)} is a published snapshot, which is never changed: publish it again, or get it again")
    if place.kind == CACHE:
        return _repaired_cache(place.path, lock_timeout_seconds, progress)
    return SharedRepair(place.path, idle_seconds=idle_seconds, clock=clock, progress=progress).made()


def _repaired_cache(path: Path, lock_timeout_seconds: float, progress: Progress) -> Repaired:
    done = Repaired(path)
    if not path.exists():
        return done
    try:
        with LockedLog(path, lock_timeout_seconds=lock_timeout_seconds).held():
            _mend(path, done, progress)
    except StoreError:
        raise
    except OSError as reason:
        raise failure(path, "repaired", reason) from None
    return done


def _mend(path: Path, done: Repaired, progress: Progress) -> None:
    """Read the whole file, then change what must be; the lock is held."""
    index = IndexCheck(path.with_name(f"{path.name}.index"))
    with opened(path, follow=True, writing=True) as file:
        size, end, damaged = file.seek(0, io.SEEK_END), 0, list[tuple[int, int]]()
        meter = Meter(progress, size)
        file.seek(0)
        while line := next_line(file):
            content, length = line
            if not index.take(content, end + length):
                damaged.append((end, length))
            end += length
            meter.advance(length)
        whole = is_whole_entry(file, end)
        if damaged or (end < size and not whole):
            corrupt = CorruptFile(path.with_name(f"{path.name}.corrupt"))
            done.aside, done.damaged = str(corrupt.path), len(damaged)
            for begins, length in damaged:
                corrupt.add(file, begins, length)
            if end < size and not whole:
                corrupt.add(file, end, size - end)
                done.torn, done.torn_bytes = 1, size - end
        cut_or_end(file, end, whole=whole)
        done.ended = int(whole)
    done.indexes = int(index.remove_if_wrong())
