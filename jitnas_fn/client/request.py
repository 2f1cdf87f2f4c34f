"""From what a user says (model, dataset, recipe, seed) to a task, and to the message that asks for it."""

import operator
import uuid
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex

from jitnas_fn.core import shelf
from jitnas_fn.core.cards import card_named, recipe_named
from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.envelope import Envelope, checked_size
from jitnas_fn.core.errors import EnvelopeError, JitnasError, NotAllowed, NotAModel, TaskError, UnknownName
from jitnas_fn.core.published import Published, plan_in
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.seeds import checked_seed
from jitnas_fn.core.task import Limits, Task, task_of
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.training.shapes import check_fit, check_recipe, input_shape

IDENTITIES = ("exact", "none")


@dataclass(frozen=True, slots=True)
class Request:
    """One task, and what is needed to ask for it.

    Attributes
    ----------
    task
        Architecture × dataset × recipe × seed.
    limits
        What its training may take.
    model
        As the user gave it.
    architecture
        What it is; None for a model without a key.
    card
        Of the dataset.
    payload
        Format to send: "graph" or "cloudpickle".
    initialisation
        "as built" or "default"; a site that unpickles the model has to read it alike.
    validation
        "passed": the rebuilt network ran beside the model; "skipped": it did not; "not needed": the architecture came as data.
        None for a model without a key.
    """

    task: Task
    limits: Limits
    model: object
    architecture: Architecture | None
    card: Dataset
    payload: str
    initialisation: str
    validation: str | None

    @property
    def place(self) -> tuple[str, Limits]:
        """What two requests have in common that one training answers."""
        return (self.task.key, self.limits)

    def with_seed(self, seed: SupportsIndex) -> "Request":
        """The same task under another seed."""
        fingerprint = self.task.fingerprint if self.architecture is not None else _opaque(self.model)
        return replace(self, task=task_of(fingerprint, self.card, self.task.recipe, _whole(seed)))

    def message(self, run: str) -> str:
        """The envelope that asks a worker to train this.

        Parameters
        ----------
        run
            Name of this one attempt.

        Raises
        ------
        PayloadTooLarge
            Over 8 MB.
        """
        item = {
            "run": run,
            "key": self.task.key,
            "parts": self.task.parts,
            "dataset": self.task.dataset,
            "recipe": self.task.recipe.to_dict(),
            "payload": self._payload(),
            "limits": self.limits.to_dict(),
        }
        return checked_size(Envelope("train", {"tasks": [item]}).to_json())

    def _payload(self) -> Json:
        if self.architecture is not None and (self.payload == "graph" or isinstance(self.model, Architecture)):
            return {"format": "graph", "document": self.architecture.document, "validation": self.validation}
        from jitnas_fn.client.payload import pickled  # cloudpickle is needed only here

        shape = input_shape(self.card, self.task.recipe)
        weights = self.architecture is None
        found = pickled(self.model, input_shape=shape, dtype=self.card.input_dtype, weights=weights)
        return {**found, "initialisation": self.initialisation, "validation": self.validation}


def understood(  # noqa: PLR0913  what a user may say
    model: object,
    *,
    dataset: str,
    recipe: str | Recipe | Published,
    seed: SupportsIndex = 0,
    limits: Limits | None = None,
    identity: str = "exact",
    initialisation: str = "as built",
    payload: str = "graph",
    validate: bool = True,
    accept_imported: bool = False,
) -> Request:
    """What the user asks for; see `Client` and its `submit` for the parameters and errors."""
    _one_of("identity", identity, IDENTITIES)
    _one_of("payload", payload, ("graph", "cloudpickle"))
    plan = plan_of(recipe, accept_imported=accept_imported)
    card = card_named(dataset) if isinstance(plan, Published) else card_of(dataset)
    check_recipe(card, plan)
    if identity == "none":
        architecture, fingerprint, payload, validation = None, _opaque(model), "cloudpickle", None
    else:
        architecture = architecture_of(model, card=card, recipe=plan, initialisation=initialisation, validate=validate)
        validation = _validation(model, validate=validate)
        fingerprint = architecture.fingerprint
    task = task_of(fingerprint, card, plan, _whole(seed))
    bounds = Limits() if limits is None else limits
    return Request(task, bounds, model, architecture, card, payload, initialisation, validation)


