"""What a frozen head makes of hidden states, and the loss of it, a few positions at a time.

The logits of a batch are the largest tensor of a step; whole, they are written and read again for each of the softmax,
its gradient and the head's. A few positions' logits stay in the cache, and are let go once their gradient is known:
the same losses and gradients, since a frozen head needs nothing else of them.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional

# Numbers at once: few enough for a CPU's cache, many enough for a GPU to be busy.
_AT_ONCE = {"cpu": 2**22}
_AT_ONCE_ELSEWHERE = 2**26


class _HeadLosses(torch.autograd.Function):
    """Nats of the wanted ids; the gradient of the hidden states is computed on the way forward."""

    @staticmethod
    def forward(context: Any, hidden: torch.Tensor, head: nn.Module, wanted: torch.Tensor) -> torch.Tensor:
        numbers = _AT_ONCE.get(hidden.device.type, _AT_ONCE_ELSEWHERE)
        losses = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden)
        rows = max(1, numbers // _outputs(head))
        for begin in range(0, len(hidden), rows):
            part = slice(begin, begin + rows)
            with torch.enable_grad():
                inputs = hidden[part].detach().requires_grad_()
                logits = head(inputs)
            places = wanted[part, None]
            said = functional.log_softmax(logits.detach(), dim=-1, dtype=torch.float32)
            losses[part] = -said.gather(1, places)[:, 0]
            if context.needs_input_grad[0]:
                said.exp_().scatter_add_(1, places, said.new_full(places.shape, -1.0))
                (gradient[part],) = torch.autograd.grad(logits, inputs, said.to(logits.dtype))
        context.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        (gradient,) = context.saved_tensors
        return (gradient * gradients[0][:, None]).to(gradient.dtype), None, None


def head_losses(hidden: torch.Tensor, head: nn.Module, wanted: torch.Tensor) -> torch.Tensor:
    """(read,) float32: nats of the ``wanted`` ids (read,) by a frozen head after the hidden states (read, size)."""
    found: torch.Tensor = _HeadLosses.apply(hidden, head, wanted)  # type: ignore[no-untyped-call]
    return found


def frozen_and_last(network: Any) -> bool:
    """Whether a model's head is frozen and the model leaves the logits as the head says them.

    Some scale or cap them afterwards: told other logits than its head's, the model has to say just those.
    """
    head = network.get_output_embeddings()
    if any(weight.requires_grad for weight in head.parameters()):
        return False
    weight = network.get_input_embeddings().weight
    told: list[torch.Tensor] = []

    def tell(module: nn.Module, inputs: Any, outputs: torch.Tensor) -> torch.Tensor:
        # Numbers far from 0, which a cap would move.
        told.append(torch.linspace(-100, 100, outputs.numel(), device=outputs.device).to(outputs.dtype))
        told[0] = told[0].reshape(outputs.shape)
        return told[0]

    hook = head.register_forward_hook(tell)
    try:
        with torch.no_grad():
            said = network(input_ids=torch.zeros(1, 2, dtype=torch.long, device=weight.device)).logits
    finally:
        hook.remove()
    return said.shape == told[0].shape and torch.equal(said.float(), told[0].float())


def _outputs(head: nn.Module) -> int:
    weight: Any = head.weight
    return int(max(weight.shape))
