"""How to train: one immutable value. Fidelity (epochs, data fraction, resolution) is part of it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jitnas_fn.core.bounds import finite, whole
from jitnas_fn.core.codec import Json, digest
from jitnas_fn.core.errors import NewerVersion, RecipeError

RECIPE_VERSION = 1

# What each field is left out of the hash at. Frozen: a field added later brings its own neutral value, and old hashes stay.
NEUTRAL: Mapping[str, Any] = {
    "loss": "cross_entropy",
    "optimiser": "sgd",
    "momentum": 0.0,
    "nesterov": False,
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "weight_decay": 0.0,
    "schedule": "constant",
    "warmup_epochs": 0,
    "minimum_learning_rate": 0.0,
    "precision": "float32",
    "flip": False,
    "shift": 0,
    "data_fraction": 1.0,
    "resolution": None,
    "gradient_clipping": None,
    "label_smoothing": 0.0,
}

CHOICES: Mapping[str, tuple[str, ...]] = {
    "loss": ("cross_entropy", "mse"),
    "optimiser": ("sgd", "adam"),
    "schedule": ("constant", "cosine"),
    "precision": ("float32", "bfloat16"),
}

# (smallest, largest) value; None: no bound on that side.
RANGES: Mapping[str, tuple[float, float]] = {
    "epochs": (0, 50_000),  # whose curves fit into a record of `MAX_RECORD_BYTES`, whatever their numbers
    "batch_size": (1, 1_000_000),
    "learning_rate": (0.0, 1e6),
    "momentum": (0.0, 1.0),
    "beta1": (0.0, 1.0),
    "beta2": (0.0, 1.0),
    "epsilon": (0.0, 1.0),
    "weight_decay": (0.0, 1e6),
    "warmup_epochs": (0, 50_000),
    "minimum_learning_rate": (0.0, 1e6),
    "shift": (0, 1024),
    "data_fraction": (1e-6, 1.0),
    "resolution": (1, 4096),
    "gradient_clipping": (1e-12, 1e12),
    "label_smoothing": (0.0, 1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a network is trained and at which fidelity.

    Every epoch goes through the training split once, in an order drawn from the task's seed, in batches of `batch_size`; a
    last, smaller batch is left out unless it is the only one. The validation split is evaluated after each epoch, the test
    split once, at the end.

    Parameters
    ----------
    name
        A label for people; not part of the hash.
    epochs
        Passes over the training split. 0 builds the network and evaluates it once.
    batch_size
        Samples per step.
    learning_rate
        Highest learning rate.
    loss
        "cross_entropy" or "mse".
    optimiser
        "sgd" or "adam" (Kingma and Ba, 2015), as PyTorch defines them.
    momentum, nesterov
        Of SGD.
    beta1, beta2, epsilon
        Of Adam.
    weight_decay
        L2 penalty added to the gradient, on every trainable parameter.
    schedule
        "constant", or "cosine": annealed to `minimum_learning_rate` over all steps (Loshchilov and Hutter, 2017, no restart).
    warmup_epochs
        Epochs over which the learning rate rises linearly from 0 first.
    minimum_learning_rate
        Where the cosine ends.
    precision
        "float32", or "bfloat16": autocast around the forward pass.
    flip, shift
        Augmentation of images: mirrored left-right with probability ½; moved by up to `shift` pixels on each axis, zeros in
        raw units coming in. [pixels]
    data_fraction
        Share of the training split that is used, the same samples for every seed. [fraction, 0 to 1]
    resolution
        Images are resized to this height and width, None leaves them. [pixels]
    gradient_clipping
        Largest Euclidean norm of the whole gradient, None for no bound.
    label_smoothing
        Of the cross-entropy (Szegedy et al., 2016). [fraction, 0 to 1]

    Raises
    ------
    RecipeError
        If a value has the wrong type or lies out of its range.
    """

    name: str = "unnamed"
    epochs: int
    batch_size: int
    learning_rate: float
    loss: str = "cross_entropy"
    optimiser: str = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup_epochs: int = 0
    minimum_learning_rate: float = 0.0
    precision: str = "float32"
    flip: bool = False
    shift: int = 0
    data_fraction: float = 1.0
    resolution: int | None = None
    gradient_clipping: float | None = None
    label_smoothing: float = 0.0
    _sha256: str = dataclasses.field(init=False, repr=False, compare=False, default="")  # asked for with every key

    def __post_init__(self) -> None:
        for field in _own(self):
            object.__setattr__(self, field.name, _checked(field.name, field.type, getattr(self, field.name)))
        if self.nesterov and self.momentum == 0:
            raise RecipeError("nesterov needs a momentum above 0")
        if self.minimum_learning_rate > self.learning_rate:
            raise RecipeError(f"minimum_learning_rate {self.minimum_learning_rate} is above learning_rate {self.learning_rate}")
        said = {name: value for name, value in self.to_dict().items() if name not in NEUTRAL or value != NEUTRAL[name]}
        del said["name"]
        object.__setattr__(self, "_sha256", digest({"recipe_version": RECIPE_VERSION, "fields": said}))

    @property
    def sha256(self) -> str:
        """Hash of every field but the name, fields at their neutral value left out."""
        return self._sha256

    def to_dict(self) -> Json:
        """All fields, the neutral ones too."""
        return {field.name: getattr(self, field.name) for field in _own(self)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Recipe":
        """The recipe with these fields.

        Raises
        ------
        NewerVersion
            If a field is unknown: it may change the training, so it cannot be ignored.
        RecipeError
            If a value is missing, has the wrong type or lies out of its range.
        """
        known = {field.name for field in _own(cls)}
        unknown = sorted(str(name)[:40] for name in fields if name not in known)
        if unknown:
            raise NewerVersion(f"this recipe has fields that this version does not know: {', '.join(unknown[:5])}")
        missing = [name for name in ("epochs", "batch_size", "learning_rate") if name not in fields]
        if missing:
            raise RecipeError(f"a recipe needs {', '.join(missing)}")
        return cls(**fields)


def _own(recipe: "Recipe | type[Recipe]") -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(recipe) if field.init]


def _checked(name: str, kind: object, value: Any) -> Any:
    """`value` in the field's own type, so that 1 and 1.0 hash alike where a float is meant."""
    wanted = str(getattr(kind, "__name__", kind))
    if value is None and "None" in wanted:
        return None
    if "str" in wanted:
        if not isinstance(value, str) or len(value) > 80 or not value.isprintable():
            raise RecipeError(f"recipe: {name} is a printable text of at most 80 characters, not {str(value)[:80]!r}")
        if name in CHOICES and value not in CHOICES[name]:
            raise RecipeError(f"recipe: no {name} {value!r}; there are {', '.join(CHOICES[name])}")
        return value
    if "bool" in wanted:
        if not isinstance(value, bool):
            raise RecipeError(f"recipe: {name} is True or False, not {str(value)[:80]!r}")
        return value
    low, high = RANGES[name]
    number = whole(value, least=int(low), most=high) if wanted.startswith("int") else finite(value, least=low, most=high)
    if number is None:
        raise RecipeError(f"recipe: {name} is {wanted.split(' ')[0]} from {low} to {high}, not {str(value)[:80]!r}")
    return number
