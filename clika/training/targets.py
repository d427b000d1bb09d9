"""Which linear layers get an adapter, read off the model itself.

For the attention's inputs the paper takes queries and values, or the layer that holds both (``q_proj`` and
``v_proj``; BLOOM's ``query_key_value``, Baichuan's ``W_pack``). Every architecture names them in its own way, but
there are few ways, and a model that knows none of them is refused with the names that it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from clika.errors import ModelError
from clika.training.layer_names import ATTENTION_INPUTS, ROUTERS
from clika.training.recipe import Tuning

# peft refuses an adapter there (the kernels read the weight itself).
_STATE_SPACE = frozenset({"mamba", "mamba2", "falcon_mamba", "falcon_h1", "nemotron_h"})
_STATE_SPACE_CLOSED = frozenset({"out_proj", "conv1d"})
_TRIAL_TOKENS = 8


@dataclass(frozen=True, slots=True)
class Targets:
    """Names of the layers that get an adapter, as peft matches them: the last part of a module's path.

    ``count`` is how many layers bear them, ``transposed`` whether they are GPT-2's (inputs, outputs), and
    ``left_out`` are the names of linear layers that an adapter would not reach.
    """

    names: tuple[str, ...]
    count: int
    transposed: bool
    left_out: tuple[str, ...] = ()


def targets(network: Any, tuning: Tuning, name: str) -> Targets:
    """The layers of a loaded model for LoRA on attention or on all linear layers.

    Raises ModelError where the model has no such layers, or keeps weights where no adapter reaches them.
    """
    layers = _linear_layers(network)
    there = {path.rpartition(".")[2] for path in layers}
    if tuning is Tuning.LORA_ATTENTION:
        chosen: tuple[str, ...] = next((c for c in ATTENTION_INPUTS if there.issuperset(c)), ())
        if not chosen:
            raise ModelError(
                f"{name} has no attention layer of a known name; its linear layers are called"
                f" {', '.join(sorted(there)) or 'nothing'}: use tuning '{Tuning.LORA_ALL}' or '{Tuning.FULL}'"
            )
        return _targets(layers, chosen, ())
    experts = [path for path, module in network.named_modules() if _holds_experts(module)]
    if experts:
        raise ModelError(
            f"{name} keeps its experts' weights in blocks of three dimensions ({experts[0]}), where LoRA on linear"
            f" layers does not reach; use tuning '{Tuning.LORA_ATTENTION}' or '{Tuning.FULL}'"
        )
    closed = ROUTERS | (_STATE_SPACE_CLOSED if network.config.model_type in _STATE_SPACE else set())
    reached = (there & _called(network, layers)) - closed
    if not reached:
        raise ModelError(f"{name} has no linear layer that an adapter reaches; use tuning '{Tuning.FULL}'")
    return _targets(layers, tuple(sorted(reached)), tuple(sorted(there - reached)))


def _targets(layers: dict[str, nn.Module], names: tuple[str, ...], left_out: tuple[str, ...]) -> Targets:
    bearing = [module for path, module in layers.items() if path.rpartition(".")[2] in names]
    return Targets(names, len(bearing), isinstance(bearing[0], Conv1D), left_out)


def _linear_layers(network: Any) -> dict[str, nn.Module]:
    """Path and module of every linear layer but the head."""
    head = network.get_output_embeddings()
    return {
        path: module
        for path, module in network.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and module is not head
    }


def _called(network: Any, layers: dict[str, nn.Module]) -> set[str]:
    """Last names of the layers that are called: Mamba reads the weight of one and never calls it."""
    called: set[str] = set()

    def notice(path: str) -> Any:
        def hook(module: nn.Module, inputs: Sequence[Any], outputs: Any) -> None:
            called.add(path.rpartition(".")[2])

        return hook

    hooks = [module.register_forward_hook(notice(path)) for path, module in layers.items()]
    try:
        with torch.no_grad():
            device = network.get_input_embeddings().weight.device
            network(input_ids=torch.arange(_TRIAL_TOKENS, device=device)[None])
    finally:
        for hook in hooks:
            hook.remove()
    return called


def _holds_experts(module: nn.Module) -> bool:
    return "Experts" in type(module).__name__ and any(
        weight.dim() == 3 for weight in module.parameters(recurse=False)
    )
