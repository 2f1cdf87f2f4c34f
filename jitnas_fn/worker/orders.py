"""One task as it comes over the wire: checked in every part before anything is started for it."""

from dataclasses import dataclass
from typing import Any

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.envelope import MAX_PAYLOAD_BYTES, PAYLOADS
from jitnas_fn.core.errors import (
    DatasetError,
    EnvelopeError,
    FingerprintMismatch,
    NotAllowed,
    NotTabulated,
    PayloadTooLarge,
    TaskError,
)
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import OPAQUE, Limits, Task
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.training.shapes import check_recipe
from jitnas_fn.worker.fit import check_architecture
from jitnas_fn.worker.site import Site

INITIALISATIONS = ("as built", "default")
VALIDATIONS = ("passed", "skipped", "not needed", None)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: the task, its dataset's card, the payload and the limits that hold here."""

    task: Task
    card: Dataset
    payload: Json
    limits: Limits

    @property
    def is_code(self) -> bool:
        """Whether the payload is code that runs."""
        return bool(self.payload["format"] == "cloudpickle")

    def to_child(self, device: str) -> Json:
        """The order as a child reads it."""
        return {
            "payload": self.payload,
            "parts": self.task.parts,
            "dataset": self.task.dataset,
            "recipe": self.task.recipe.to_dict(),
            "limits": self.limits.to_dict(),
            "device": device,
        }


def order_of(item: object, site: Site) -> Order:
    """Read one element of `tasks`: {key, parts, dataset, recipe, payload, limits}, which may be hostile.

    Raises
    ------
    EnvelopeError
        If it has not that form.
    NotAllowed
        If the site does not accept the payload's format.
    DatasetError
        If the dataset has another content here.
    FingerprintMismatch
        If the document is not the architecture that was announced.
    TaskError
        If key and parts do not belong together.
    JitnasError
        Whatever else is wrong with dataset, recipe, seed, document or limits.
    """
    fields = _object(item, "a task")
    parts, recipe_fields, payload = (_object(fields.get(name), name) for name in ("parts", "recipe", "payload"))
    payload_format = payload.get("format")
    if "published" in recipe_fields:
        raise NotTabulated(
            f"{str(recipe_fields.get('name'))[:40]} names what others have trained, and is looked up in their table: "
            "nothing is trained by it, and no table that was imported here has this network"
        )
    if payload_format not in PAYLOADS:
        raise EnvelopeError(f"no payload format {str(payload_format)[:40]!r}; there are {', '.join(PAYLOADS)}")
    if payload_format not in site.accepts:
        raise NotAllowed(f"site {site.name!r} does not accept payload {payload_format}; it accepts {', '.join(site.accepts)}")
    card = _card(fields.get("dataset"), parts.get("dataset"))
    recipe = Recipe.from_dict(recipe_fields)
    check_recipe(card, recipe)
    task = Task(parts.get("fingerprint", ""), card.name, card.sha256, recipe, parts.get("seed", -1))
    if task.parts != parts or task.key != fields.get("key"):
        raise TaskError(f"key {str(fields.get('key'))[:12]}… is not the hash of this task's parts, which is {task.key[:12]}…")
    _check_payload(payload, task, card)
    return Order(task, card, payload, site.limits(Limits.from_dict(_object(fields.get("limits") or {}, "limits"))))


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EnvelopeError(f"{what} is a JSON object, not {type(value).__name__}")
    return value


def _card(name: object, announced: object) -> Dataset:
    if not isinstance(name, str):
        raise EnvelopeError(f"dataset is a name, not {type(name).__name__}")
    card = shelf.take("datasets", name).DATASET
    assert isinstance(card, Dataset)
    if card.sha256 != announced:
        raise DatasetError(f"dataset {name} has content hash {card.sha256} here; the task was made for {str(announced)[:64]}")
    return card


def _check_payload(payload: Json, task: Task, card: Dataset) -> None:
    opaque = bool(OPAQUE.fullmatch(task.fingerprint))
    if payload.get("validation") not in VALIDATIONS:
        raise EnvelopeError(
            f"validation is one of passed, skipped, not needed or null, not {str(payload['validation'])[:40]!r}"
        )
    if payload["format"] == "cloudpickle":
        _check_pickle(payload)
    elif opaque:
        raise FingerprintMismatch(f"{task.fingerprint} is the id of a pickled model; a document has a fingerprint")
    else:
        architecture = Architecture.from_document(_object(payload.get("document"), "document"))
        check_architecture(architecture, task.fingerprint, card=card, recipe=task.recipe)


def _check_pickle(payload: Json) -> None:
    data, shape, dtype = payload.get("data"), payload.get("input_shape"), payload.get("dtype")
    if not isinstance(data, str) or not isinstance(dtype, str) or not isinstance(shape, list):
        raise EnvelopeError("a cloudpickle payload is {format, data: base64 text, input_shape: list, dtype: text}")
    if not 0 < len(shape) <= 8 or not all(type(size) is int and 0 < size < 1 << 31 for size in shape):
        raise EnvelopeError(f"input_shape is a list of at most 8 sizes above 0, not {str(shape)[:80]}")
    if payload.get("initialisation", INITIALISATIONS[0]) not in INITIALISATIONS:
        raise EnvelopeError(
            f"initialisation is one of {', '.join(INITIALISATIONS)}, not {str(payload['initialisation'])[:40]!r}"
        )
    if len(data) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(f"this payload has {len(data):,} characters; at most {MAX_PAYLOAD_BYTES:,} are accepted")
