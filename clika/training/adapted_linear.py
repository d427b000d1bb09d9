"""A frozen linear layer on a CPU with its LoRA beside it, in one: products of matrices and nothing else.

peft's own layer scales and adds in passes of their own, both ways, and in bfloat16 turns its inputs to float32 and
back. The layer stays peft's; only how it computes is another, and only while its one adapter is switched on.
"""

from typing import Any

import torch
from peft.tuners.lora.layer import Linear
from torch import nn

from clika.training.frozen_linear import FrozenLinear


class _AdaptedProduct(torch.autograd.Function):
    """``inputs @ weight.T + bias + scaling * dropped @ down.T @ up.T``; without ``dropped`` nothing drops out."""

    @staticmethod
    def forward(
        context: Any,
        inputs: torch.Tensor,
        dropped: torch.Tensor | None,
        down: torch.Tensor,
        up: torch.Tensor,
        layer: FrozenLinear,
        scaling: float,
    ) -> torch.Tensor:
        outputs = layer.product(inputs)
        beside = (inputs if dropped is None else dropped).flatten(0, -2)
        down, up = down.to(inputs.dtype), up.to(inputs.dtype)
        inner = beside @ down.t()
        outputs.view(-1, outputs.shape[-1]).addmm_(inner, up.t(), alpha=scaling)
        context.save_for_backward(beside, inner, down, up)
        context.layer, context.scaling, context.drops = layer, scaling, dropped is not None
        return outputs

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        beside, inner, down, up = context.saved_tensors
        said = gradients[0].contiguous()
        flat = said.view(-1, said.shape[-1])
        of_inner = (flat @ up).mul_(context.scaling)
        of_up = (flat.t() @ inner).mul_(context.scaling).float()
        of_down = (of_inner.t() @ beside).float()
        of_inputs = context.layer.product_back(said) if context.needs_input_grad[0] else None
        of_dropped = None
        if context.drops:
            of_dropped = (of_inner @ down).view(*said.shape[:-1], -1)
        elif of_inputs is not None:
            of_inputs.view(-1, of_inputs.shape[-1]).addmm_(of_inner, down)
        return of_inputs, of_dropped, of_down, of_up, None, None


class AdaptedLayers:
    """Every LoRA layer over a FrozenLinear of a model, computed as above until it is closed. ``count`` is how many."""

    def __init__(self, network: nn.Module) -> None:
        self._layers = [module for module in network.modules() if _fits(module)]
        for layer in self._layers:
            layer.forward = _computing(layer)
        self.count = len(self._layers)

    def close(self) -> None:
        """Leave the layers to peft again."""
        for layer in self._layers:
            del layer.forward
        self._layers = []


def _fits(module: Any) -> bool:
    """Plain LoRA with one adapter in float32, nothing merged."""
    if type(module) is not Linear or not isinstance(module.base_layer, FrozenLinear):
        return False
    if len(module.active_adapters) != 1 or module.lora_variant or module.merged:
        return False
    pair: list[Any] = [part[module.active_adapters[0]] for part in (module.lora_A, module.lora_B)]
    return all(part.bias is None and part.weight.dtype is torch.float32 for part in pair)


def _computing(layer: Any) -> Any:
    (name,) = layer.active_adapters
    base, dropout = layer.base_layer, layer.lora_dropout[name]
    down, up, scaling = layer.lora_A[name].weight, layer.lora_B[name].weight, layer.scaling[name]
    drops = getattr(dropout, "p", 0.0) > 0

    def forward(inputs: torch.Tensor, *others: Any, **named: Any) -> torch.Tensor:
        as_it_was = not layer.disable_adapters and not layer.merged and layer.active_adapters == [name]
        if others or named or not as_it_was:
            plain: torch.Tensor = type(layer).forward(layer, inputs, *others, **named)
            return plain
        inputs = inputs.to(base.weight.dtype)
        dropped = dropout(inputs) if drops and layer.training else None
        outputs: torch.Tensor = _AdaptedProduct.apply(  # type: ignore[no-untyped-call]
            inputs, dropped, down, up, base, scaling
        )
        return outputs

    return forward
