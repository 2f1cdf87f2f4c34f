"""Write `fingerprints.json`: the fingerprint and key of every network in `models.py` and `models_2.py`, and some documents.

Run `python -m tests.golden.fingerprints` after adding networks, or after raising a version (opset, key, recipe) for a reason
that the CHANGELOG gives. A changed line without a raised version would void the records of everybody who has that network.
"""

import json
from pathlib import Path

from jitnas_fn.core import shelf
from jitnas_fn.core.task import Task
from jitnas_fn.graphs.architecture import Architecture
from tests.golden.models import IMAGE, MODELS
from tests.golden.models_2 import MODELS_2

FILE = Path(__file__).with_name("fingerprints.json")
ALL = MODELS | MODELS_2
IN_FULL = ("linear", "residual", "batch_norm_called_twice", "zero_gate", "causal", "lstm_forget_gate", "copied_layers")


def frozen() -> dict[str, object]:
    """What the file holds."""
    found: dict[str, object] = {}
    for name, builder in ALL.items():
        architecture = Architecture.from_module(builder, input_shape=IMAGE)
        entry = {"fingerprint": architecture.fingerprint, "key": key_of(architecture.fingerprint)}
        entry |= {"parameters": architecture.parameters, "macs": architecture.macs}
        found[name] = {**entry, "document": architecture.to_json()} if name in IN_FULL else entry
    return found


def key_of(fingerprint: str) -> str:
    """The key of an architecture on digits with the quick recipe and seed 7."""
    dataset, recipe = shelf.take("datasets", "digits").DATASET, shelf.take("recipes", "quick").RECIPE
    return Task(fingerprint, dataset.name, dataset.sha256, recipe, 7).key


if __name__ == "__main__":
    FILE.write_text(json.dumps(frozen(), indent=1, sort_keys=True) + "\n", encoding="ascii")
