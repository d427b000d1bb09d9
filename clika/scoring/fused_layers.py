"""Decoder layers of Llama's form for a CPU: the same arithmetic in fewer passes over memory.

transformers writes a layer for every device, an operation at a time; on a processor a small model spends half of its
time on what lies between the multiplications. Here queries, keys and values come from one multiplication and are rotated
straight into the order that attention reads, SiLU, the gate and residuals are done by oneDNN while it still holds its
results, a norm takes two passes, and the last layer goes on for the positions that are read alone.
"""

import logging
from typing import Any

import torch
from torch import nn
from transformers.activations import SiLUActivation
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaDecoderLayer
from transformers.models.mistral.modeling_mistral import MistralDecoderLayer
from transformers.models.qwen2.modeling_qwen2 import Qwen2DecoderLayer
from transformers.models.qwen3.modeling_qwen3 import Qwen3DecoderLayer

from clika.scoring.packed_linear import PackedLinear, is_packable, padded_rows, within_rounding

_logger = logging.getLogger(__name__)

_FORMS = (LlamaDecoderLayer, MistralDecoderLayer, Qwen2DecoderLayer, Qwen3DecoderLayer)
"""Layers that are: norm, attention with rotary positions, residual, norm, gated feed-forward with SiLU, residual."""
_TRIED = (2, 9)
_ROUNDING = 16.0  # units in the last place: a layer of another form is off by hundreds


class FusedLayer(nn.Module):
    """One layer in the place of transformers' own. For inference on a CPU: it has no gradient.

    ``positions`` (rows, kept) int64 are set on the last layer alone: it then computes these, and leaves zeros elsewhere.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        attention, mlp = layer.self_attn, layer.mlp
        self.num_key_value_groups: int = attention.num_key_value_groups  # what transformers' attention reads
        self.is_causal = True
        self.positions: torch.Tensor | None = None
        self._index, self._scaling, self._size = attention.layer_idx, attention.scaling, attention.head_dim
        self._implementation: str = attention.config._attn_implementation
        self._into = PackedLinear.of((attention.q_proj, attention.k_proj, attention.v_proj))
        self._out = PackedLinear.of((attention.o_proj,))
        self._gate, self._up, self._down = (
            PackedLinear.of((part,)) for part in (mlp.gate_proj, mlp.up_proj, mlp.down_proj)
        )
        self._groups = attention.k_proj.out_features // self._size
        self._heads = attention.q_proj.out_features // self._size
        self._before_attention, self._before_mlp = (
            _Norm(norm) for norm in (layer.input_layernorm, layer.post_attention_layernorm)
        )
        self._of_heads = (
            (_Norm(attention.q_norm), _Norm(attention.k_norm)) if hasattr(attention, "q_norm") else None
        )

    def forward(
        self,
        hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_embeddings: tuple[torch.Tensor, torch.Tensor] | None = None,
        past_key_values: Any = None,
        **_: Any,
    ) -> torch.Tensor:
        """(rows, width, hidden) to the same. ``attention_mask`` is a bool (rows, 1, width, keys), or None for causal."""
        if position_embeddings is None:
            raise ValueError("a layer with rotary positions is given them")
        rows, width, _hidden = hidden_states.shape
        count = rows * width
        states = self._into(self._before_attention.padded(hidden_states))[:count]
        query, key, value = self._rotated(states.view(rows, width, -1, self._size), *position_embeddings)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self._index)
        residual = hidden_states
        kept = self.positions if self.positions is not None and len(self.positions) == rows else None
        if kept is not None and width == 1:
            kept = None  # nothing to skip; and a mask left out then means all keys, of a prefix too
        if kept is not None:
            attention_mask = _mask_of(kept, attention_mask, width, key.shape[2])
            query = torch.take_along_dim(query, kept[:, None, :, None], dim=2)
            residual = torch.take_along_dim(hidden_states, kept[..., None], dim=1)
        found, _weights = ALL_ATTENTION_FUNCTIONS[self._implementation](
            self, query, key, value, attention_mask, dropout=0.0, scaling=self._scaling
        )
        residual = self._out(found.flatten(2), plus=residual)
        normed = self._before_mlp.padded(residual)
        after = self._fed_back(self._up(normed, times=self._gate(normed, silu=True)), residual)
        if kept is None:
            return after
        whole = torch.zeros_like(hidden_states)
        return whole.scatter_(1, kept[..., None].expand_as(after), after)

    def _fed_back(self, product: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        """``residual`` (rows, width, hidden) and what the feed-forward part makes of it; ``product`` may be padded."""
        flat = residual.flatten(0, 1)
        whole: torch.Tensor
        if len(product) == len(flat):
            whole = self._down(product, plus=flat)
        else:
            whole = self._down(product)[: len(flat)].add_(flat)
        return whole.view_as(residual)

    def _rotated(
        self, states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries, keys and values (rows, heads or groups, width, size), which lie in memory head by head."""
        turned = self._heads + self._groups
        by_head = states.permute(2, 0, 1, 3)
        if self._of_heads is not None:
            query, key = by_head[: self._heads], by_head[self._heads : turned]
            by_head = torch.cat((self._of_heads[0](query), self._of_heads[1](key), by_head[turned:]))
        half = self._size // 2
        first, second = by_head[:turned, ..., :half], by_head[:turned, ..., half:]
        cos, sin = cos[..., :half], sin[..., :half]  # the other half is the same once more
        made = states.new_empty((turned, *states.shape[:2], self._size))
        low, high = made[..., :half], made[..., half:]
        torch.mul(first, cos, out=low).addcmul_(second, sin, value=-1)
        torch.mul(second, cos, out=high).addcmul_(first, sin)
        query, key = made[: self._heads], made[self._heads :]
        return query.transpose(0, 1), key.transpose(0, 1), by_head[turned:].contiguous().transpose(0, 1)


