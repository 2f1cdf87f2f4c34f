"""The pickled payload, for what has no key and for those who ask for it: code by value, structure without weights."""

import base64
import io
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import cloudpickle

from jitnas_fn.core.codec import Json
from jitnas_fn.core.errors import JitnasError, ModelFailed

_BY_VALUE = threading.Lock()  # cloudpickle's register is one for the whole process


def pickled(model: object, *, input_shape: tuple[int, ...], dtype: str, weights: bool) -> Json:
    """The payload of a module or callable.

    Parameters
    ----------
    model
        Module, or zero-argument callable that builds one. It is not changed.
    input_shape, dtype
        Of one sample, as the network sees it.
    weights
        Whether trainable parameters travel with their values; otherwise they travel on the meta device.

    Returns
    -------
    Json
        {format, data: base64 text, input_shape, dtype}.

    Raises
    ------
    ModelFailed
        If it cannot be pickled.
    """
    try:
        with _local_modules_by_value():
            data = _dumped(model, weights=weights)
    except JitnasError:
        raise
    except Exception as error:
        raise ModelFailed(f"this model cannot be pickled ({type(error).__name__}: {error})") from error
    text = base64.b64encode(data).decode("ascii")
    return {"format": "cloudpickle", "data": text, "input_shape": list(input_shape), "dtype": dtype}


def _dumped(model: object, *, weights: bool) -> bytes:
    written = io.BytesIO()
    pickler = cloudpickle.CloudPickler(written) if weights else _Structure(written)
    pickler.dump(model)
    return written.getvalue()


class _Structure(cloudpickle.CloudPickler):  # type: ignore[misc]  # cloudpickle has no types
    """Puts trainable parameters on the meta device on their way, sharing kept.

    Frozen parameters are content and travel with it; of a constant one (a zero gate is not a one gate), one number does.
    """

    def reducer_override(self, value: Any) -> Any:
        if _is_parameter(value) and value.requires_grad:
            return type(value), (_bare(value.detach()),)
        return super().reducer_override(value)


def _is_parameter(value: object) -> bool:
    """Whether it is torch's `Parameter`, told by its name: this floor does not import torch."""
    return f"{type(value).__module__}.{type(value).__qualname__}" == "torch.nn.parameter.Parameter"


def _bare(tensor: Any) -> Any:
    """A tensor of the same form that is small as a pickle."""
    if tensor.numel() == 0 or not bool((tensor == tensor.flatten()[0]).all()):
        return tensor.new_empty_strided(tensor.shape, tensor.stride(), device="meta")
    return tensor.flatten()[:1].clone().expand(tensor.shape) if tensor.dim() else tensor


@contextmanager
def _local_modules_by_value() -> Iterator[None]:
    """Let every module that is not installed travel as code: the other side does not have it."""
    with _BY_VALUE:
        before = cloudpickle.list_registry_pickle_by_value()
        added = [module for module in _local_modules() if module.__name__ not in before]
        for module in added:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in added:
                cloudpickle.unregister_pickle_by_value(module)


def _local_modules() -> list[ModuleType]:
    installed = tuple(_installed_folders())
    return [module for name, module in sorted(sys.modules.items()) if _is_local(name, module, installed=installed)]


def _is_local(name: str, module: ModuleType, *, installed: tuple[str, ...]) -> bool:
    place = getattr(module, "__file__", None)
    if name in ("__main__", "__mp_main__") or name.partition(".")[0] == "jitnas_fn" or not isinstance(place, str):
        return False
    return getattr(module, "__name__", None) == name and not place.startswith(installed)


def _installed_folders() -> Iterator[str]:
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    for folder in [*map(sysconfig.get_path, kinds), *site.getsitepackages(), site.getusersitepackages()]:
        for spelling in {folder, os.path.realpath(folder)}:
            yield f"{spelling}{os.sep}"