def request_in(message: str) -> Request:
    """The request that a message was made from, without the model, which need not be there any more.

    Raises
    ------
    JitnasError
        If the message is of another version or damaged, or the dataset has another content by now.
    """
    items = Envelope.from_json(message).items("tasks")
    try:
        (item,) = items
        parts, payload = item["parts"], item["payload"]
        card, plan = card_named(item["dataset"]), plan_in(item["recipe"])
        task = task_of(parts["fingerprint"], card, plan, parts["seed"])
        is_graph = payload["format"] == "graph"
        architecture = Architecture.from_document(payload["document"]) if is_graph else None
        limits, reading = Limits.from_dict(item["limits"]), payload.get("initialisation", "as built")
        request = Request(task, limits, None, architecture, card, payload["format"], reading, payload.get("validation"))
    except (AttributeError, KeyError, TypeError, ValueError) as reason:
        if isinstance(reason, JitnasError):
            raise
        raise EnvelopeError(f"this message asks for no one training ({type(reason).__name__}: {reason})") from None
    if task.key != item.get("key"):
        raise TaskError(f"the training of key {str(item.get('key'))[:12]}… would have another key now: {task.key[:12]}…")
    return request


def _validation(model: object, *, validate: bool) -> str:
    if isinstance(model, Architecture):
        return "not needed"
    return "passed" if validate else "skipped"


def card_of(dataset: str) -> Dataset:
    """The card of a dataset that can be loaded; raises `UnknownName`, which lists those there are."""
    if dataset in shelf.names("datasets._cards"):
        raise UnknownName(
            f"of {dataset} there is a card only, for published tables: nothing trains on it yet; what can be loaded is "
            f"{', '.join(shelf.names('datasets'))}"
        )
    card = shelf.take("datasets", dataset).DATASET
    assert isinstance(card, Dataset)
    return card


def plan_of(recipe: str | Recipe | Published, *, accept_imported: bool = False) -> Recipe | Published:
    """The recipe with this name, or the recipe itself.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    NotAllowed
        If it is of what others have published, and that is not accepted.
    """
    plan = recipe if isinstance(recipe, Recipe | Published) else recipe_named(recipe)
    if isinstance(plan, Published) and not accept_imported:
        raise NotAllowed(
            f"{plan.name} names what others have published ({plan.source}): nobody here has trained it. Where that is good "
            "enough, say so: Client(accept_imported=True), or jitnas lookup --accept-imported"
        )
    return plan


def architecture_of(
    model: object, *, card: Dataset, recipe: Recipe | Published, initialisation: str, validate: bool = True
) -> Architecture:
    """The architecture of `model` for a dataset and recipe, its input and output checked against them.

    Parameters
    ----------
    model
        `nn.Module`, zero-argument callable or `Architecture`; the last needs no torch.
    card, recipe
        Give the shape of the input.
    initialisation, validate
        See `Client.submit`.

    Raises
    ------
    NotAModel, UnsupportedModel, UnknownInitialisation
        If it has no key; the message says why.
    OutputMismatch
        If it does not fit the dataset.
    """
    if isinstance(model, Architecture):
        found = model.intact()
    else:
        found = Architecture.from_module(
            model,
            input_shape=input_shape(card, recipe),
            dtype=card.input_dtype,
            initialisation=initialisation,
            validate=validate,
        )
    check_fit(card, recipe, seen=found.input_shape, dtype=found.input_dtype, answered=found.answered)
    return found


def fingerprint(
    model: object,
    input_shape: Any = (1, 8, 8),
    dtype: Any = "float32",
    *,
    initialisation: str = "as built",
    validate: bool = True,
) -> str:
    """The hash of what a model is: equal for all ways to write the same architecture.

    Parameters
    ----------
    model
        `nn.Module`, zero-argument callable that builds one, or `Architecture`, which has its own input.
    input_shape
        One sample as the network sees it, without the batch; for several inputs a tuple of such shapes.
    dtype
        Of the input; for several inputs one for all, or a tuple.
    initialisation, validate
        See `Client.submit`.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    NotAModel, UnsupportedModel, UnknownInitialisation
        If it has no exact key; the message says why and what to do.
    """
    if isinstance(model, Architecture):
        return model.intact().fingerprint
    return Architecture.from_module(
        model, input_shape=input_shape, dtype=dtype, initialisation=initialisation, validate=validate
    ).fingerprint


def _whole(seed: SupportsIndex) -> int:
    """A seed of NumPy or torch as an integer of Python; what is none is refused."""
    try:
        return checked_seed(seed if isinstance(seed, bool) else operator.index(seed))
    except TypeError:
        return checked_seed(seed)


def _opaque(model: object) -> str:
    if isinstance(model, Architecture) or not callable(model):
        raise NotAModel(f"identity='none' trains an nn.Module or a zero-argument callable, not {type(model).__name__}")
    return f"opaque-{uuid.uuid4()}"


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise TaskError(f"no {name} {str(value)[:40]!r}; there are {', '.join(choices)}")