class _Norm:
    """RMSNorm of the last dimension, in float32."""

    def __init__(self, norm: Any) -> None:
        self._weight, self._epsilon = norm.weight.detach(), float(norm.variance_epsilon)

    def __call__(self, given: torch.Tensor) -> torch.Tensor:
        return self._written(given, torch.empty_like(given))

    def padded(self, given: torch.Tensor) -> torch.Tensor:
        """(rows, hidden) of (…, hidden), with as many rows as a multiplication has: the rest are zeros."""
        flat = given.flatten(0, -2)
        count = len(flat)
        made = flat.new_empty(padded_rows(count, flat.dtype), flat.shape[1])
        self._written(flat, made[:count])
        made[count:].zero_()
        return made

    def _written(self, given: torch.Tensor, into: torch.Tensor) -> torch.Tensor:
        wide = given.float()
        scale = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
        scale = scale.square_().div_(given.shape[-1]).add_(self._epsilon).rsqrt_()
        # Not scaled in bfloat16: rounding the scale itself would move a whole row one way.
        if wide is given:
            torch.mul(given, scale, out=into)
        else:
            into.copy_(wide.mul_(scale))
        return into.mul_(self._weight)


def _mask_of(positions: torch.Tensor, mask: torch.Tensor | None, width: int, keys: int) -> torch.Tensor:
    """(rows, 1, kept, keys) of a mask: what these positions see."""
    if mask is not None:
        return torch.take_along_dim(mask, positions[:, None, :, None], dim=2)
    seen = torch.arange(keys) <= positions[..., None] + (keys - width)
    return seen[:, None]


def fuse_layers(network: Any) -> tuple[int, FusedLayer | None]:
    """Put a FusedLayer in the place of every layer of Llama's form that agrees with it.

    Only on the CPU in float32 or bfloat16, without hooks: anything else is left as it is. Returns how many, and the one
    that stands last of all layers, which may be told what is read.
    """
    body = getattr(network, "model", None)
    layers, rotary = getattr(body, "layers", None), getattr(body, "rotary_emb", None)
    if not isinstance(layers, nn.ModuleList) or not len(layers) or rotary is None:
        return 0, None
    count = 0
    with torch.inference_mode():
        for place in range(len(layers)):  # by place, so that no layer is held once it was replaced
            if not _is_of_the_form(layers[place]):
                continue
            replacement = _agreeing(layers[place], rotary)
            if replacement is not None:
                layers[place] = replacement
                count += 1
    last = layers[-1]
    return count, last if isinstance(last, FusedLayer) else None


def _is_of_the_form(layer: Any) -> bool:
    if type(layer) not in _FORMS:
        return False
    attention, mlp = layer.self_attn, layer.mlp
    linears = (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
    return (
        attention.config._attn_implementation == "sdpa"
        and isinstance(mlp.act_fn, (nn.SiLU, SiLUActivation))
        and not any(hasattr(part, "_hf_hook") for part in layer.modules())  # accelerate's, of a spread model
        and all(map(is_packable, (*linears, mlp.gate_proj, mlp.up_proj, mlp.down_proj)))
    )


def _agreeing(layer: Any, rotary: Any) -> FusedLayer | None:
    weight = layer.mlp.down_proj.weight
    generator = torch.Generator().manual_seed(0)
    tried = torch.randn(*_TRIED, weight.shape[0], generator=generator).to(weight.dtype)
    positions = torch.arange(_TRIED[1])[None].expand(_TRIED)
    turns = rotary(tried, position_ids=positions)
    before = layer(tried, position_embeddings=turns)
    try:
        replacement = FusedLayer(layer)
        if within_rounding(replacement(tried, position_embeddings=turns), before, _ROUNDING):
            return replacement
    except (
        ValueError,
        TypeError,
        AttributeError,
        RuntimeError,
    ) as error:  # positions that turn a part of a head, say
        _logger.info("a layer of %s takes no fused form: %s", type(layer).__name__, error)
        return None
    _logger.info("a layer of %s does not agree with its fused form", type(layer).__name__)
    return None
