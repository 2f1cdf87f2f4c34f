"""A task, its key, and the limits it runs under."""

import re
from dataclasses import dataclass, field

from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.codec import Json, digest
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import TaskError
from jitnas_fn.core.published import Published
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.seeds import checked_seed

KEY_VERSION = 1
HASH = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")
OPAQUE = re.compile(r"opaque-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_key(text: object) -> bool:
    """Whether `text` has the form of a key or fingerprint: 64 hexadecimal digits, or `opaque-<uuid>`."""
    return isinstance(text, str) and bool(HASH.fullmatch(text) or OPAQUE.fullmatch(text))


@dataclass(frozen=True, slots=True)
class Task:
    """Architecture × dataset × recipe × seed.

    Attributes
    ----------
    fingerprint
        Of the architecture, or `opaque-<uuid>` for one that has none.
    dataset, dataset_sha256
        Name and content hash; only the hash enters the key. What is published has no hash, "", so there the name does.
    recipe
        The whole recipe, or what a table was published with.
    seed
        0…2⁶³−1; None for what is published.
    """

    fingerprint: str
    dataset: str
    dataset_sha256: str
    recipe: Recipe | Published
    seed: int | None
    _key: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        if not is_key(self.fingerprint):
            raise TaskError(f"a fingerprint is 64 hexadecimal digits or opaque-<uuid>, not {str(self.fingerprint)[:80]!r}")
        if isinstance(self.recipe, Published):
            self._check_published()
        else:
            self._check_own()
        object.__setattr__(self, "_key", key_of(self.parts))

    def _check_own(self) -> None:
        checked_seed(self.seed)
        if not isinstance(self.dataset_sha256, str) or not HASH.fullmatch(self.dataset_sha256):
            raise TaskError(f"a dataset hash is 64 hexadecimal digits, not {str(self.dataset_sha256)[:80]!r}")

    def _check_published(self) -> None:
        if self.seed is not None or self.dataset_sha256 or not is_dataset_name(self.dataset):
            raise TaskError(
                f"what {self.recipe.name} has published is told by the name of a dataset, without its hash or a seed"
            )

    @property
    def parts(self) -> Json:
        """What the key is the hash of. Never names, hardware, payload or limits."""
        parts = {
            "key_version": KEY_VERSION,
            "fingerprint": self.fingerprint,
            "dataset": self.dataset_sha256 or None,
            "recipe": self.recipe.sha256,
            "seed": self.seed,
        }
        return parts if self.dataset_sha256 else {**parts, "dataset_named": self.dataset}

    @property
    def key(self) -> str:
        """SHA-256 of the canonical JSON of `parts`; for an opaque model its own id, which nothing can hit."""
        return self._key


def is_dataset_name(text: object) -> bool:
    """Whether `text` may name a dataset."""
    return isinstance(text, str) and bool(NAME.fullmatch(text))


def task_of(fingerprint: str, card: Dataset, recipe: Recipe | Published, seed: int) -> Task:
    """The task for a dataset; where the recipe is of what is published, that task, which has no seed."""
    if isinstance(recipe, Published):
        return Task(fingerprint, card.name, "", recipe, None)
    return Task(fingerprint, card.name, card.sha256, recipe, seed)


def key_of(parts: Json) -> str:
    """The key that belongs to `parts`."""
    fingerprint = parts["fingerprint"]
    return str(fingerprint) if OPAQUE.fullmatch(str(fingerprint)) else digest(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a training may take. Not part of the key: a record answers under any limit, unless it says that one was hit.

    Attributes
    ----------
    seconds
        Wall seconds of training and evaluation; None for no limit.
    memory_bytes
        Memory of the training process, or of the device where it has its own; None for no limit.
    """

    seconds: float | None = None
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not finite(self.seconds, least=0):
            raise TaskError(f"limit seconds is a finite number above 0 or None, not {str(self.seconds)[:60]!r}")
        if self.memory_bytes is not None and not whole(self.memory_bytes):
            met = str(self.memory_bytes)[:60]
            raise TaskError(f"limit memory_bytes is a whole number above 0 and below 2^63 or None, not {met!r}")

    def to_dict(self) -> Json:
        """Both limits."""
        return {"seconds": self.seconds, "memory_bytes": self.memory_bytes}

    @classmethod
    def from_dict(cls, fields: Json) -> "Limits":
        """The limits in a message; what is missing is no limit."""
        return cls(seconds=fields.get("seconds"), memory_bytes=fields.get("memory_bytes"))
