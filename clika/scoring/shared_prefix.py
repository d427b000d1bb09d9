"""Attention of many short rows behind one prefix that they share, on a CPU: the prefix is read once for all of them.

transformers expands the prefix's keys and values to every row and puts the row's own behind them, and torch's attention
then multiplies row by row. Here all rows' queries meet the prefix in one product of matrices, and their own keys in
another; the softmax is over both, in float32. The same numbers but for rounding: twice as fast in bfloat16.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

from clika.scoring.attention_function import Attention, in_place_of_torchs, is_special


class _PrefixLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """One layer's keys and values of the prefix, which the attention that follows an update is given."""

    def __init__(self, layer: Any, given: "SharedPrefix") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.keys, self.values = layer.keys, layer.values
        self.is_initialized = True
        self._given = given

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The rows' own, as they came."""
        held: Any = (self.keys, self.values)
        self._given.pending = held
        return key_states, value_states


class SharedPrefix:
    """``cache``, of one row, for a model that computes many behind it ``within`` a block."""

    def __init__(self, cache: Any) -> None:
        """Raises ValueError for a cache of other layers than plain ones."""
        if any(type(layer) is not DynamicLayer or not layer.is_initialized for layer in cache.layers):
            raise ValueError("it keeps more than all keys and values of its layers")
        self.cache = copy.copy(cache)
        self.cache.layers = [_PrefixLayer(layer, self) for layer in cache.layers]
        self.pending: tuple[torch.Tensor, torch.Tensor] | None = None
        self._mask: torch.Tensor | None = None
        self._own: torch.Tensor | None = None

    @contextmanager
    def within(self) -> Iterator[None]:
        """Inside, a model that is given ``cache`` computes attention as above."""
        with in_place_of_torchs(self._attention):
            yield

    def _attention(
        self,
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
        if self.pending is None:
            raise ValueError("it computes attention without a cache of its own layer")
        (keys, values), self.pending = self.pending, None
        if attention_mask is not None and attention_mask.shape[-1] != keys.shape[-2] + key.shape[-2]:
            raise ValueError(
                f"a mask over {attention_mask.shape[-1]} keys, where the prefix has {keys.shape[-2]} and its rows"
                f" {key.shape[-2]} of their own: it must cover both"
            )
        own = self._own_mask(attention_mask, keys.shape[-2], query.dtype)
        if own is None or is_special(dropout, named):
            rows = len(query)
            key, value = (
                torch.cat((before.expand(rows, -1, -1, -1), after), dim=-2)
                for before, after in ((keys, key), (values, value))
            )
            return plain(module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **named)
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return attention_behind(query, key, value, keys[0], values[0], own, scale), None

    def _own_mask(self, mask: torch.Tensor | None, skipped: int, dtype: torch.dtype) -> torch.Tensor | None:
        """(rows, 1, asked, width) to be added, of a mask by which everybody sees the whole prefix; else None."""
        if mask is None or mask.dtype is not torch.bool or mask.dim() != 4:
            return None
        if mask is not self._mask:  # one for all layers of a kind
            self._mask, self._own = mask, None
            if bool(mask[..., :skipped].all()):
                seen = mask[..., skipped:]
                hidden = torch.finfo(dtype).min
                self._own = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, hidden)
        return self._own


def attention_behind(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    prefix_keys: torch.Tensor,
    prefix_values: torch.Tensor,
    mask: torch.Tensor,
    scaling: float,
) -> torch.Tensor:
    """(rows, asked, heads, size) of queries (rows, heads, asked, size) over the prefix and the rows' own.

    Keys and values are of as many heads or of groups of them: the rows' (rows, groups, width, size), the prefix's
    (groups, skipped, size). ``mask`` (rows, 1, asked, width) is added to the scores of the rows' own keys.
    """
    rows, heads, asked, size = query.shape
    groups, skipped = prefix_keys.shape[:2]
    each, width = heads // groups, key.shape[2]
    by_head = query.transpose(0, 1).contiguous()
    # (groups, 1, rows, width, size)
    key, value = key.transpose(0, 1)[:, None], value.transpose(0, 1)[:, None]
    together = by_head.view(groups, each * rows * asked, size)
    scores = by_head.new_empty(groups, each * rows * asked, skipped + width)
    before = scores[..., :skipped]
    torch.baddbmm(before, together, prefix_keys.transpose(1, 2), beta=0, alpha=scaling, out=before)
    scores = scores.view(groups, each, rows, asked, skipped + width)
    own = torch.matmul(by_head.view(groups, each, rows, asked, size), key.transpose(-1, -2))
    torch.add(mask[:, 0], own, alpha=scaling, out=scores[..., skipped:])
    shares = torch.softmax(scores, dim=-1, dtype=torch.float32).to(value.dtype)
    found = torch.matmul(shares[..., skipped:], value)
    of_prefix = shares[..., :skipped].reshape(groups, each * rows * asked, skipped)
    found += torch.bmm(of_prefix, prefix_values).view(found.shape)
    return found.view(heads, rows, asked, -1).permute(1, 2, 0, 3).contiguous()
