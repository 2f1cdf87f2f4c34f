"""Published tables: opened from a file, or imported into the user's home, where whoever accepts them finds them again."""

import os
import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jitnas_fn import settings
from jitnas_fn.core import shelf
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import JitnasError, NotTabulated, StoreError
from jitnas_fn.core.published import Published
from jitnas_fn.core.tabulated import Table
from jitnas_fn.graphs.space import Point, Space
from jitnas_fn.stores.aliases import AliasBook
from jitnas_fn.stores.table import TableStore

FOLDER, SUFFIX = "tables", ".csv.gz"
FEW, BATCH = 200, 100  # networks that are built sooner than processes are started for them; and for each call of one
MANY = 2_000  # networks that are built for so long that somebody wants to know
Show = Callable[[int, int], None]


def quietly(done: int, total: int) -> None:
    """Show nothing."""


def aliases() -> AliasBook:
    """The fingerprints that this machine knows."""
    return AliasBook(settings.home() / "aliases")


def table_named(name: str) -> Table:
    """What a table is; raises `UnknownName`, which lists those there are."""
    table = shelf.take("tables", name).TABLE
    assert isinstance(table, Table)
    return table


def open_table(
    name: str, file: str | os.PathLike[str], *, book: AliasBook | None = None, workers: int = 1, show: Show = quietly
) -> TableStore:
    """The records of a published table.

    Parameters
    ----------
    name
        Which: nasbench201, nasbench101 or nasbench_macro.
    file
        Its comma-separated form; `jitnas_fn.tables` says which columns that has.
    book
        Where fingerprints are looked up and kept; None for the user's own.
    workers
        Processes that build the networks whose fingerprints nobody knows yet. With more than one, a script needs a main guard.
    show
        Called with how many networks were built, and of how many: only those that nobody has built before.

    Raises
    ------
    UnknownName
        If there is no such table.
    TableError
        If the file is not that table.
    """
    table = table_named(name)
    rows, sha256 = table.read(Path(file))
    space, points = shelf.take("spaces", table.space).SPACE, [row.point for row in rows]
    book = aliases() if book is None else book
    cards = {dataset: card_named(dataset) for dataset in table.splits}
    return TableStore(
        table,
        rows,
        sha256=sha256,
        fingerprints={
            dataset: fingerprints(space, points, card, book, workers=workers, show=show) for dataset, card in cards.items()
        },
        cards=cards,
        plans={recipe: _plan(recipe) for recipe in table.epochs},
    )


def fingerprints(
    space: Space, points: Sequence[Point], card: Dataset, book: AliasBook, *, workers: int = 1, show: Show = quietly
) -> list[str]:
    """The fingerprint of each point; those that nobody knows are built and kept.

    Raises
    ------
    PointError
        If one is no point of the space.
    """
    shape, outputs = card.input_shape, card.outputs
    known = {point: name for point in points if (name := book.get(space, point, shape, outputs)) is not None}
    unknown = list(dict.fromkeys(point for point in points if point not in known))
    if len(unknown) > MANY and show is quietly:
        text = f"{len(unknown):,} networks of {space.name} are built once, by each version of jitnas_fn: this takes minutes"
        warnings.warn(text, RuntimeWarning, stacklevel=3)
    done = 0
    for pairs in _built(space, unknown, shape, outputs, workers):
        book.extend(space, pairs, shape, outputs)
        known.update(pairs)
        done += len(pairs)
        show(done, len(unknown))
    return [known[point] for point in points]


def import_table(name: str, file: str | os.PathLike[str], *, workers: int = 1, show: Show = quietly) -> TableStore:
    """Take a table into the user's home, after reading all of it; one that was there under this name is replaced.

    Raises
    ------
    UnknownName, TableError
        As `open_table`.
    StoreError
        If it cannot be kept.
    """
    store = open_table(name, file, workers=workers, show=show)
    place = settings.home() / FOLDER / f"{store.table.name}{SUFFIX}"
    draft = place.with_name(f".{secrets.token_hex(8)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(Path(file).read_bytes())
        draft.replace(place)
    except OSError as reason:
        draft.unlink(missing_ok=True)
        raise StoreError(f"table {name} cannot be kept in {place.parent} ({reason})") from None
    return store


def file_of(name: str) -> Path:
    """The file of a table that was imported.

    Raises
    ------
    NotTabulated
        If it was not.
    """
    path = settings.home() / FOLDER / f"{table_named(name).name}{SUFFIX}"
    if not path.is_file():
        raise NotTabulated(
            f"table {name} is not here: name its file with --table, or import it once: jitnas cache import --table {name} FILE"
        )
    return path


def imported_names() -> list[str]:
    """Names of the tables in the user's home."""
    folder = settings.home() / FOLDER
    there = {path.name for path in folder.glob(f"*{SUFFIX}") if path.is_file()} if folder.is_dir() else set()
    return [name for name in shelf.names("tables") if f"{name}{SUFFIX}" in there]


def imported_tables() -> list[TableStore]:
    """The tables in the user's home; one that is damaged is left out, and a warning says so."""
    found = []
    for name in imported_names():
        try:
            found.append(open_table(name, file_of(name)))
        except JitnasError as trouble:
            warnings.warn(f"the imported table {name} is left out: {trouble}", RuntimeWarning, stacklevel=2)
    return found


def _plan(recipe: str) -> Published:
    plan = recipe_named(recipe)
    assert isinstance(plan, Published)
    return plan


def _built(
    space: Space, points: Sequence[Point], shape: tuple[int, ...], outputs: int, workers: int
) -> Iterator[list[tuple[Point, str]]]:
    """Points with their fingerprints, batch by batch."""
    batches = [points[start : start + BATCH] for start in range(0, len(points), BATCH)]
    arguments = [(space, batch, shape, outputs) for batch in batches]
    if workers == 1 or len(points) <= FEW:
        yield from map(_build, arguments)
        return
    from jitnas_fn.client.workers import processes  # look-ups by key, which are many, have no need of it

    with processes(workers) as pool:
        yield from pool.map(_build, arguments)


def _build(arguments: tuple[Space, Sequence[Point], tuple[int, ...], int]) -> list[tuple[Point, str]]:
    space, points, shape, outputs = arguments
    return [(point, space.architecture(point, shape, outputs).fingerprint) for point in points]
