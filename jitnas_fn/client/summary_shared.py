"""What shared storage has beyond what is kept on this machine."""

from pathlib import Path

from jitnas_fn.client.cache import opened
from jitnas_fn.client.summary import Kept
from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import NewerVersion, StoreError


def shared_beyond(folder: Path, here: Kept) -> Json:
    """How many records a shared store has, and how many of them come to what is here. No record is read, only their ids.

    Parameters
    ----------
    folder
        Of the shared store.
    here
        What the user's cache and the snapshot hold.

    Returns
    -------
    Json
        {path, reached, records, new_records, trouble}; of a store that cannot be read the counts are None, and `trouble` says
        why, which is None otherwise.
    """
    try:
        ids = opened(folder).record_ids()
    except (StoreError, NewerVersion) as trouble:
        return {"path": str(folder), "reached": False, "records": None, "new_records": None, "trouble": str(trouble)}
    new = sum(name not in here.rows and name not in here.withdrawn for name in ids)
    return {"path": str(folder), "reached": True, "records": len(ids), "new_records": new, "trouble": None}
