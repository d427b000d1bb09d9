"""Frozen linear layers prepacked for oneDNN on a CPU, with the gradient of their inputs.

A frozen weight is packed twice: as it is for the way forward, transposed for the way back. Where torch gives its own
linear layers to MKL that is half as fast on processors that are not Intel's. Every layer is compared with the one it
replaces, both ways, and stays where they disagree.
"""

import logging
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from clika.scoring.packed_linear import can_pack, is_packable

_logger = logging.getLogger(__name__)

_TRIED_ROWS = 8
# Units in the last place of the dtype, times the largest output: what another order of adding makes.
_ROUNDING = 64.0


class _PackedProduct(torch.autograd.Function):
    """``inputs @ weight.T + bias``; the weight has no gradient."""

    @staticmethod
    def forward(context: Any, inputs: torch.Tensor, layer: "FrozenLinear") -> torch.Tensor:
        context.layer = layer
        return layer.product(inputs)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        return context.layer.product_back(gradients[0].contiguous()), None


class FrozenLinear(nn.Module):
    """A frozen linear layer over its packed weight. ``weight`` is the plain one, for whoever looks into it."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, plain: torch.Tensor) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self.weight, self.bias = plain, bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)
        self._back = torch.ops.mkldnn._reorder_linear_weight(weight.t().contiguous(), None)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(…, in_features) to (…, out_features), in the weight's dtype."""
        outputs: torch.Tensor = _PackedProduct.apply(  # type: ignore[no-untyped-call]
            inputs.to(self.weight.dtype), self
        )
        return outputs

    def product(self, inputs: torch.Tensor) -> torch.Tensor:
        """What ``forward`` gives, in a tensor of its own and without a gradient."""
        outputs: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self._packed, self.bias, "none", [], ""
        )
        return outputs

    def product_back(self, gradient: torch.Tensor) -> torch.Tensor:
        """The gradient of the inputs, (…, in_features), from that of the outputs."""
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(gradient, self._back, None, "none", [], "")
        return found


def prepack_frozen_layers(network: nn.Module) -> int:
    """Put a FrozenLinear in the place of every frozen linear layer that agrees with it; returns how many.

    Only plain layers on the CPU in float32 or bfloat16, without hooks; the model's memory grows by two copies.
    """
    if not can_pack():
        return 0
    packed = 0
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            replacement = _agreeing(layer)
            if replacement is not None:
                setattr(parent, name, replacement)
                packed += 1
    return packed


def _agreeing(layer: Any) -> FrozenLinear | None:
    if not is_packable(layer) or any(w.requires_grad for w in layer.parameters()):
        return None
    plain: torch.Tensor = layer.weight
    weight = plain.t() if type(layer) is Conv1D else plain
    replacement = FrozenLinear(weight.detach(), layer.bias, plain)
    generator = torch.Generator().manual_seed(0)
    tried = torch.randn(_TRIED_ROWS, weight.shape[1], generator=generator).to(plain.dtype)
    turned = torch.randn(_TRIED_ROWS, weight.shape[0], generator=generator).to(plain.dtype)
    pairs = []
    for module in (layer, replacement):
        inputs = tried.clone().requires_grad_()
        outputs = module(inputs)
        (gradient,) = torch.autograd.grad(outputs, inputs, turned)
        pairs.append((outputs.detach(), gradient))
    if all(_same(one, other) for one, other in zip(*pairs, strict=True)):
        return replacement
    _logger.info("a linear layer of %s does not agree with its packed form and stays", tuple(weight.shape))
    return None


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Alike but for rounding; NaN is alike to nothing."""
    scale = max(float(one.float().abs().max()), torch.finfo(one.dtype).tiny)
    within = _ROUNDING * torch.finfo(one.dtype).eps * scale
    return float((one.float() - other.float()).abs().max()) <= within
