"""`jitnas explain`: the nearest architectures, for people and as JSON."""

import dataclasses
import json

from torch import nn

from jitnas_fn.client.cache import users_cache
from jitnas_fn.client.request import understood
from jitnas_fn.core.entry import architecture_entry
from tests.samples import a_record

FILE = """
from torch import nn

def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
"""


def another():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))


def test_the_nearest_architecture_in_the_users_cache_is_told(jitnas, tmp_path):
    request = understood(another, dataset="digits", recipe="instant", seed=2)
    plan = request.task.recipe.to_dict()
    record = dataclasses.replace(a_record(accuracy=0.75), key=request.task.key, parts=request.task.parts, recipe=plan)
    store = users_cache()
    store.append(architecture_entry(request.architecture.fingerprint, request.architecture.document))
    store.put(record.sealed())
    (tmp_path / "models.py").write_text(FILE, "utf-8")

    words = ["explain", tmp_path / "models.py:network", "--dataset", "digits", "--recipe", "instant"]
    code, out, _ = jitnas(*words)
    assert code == 0
    assert out.splitlines()[-1] == "  - The ReLU of A is a tanh in B."
    assert "1 of 4 layers differs; 90 parameters; 1 record, validation accuracy 0.75 with instant" in out
    code, out, _ = jitnas(*words, "--json")
    assert code == 0
    (one,) = json.loads(out)["nearest"]
    assert (one["fingerprint"], one["distance"], one["best"]) == (request.architecture.fingerprint, 1, 0.75)
    assert one["differences"] == ["The ReLU of A is a tanh in B."]
