"""Documents near a valid one: mutated in their structure and in their bytes."""

import contextlib
import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from jitnas_fn.graphs.opset import OPERATIONS

Path_ = tuple[Any, ...]
ODD: list[Callable[[], Any]] = [
    *[
        lambda: None,
        lambda: True,
        lambda: 0,
        lambda: -1,
        lambda: -0.0,
        lambda: 1e308,
        lambda: 5e-324,
        lambda: 10**9,
        lambda: 10**400,
    ],
    *[lambda: 2**31, lambda: -(2**31), lambda: 2**63, lambda: "", lambda: "\ud800", lambda: "x0", lambda: "n0", lambda: "p0"],
    *[lambda: "b0", lambda: "n9999999", lambda: "1e-400", lambda: "nan", lambda: "inf", lambda: "-0.0", lambda: "x" * 10_000],
    *[list, dict, lambda: [[]], lambda: [-1], lambda: [-1, -1], lambda: [0], lambda: [10**9] * 8, lambda: [1] * 9],
    *[
        lambda: [0] * 20_000,
        lambda: json.loads("[" * 60 + "]" * 60),
        lambda: {"const": 0},
        lambda: {"like": "p0"},
        lambda: "after",
    ],
    *[lambda: {"trunc_normal": [0, 1, 5, 6]}, lambda: {"uniform": [1, 1]}, lambda: {"normal": [0, -1]}, lambda: {"rows": []}],
]
TOKENS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    '"op":"relu",',
    '"\\ud800"',
    "\x00",
    "[" * 2000,
    "9" * 5000,
    "-",
    ",",
    "{",
    "}",
    "1e400",
]


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The path of every value inside."""
    for name, child in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, name)
        yield from places(child, (*path, name))


def at(document: Any, path: Path_) -> Any:
    """The value at `path`."""
    for name in path:
        document = document[name]
    return document


def mutated(draw: random.Random, document: Any, other: Any) -> str:
    """JSON text near `document`."""
    document = copy.deepcopy(document)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 8])):
        known = list(places(document))
        if known:
            _changed(draw, document, draw.choice(known), other)
    text = json.dumps(document)
    while draw.random() < 0.15:
        i, j = sorted(draw.randrange(len(text) + 1) for _ in range(2))
        token = draw.choice([*TOKENS, text[i : min(j, i + 200)], chr(draw.randrange(128))])
        text = text[:i] + token + text[draw.choice([i, i, min(j, i + 3), j if draw.random() < 0.1 else i]) :]
    return text


def _changed(draw: random.Random, document: Any, path: Path_, other: Any) -> None:
    holder, name = at(document, path[:-1]), path[-1]
    value, kind = holder[name], draw.random()
    if type(value) in (int, float) and kind < 0.5:
        holder[name] = draw.choice(
            [value + 1, value - 1, -value, value * 2, value * 10**9, value + 0.5 if abs(value) < 1e9 else 0.5, 1, 0]
        )
    elif isinstance(value, str) and kind < 0.5:
        texts = [v for v in (at(document, p) for p in places(document)) if isinstance(v, str)]
        holder[name] = draw.choice([*texts, *OPERATIONS])
    elif isinstance(value, list) and value and kind < 0.6:
        i, j = draw.randrange(len(value)), draw.randrange(len(value))
        draw.choice([lambda: value.pop(i), lambda: value.insert(j, copy.deepcopy(value[i])), lambda: value.reverse(),
                     lambda: value.extend(copy.deepcopy(value))])()  # fmt: skip
    elif kind < 0.7:
        with contextlib.suppress(KeyError, IndexError, TypeError):
            holder[name] = copy.deepcopy(at(other, path))
    elif kind < 0.75:
        del holder[name]
    else:
        holder[name] = draw.choice(ODD)()
