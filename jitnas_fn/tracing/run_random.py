"""How the operations run that draw random numbers. A network that is traced again spells them as torch does."""

from typing import Any

import torch
import torch.nn.functional as F

from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.tracing.batch import batch_of
from jitnas_fn.tracing.running import Call, Values, by_rank, sizes_of
from jitnas_fn.tracing.traced import mark_of


def noise(node: Node, graph: Graph, number: int) -> Call:
    """Numbers drawn at each call."""
    shape, kind, p, dtype = node.attrs["shape"], node.attrs["kind"], node.attrs["p"], getattr(torch, node.dtype)

    def call(values: Values, network: Any, batch: Any) -> torch.Tensor:
        sizes = sizes_of(shape, batch)
        if batch_of(batch) is not None:
            return _spelled_noise(sizes, kind, p, dtype)
        drawn = network.draws.noise(number, kind, p, sizes)
        placed: torch.Tensor = drawn.to(device=next(iter(values.values())).device, dtype=dtype)
        return placed

    return call


def _spelled_noise(sizes: list[Any], kind: str, p: Any, dtype: torch.dtype) -> torch.Tensor:
    """The same draw as torch spells it, for a rebuilt network that is traced again."""
    if kind == "coins":
        return torch.empty(sizes, dtype=dtype).bernoulli_(p)
    return (torch.rand if kind == "uniform" else torch.randn)(sizes, dtype=dtype)


def drop_path(node: Node, graph: Graph, number: int) -> Call:
    """Each sample is kept with probability 1 − p, by one coin."""
    x = node.source("x")
    keep: float = 1 - node.attrs["p"]

    def call(values: Values, network: Any, batch: Any) -> torch.Tensor:
        value: torch.Tensor = values[x]
        if not network.training:
            return value
        sizes = [batch, *[1] * (value.dim() - 1)]
        if mark_of(value) is not None:
            return value * (value.new_empty(sizes).bernoulli_(keep) / keep)
        kept: torch.Tensor = network.draws.kept_samples(number, sizes, keep).to(device=value.device, dtype=value.dtype)
        return value * (kept / keep)

    return call


def dropout(node: Node, graph: Graph, number: int) -> Call:
    """Each element, or channel, is kept with probability 1 − p, by one coin of the stream in row-major order."""
    x, p, kind = node.source("x"), node.attrs["p"], node.attrs["kind"]
    whole_channels = kind in ("channel", "feature_alpha")

    def call(values: Values, network: Any, batch: Any) -> torch.Tensor:
        value = values[x]
        if mark_of(value) is not None:
            return _spelled(value, p, kind, network.training)
        if not network.training:
            return value
        shape = value.shape[:2] + (1,) * (value.dim() - 2) if whole_channels else value.shape
        kept: torch.Tensor = network.draws.kept(number, list(shape), 1 - p).to(value.device)
        if kind in ("element", "channel"):
            return value * (kept.to(value.dtype) * (1 / (1 - p) if p < 1 else 0.0))
        return alpha_dropped(value, kept, p)

    return call


def _spelled(value: torch.Tensor, p: float, kind: str, training: bool) -> torch.Tensor:
    """The same dropout as torch spells it, for a rebuilt network that is traced again."""
    named = {"element": F.dropout, "alpha": F.alpha_dropout, "feature_alpha": F.feature_alpha_dropout}
    spelled = named[kind] if kind in named else by_rank("dropout", [0] * (value.dim() - 2))
    dropped: torch.Tensor = spelled(value, p, training)
    return dropped


def alpha_dropped(value: torch.Tensor, kept: torch.Tensor, p: float) -> torch.Tensor:
    """Alpha dropout (Klambauer et al., "Self-normalizing neural networks", 2017): mean and variance of SELU are kept."""
    if p >= 1:
        return value * 0.0
    low = -1.7580993408473766  # −λα of SELU
    scale = float(((1 - p) * (1 + p * low**2)) ** -0.5)
    return torch.where(kept, value, low) * scale - scale * low * p
