"""What is minimised, and what is measured. N samples, K classes or targets."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional

from jitnas_fn.core.dataset import Dataset
from jitnas_fn.core.errors import RecipeError

# Metric of a card -> its sum over the samples of a batch, from scores (N, K) and targets.
SUMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "accuracy": lambda scores, y: (scores.argmax(1) == y).sum(),  # (N, K), (N,)
    "mse": lambda scores, y: (scores - y).square().mean(1).sum(),  # (N, K), (N, K)
}


def loss_of(kind: str, scores: Tensor, y: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Mean loss of a batch, always in float32: cross-entropy in nats, or squared error averaged over targets.

    Parameters
    ----------
    kind
        A recipe's loss.
    scores
        What the network answered, shape (N, K).
    y
        Targets: int64 (N,) for cross_entropy, float32 (N, K) for mse.
    label_smoothing
        Of the cross-entropy; 0 whenever the loss is measured and not minimised. [fraction, 0 to 1]
    """
    if kind == "cross_entropy":
        return functional.cross_entropy(scores.float(), y, label_smoothing=label_smoothing)
    return functional.mse_loss(scores.float(), y)


class Average:
    """Running mean of loss and metric over the samples of one pass, kept on the device until it is read."""

    def __init__(self, card: Dataset, device: torch.device) -> None:
        if card.metric not in SUMS:
            raise RecipeError(f"dataset {card.name} has metric {card.metric}; this version measures {', '.join(sorted(SUMS))}")
        self._name, self._sum = card.metric, SUMS[card.metric]
        self._totals = torch.zeros(2, dtype=torch.float64, device=device)
        self._loss, self._score = self._totals.unbind()
        self._samples = 0

    def add(self, loss: Tensor, scores: Tensor, y: Tensor) -> None:
        """Add one batch: its mean loss, scores (N, K) and targets."""
        self._loss.add_(loss.detach(), alpha=len(y))
        self._score.add_(self._sum(scores.detach(), y))
        self._samples += len(y)

    def read(self) -> dict[str, float]:
        """{"loss", metric} so far; infinite or NaN if a batch was."""
        loss, metric = (self._totals / max(self._samples, 1)).tolist()
        return {"loss": loss, self._name: metric}


def finite(values: Iterable[float]) -> bool:
    """Whether all of `values` are finite numbers."""
    return all(math.isfinite(value) for value in values)
