"""Attention within packed rows on a CPU: short rows, many of them, each with a mask of its own.

torch's own is made for long rows: here its gradient takes up to four times as long, in bfloat16, as four plain
matrix products. Scores are kept in what is computed in, the softmax is taken in float32, as transformers' eager
attention has it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.integrations.sdpa_attention import repeat_kv

from clika.scoring.attention_function import Attention, in_place_of_torchs, is_special


class _RowAttention(torch.autograd.Function):
    """(rows, heads, width, size) of queries alike, keys and values of another width; the mask has no gradient."""

    @staticmethod
    def forward(
        context: Any,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        mask: torch.Tensor,
        scaling: float,
    ) -> torch.Tensor:
        shape = query.shape
        queries = (query * scaling).flatten(0, 1)
        keys, values = key.flatten(0, 1), value.flatten(0, 1)
        scores = torch.bmm(queries, keys.transpose(1, 2)).view(*shape[:3], -1).add_(mask)
        shares = torch.softmax(scores, dim=-1, dtype=torch.float32).to(values.dtype).flatten(0, 1)
        context.save_for_backward(queries, keys, values, shares)
        context.scaling, context.shapes = scaling, (shape, key.shape, value.shape)
        return torch.bmm(shares, values).view(*shape[:3], -1)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        queries, keys, values, shares = context.saved_tensors
        said = gradients[0].flatten(0, 1)
        of_values = torch.bmm(shares.transpose(1, 2), said)
        of_shares = torch.bmm(said, values.transpose(1, 2))
        of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
        of_queries = torch.bmm(of_scores, keys).mul_(context.scaling)
        of_keys = torch.bmm(of_scores.transpose(1, 2), queries)
        found = (of_queries, of_keys, of_values)
        return *[one.view(shape) for one, shape in zip(found, context.shapes, strict=True)], None, None


@contextmanager
def row_attention() -> Iterator[None]:
    """Inside, models that ask transformers for torch's attention get this one, where a mask of floats is given."""
    with in_place_of_torchs(_attention):
        yield


def _attention(
    plain: Attention,
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **named: Any,
) -> tuple[torch.Tensor, None]:
    if attention_mask is None or attention_mask.dtype == torch.bool or is_special(dropout, named):
        return plain(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **named)
    groups = query.shape[1] // key.shape[1]
    dtype = _computed_in(value)
    said: torch.Tensor = _RowAttention.apply(  # type: ignore[no-untyped-call]
        query.to(dtype),
        repeat_kv(key, groups).to(dtype),
        repeat_kv(value, groups).to(dtype),
        attention_mask.to(dtype),
        query.shape[-1] ** -0.5 if scaling is None else scaling,
    )
    return said.transpose(1, 2).contiguous(), None


def _computed_in(value: torch.Tensor) -> torch.dtype:
    device = value.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else value.dtype
