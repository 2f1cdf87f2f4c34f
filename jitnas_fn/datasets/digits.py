"""Handwritten digits of the UCI repository as scikit-learn ships them: 1,797 images of 8 by 8 pixels, no download.

Split 60/20/20, stratified and fixed: of every class, in the order of the Philox stream (0, "split/digits", class), the
first fifth is test, the second fifth validation, the rest train. Within a split, images keep scikit-learn's order.
"""

import importlib.util
from pathlib import Path
from typing import Any

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import DatasetError
from jitnas_fn.core.seeds import stream_key

DATASET = Dataset(
    name="digits",
    version="1",
    sha256="c4fc4e2353910509350dc886d7a0eaf13c759f166ac8876fb1f2aa9c69efacc0",
    task="classification",
    input_shape=(1, 8, 8),
    input_dtype="float32",
    outputs=10,
    labels=("0", "1", "2", "3", "4", "5", "6", "7", "8", "9"),
    metric="accuracy",
    direction="maximise",
    unit="fraction",
    mean=(4.89,),
    std=(6.01,),
    splits=(("train", 1087), ("validation", 355), ("test", 355)),
    licence="CC BY 4.0",
    source="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998",
)


def arrays() -> dict[str, Any]:
    """Images as uint8 (N, 1, 8, 8) with values 0 to 16, labels as int64 (N,), for each split."""
    import numpy as np

    table = np.loadtxt(_file(), delimiter=",", dtype=np.int64)  # (1797, 65)
    images, labels = table[:, :-1].astype(np.uint8).reshape(-1, 1, 8, 8), table[:, -1].copy()
    chosen: dict[str, list[Any]] = {"train": [], "validation": [], "test": []}
    for label in range(DATASET.outputs):
        members = np.flatnonzero(labels == label)
        words = np.random.Philox(key=stream_key(0, "split/digits", label)).random_raw(len(members))
        members, fifth = members[np.argsort(words, kind="stable")], len(members) // 5
        chosen["test"].append(members[:fifth])
        chosen["validation"].append(members[fifth : 2 * fifth])
        chosen["train"].append(members[2 * fifth :])
    found = {}
    for split, parts in chosen.items():
        rows = np.sort(np.concatenate(parts))
        found[f"{split}_x"], found[f"{split}_y"] = images[rows], labels[rows]
    return found


def _file() -> Path:
    """scikit-learn's table, read where it lies: to import scikit-learn would take longer than to train."""
    package = importlib.util.find_spec("sklearn")
    places = (package.submodule_search_locations or []) if package else []
    for place in places:
        found = Path(place) / "datasets" / "data" / "digits.csv.gz"
        if found.is_file():
            return found
    raise DatasetError("dataset digits comes with scikit-learn, which is not installed here: pip install scikit-learn")
