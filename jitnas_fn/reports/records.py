"""Where the records of a run are: the table of a replay, else the user's store; and which runs stand beside it."""

import contextlib
from pathlib import Path

from jitnas_fn.client.cache import users_store
from jitnas_fn.client.tables import file_of, open_table
from jitnas_fn.core.errors import JitnasError, NotTabulated, TableError, UnknownName
from jitnas_fn.reports.evidence import Evidence, gathered
from jitnas_fn.search.saved import SavedRun, names
from jitnas_fn.stores.table import TableStore


def at_hand(run: SavedRun, *, table: Path | None = None) -> Evidence:
    """A run with its records, as far as they are here.

    Parameters
    ----------
    run
        Which.
    table
        File of the table that it was replayed on; None for the one that was imported.

    Raises
    ------
    TableError
        If the file is not the one that the run was made with, or the run was made with none.
    RecordError, RecipeError, NewerVersion
        If the run cannot be read, or no search of it has come to its end.
    """
    if run.asked.table is None:
        if table is not None:
            raise TableError(f"run {run.name[:120]} is no replay: its records are in your store, not in {table}")
        return gathered(run, users_store())
    name, sha256 = run.asked.table["name"], run.asked.table.get("sha256")
    found = _imported(name) if table is None else open_table(name, table)
    if found is not None and found.sha256 != sha256:
        if table is not None:
            raise TableError(f"run {run.name[:120]} was made with another file than {table}: one of SHA-256 {sha256}")
        found = None
    return gathered(run, None, table=found)


def beside(run: SavedRun) -> list[Evidence]:
    """The user's runs in the same space and by the same recipe on other datasets; a replay has all of that in its table."""
    found = []
    for name in names() if run.asked.table is None else ():
        with contextlib.suppress(JitnasError):
            other = SavedRun.opened(name)
            alike = (other.asked.space, other.asked.ladder[-1]) == (run.asked.space, run.asked.ladder[-1])
            own = other.asked.dataset["name"] == run.asked.dataset["name"]
            if alike and not own and other.asked.table is None:
                found.append(gathered(other, None))
    return found


def _imported(name: str) -> TableStore | None:
    try:
        return open_table(name, file_of(name))
    except (NotTabulated, UnknownName):
        return None
