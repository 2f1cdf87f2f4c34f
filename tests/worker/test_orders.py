import copy
import dataclasses

import pytest

from jitnas_fn.core import shelf
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES
from jitnas_fn.core.errors import (
    DatasetError,
    DocumentError,
    EnvelopeError,
    FingerprintMismatch,
    NewerVersion,
    NotAllowed,
    OutputMismatch,
    PayloadTooLarge,
    RecipeError,
    TaskError,
    UnknownName,
)
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import Limits, Task
from jitnas_fn.worker.orders import order_of
from jitnas_fn.worker.site import current
from tests.client.models import small
from tests.worker.asking import item_of

GOOD = item_of(lambda: small(outputs=4))
OTHER = item_of(lambda: small(outputs=4, channels=5))
PICKLED = item_of(lambda: small(outputs=4), payload="cloudpickle")
OPAQUE = "opaque-12345678-1234-1234-1234-123456789abc"
PLAIN = shelf.take("recipes", "instant").RECIPE


def _with(item, **changes):
    """A copy with other values; `parts__seed` is the seed in parts."""
    item = copy.deepcopy(item)
    for name, value in changes.items():
        *way, last = name.split("__")
        holder = item
        for step in way:
            holder = holder[step]
        holder[last] = value
    return item


def _announced_as(item, fingerprint, recipe=PLAIN):
    """`item` under another fingerprint, with the key that belongs to it."""
    card = shelf.take("datasets", item["dataset"]).DATASET
    task = Task(fingerprint, card.name, card.sha256, recipe, 0)
    return _with(item, key=task.key, parts=task.parts, recipe=recipe.to_dict())


def test_a_good_task_is_understood():
    order = order_of(_with(GOOD, limits={"seconds": 5}), current())
    assert order.task.key == GOOD["key"]
    assert order.limits == Limits(seconds=5)
    assert not order.is_code
    assert order_of(_with(GOOD, limits=None), current()).limits == Limits()
    assert order_of(PICKLED, current()).is_code


WRONG = [
    ("nonsense", EnvelopeError, "a task is a JSON object, not str"),
    (_with(GOOD, parts=None), EnvelopeError, "parts is a JSON object"),
    (_with(GOOD, recipe=[]), EnvelopeError, "recipe is a JSON object"),
    (_with(GOOD, payload="x"), EnvelopeError, "payload is a JSON object"),
    (_with(GOOD, limits=[1]), EnvelopeError, "limits is a JSON object"),
    (_with(GOOD, payload__format="exec"), EnvelopeError, "no payload format 'exec'; there are graph, cloudpickle"),
    (_with(GOOD, payload__format=["graph"]), EnvelopeError, "no payload format"),
    (_with(GOOD, dataset="imagenet"), UnknownName, "no 'imagenet' in datasets; there are digits, synthetic"),
    (_with(GOOD, dataset="../synthetic"), UnknownName, "in datasets"),
    (_with(GOOD, dataset=5), EnvelopeError, "dataset is a name"),
    (_with(GOOD, dataset="digits"), DatasetError, "content hash c4fc4e23.* here; the task was made for 48504c4d"),
    (_with(GOOD, recipe__epochs=1), TaskError, "is not the hash of this task's parts"),
    (_with(GOOD, recipe__epochs=-1), RecipeError, "epochs"),
    (_with(GOOD, recipe__loss="mse"), RecipeError, "mse does not suit classification"),
    (_with(GOOD, recipe__rotation=5), NewerVersion, "fields that this version does not know: rotation"),
    (_with(GOOD, parts__seed=1), TaskError, "is not the hash of this task's parts"),
    (_with(GOOD, parts__seed=-1), TaskError, "a seed is"),
    (_with(GOOD, parts__seed=True), TaskError, "a seed is"),
    (_with(GOOD, parts__key_version=2), TaskError, "is not the hash"),
    (_with(GOOD, parts__extra=2), TaskError, "is not the hash"),
    (_with(GOOD, parts__fingerprint=[5]), TaskError, "a fingerprint is"),
    (_with(GOOD, key="c" * 64), TaskError, "is not the hash of this task's parts"),
    (_with(GOOD, payload=OTHER["payload"]), FingerprintMismatch, "announced was fingerprint"),
    (_with(GOOD, payload__document=5), EnvelopeError, "document is a JSON object"),
    (_with(GOOD, payload__document={}), DocumentError, "document"),
    (_announced_as(GOOD, OPAQUE), FingerprintMismatch, "a document has a fingerprint"),
    (_announced_as(GOOD, GOOD["parts"]["fingerprint"], dataclasses.replace(PLAIN, resolution=4)), OutputMismatch, "1×4×4"),
    (_with(GOOD, limits={"seconds": -1}), TaskError, "limit seconds is a finite number above 0"),
    (_with(GOOD, limits={"memory_bytes": "all"}), TaskError, "limit memory_bytes"),
    (_with(PICKLED, payload__data=5), EnvelopeError, "a cloudpickle payload is"),
    (_with(PICKLED, payload__input_shape=[]), EnvelopeError, "input_shape is a list"),
    (_with(PICKLED, payload__input_shape=[1, -8, 8]), EnvelopeError, "input_shape is a list"),
    (_with(PICKLED, payload__input_shape=[True, 8, 8]), EnvelopeError, "input_shape is a list"),
    (_with(PICKLED, payload__initialisation="zero"), EnvelopeError, "initialisation is one of as built, default, not 'zero'"),
    (_with(PICKLED, payload__initialisation=["default"]), EnvelopeError, "initialisation is one of"),
    (_with(PICKLED, payload__data="A" * (MAX_PAYLOAD_BYTES + 1)), PayloadTooLarge, "8,000,001 characters"),
]


@pytest.mark.parametrize(("item", "error", "words"), WRONG, ids=[f"{i}-{case[2][:30]}" for i, case in enumerate(WRONG)])
def test_a_wrong_task_is_refused_before_anything_is_started(item, error, words, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(error, match=words):
        order_of(item, current())


def test_an_architecture_for_another_dataset_is_refused():
    ten = item_of(small, dataset="digits")
    with pytest.raises(OutputMismatch, match="answers 10 for one sample; synthetic needs 4"):
        order_of(_with(_announced_as(GOOD, ten["parts"]["fingerprint"]), payload=ten["payload"]), current())


def test_code_is_refused_where_it_is_not_accepted(site):
    with pytest.raises(NotAllowed, match="accepts graph"):
        order_of(PICKLED, site(accepts=("graph",)))


def test_documents_are_refused_where_they_are_not_accepted(site):
    with pytest.raises(NotAllowed, match="accepts cloudpickle"):
        order_of(GOOD, site(accepts=("cloudpickle",)))


def test_a_recipes_name_is_no_part_of_the_key():
    order = order_of(_with(GOOD, recipe__name="another name"), current())
    assert order.task.recipe.name == "another name"
    assert order.task.key == GOOD["key"]


def test_recipes_of_equal_hash_are_equal_but_for_the_name():
    assert Recipe.from_dict(GOOD["recipe"]) == PLAIN
