"""Records as a table for spreadsheets and pandas, or as JSON lines.

One row or line for each record that is not retracted, sorted by dataset, fingerprint, recipe and seed. As JSON lines it is the
canonical JSON of the record, which verifies again. The columns of the table are `COLUMNS`.
"""

import csv
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from jitnas_fn.core.errors import UnknownName
from jitnas_fn.core.interfaces import Store
from jitnas_fn.core.record import Record

FORMULA = "=+-@\t\r＝＋－＠"  # what spreadsheets take for the beginning of a formula, wide letters too
MOST_LETTERS = 1_000  # in a cell
Cell = str | int | float | None

COLUMNS: dict[str, Callable[[Record], Any]] = {
    "key": lambda record: record.key,
    "record_id": lambda record: record.record_id,
    "fingerprint": lambda record: record.parts["fingerprint"],
    "dataset": lambda record: record.dataset.get("name"),
    "dataset_version": lambda record: record.dataset.get("version"),
    "dataset_sha256": lambda record: record.parts["dataset"],
    "recipe": lambda record: record.recipe.get("name"),
    "recipe_sha256": lambda record: record.parts["recipe"],
    "seed": lambda record: record.parts["seed"],
    "verdict": lambda record: record.verdict,
    "epochs": lambda record: record.recipe.get("epochs"),
    "metric": lambda record: record.dataset.get("metric"),
    "validation": lambda record: _measured(record, "validation"),
    "test": lambda record: _measured(record, "test"),
    "parameters": lambda record: record.size.get("parameters"),
    "macs": lambda record: record.size.get("macs"),
    "train_seconds": lambda record: record.cost.get("train_seconds"),
    "joules": lambda record: record.cost.get("joules"),
    "limit_seconds": lambda record: (record.limits or {}).get("seconds"),
    "limit_memory_bytes": lambda record: (record.limits or {}).get("memory_bytes"),
    "device": lambda record: record.environment.get("device"),
    "site": lambda record: record.provenance.get("site"),
    "trust": lambda record: record.provenance.get("trust"),
    "origin": lambda record: record.provenance.get("origin"),
    "payload": lambda record: record.provenance.get("payload"),
    "created": lambda record: record.provenance.get("created"),
}
"""Column → what is in it. `validation` and `test` are the final values of `metric`, in the unit of the dataset (accuracy as a
fraction); `test` is empty where the test part was taken out. Seconds, bytes, joules name their unit. A limit is there
where it was hit. An empty cell: there was none."""


def write_csv(records: Iterator[Record], stream: TextIO) -> int:
    """Write a table with a heading; the number of records."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    count = 0
    for record in records:
        table.writerow([_cell(column(record)) for column in COLUMNS.values()])
        count += 1
    return count


def write_jsonl(records: Iterator[Record], stream: TextIO) -> int:
    """Write a line of canonical JSON for each record; the number of records."""
    count = 0
    for record in records:
        stream.write(f"{record.to_json()}\n")
        count += 1
    return count


FORMATS = {"csv": write_csv, "jsonl": write_jsonl}


def writer_for(name: str) -> Callable[[Iterator[Record], TextIO], int]:
    """The function that writes a format; raises `UnknownName`."""
    if name not in FORMATS:
        raise UnknownName(f"no format {name[:40]!r} to export to; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def in_order(store: Store) -> Iterator[Record]:
    """Every record that is not retracted, sorted. Only what they are sorted by is held in memory."""
    keys = {_place(record) for record in store.records()}
    for *_, key in sorted(keys):
        yield from sorted(store.replicates(str(key)), key=lambda record: record.record_id)


def _place(record: Record) -> tuple[str, str, str, str, str, int, str]:
    """By what it is sorted: names before hashes, so that people find it; the key is the last."""
    parts = record.parts
    dataset, recipe = str(record.dataset.get("name")), str(record.recipe.get("name"))
    seed = -1 if parts["seed"] is None else parts["seed"]
    return dataset, parts["dataset"] or "", parts["fingerprint"], recipe, parts["recipe"], seed, record.key


def _measured(record: Record, split: str) -> Any:
    return record.metrics.get(split, {}).get(str(record.dataset.get("metric")))


def _cell(value: object) -> Cell:
    """A value for a spreadsheet: a number as it is; text that cannot be taken for a formula, nor move a terminal's cursor."""
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[:MOST_LETTERS])
    return f"'{text}" if str(value).lstrip(" ").startswith(tuple(FORMULA)) else text
