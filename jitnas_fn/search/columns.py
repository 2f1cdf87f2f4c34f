"""A search on a line of text: the steps stand in columns, so that a line is short, and is read fast."""

import dataclasses
import json
import re
from typing import Any

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import RecordError
from jitnas_fn.search.found import Found, Step

MOST_BRACKETS = 100_000  # of a line: some for columns, one each time that the best changed; else it would fill the memory
TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
COLUMNS = [one.name for one in dataclasses.fields(Step) if one.name != "number"]


def packed(found: Found) -> Json:
    """A search as JSON values."""
    columns = {name: [getattr(step, name) for step in found.steps] for name in COLUMNS}
    return {**dataclasses.asdict(dataclasses.replace(found, steps=())), "steps": columns}


def unpacked(line: bytes) -> Found | None:
    """The search on a line; None if there is none."""
    if _brackets(line) > MOST_BRACKETS and _brackets(TEXT.sub(b"", line)) > MOST_BRACKETS:  # points may be of brackets
        return None
    try:
        fields: dict[str, Any] = json.loads(line)
        rows = zip(*(fields["steps"][name] for name in COLUMNS), strict=True)
        steps = [dict(zip(["number", *COLUMNS], [number, *row], strict=True)) for number, row in enumerate(rows, start=1)]
        if not isinstance(fields["method"], str) or type(fields["seed"]) is not int:
            return None
        return Found.from_dict({**fields, "steps": steps})
    except (ValueError, KeyError, TypeError, RecursionError, RecordError):
        return None


def _brackets(line: bytes) -> int:
    return line.count(b"[") + line.count(b"{")
