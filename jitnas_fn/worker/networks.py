"""From a payload to the network that is trained. Only a child imports this; for a pickle, a fresh one."""

import base64
import pickle
from typing import Any

import torch
from torch import Tensor, nn

from jitnas_fn.core.codec import Json
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import EnvelopeError, JitnasError, ModelFailed, NotAModel
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.core.task import OPAQUE
from jitnas_fn.graphs.architecture import Architecture
from jitnas_fn.training.shapes import check_fit
from jitnas_fn.worker.fit import check_architecture


def network_of(payload: Json, parts: Json, *, card: Dataset, recipe: Recipe, sample: Tensor) -> tuple[nn.Module, Json]:
    """The network to train, and its `size` as a record holds it.

    Parameters
    ----------
    payload
        {format: "graph", document} or {format: "cloudpickle", data, input_shape, dtype, and maybe
        initialisation}.
    parts
        Of the key. Unless the fingerprint is `opaque-<uuid>`, the network is rebuilt from the document that has it.
    card, recipe
        Of the task.
    sample
        Two inputs, shape (2, ...), to try an opaque model on.

    Raises
    ------
    FingerprintMismatch
        If what was unpickled is another architecture.
    OutputMismatch
        If the network does not fit the dataset.
    ModelFailed, NotAModel
        If a pickled model cannot be brought to life.
    """
    if payload["format"] == "graph":
        return _rebuilt(Architecture.from_document(payload["document"]), parts["seed"])
    torch.manual_seed(parts["seed"])
    model = _unpickled(payload)
    if OPAQUE.fullmatch(parts["fingerprint"]):
        return _opaque(model, card=card, recipe=recipe, sample=sample)
    architecture = Architecture.from_module(
        model,
        input_shape=tuple(payload["input_shape"]),
        dtype=payload["dtype"],
        initialisation=payload.get("initialisation", "as built"),
        validate=payload.get("validation") != "skipped",
    )
    check_architecture(architecture, parts["fingerprint"], card=card, recipe=recipe)
    return _rebuilt(architecture, parts["seed"])


def _rebuilt(architecture: Architecture, seed: int) -> tuple[nn.Module, Json]:
    size = {"parameters": architecture.parameters, "macs": architecture.macs, "counter": architecture.macs_counter}
    return architecture.build(seed), size


def _unpickled(payload: Json) -> Any:
    try:
        data = base64.b64decode(payload["data"], validate=True)
    except ValueError as reason:
        raise EnvelopeError(f"the pickled model is no base64 text: {reason}") from None
    try:
        return pickle.loads(data)  # noqa: S301  the site's administrator accepts code
    except JitnasError:
        raise
    except Exception as reason:
        raise ModelFailed(
            f"the pickled model cannot be loaded here ({type(reason).__name__}: {reason}); "
            "Python must be of the same minor version on both sides, and its packages installed"
        ) from reason


def _opaque(model: Any, *, card: Dataset, recipe: Recipe, sample: Tensor) -> tuple[nn.Module, Json]:
    if not isinstance(model, nn.Module) and callable(model):
        model = model()
    if not isinstance(model, nn.Module):
        raise NotAModel(f"the pickled model is a {type(model).__name__}, not an nn.Module or a callable that builds one")
    for name, module in model.named_modules():
        _bring_to_life(module, name)
    model.eval()
    with torch.no_grad():
        answered = model(sample)  # (2, ...)
    shape = tuple(answered.shape[1:]) if isinstance(answered, Tensor) else type(answered).__name__
    check_fit(card, recipe, seen=tuple(sample.shape[1:]), dtype=card.input_dtype, answered=shape)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return model, {"parameters": parameters, "macs": None, "counter": None}


def _bring_to_life(module: nn.Module, name: str) -> None:
    """Give a module whose parameters travelled without values its initial ones, and every parameter memory of its own."""
    for parameter in module.parameters(recurse=False):
        if 0 in parameter.stride() and not parameter.is_meta:  # a constant, sent as one number
            parameter.data = parameter.data.contiguous()
    own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    if not any(tensor.is_meta for tensor in own):
        return
    reset = getattr(module, "reset_parameters", getattr(module, "_reset_parameters", None))
    if reset is None:
        raise ModelFailed(f"{name or 'the model'} ({type(module).__name__}) cannot draw its parameters anew: pass a callable")
    module.to_empty(device="cpu", recurse=False)
    reset()
