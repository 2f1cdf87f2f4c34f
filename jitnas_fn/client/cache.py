"""What a user has without asking anybody: the own cache over the published snapshot."""

import warnings

from jitnas_fn import settings
from jitnas_fn.client.ledger import Ledger
from jitnas_fn.core.errors import NewerVersion, StoreError
from jitnas_fn.stores.layered import LayeredStore
from jitnas_fn.stores.memory import MemoryStore
from jitnas_fn.stores.snapshot import MANIFEST, SnapshotStore
from jitnas_fn.stores.tinydb import TinyStore


def users_store() -> LayeredStore:
    """The user's cache over the published snapshot."""
    return LayeredStore([users_cache(), published()])


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
