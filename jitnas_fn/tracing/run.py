"""How each operation of the graph runs on torch."""

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch
import torch.nn.functional as F

from jitnas_fn.core.codec import Json
from jitnas_fn.graphs.graph import Graph, Node
from jitnas_fn.graphs.opset import operation
from jitnas_fn.tracing.content import tensor_of
from jitnas_fn.tracing.run_random import drop_path, dropout, noise
from jitnas_fn.tracing.run_terms import product_of, sum_of
from jitnas_fn.tracing.running import Call, Values, by_rank, sizes_of


def _interpolated(x: torch.Tensor, a: Json) -> torch.Tensor:
    """With the factors of torch where they are not the quotients of the sizes."""
    corners = a["align_corners"] if a["mode"] in ("linear", "bilinear", "bicubic", "trilinear") else None
    if a["scales"] is None:
        return F.interpolate(x, size=a["size"], mode=a["mode"], align_corners=corners, antialias=a["antialias"])
    return F.interpolate(
        x,
        scale_factor=a["scales"],
        mode=a["mode"],
        align_corners=corners,
        antialias=a["antialias"],
        recompute_scale_factor=False,
    )


# One tensor and attributes.
PLAIN: dict[str, Callable[[torch.Tensor, Json], torch.Tensor]] = {
    "softmax": lambda x, a: torch.softmax(x, a["axis"]),
    "log_softmax": lambda x, a: torch.log_softmax(x, a["axis"]),
    "safe_softmax": lambda x, a: torch._safe_softmax(x, a["axis"]),
    "glu": lambda x, a: F.glu(x, a["axis"]),
    "quotient": lambda x, a: x / a["divisor"],
    "permute": lambda x, a: x.permute(a["axes"]),
    "slice": lambda x, a: x[(slice(None),) * a["axis"] + (slice(a["start"], a["stop"], a["step"]),)],
    "mean": lambda x, a: x.mean(a["axes"]),
    "reduce_sum": lambda x, a: x.sum(a["axes"]),
    "reduce_max": lambda x, a: x.amax(a["axes"]),
    "reduce_min": lambda x, a: x.amin(a["axes"]),
    "largest": lambda x, a: x.max(a["axis"])[0],
    "smallest": lambda x, a: x.min(a["axis"])[0],
    "logsumexp": lambda x, a: x.logsumexp(a["axes"]),
    "variance": lambda x, a: x.var(a["axes"], correction=a["correction"]),
    "deviation": lambda x, a: x.std(a["axes"], correction=a["correction"]),
    "norm": lambda x, a: torch.linalg.vector_norm(x, a["p"], a["axes"]),
    "cumsum": lambda x, a: x.cumsum(a["axis"]),
    "flip": lambda x, a: x.flip(a["axes"]),
    "power": lambda x, a: x ** a["exponent"],
    "cast": lambda x, a: x.to(getattr(torch, a["dtype"])),
    "detach": lambda x, a: x.detach(),
    "logical_not": lambda x, a: x.logical_not(),
    "interpolate": _interpolated,
    "local_response_norm": lambda x, a: F.local_response_norm(x.contiguous(), a["size"], a["alpha"], a["beta"], a["k"]),
    "adaptive_avg_pool": lambda x, a: by_rank("adaptive_avg_pool", a["size"])(x, a["size"]),
    "adaptive_max_pool": lambda x, a: by_rank("adaptive_max_pool", a["size"])(x, a["size"]),
    "max_pool": lambda x, a: by_rank("max_pool", a["kernel"])(
        x, a["kernel"], a["stride"], a["padding"], a["dilation"], a["ceil_mode"]
    ),
    "pad": lambda x, a: F.pad(x, [w for pair in reversed(a["widths"]) for w in pair], a["mode"], _pad_value(a)),
}

