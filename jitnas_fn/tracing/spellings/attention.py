"""Attention, spelled out in products and softmax: torch's fused functions are written by the operations they are made of."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jitnas_fn.tracing.refusal import refuse
from jitnas_fn.tracing.spellings.table import spelled
from jitnas_fn.tracing.spellings.views import axis_of
from jitnas_fn.tracing.traced import Recorder, mark_of


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """softmax(q·kᵀ·scale + mask)·v, as `torch.nn.functional.scaled_dot_product_attention` documents it.

    Parameters
    ----------
    query, key, value
        (..., L, E), (..., S, E) and (..., S, V).
    attn_mask
        Broadcasts to (..., L, S). Of truths: those to attend to. Of floats: added to the scores.
    dropout_p, is_causal, scale, enable_gqa
        As in torch.
    """
    if enable_gqa or (is_causal and attn_mask is not None):
        refuse("attention with enable_gqa, or with a mask and is_causal", "repeat the keys, or put both into the mask")
    return _attended(query, key, value, attn_mask, dropout_p=dropout_p, is_causal=is_causal, scale=scale, safe=True)[0]


def _attended(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    dropout_p: float,
    is_causal: bool = False,
    scale: float | None = None,
    safe: bool,
) -> tuple[Tensor, Tensor]:
    """The values attended to, (..., L, V), and the weights that are left by dropout, (..., L, S).

    A query that may attend to nothing gets zeros if `safe`, as torch's fused attention gives, and else NaN, as softmax does.
    """
    factor = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = torch.matmul(query, key.transpose(-2, -1)) * factor
    if is_causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask
    careful = safe and mask is not None and not _always_attends(mask)
    weights = torch._safe_softmax(scores, -1) if careful else torch.softmax(scores, -1)
    kept = F.dropout(weights, dropout_p) if dropout_p else weights
    return torch.matmul(kept, value), kept


def _always_attends(mask: Tensor) -> bool:
    """Whether every query may attend to something, as far as that can be told."""
    if mark_of(mask) is not None or mask.requires_grad:
        return False
    nothing = ~mask.any(-1) if mask.dtype == torch.bool else torch.isneginf(mask).all(-1)
    return not bool(nothing.any())


@spelled(F.scaled_dot_product_attention)
def _scaled_dot_product_attention(
    r: Recorder,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    return r.spelled_out(attention, query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)  # type: ignore[no-any-return]


def multi_head_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """As `torch.nn.functional.multi_head_attention_forward`; query (L, N, E), key and value (S, N, E)."""
    if bias_k is not None or bias_v is not None or add_zero_attn or static_k is not None or static_v is not None:
        refuse("multi-head attention with bias_k, add_zero_attn or static keys", "use it without")
    if is_causal and attn_mask is None:
        refuse("multi-head attention with is_causal and no mask", "give the mask as well, as torch asks for")
    if query.dim() != 3:
        refuse("multi-head attention without a batch", "give (N, L, E) with batch_first=True, or (L, N, E)")
    separate = [q_proj_weight, k_proj_weight, v_proj_weight] if use_separate_proj_weight else None
    q, k, v = _projected(query, key, value, in_proj_weight, in_proj_bias, separate)
    mask = attn_mask
    if is_causal and key_padding_mask is None and not need_weights:  # a hint that torch follows, whatever the mask says
        mask = torch.ones((query.shape[0], key.shape[0]), dtype=torch.bool).tril().logical_not()
    heads = [_heads(part, num_heads) for part in (q, k, v)]
    mask = _both(mask, key_padding_mask, num_heads, heads[0])
    q, k, v = heads
    weighted, weights = _attended(q, k, v, mask, dropout_p=dropout_p if training else 0.0, safe=not need_weights)
    joined = weighted.permute(2, 0, 1, 3).flatten(2)  # (L, N, E)
    out = F.linear(joined, out_proj_weight, out_proj_bias)
    if not need_weights:
        return out, None
    return out, weights.mean(1) if average_attn_weights else weights


def _projected(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    separate: list[Tensor | None] | None,
) -> list[Tensor]:
    if separate is None:
        assert weight is not None
        if query is key and key is value:
            return list(F.linear(query, weight, bias).chunk(3, -1))
        separate = list(weight.chunk(3))
    biases = bias.chunk(3) if bias is not None else [None] * 3
    return [F.linear(x, w, b) for x, w, b in zip((query, key, value), separate, biases, strict=True)]  # type: ignore[arg-type]


def _heads(x: Tensor, heads: int) -> Tensor:
    """(L, N, E) to (N, H, L, E/H)."""
    split: Tensor = x.unflatten(-1, (heads, -1))  # type: ignore[no-untyped-call]
    return split.permute(1, 2, 0, 3)


def _both(mask: Tensor | None, padding: Tensor | None, heads: int, query: Tensor) -> Tensor | None:
    """The mask of multi-head attention (true: leave out) and of its keys as one that `attention` takes (true: attend)."""
    if mask is not None and mask.dim() == 3:
        mask = mask.unflatten(0, (-1, heads))  # type: ignore[no-untyped-call]
    keys = None if padding is None else padding[:, None, None, :]
    if mask is None or keys is None:
        only = keys if mask is None else mask
        return ~only if only is not None and only.dtype == torch.bool else only
    if mask.dtype == keys.dtype == torch.bool:
        return ~(mask | keys)
    return _added(mask, query) + _added(keys, query)


def _added(mask: Tensor, like: Tensor) -> Tensor:
    zeros = torch.zeros(mask.shape, dtype=like.dtype)
    return zeros.masked_fill(mask, -math.inf) if mask.dtype == torch.bool else mask


@spelled(F.multi_head_attention_forward)
def _multi_head(r: Recorder, *args: Any, **named: Any) -> Any:
    return r.spelled_out(multi_head_attention, *args, **named)


@spelled(torch._safe_softmax)
def _safe_softmax(r: Recorder, self: Any, dim: int, dtype: Any = None) -> Tensor:
    if dtype is not None:
        refuse("a softmax with a dtype", "cast before")
    return r.compute("safe_softmax", [("x", self)], {"axis": axis_of(dim, len(r.shape(self)))})
