"""The card of a dataset: what it is, without its data, so that a laptop can compute a key before any download."""

from dataclasses import dataclass

TASK_KINDS = ("classification", "regression", "multi_output", "sequence")


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset's file states. The numbers themselves come from the file's `arrays()`.

    Attributes
    ----------
    name, version
        Public name (the file's) and version; neither is part of a key, the hash is.
    sha256
        Content hash over arrays, dtypes, splits, scaling, task kind and label meaning (`training.data.content_hash`); pinned.
    task
        One of `TASK_KINDS`.
    input_shape, input_dtype
        One sample as the network sees it, without the batch.
    outputs
        Number of classes, or of regression targets.
    labels
        Meaning of each output, in order.
    metric, direction, unit
        What is measured on validation and test, "maximise" or "minimise", and its unit.
    mean, std
        The network sees (raw - mean) / std, one pair per channel. [raw units]
    splits
        (name, number of samples) for train, validation, test.
    licence, source
        Where it comes from and under which terms.
    """

    name: str
    version: str
    sha256: str
    task: str
    input_shape: tuple[int, ...]
    input_dtype: str
    outputs: int
    labels: tuple[str, ...]
    metric: str
    direction: str
    unit: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    splits: tuple[tuple[str, int], ...]
    licence: str
    source: str