# Named tensors (None where one is not given) and attributes.
NAMED: dict[str, Callable[[Callable[[str], Any], Json], torch.Tensor]] = {
    "linear": lambda t, a: F.linear(t("x"), t("weight"), t("bias")),
    "prelu": lambda t, a: torch.prelu(t("x"), t("weight")),
    "matmul": lambda t, a: torch.matmul(t("a"), t("b")),
    "ratio": lambda t, a: t("x") / t("divisor"),
    "compare": lambda t, a: getattr(torch, a["kind"])(t("x"), a["value"] if a["value"] is not None else t("other")),
    "masked_fill": lambda t, a: t("x").masked_fill(t("mask"), float(a["value"])),
    "where": lambda t, a: torch.where(t("mask"), t("x"), t("other")),
    "take": lambda t, a: _taken(t("x"), t("index"), a),
    "lstm": lambda t, a: _recurrent("lstm", t, a),
    "gru": lambda t, a: _recurrent("gru", t, a),
    "rnn": lambda t, a: _recurrent(f"rnn_{a['nonlinearity']}", t, a),
    "conv": lambda t, a: by_rank("conv", a["stride"])(
        t("x"), t("weight"), t("bias"), a["stride"], a["padding"], a["dilation"], a["groups"]
    ),
    "conv_transpose": lambda t, a: by_rank("conv_transpose", a["stride"])(
        t("x"), t("weight"), t("bias"), a["stride"], a["padding"], a["output_padding"], a["groups"], a["dilation"]
    ),
    "batch_norm": lambda t, a: F.batch_norm(t("x"), None, None, t("weight"), t("bias"), True, 0.1, a["eps"]),
    "frozen_batch_norm": lambda t, a: F.batch_norm(
        t("x"), t("mean"), t("variance"), t("weight"), t("bias"), False, 0.1, a["eps"]
    ),
    "instance_norm": lambda t, a: F.instance_norm(t("x"), None, None, t("weight"), t("bias"), eps=a["eps"]),
    "group_norm": lambda t, a: F.group_norm(t("x").contiguous(), a["groups"], t("weight"), t("bias"), a["eps"]),
    "layer_norm": lambda t, a: F.layer_norm(t("x"), a["shape"], t("weight"), t("bias"), a["eps"]),
    "rms_norm": lambda t, a: F.rms_norm(t("x"), a["shape"], t("weight"), a["eps"]),
}


def runner(node: Node, graph: Graph, number: int) -> Call:
    """What computes `node`; `number` is its canonical index among the operations."""
    special = SPECIAL.get(node.op)
    if special is not None:
        return special(node, graph, number)
    attrs = node.attrs
    if node.op in NAMED:
        sources, named = dict(node.inputs), NAMED[node.op]
        return lambda values, network, batch: named(lambda label: values[sources[label]] if label in sources else None, attrs)
    x, kind = node.source("x"), operation(node.op)
    if kind.torch:
        function = next(getattr(home, kind.torch) for home in (torch, F) if hasattr(home, kind.torch))
        given = {argument.name: attrs[argument.attribute] for argument in kind.arguments}
        return lambda values, network, batch: function(values[x], **given)
    plain = PLAIN[node.op]
    return lambda values, network, batch: plain(values[x], attrs)


def _taken(x: torch.Tensor, index: torch.Tensor, a: Json) -> torch.Tensor:
    if a["axis"] == 0 and x.dim() == 2:
        return F.embedding(index, x, a["padding"])
    return x[(slice(None),) * a["axis"] + (index,)]


