"""From a dataset's file to tensors in memory: content hash, scaling, subset and resolution."""

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from jitnas_fn.core import shelf
from jitnas_fn.core.codec import canonical
from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import DatasetError
from jitnas_fn.core.recipe import Recipe
from jitnas_fn.tracing.streams import Stream

CONTENT_VERSION = 1
Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Split:
    """One split in memory: inputs (N, *shape) as the network sees them, targets int64 (N,) or float32 (N, outputs)."""

    x: Tensor
    y: Tensor


def content_hash(card: Dataset, arrays: Arrays) -> str:
    """SHA-256 of what a network can learn from a dataset: 64 lower-case hexadecimal digits.

    The bytes hashed are, in this order:

    1. the canonical JSON (`core.codec.canonical`, ASCII) of the object {"content_version": 1, "task", "input_dtype",
       "outputs", "labels", "metric", "direction", "mean", "std", "arrays"}, the fields of the card; "arrays" is a list of
       [name, dtype, shape], for every split of the card in its order first "SPLIT_x", then "SPLIT_y", dtype being NumPy's
       name ("uint8", "int64", "float32");
    2. one byte 10 (line feed);
    3. the content of each array in that order, C order, little-endian, nothing between or after.

    Name, version, unit, licence and source are not part of it.

    Parameters
    ----------
    card
        The dataset's card; its `sha256` is not read.
    arrays
        "SPLIT_x" and "SPLIT_y" for each split: integers, booleans or floats.

    Raises
    ------
    DatasetError
        If an array is missing, holds objects, or has another length than its card says.
    """
    names = [f"{split}_{part}" for split, _ in card.splits for part in "xy"]
    if sorted(arrays) != sorted(names):
        raise DatasetError(f"dataset {card.name} has arrays {', '.join(sorted(arrays))}; its card names {', '.join(names)}")
    for split, count in card.splits:
        for part in "xy":
            found = arrays[f"{split}_{part}"]
            if found.dtype.kind not in "biuf" or len(found) != count:
                raise DatasetError(f"{card.name}: {split}_{part} is {found.dtype} of {len(found)}; {count} numbers were stated")
    about = {
        "content_version": CONTENT_VERSION,
        "task": card.task,
        "input_dtype": card.input_dtype,
        "outputs": card.outputs,
        "labels": card.labels,
        "metric": card.metric,
        "direction": card.direction,
        "mean": card.mean,
        "std": card.std,
        "arrays": [[name, arrays[name].dtype.name, arrays[name].shape] for name in names],
    }
    hashed = hashlib.sha256(canonical(about).encode("ascii") + b"\n")
    for name in names:
        hashed.update(np.ascontiguousarray(arrays[name], dtype=arrays[name].dtype.newbyteorder("<")).data)
    return hashed.hexdigest()


@functools.lru_cache(maxsize=4)
def raw(card: Dataset) -> Arrays:
    """The arrays of a dataset on the shelf, verified against its pinned hash; kept for the life of the process.

    Raises
    ------
    DatasetError
        If the content does not have the hash on the card.
    """
    arrays: Arrays = shelf.take("datasets", card.name).arrays()
    found = content_hash(card, arrays)
    if found != card.sha256:
        raise DatasetError(f"dataset {card.name} has content hash {found}; its card pins {card.sha256}")
    return arrays


def load(card: Dataset, recipe: Recipe) -> dict[str, Split]:
    """The splits of a dataset on the shelf, as the network sees them under `recipe`. Raises `DatasetError`."""
    return prepared(card, raw(card), recipe)


def prepared(card: Dataset, arrays: Arrays, recipe: Recipe) -> dict[str, Split]:
    """Scale every split, cut the training split to the recipe's fraction, resize to its resolution."""
    splits = {}
    for name, _ in card.splits:
        x, y = arrays[f"{name}_x"], arrays[f"{name}_y"]
        if name == "train" and recipe.data_fraction < 1:
            rows = subset(y if card.task == "classification" else np.zeros(len(y), np.int64), recipe.data_fraction)
            x, y = x[rows], y[rows]
        splits[name] = Split(_resized(_scaled(card, x), recipe.resolution), _targets(card, y))
    return splits


def subset(labels: np.ndarray[Any, Any], fraction: float) -> np.ndarray[Any, Any]:
    """Rows of a stratified subset, rising; a larger fraction contains every smaller one, and no seed changes it.

    Parameters
    ----------
    labels
        Class of each sample, shape (N,).
    fraction
        Share of each class that is kept, rounded to the nearest count, at least one sample. [0 to 1]
    """
    kept = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = max(1, int(fraction * len(members) + 0.5))
        kept.append(members[Stream(0, "subset", int(label)).permutation(len(members))[:count]])
    return np.sort(np.concatenate(kept))


def _scaled(card: Dataset, x: np.ndarray[Any, Any]) -> Tensor:
    if not card.mean:  # token ids and the like
        return torch.from_numpy(x.astype(card.input_dtype))
    per_channel = (1, -1) + (1,) * (x.ndim - 2)
    mean, std = (torch.tensor(values, dtype=torch.float32).reshape(per_channel) for values in (card.mean, card.std))
    return torch.from_numpy(x.astype(np.float32)).sub_(mean).div_(std)  # (N, C, ...)


def _resized(x: Tensor, resolution: int | None) -> Tensor:
    if resolution is None or tuple(x.shape[2:]) == (resolution, resolution):
        return x
    size = (resolution, resolution)
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)  # (N, C, R, R)


def _targets(card: Dataset, y: np.ndarray[Any, Any]) -> Tensor:
    if card.task == "classification":
        return torch.from_numpy(y.astype(np.int64))  # (N,)
    return torch.from_numpy(y.astype(np.float32)).reshape(len(y), card.outputs)  # (N, outputs)
