"""The curves of a record, out of what was measured epoch by epoch. Without torch: also whoever only watches needs them."""

import math
from collections.abc import Sequence

from jitnas_fn.core.codec import Json

EVERY_EPOCH = ("train", "validation")


def curves_of(history: Sequence[Json], *, metric: str) -> Json:
    """`curves[split][metric]`, one value per epoch; None where there was no finite number.

    Parameters
    ----------
    history
        For each epoch {split: {"loss", metric}}.
    metric
        Of the dataset.
    """
    return {
        split: {name: [_finite(epoch.get(split, {}).get(name)) for epoch in history] for name in ("loss", metric)}
        for split in EVERY_EPOCH
    }


def no_metrics(splits: Sequence[str], *, metric: str) -> Json:
    """The final metrics of a training that came to none."""
    return {split: {"loss": None, metric: None} for split in splits}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