def _recurrent(kind: str, t: Callable[[str], Any], a: Json) -> torch.Tensor:
    """The hidden states (N, T, H), and for an LSTM the last cell state behind them."""
    x, weights = t("x"), [t(label) for label in ("weight_ih", "weight_hh", "bias_ih", "bias_hh") if t(label) is not None]
    h = t("h") if t("h") is not None else x.new_zeros((x.shape[0], weights[1].shape[1]))
    if kind != "lstm":
        y: torch.Tensor = getattr(torch, kind)(x, h.unsqueeze(0), weights, len(weights) > 2, 1, 0.0, False, False, True)[0]
        return y
    c = t("c") if t("c") is not None else x.new_zeros(h.shape)
    y, _, last = torch.lstm(x, (h.unsqueeze(0), c.unsqueeze(0)), weights, len(weights) > 2, 1, 0.0, False, False, True)
    return torch.cat([y, last[0].unsqueeze(1)], 1)


def _pad_value(attrs: Json) -> float | None:
    return attrs["value"] if attrs["mode"] == "constant" else None


def _avg_pool(node: Node, graph: Graph, number: int) -> Call:
    x, a = node.source("x"), node.attrs
    given = [a["kernel"], a["stride"], a["padding"], a["ceil_mode"], a["count_include_pad"]]
    if len(a["kernel"]) > 1:
        given.append(a["divisor"])
    pool = by_rank("avg_pool", a["kernel"])
    return lambda values, network, batch: pool(values[x], *given)


def _cat(node: Node, graph: Graph, number: int) -> Call:
    sources, axis = [source for _, source in sorted(node.inputs, key=lambda edge: int(edge[0]))], node.attrs["axis"]
    return lambda values, network, batch: torch.cat([values[source] for source in sources], axis)


def _reshape(node: Node, graph: Graph, number: int) -> Call:
    x, shape = node.source("x"), node.attrs["shape"]
    return lambda values, network, batch: values[x].reshape(sizes_of(shape, batch))


def _expand(node: Node, graph: Graph, number: int) -> Call:
    x, shape = node.source("x"), node.attrs["shape"]
    return lambda values, network, batch: values[x].expand(sizes_of(shape, batch))


def _full(node: Node, graph: Graph, number: int) -> Call:
    shape, value, dtype = node.attrs["shape"], node.attrs["value"], getattr(torch, node.dtype)
    return lambda values, network, batch: torch.full(
        sizes_of(shape, batch), value, dtype=dtype, device=next(iter(values.values())).device
    )


def _running_batch_norm(node: Node, graph: Graph, number: int) -> Call:
    at, a = dict(node.inputs), node.attrs
    weight, bias = at.get("weight"), at.get("bias")

    def call(values: Values, network: Any, batch: Any) -> torch.Tensor:
        gamma, beta = [None if source is None else values[source] for source in (weight, bias)]
        mean, variance = values[at["mean"]], values[at["variance"]]
        return F.batch_norm(values[at["x"]], mean, variance, gamma, beta, network.training, a["momentum"], a["eps"])

    return call


def _extreme(function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Callable[[Node, Graph, int], Call]:
    def made(node: Node, graph: Graph, number: int) -> Call:
        sources = node.sources("x")
        return lambda values, network, batch: reduce(function, [values[source] for source in sources])

    return made


def _mode(node: Node, graph: Graph, number: int) -> Call:
    trained, evaluated = node.source("train"), node.source("eval")
    return lambda values, network, batch: values[trained if network.training else evaluated]


def _constant(node: Node, graph: Graph, number: int) -> Call:
    numbers = tensor_of(node.attrs)
    return lambda values, network, batch: numbers.to(next(iter(values.values())).device)


SPECIAL: dict[str, Callable[[Node, Graph, int], Call]] = {
    "avg_pool": _avg_pool,
    "sum": sum_of,
    "prod": product_of,
    "cat": _cat,
    "reshape": _reshape,
    "expand": _expand,
    "full": _full,
    "running_batch_norm": _running_batch_norm,
    "dropout": dropout,
    "maximum": _extreme(torch.maximum),
    "minimum": _extreme(torch.minimum),
    "logical_and": _extreme(torch.logical_and),
    "logical_or": _extreme(torch.logical_or),
    "mode": _mode,
    "constant": _constant,
    "noise": noise,
    "drop_path": drop_path,
}
