"""The forward pass of a Llama model on a CPU, in packed weights and as few operations as it takes.

One token of a small model is eight milliseconds of arithmetic; transformers' modules add twice that in calls, masks,
copies and conversions, which a GPU hides and a CPU does not. Here the same numbers are computed over the same caches:
scheduling, caching and sampling stay transformers'. Between the weights everything is fp32: attention for one token is
five times as fast in it as in bf16 on a CPU.
Shapes: n new tokens of all sessions together, h heads, k key heads, d the width of a head.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import embedding, rms_norm, scaled_dot_product_attention, silu
from transformers import LlamaForCausalLM
from transformers.cache_utils import DynamicCache
from transformers.generation.continuous_batching import PagedAttentionCache
from transformers.modeling_outputs import CausalLMOutputWithPast

from medassist.engines.packed import Codes, Matrix, find_codes

Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Layer, query [n, h, d], key and value [n, k, d] → [n, h * d]."""
Span = tuple[int, int, int, int]
"""A session's new tokens, from and to, and all its tokens, from and to."""


@dataclass(frozen=True)
class _Layer:
    before: torch.Tensor  # the weight of the norm before the attention
    query_key_value: Matrix
    out: Matrix
    after: torch.Tensor
    gate_up: Matrix
    down: Matrix


class Lean:
    """Computes for a Llama in place of its modules, which go on holding the weights."""

    def __init__(self, model: LlamaForCausalLM, codes: Mapping[str, Codes]) -> None:
        config = model.config
        self.heads, self.key_heads = config.num_attention_heads, config.num_key_value_heads
        self.epsilon, self.width = config.rms_norm_eps, config.head_dim
        self.model, self._codes = model, codes
        self._usual = model.forward
        self.pack()
        # transformers asks a model's forward which arguments it knows.
        model.forward = functools.wraps(self._usual)(functools.partial(self.forward))

    @torch.no_grad()
    def pack(self) -> None:
        """Take up the weights as they are now: after a change of adapter, those it changed."""
        names = {module: name.replace(".base_layer", "") for name, module in self.model.named_modules()}

        def matrix(*layers: nn.Module) -> Matrix:
            weights, codes = zip(*(_weight(each, self._codes.get(names[each])) for each in layers), strict=True)
            return Matrix.stacked(weights, codes)

        self.layers = [
            _Layer(
                layer.input_layernorm.weight.detach(),
                matrix(layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj),
                matrix(layer.self_attn.o_proj),
                layer.post_attention_layernorm.weight.detach(),
                matrix(layer.mlp.gate_proj, layer.mlp.up_proj),
                matrix(layer.mlp.down_proj),
            )
            for layer in self.model.model.layers
        ]
        self.vocabulary = matrix(self.model.lm_head)

    def forward(self, **kwargs: Any) -> CausalLMOutputWithPast:
        """As the model's own: for a continuous batch, for `generate` on one text, and for a plain call on one."""
        ids, past = kwargs["input_ids"], kwargs.get("past_key_values")
        if ids.shape[0] > 1 or (past is not None and not isinstance(past, DynamicCache)):
            return self._usual(**kwargs)
        if isinstance(cache := kwargs.get("cache"), PagedAttentionCache):
            attend, positions = self._paged(cache, kwargs), kwargs["position_ids"][0]
        else:
            if past is None and kwargs.get("use_cache"):
                past = DynamicCache(config=self.model.config)
            seen = past.get_seq_length() if past is not None else 0
            attend, positions = self._plain(past, seen, ids.shape[1]), torch.arange(seen, seen + ids.shape[1])
        hidden = self.hidden(ids[0], positions, attend)
        kept = kwargs.get("logits_to_keep", 0)
        hidden = hidden[kept] if isinstance(kept, torch.Tensor) else hidden[-kept:]
        logits = self.vocabulary(hidden.bfloat16()).float().unsqueeze(0)
        return CausalLMOutputWithPast(logits=logits, past_key_values=past)

    def hidden(self, ids: torch.Tensor, positions: torch.Tensor, attend: Attend) -> torch.Tensor:
        """What the last layer says of every token, [n, hidden], from `ids` and `positions` [n]."""
        inside = self.model.model
        cos, sin = _angles(inside.rotary_emb, positions)
        turned, heads, both, width = self.heads + self.key_heads, self.heads, 2 * self.key_heads, self.width
        hidden = embedding(ids, inside.embed_tokens.weight)
        size, epsilon = hidden.shape[-1:], self.epsilon
        for index, layer in enumerate(self.layers):
            rows = rms_norm(hidden, size, layer.before, epsilon).bfloat16()
            parts = layer.query_key_value(rows).float().view(-1, heads + both, width)
            query_key = _turn(parts[:, :turned], cos, sin)
            mixed = attend(index, query_key[:, :heads], query_key[:, heads:], parts[:, turned:])
            hidden = hidden + layer.out(mixed.bfloat16())
            rows = rms_norm(hidden, size, layer.after, epsilon).bfloat16()
            gate, up = layer.gate_up(rows).float().chunk(2, dim=-1)
            hidden = hidden + layer.down(silu(gate).mul_(up).bfloat16())
        return rms_norm(hidden, size, inside.norm.weight, epsilon)

    def _plain(self, past: DynamicCache | None, seen: int, new: int) -> Attend:
        """Attention within one text, of which `seen` tokens are cached."""
        mask = _causal(new, seen + new) if new > 1 else None

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            query, key, value = (part.transpose(0, 1)[None] for part in (query, key, value))
            if past is not None:
                key, value = past.update(key, value, layer)
            return _mix(query, key, value, mask)

        return attend

    def _paged(self, cache: PagedAttentionCache, kwargs: Mapping[str, Any]) -> Attend:
        """Attention of each session over its own pages."""
        (lengths,) = kwargs["cu_seq_lens_k"].values()
        allocator = cache.layer_to_allocator[0]
        read, write = kwargs["read_index"][allocator.index], kwargs["write_index"][allocator.index]
        new, total = kwargs["cu_seq_lens_q"].tolist(), lengths.tolist()
        spans: list[Span] = list(zip(new, new[1:], total, total[1:], strict=False))
        if read.numel() and all(q1 - q0 == 1 for q0, q1, _, _ in spans):
            return self._paged_writing(allocator, spans, read, write)
        masks = [_causal(q1 - q0, k1 - k0) for q0, q1, k0, k1 in spans]

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            key, value = allocator.update(key, value, layer, read, write)
            query, key, value = (part.transpose(0, 1)[None] for part in (query, key, value))
            return torch.cat(
                [
                    _mix(query[:, :, q0:q1], key[:, :, k0:k1], value[:, :, k0:k1], mask)
                    for (q0, q1, k0, k1), mask in zip(spans, masks, strict=True)
                ]
            )

        return attend

    def _paged_writing(self, allocator: Any, spans: list[Span], read: torch.Tensor, write: torch.Tensor) -> Attend:
        """The same where every session writes one token: all in one call, the shorter ones padded."""
        sessions, mask = len(spans), None
        lengths = torch.tensor([k1 - k0 for _, _, k0, k1 in spans])
        longest = int(lengths.max())
        if sessions > 1:
            places = torch.arange(longest)
            real = places < lengths[:, None]
            starts = torch.tensor([k0 for _, _, k0, _ in spans])[:, None]
            read = read[torch.where(real, starts + places, starts)].flatten()
            mask = torch.zeros(real.shape).masked_fill_(~real, float("-inf"))[:, None, None]
        shape = (sessions, longest, self.key_heads, self.width)

        def attend(layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
            key, value = allocator.update(key, value, layer, read, write)
            key, value = key.view(shape).transpose(1, 2), value.view(shape).transpose(1, 2)
            # The heads that share a key head are the rows of one query.
            rows = query.reshape(sessions, self.key_heads, -1, self.width)
            return scaled_dot_product_attention(rows, key, value, attn_mask=mask).reshape(sessions, -1)

        return attend


def _weight(layer: Any, codes: Codes | None) -> tuple[torch.Tensor, Codes]:
    """A layer's weight [out, in] with the change of its active adapters (LoRA: Hu et al. 2021), and its codes."""
    adapted = hasattr(layer, "get_delta_weight")  # peft's layer around the model's own
    weight = (layer.get_base_layer() if adapted else layer).weight.detach()
    active = [name for name in layer.active_adapters if name in layer.lora_A] if adapted else []
    if not active or layer.disable_adapters:
        return weight, codes or find_codes(weight.float())
    changed = weight.float() + sum(layer.get_delta_weight(name).float() for name in active)
    return changed, find_codes(changed)


def _mix(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """Attention of one session, [1, h, new, d] over [1, k, all, d] → [new, h * d]."""
    mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, enable_gqa=True)
    return mixed[0].transpose(0, 1).flatten(1)


def _causal(new: int, total: int) -> torch.Tensor:
    """Zero where each of the last `new` of `total` tokens sees, −∞ where not, [new, total]."""
    return torch.full((new, total), float("-inf")).triu_(total - new + 1)


def _angles(rotary: Any, positions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and signed sines of the rotary embedding (Su et al., RoFormer, 2021), each [n, 1, d]."""
    angles = positions[:, None].float() * rotary.inv_freq
    cos, sin = angles.cos() * rotary.attention_scaling, angles.sin() * rotary.attention_scaling
    return torch.cat((cos, cos), dim=-1)[:, None], torch.cat((-sin, sin), dim=-1)[:, None]


def _turn(rows: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate `rows` [n, h, d]: the halves of a head turn against each other."""
    halves = rows.view(*rows.shape[:2], 2, -1)
    swapped = halves.flip(2).view(rows.shape)
    return (rows * cos).addcmul_(swapped, sin)
