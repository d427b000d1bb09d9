"""The last layer's feed-forward part at the positions that are read, and nowhere else.

Forced choice reads one position of a prompt. Keys and values of the other positions are needed in every
layer, but what the last layer's feed-forward part makes of them is thrown away: a tenth of the work of a
small model. Whether a model may be computed this way is checked by the caller.
"""

from typing import Any, Protocol

import torch
from torch import nn


class ReadsPositions(Protocol):
    """A last layer that is told which positions (rows, kept) anybody will read; None for all."""

    positions: torch.Tensor | None


class LastPositionOnly(nn.Module):
    """A position-wise module that skips every position but those in ``positions``; zeros stand there.

    ``positions`` is (rows, kept) int64, or None: then it is the module it wraps.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.positions: torch.Tensor | None = None

    def forward(self, hidden: torch.Tensor) -> Any:
        """(rows, length, size) to the same, zero where no position was asked for."""
        if self.positions is None or self.positions.shape[0] != hidden.shape[0]:
            return self.inner(hidden)
        places = self.positions[..., None].to(hidden.device)  # of a spread model the last layer is elsewhere
        read = self.inner(torch.take_along_dim(hidden, places, dim=1))
        whole = read.new_zeros(*hidden.shape[:2], read.shape[-1])
        return whole.scatter_(1, places.expand(-1, -1, read.shape[-1]), read)


def last_layer(network: nn.Module) -> nn.Module | None:
    """The last of a model's layers, whose feed-forward part is its ``mlp``; None where no layers have one."""
    stacks = [
        module
        for module in network.modules()
        if isinstance(module, nn.ModuleList)
        and len(module) > 0
        and isinstance(getattr(module[-1], "mlp", None), nn.Module)
    ]
    if not stacks:
        return None
    found: nn.Module = max(stacks, key=len)[-1]
    return found


def wrapped_last_layer(network: nn.Module) -> LastPositionOnly | None:
    """Wrap the feed-forward part of the last of a model's layers; None where there is none."""
    last: Any = last_layer(network)
    if last is None:
        return None
    last.mlp = LastPositionOnly(last.mlp)
    wrapped: LastPositionOnly = last.mlp
    return wrapped


def unwrapped_last_layer(network: nn.Module) -> None:
    """Take every wrapper out again."""
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, LastPositionOnly):
                setattr(parent, name, layer.inner)
