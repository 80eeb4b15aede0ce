"""Attention for a continuous batch on a CPU: each session attends to its own cache only.

transformers lays the keys of all sessions side by side and masks what is foreign, which costs sessions times as much
as needed; a GPU's variable-length kernels do not, and a CPU has none. Eight sessions at 400 tokens spent three
quarters of a step there (benchmarks/README.md).
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface
from transformers.generation.continuous_batching import PagedAttentionCache
from transformers.integrations.sdpa_attention import sdpa_attention_forward


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    cache: Any = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers' SDPA, session by session where there is a paged cache.

    `query` [1, heads, new tokens of all sessions, width]; `key` and `value` [1, key heads, the same, width]; returns
    [1, new tokens, heads, width].
    """
    if not isinstance(cache, PagedAttentionCache) or attention_mask is None:
        if cache is not None:
            kwargs["cache"] = cache
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)  # type: ignore[no-any-return]
    key, value = cache.update(key_states=key, value_states=value, layer_idx=module.layer_idx, kwargs=kwargs)
    queries, keys = kwargs["cu_seq_lens_q"].tolist(), kwargs["cu_seq_lens_k"].tolist()
    scale = kwargs.get("scaling")
    parts = [
        _one(query[:, :, q0:q1], key[:, :, k0:k1], value[:, :, k0:k1], attention_mask[..., q0:q1, k0:k1], scale)
        for q0, q1, k0, k1 in zip(queries, queries[1:], keys, keys[1:], strict=False)
        if q1 > q0
    ]
    return torch.cat(parts, dim=1), None


def _one(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor, scale: float | None
) -> torch.Tensor:
    """One session, [1, heads, tokens, width] → [1, tokens, heads, width]."""
    _, heads, tokens, width = query.shape
    if tokens == 1:  # the heads that share keys become rows of one query; a last token sees all of its session
        rows = query.view(1, key.shape[1], heads // key.shape[1], width)
        return scaled_dot_product_attention(rows, key, value, scale=scale).view(1, 1, heads, width)
    return scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=scale, enable_gqa=heads != key.shape[1]
    ).transpose(1, 2)


def use() -> None:
    """Let every model of this process that was loaded with SDPA attend so."""
    AttentionInterface.register("sdpa", attend)
