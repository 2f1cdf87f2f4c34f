"""What a user has without asking anybody: the own cache, the published snapshot, and shared storage where there is any."""

import warnings
from pathlib import Path

from jitnas_fn import settings
from jitnas_fn.client.ledger import Ledger
from jitnas_fn.client.tables import imported_tables
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.careful import shown
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.places import SHARED, NoStore, Place, place_at
from jitnas_fn.stores.reachable import ReachableStore
from jitnas_fn.stores.segments import SegmentStore
from jitnas_fn.stores.snapshot import MANIFEST, SnapshotStore
from jitnas_fn.stores.tinydb import TinyStore

LOOK_SECONDS = 1.0  # for which a look at shared storage answers many look-ups


def users_store(*, imported: bool = False) -> LayeredStore:
    """The user's cache over the published snapshot, and over the shared store `$JITNAS_SHARED` while that can be read.

    Parameters
    ----------
    imported
        Whether the tables that were imported lie below.
    """
    folder = settings.shared()
    shared = [] if folder is None else [ReachableStore(lambda: opened(folder))]
    tables = imported_tables() if imported else []
    return LayeredStore([users_cache(), published(), *shared, *tables])


def opened(folder: Path) -> SegmentStore:
    """A shared store that is there already; raises `StoreError` if it is not, as in a mount point where nothing is mounted."""
    try:
        return SegmentStore(shared_at(folder).path, look_seconds=LOOK_SECONDS)
    except NoStore as reason:
        raise StoreError(
            f"there is no shared store in {shown(folder)}: is it mounted? (JITNAS_SHARED names it; {reason})"
        ) from None


def shared_at(folder: Path) -> Place:
    """The place of a shared store; raises `NoStore` if none is there, so that none is made by mistake."""
    place = place_at(folder)
    if place.kind != SHARED:
        raise NoStore(f"{shown(folder)} is a {place.kind}: give the folder of a shared store")
    return place


def users_cache() -> TinyStore:
    """Records that were trained or fetched on this machine, in `JITNAS_HOME`; raises `StoreError`."""
    return TinyStore(settings.home() / "cache.jsonl")


def users_ledger() -> Ledger:
    """Where it is counted what the user's store is asked, in `JITNAS_HOME`; raises `StoreError`."""
    return Ledger(settings.home())


def published() -> SnapshotStore | MemoryStore:
    """The snapshot that comes with jitnas_fn. Where there is none, or one that cannot be used (a warning says so): nothing."""
    folder = settings.snapshot()
    if not (folder / MANIFEST).is_file():
        return MemoryStore()
    try:
        return SnapshotStore(folder, index=settings.home() / "snapshot.index")
    except (StoreError, NewerVersion) as trouble:
        warnings.warn(f"the published snapshot is left out: {trouble}", RuntimeWarning, stacklevel=2)
        return MemoryStore()
