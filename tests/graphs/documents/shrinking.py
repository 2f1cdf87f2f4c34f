"""A failing document, made smaller."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

from tests.graphs.documents.promises import guarded


def kind_of(what: str) -> str:
    """A failure without its numbers."""
    return re.sub(r"[^a-zA-Z_ ]", "", what)[:50]


def smaller(text: str, what: str, *, trials: int = 300) -> str:
    """A document that fails alike with as much taken out of it as a few hundred trials find."""
    try:
        document = json.loads(text)
        while trials > 0:
            for trial in _lesser(document):
                trials -= 1
                if kind_of(guarded(json.dumps(trial))[1]) == kind_of(what):
                    document = trial
                    break
                if trials <= 0:
                    break
            else:
                break
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text  # too broken to be made smaller
    return json.dumps(document)


def _lesser(document: Any) -> Iterator[Any]:
    """The document without one of its parts. What read a node reads that node's input instead."""
    for kind, letter in (("nodes", "n"), ("parameters", "p"), ("buffers", "b"), ("outputs", "")):
        for i in reversed(range(len(document[kind]))):
            trial = copy.deepcopy(document)
            gone = trial[kind].pop(i)
            renamed = {f"{letter}{k}": f"{letter}{k - 1}" for k in range(i + 1, len(document[kind]))} if letter else {}
            if kind == "nodes" and gone["inputs"]:
                renamed[f"n{i}"] = gone["inputs"][0][1]
            for edge in (edge for node in trial["nodes"] for edge in node["inputs"]):
                edge[1] = renamed.get(edge[1], edge[1])
            trial["outputs"] = [renamed.get(name, name) for name in trial["outputs"]]
            yield trial
