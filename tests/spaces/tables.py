"""Published tables, where this machine has them: a folder beside the repository, or what JITNAS_TABLES names."""

import csv
import gzip
import os
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("JITNAS_TABLES") or Path(__file__).resolve().parents[3] / "shared" / "data")


def rows_of(name):
    """The rows of a table, each a dictionary; skips the test where it is not there."""
    path = FOLDER / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"there is no {path.name} here: JITNAS_TABLES names a folder with it")
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))
