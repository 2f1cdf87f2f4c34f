"""What a way to search is told: records without their test part, which is read once, when the search is over."""

import dataclasses
from typing import Any

from jitnas_fn.core.errors import NotAllowed
from jitnas_fn.core.record import Record


class Sealed(dict[str, Any]):
    """The metrics or curves of a record without its test part: who asks for that is told why there is none."""

    def __missing__(self, name: str) -> Any:
        if name == "test":
            raise NotAllowed("the test part is sealed while a search runs: it chooses on validation; test is read at its end")
        raise KeyError(name)


def sealed(record: Record) -> Record:
    """The record without its test part; who asks for that is told why. Whoever changes it changes a copy."""
    shut = record.redacted()
    own = {one.name: _copied(getattr(shut, one.name)) for one in dataclasses.fields(shut)}
    return Record(**{**own, "metrics": Sealed(own["metrics"]), "curves": Sealed(own["curves"])})


def _copied(value: Any) -> Any:
    """The same JSON values in other containers."""
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value
