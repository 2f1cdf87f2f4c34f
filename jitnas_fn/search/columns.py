"""A search on a line of text: the steps stand in columns, so that a line is short, and is read fast."""

import dataclasses
import json
from typing import Any

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import RecordError
from jitnas_fn.search.found import Found, Step

MOST_BRACKETS = 100_000  # of a line: an object for each time that the best changed, and it may not fill the memory
COLUMNS = [one.name for one in dataclasses.fields(Step) if one.name != "number"]


def packed(found: Found) -> Json:
    """A search as JSON values."""
    columns = {name: [getattr(step, name) for step in found.steps] for name in COLUMNS}
    return {**dataclasses.asdict(dataclasses.replace(found, steps=())), "steps": columns}


def unpacked(line: bytes) -> Found | None:
    """The search on a line; None if there is none."""
    if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:  # steps stand in columns: a few lists, however many they are
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
