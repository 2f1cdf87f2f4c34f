"""The records of a published table, made when they are asked for: each network once, its rows as replicates under one key."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.entry import Entry
from jitnas_fn.core.errors import StoreError
from jitnas_fn.core.interfaces import Cursor
from jitnas_fn.core.published import Published
from jitnas_fn.core.record import Record, best
from jitnas_fn.core.tabulated import Figure, Row, Table
from jitnas_fn.core.tabulated_seconds import Seconds
from jitnas_fn.core.task import HASH, Task, task_of

KEPT = 16_384  # keys whose records stay in memory, some 3 KB each
COUNTER = "as published"


class TableStore:
    """A table as a store, read-only.

    Parameters
    ----------
    table
        What it is.
    rows
        Of its file.
    sha256
        Of the text of its file.
    fingerprints
        Dataset → the fingerprint of each row's network.
    cards
        Dataset → its card.
    plans
        Recipe → what the table was published with.

    Attributes
    ----------
    seconds
        How long the trainings took.
    """

    def __init__(
        self,
        table: Table,
        rows: Sequence[Row],
        *,
        sha256: str,
        fingerprints: Mapping[str, Sequence[str]],
        cards: Mapping[str, Dataset],
        plans: Mapping[str, Published],
    ) -> None:
        self.table, self.rows, self.sha256 = table, rows, sha256
        self.seconds = Seconds(table, rows)
        self._cards, self._plans = cards, plans
        self._places: dict[bytes, tuple[Task, tuple[int, ...]]] = {}
        for dataset, names in fingerprints.items():
            for fingerprint, members in _grouped(names).items():
                for plan in plans.values():
                    task = task_of(fingerprint, cards[dataset], plan, 0)
                    self._places[bytes.fromhex(task.key)] = task, members
        self._best = lru_cache(KEPT)(lambda key: best(self._made(key)))
        self._drawn = lru_cache(KEPT)(self._record)

    @property
    def networks(self) -> int:
        """How many different networks there are."""
        first = next(iter(self._cards))
        return len({task.fingerprint for task, _ in self._places.values() if task.dataset == first})

    def get(self, key: str) -> Record | None:
        """The record that stands for `key`; None if the table has none."""
        found: Record | None = self._best(key)
        return found

    def drawn(self, key: str, seed: int) -> Record | None:
        """One of the rows of a network, drawn by a seed: the same row for all recipes. None if the table has no such key."""
        place = self._place(key)
        if place is None:
            return None
        task, members = place
        number = int.from_bytes(hashlib.sha256(f"{seed} {task.fingerprint}".encode()).digest()[:8], "little")
        return self._drawn(task, members[number % len(members)])

    def replicates(self, key: str) -> list[Record]:
        """Every row of the network, best first."""
        return sorted(self._made(key), key=lambda record: record.order, reverse=True)

    def records(self) -> Iterator[Record]:
        """Every record that the table makes."""
        return (record for key in self._places for record in self._made(key.hex()))

    def every_line(self) -> Iterator[bytes]:
        """Nothing: what others have published is asked for by its key, and stands apart from what was trained here."""
        return iter(())

    def record_ids(self) -> list[str]:
        """Ids of all records."""
        return [record.record_id for record in self.records()]

    def since(self, cursor: Cursor, *, max_bytes: int | None = None) -> tuple[list[Entry], Cursor]:
        """Nothing: a table is imported, never synchronised."""
        return [], cursor

    def document(self, fingerprint: str) -> dict[str, Any] | None:
        """None: documents are built from the points of its space."""
        return None

    def is_retracted(self, record_id: str) -> bool:
        """No: a table is as it was published."""
        return False

    def put(self, record: Record) -> NoReturn:
        """Refuse."""
        self._refuse()

    def append(self, entry: Entry) -> NoReturn:
        """Refuse."""
        self._refuse()

    def extend(self, entries: Iterable[Entry]) -> NoReturn:
        """Refuse."""
        self._refuse()

    def take(self, lines: Iterable[bytes]) -> NoReturn:
        """Refuse."""
        self._refuse()

    def __len__(self) -> int:
        return sum(len(members) for _, members in self._places.values())

    def _refuse(self) -> NoReturn:
        raise StoreError(f"table {self.table.name} is read-only: put records into your own cache, in front of it")

    def _made(self, key: str) -> list[Record]:
        place = self._place(key)
        if place is None:
            return []
        task, members = place
        return [self._record(task, member) for member in members]

    def _place(self, key: str) -> tuple[Task, tuple[int, ...]] | None:
        """The task of a key, and its rows."""
        return self._places.get(bytes.fromhex(key)) if HASH.fullmatch(key) else None

    def _record(self, task: Task, member: int) -> Record:
        row = self.rows[member]
        figure = next(one for one in row.figures if (one.dataset, one.recipe) == (task.dataset, task.recipe.name))
        card, (parameters, macs) = self._cards[task.dataset], row.sizes.get(task.dataset, (None, None))
        seconds, estimated = self.seconds.of(row, figure)
        return Record(
            key=task.key,
            parts=task.parts,
            dataset={
                "name": card.name,
                "version": card.version,
                "task": card.task,
                "metric": card.metric,
                "direction": card.direction,
                "unit": card.unit,
                "splits": dict(self.table.splits_of.get((card.name, figure.recipe), self.table.splits[card.name])),
            },
            recipe=task.recipe.to_dict(),
            verdict="trained",
            curves={},
            metrics={split: {card.metric: value} for split, value in _measured(figure)},
            cost={
                "train_seconds": seconds,
                "evaluation_seconds": None,
                "wall_seconds": seconds,
                "estimated": estimated,
                "joules": None,
                "joules_method": None,
                "peak_bytes": None,
                "attempts": figure.runs,
            },
            size={"parameters": parameters, "macs": macs, "counter": COUNTER},
            environment={},
            provenance={
                "origin": "imported",
                "trust": "imported",
                "token": 0,
                "site": None,
                "table": self.table.name,
                "index": row.index,
                "runs": figure.runs,
                "source": self.table.source,
                "sha256": self.sha256,
                "note": self.table.notes.get(card.name),
            },
        ).sealed(hashlib.sha256(f"{task.key} {row.index}".encode()).hexdigest())  # what everybody can read needs no secret


def _measured(figure: Figure) -> list[tuple[str, float]]:
    pairs = (("validation", figure.validation), ("test", figure.test))
    return [(split, value) for split, value in pairs if value is not None]


def _grouped(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Name → the places where it stands."""
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return {name: tuple(places) for name, places in found.items()}
