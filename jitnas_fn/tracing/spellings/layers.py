"""How torch spells layers: convolutions, linear maps, normalisations, pooling, dropout."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import numbers, spelled
from jitnas_fn.tracing.surroundings import CHECKPOINTS
from jitnas_fn.tracing.traced import Recorder


def _conv(rank: int) -> None:
    @spelled(getattr(torch, f"conv{rank}d"), getattr(F, f"conv{rank}d"))
    def conv(
        r: Recorder,
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        strides, dilations = numbers(stride, rank), numbers(dilation, rank)
        if padding == "same":
            kernel = r.shape(weight)[2:]
            total = [d * (k - 1) for d, k in zip(dilations, kernel, strict=True)]
            if any(t % 2 for t in total):  # as torch does: zeros are added first, one more at the end
                widths = [[t // 2, t - t // 2] for t in total]
                padded = r.compute("pad", [("x", input)], {"mode": "constant", "widths": widths, "value": 0.0})
                value: Tensor = conv(r, padded, weight, bias, stride, 0, dilation, groups)
                return value
            paddings = [t // 2 for t in total]
        else:
            paddings = numbers(0 if padding == "valid" else padding, rank)
        attrs = {"stride": strides, "padding": paddings, "dilation": dilations, "groups": groups}
        return r.compute("conv", [("x", input), ("weight", weight), ("bias", bias)], attrs)

    @spelled(getattr(torch, f"conv_transpose{rank}d"), getattr(F, f"conv_transpose{rank}d"))
    def conv_transpose(
        r: Recorder,
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:
        attrs = {
            "stride": numbers(stride, rank),
            "padding": numbers(padding, rank),
            "output_padding": numbers(output_padding, rank),
            "dilation": numbers(dilation, rank),
            "groups": groups,
        }
        return r.compute("conv_transpose", [("x", input), ("weight", weight), ("bias", bias)], attrs)


def _pooling(rank: int) -> None:
    window = getattr(F, f"max_pool{rank}d"), getattr(F, f"_max_pool{rank}d"), getattr(torch, f"max_pool{rank}d")

    @spelled(*window)
    def max_pool(
        r: Recorder,
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Tensor:
        if return_indices:
            refuse("max_pool with return_indices", "use it without")
        attrs = {**_window(rank, kernel_size, stride, padding, ceil_mode), "dilation": numbers(dilation, rank)}
        return r.compute("max_pool", [("x", input)], attrs)

    @spelled(getattr(F, f"avg_pool{rank}d"))
    def avg_pool(
        r: Recorder,
        input: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        attrs = _window(rank, kernel_size, stride, padding, ceil_mode)
        return r.compute(
            "avg_pool", [("x", input)], {**attrs, "count_include_pad": count_include_pad, "divisor": divisor_override}
        )

    @spelled(getattr(F, f"adaptive_avg_pool{rank}d"), getattr(torch, f"adaptive_avg_pool{rank}d", None))
    def adaptive_avg_pool(r: Recorder, input: Any, output_size: Any) -> Tensor:
        return r.compute("adaptive_avg_pool", [("x", input)], {"size": _target(r, input, output_size, rank)})

    @spelled(getattr(F, f"adaptive_max_pool{rank}d"), getattr(F, f"_adaptive_max_pool{rank}d", None))
    def adaptive_max_pool(r: Recorder, input: Any, output_size: Any, return_indices: bool = False) -> Tensor:
        if return_indices:
            refuse("adaptive_max_pool with return_indices", "use it without")
        return r.compute("adaptive_max_pool", [("x", input)], {"size": _target(r, input, output_size, rank)})


def _window(rank: int, kernel: Any, stride: Any, padding: Any, ceil_mode: bool) -> dict[str, Any]:
    steps = kernel if stride is None or stride == [] else stride
    lists = {"kernel": numbers(kernel, rank), "stride": numbers(steps, rank), "padding": numbers(padding, rank)}
    return {**lists, "ceil_mode": bool(ceil_mode)}


def _target(r: Recorder, input: Any, size: Any, rank: int) -> list[int]:
    shape = r.shape(input)
    return (
        [shape[2 + i] if s is None else s for i, s in enumerate(numbers(size, rank))]
        if len(shape) == rank + 2
        else numbers(size, rank)
    )


for _rank in (1, 2, 3):
    _conv(_rank)
    _pooling(_rank)


@spelled(F.linear)
def _linear(r: Recorder, input: Any, weight: Any, bias: Any = None) -> Tensor:
    return r.compute("linear", [("x", input), ("weight", weight), ("bias", bias)])


@spelled(F.batch_norm)
def _batch_norm(
    r: Recorder,
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    affine = [("weight", weight), ("bias", bias)]
    if running_mean is None or running_var is None:
        if not training or running_mean is not running_var:
            refuse("batch_norm in evaluation without running statistics", "pass both, or training=True")
        return r.compute("batch_norm", [("x", input), *affine], {"eps": float(eps)})
    state = r.statistic(running_mean), r.statistic(running_var)
    edges = [("x", r.node(input)), ("mean", state[0]), ("variance", state[1])]
    edges += [(label, r.node(tensor)) for label, tensor in affine if tensor is not None]
    if not training:
        if not r.written.keys().isdisjoint(state):
            refuse("running statistics are read in the call that keeps them", "use one nn.BatchNorm in one mode")
        r.only_read.update(state)
        return r.traced(r.add("frozen_batch_norm", edges, {"eps": float(eps)}))
    return r.traced(_keeping(r, state, edges, momentum=momentum, eps=eps))


def _keeping(r: Recorder, state: tuple[int, int], edges: list[tuple[str, int]], *, momentum: float | None, eps: float) -> int:
    """A batch-norm that keeps its running statistics. Calls on the same ones stay in their order."""
    if CHECKPOINTS:
        refuse("a batch_norm keeps statistics under a checkpoint, where it runs twice in a step", "leave it outside")
    if momentum is None:
        refuse("batch_norm with momentum=None", "give it a momentum, such as PyTorch's 0.1")
    if not r.only_read.isdisjoint(state):
        refuse("running statistics are read in the call that keeps them", "use one nn.BatchNorm in one mode")
    mean, variance = state
    partner, last = r.written.get(mean, (variance, -1))
    if partner != variance or r.written.get(variance, (mean, last)) != (mean, last):
        refuse("two batch-norms share one of their two running statistics", "let them share both or none")
    if last >= 0:
        edges = [*edges, ("after", last)]
    call = r.add("running_batch_norm", edges, {"eps": float(eps), "momentum": float(momentum)})
    r.written[mean], r.written[variance] = (variance, call), (mean, call)
    return call


@spelled(torch.batch_norm)
def _torch_batch_norm(
    r: Recorder,
    input: Any,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    return _batch_norm(r, input, running_mean, running_var, weight, bias, training, momentum, eps)  # type: ignore[no-any-return]


@spelled(F.instance_norm)
def _instance_norm(
    r: Recorder,
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    if running_mean is not None or not use_input_stats:
        refuse("instance_norm with running statistics", "use track_running_stats=False")
    return r.compute("instance_norm", [("x", input), ("weight", weight), ("bias", bias)], {"eps": float(eps)})


@spelled(F.group_norm, torch.group_norm)
def _group_norm(
    r: Recorder,
    input: Any,
    num_groups: int,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enabled: bool = True,
) -> Tensor:
    return r.compute(
        "group_norm", [("x", input), ("weight", weight), ("bias", bias)], {"groups": num_groups, "eps": float(eps)}
    )


@spelled(F.layer_norm, torch.layer_norm)
def _layer_norm(
    r: Recorder,
    input: Any,
    normalized_shape: Any,
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    cudnn_enable: bool = True,
) -> Tensor:
    attrs = {"shape": numbers(normalized_shape, 1), "eps": float(eps)}
    return r.compute("layer_norm", [("x", input), ("weight", weight), ("bias", bias)], attrs)


@spelled(F.rms_norm, torch.rms_norm)
def _rms_norm(r: Recorder, input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Tensor:
    attrs = {"shape": numbers(normalized_shape, 1), "eps": None if eps is None else float(eps)}
    return r.compute("rms_norm", [("x", input), ("weight", weight)], attrs)


@spelled(F.local_response_norm)
def _local_response_norm(r: Recorder, input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    attrs = {"size": size, "alpha": float(alpha), "beta": float(beta), "k": float(k)}
    return r.compute("local_response_norm", [("x", input)], attrs)


def _dropped(r: Recorder, x: Any, kind: str, p: float, training: bool, inplace: bool) -> Any:
    if not training:
        return x  # torch gives back the very tensor
    node = r.drawn(r.add("dropout", [("x", r.node(x))], {"p": float(p), "kind": kind}))
    return r.overwrite(x, node) if inplace else r.traced(node)


@spelled(F.dropout)
def _dropout(r: Recorder, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    return _dropped(r, input, "element", p, training, inplace)


@spelled(torch.dropout)
def _torch_dropout(r: Recorder, input: Any, p: float, train: bool) -> Any:
    return _dropped(r, input, "element", p, train, False)


def _channel_dropout(rank: int) -> None:
    @spelled(getattr(F, f"dropout{rank}d"))
    def channels(r: Recorder, input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
        if len(r.shape(input)) != rank + 2:
            refuse(
                f"dropout{rank}d on a tensor with {len(r.shape(input))} axes", f"it is meant for (N, C) and {rank} spatial axes"
            )
        return _dropped(r, input, "channel", p, training, inplace)


for _rank in (1, 2, 3):
    _channel_dropout(_rank)


@spelled(F.alpha_dropout)
def _alpha_dropout(r: Recorder, input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    return _dropped(r, input, "alpha", p, training, inplace)


@spelled(F.feature_alpha_dropout)
def _feature_alpha_dropout(r: Recorder, input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    return _dropped(r, input, "feature_alpha", p, training, inplace)
