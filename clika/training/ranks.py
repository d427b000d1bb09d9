"""The processes that tune one model together, and what they have to agree on.

accelerate says which device each has and joins them. Where every process holds the whole model, gradients are added
up once a step and not by hooks: processes may then compute different numbers of micro-batches, or again after one
had no memory. Full tuning shards weights, gradients and optimiser over the processes with torch's own FSDP2, in one
place for CPUs (where accelerate has no FSDP) and GPUs.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, broadcast_object_list
from torch import distributed, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from clika.errors import ModelError
from clika.scoring.checkpoint import Device, device_here
from clika.training.recipe import Precision

# A look at the model may take one process minutes while the others wait.
_PATIENCE = timedelta(hours=6)


class Ranks:
    """This process among the ``count`` that accelerate joined; one by itself where nobody launched a group."""

    def __init__(self, device: Device) -> None:
        """Raises UsageError for a device that is not there."""
        wanted = device_here(device)
        self._accelerator = Accelerator(
            cpu=wanted.type == "cpu", kwargs_handlers=[InitProcessGroupKwargs(timeout=_PATIENCE)]
        )
        self.device: torch.device = self._accelerator.device
        self.count: int = self._accelerator.num_processes
        self.rank: int = self._accelerator.process_index

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def wait(self) -> None:
        """Until everybody is here."""
        self._accelerator.wait_for_everyone()

    def told(self, value: Any) -> Any:
        """What the first process holds, on all of them."""
        held = [value]
        if self.count > 1:
            broadcast_object_list(held)
        return held[0]

    def sums(self, values: Sequence[float]) -> list[float]:
        """Each value added up over all processes."""
        if self.count == 1:
            return list(values)
        kind = torch.float32 if self.device.type == "mps" else torch.float64
        whole = torch.tensor(list(values), dtype=kind, device=self.device)
        distributed.all_reduce(whole)
        return [float(value) for value in whole]

    def add_gradients(self, weights: Iterable[nn.Parameter]) -> None:
        """Put the sum over all processes in the place of each gradient; of one that is missing, 0 counts."""
        if self.count == 1:
            return
        waiting = []
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            waiting.append(distributed.all_reduce(weight.grad, async_op=True))
        for one in waiting:
            one.wait()

    def shard(self, network: Any, precision: Precision) -> None:
        """Spread a whole model's weights over the processes, block by block.

        Raises ModelError for a model that does not say what its blocks are.
        """
        blocks = set(getattr(network, "_no_split_modules", None) or ())
        found = [module for module in network.modules() if type(module).__name__ in blocks]
        if not found:
            raise ModelError(
                f"{type(network).__name__} does not say what its blocks are, and full tuning on several devices shards"
                " by blocks; tune on one device, or with LoRA"
            )
        policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if precision is Precision.BFLOAT16 else None,
            reduce_dtype=torch.float32,
        )
        mesh = init_device_mesh(self.device.type, (self.count,))
        for module in found:
            fully_shard(module, mesh=mesh, mp_policy=policy)
        fully_shard(network, mesh=mesh, mp_policy=policy)

    def whole_weights(self, network: nn.Module) -> dict[str, torch.Tensor]:
        """The weights of a sharded model, whole and on the CPU; empty on all processes but the first."""
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        weights: Any = get_model_state_dict(network, options=options)
        return dict(weights)


def own_part(weight: torch.Tensor) -> torch.Tensor:
    """What this process holds of a weight, over the same memory: all of it unless it is sharded."""
    return weight.to_local() if isinstance(weight, DTensor) else weight


def clipped_norm(weights: Sequence[nn.Parameter], most: float) -> float:
    """The gradients' norm over all weights before they were scaled to at most ``most``."""
    norm = nn.utils.clip_grad_norm_(weights, most)
    return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)
