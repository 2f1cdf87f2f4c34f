"""The format as CONTRIBUTING writes it down names the operations and attributes that there are."""

import re
from pathlib import Path

import pytest

from jitnas_fn.graphs.opset import OPERATIONS

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")
FIRST, SECOND = (TEXT.index(start) for start in ("Operations of opset 1, as", "Opset 2 adds:"))
TABLES = {1: TEXT[FIRST:SECOND], 2: TEXT[SECOND : TEXT.index("### Random numbers")]}
ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)


@pytest.mark.parametrize("op", sorted(set(OPERATIONS)))
def test_an_operation_and_its_attributes_are_written_down_under_its_opset(op):
    rows = [cells for cells in ROW.findall(TABLES[OPERATIONS[op].opset]) if op in re.split(r",? ", cells[0])]
    assert len(rows) == 1, f"{op} has {len(rows)} rows"
    words = set(re.findall(r"\w+", rows[0][2]))
    assert set(OPERATIONS[op].attrs) <= words


def test_no_operation_is_written_down_that_there_is_not():
    named = {name for table in TABLES.values() for cells in ROW.findall(table) for name in re.split(r",? ", cells[0])}
    assert named - {"op", "---"} <= set(OPERATIONS)
