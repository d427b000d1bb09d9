"""The last layer's feed-forward part while a model learns: at the positions whose logits are read, nowhere else.

By hooks: names of weights, peft's and those on disk, stay as they are. What the part would have said elsewhere
reaches no loss, so losses and gradients are the same.
"""

from typing import Any

import torch
from torch import nn

from clika.scoring.last_position import last_layer


class ReadPositions:
    """Hooks of a model's last feed-forward part. ``read`` is (rows, columns), or None: everywhere."""

    def __init__(self, network: nn.Module) -> None:
        """Raises ValueError for a model that has no such part."""
        last: Any = last_layer(network)
        if last is None:
            raise ValueError("its layers have no feed-forward part of their own")
        self.read: tuple[torch.Tensor, torch.Tensor] | None = None
        self._shape: torch.Size | None = None
        self._hooks = [
            last.mlp.register_forward_pre_hook(self._gathered),
            last.mlp.register_forward_hook(self._scattered),
        ]

    def close(self) -> None:
        """Take the hooks out again."""
        for hook in self._hooks:
            hook.remove()

    def _gathered(self, part: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """(1, read, size) of (rows, width, size)."""
        if self.read is None:
            return None
        if len(inputs) != 1 or inputs[0].dim() != 3:
            raise ValueError("its last feed-forward part is given something else than hidden states")
        self._shape = inputs[0].shape
        return (inputs[0][self.read][None],)

    def _scattered(self, part: nn.Module, inputs: tuple[Any, ...], found: Any) -> torch.Tensor | None:
        """(rows, width, size), zeros where nobody reads."""
        if self.read is None or self._shape is None:
            return None
        if not isinstance(found, torch.Tensor):
            raise ValueError("its last feed-forward part says something else than hidden states")
        whole = found.new_zeros(*self._shape[:2], found.shape[-1])
        return whole.index_put(self.read, found[0])
