"""Noisy stripes in four directions: 768 images of 8 by 8 pixels, made with integers alone, equal on every platform.

Two pixels bright, two dark, along rows, columns or a diagonal, at a random phase, under noise as strong as the stripes: a
convolution learns it in a few epochs, a linear layer does not.
"""

from typing import Any

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.seeds import stream_key

DATASET = Dataset(
    name="synthetic",
    version="1",
    sha256="48504c4d99c3fabf2cc6fc7d37979e6fa94631cee7159d5697f9df22f79b7223",
    task="classification",
    input_shape=(1, 8, 8),
    input_dtype="float32",
    outputs=4,
    labels=("rows", "columns", "falling diagonal", "rising diagonal"),
    metric="accuracy",
    direction="maximise",
    unit="fraction",
    mean=(116.8,),
    std=(46.9,),
    splits=(("train", 512), ("validation", 128), ("test", 128)),
    licence="CC0-1.0",
    source="made by this file",
)


def arrays() -> dict[str, Any]:
    """Images as uint8 (N, 1, 8, 8), labels as int64 (N,), for each split."""
    import numpy as np

    row, column = np.indices((8, 8))
    phase_of = np.stack([row, column, row - column, row + column])  # (4, 8, 8)
    found = {}
    for index, (split, count) in enumerate(DATASET.splits):
        labels = np.arange(count) % 4
        draw = np.random.Philox(key=stream_key(0, "synthetic", index))
        start = (draw.random_raw(count) & np.uint64(3)).astype(np.int64)  # (N,)
        bright = (phase_of[labels] + start[:, None, None]) & 2  # (N, 8, 8), 0 or 2
        noise = (draw.random_raw(count * 64) & np.uint64(127)).astype(np.int64).reshape(count, 8, 8)
        noise += (draw.random_raw(count * 64) & np.uint64(63)).astype(np.int64).reshape(count, 8, 8)
        found[f"{split}_x"] = (22 * bright + noise).astype(np.uint8)[:, None]  # 44 of signal, 0 to 190 of noise
        found[f"{split}_y"] = labels.astype(np.int64)
    return found
