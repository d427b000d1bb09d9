"""Linear layers prepacked for oneDNN on a CPU, where torch's own take a slower path.

torch gives float32 linear layers to MKL, which is half as fast on processors that are not Intel's, and
reorders bfloat16 weights at every call. Packed once, the same layer is 1.05 to 2.4 times as fast
(benchmarks/RESULTS.md). Every layer is compared with the one it replaces, which is then let go: the
memory never holds two copies of a model.
"""

import ctypes
import logging
import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

_logger = logging.getLogger(__name__)

_DTYPES = (torch.float32, torch.bfloat16)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
_TRIED_ROWS = 8
_STEPS = {torch.float32: 16, torch.bfloat16: 32}
# Units in the last place of the dtype, times the largest output: what another order of adding makes.
_ROUNDING = 64.0


class PackedLinear(nn.Module):
    """``x @ weight.T + bias`` over a weight in oneDNN's own layout. For inference: it has no gradient."""

    @classmethod
    def of(cls, layers: Sequence[Any]) -> "PackedLinear":
        """Linear layers of one input as a single one: their outputs behind each other."""
        weights = [layer.weight for layer in layers]
        if all(layer.bias is None for layer in layers):
            return cls(torch.cat(weights), None)
        biases = [
            layer.weight.new_zeros(len(layer.weight)) if layer.bias is None else layer.bias
            for layer in layers
        ]
        return cls(torch.cat(weights), torch.cat(biases))

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)
        self._bias = None if bias is None else bias.detach()

    def forward(
        self,
        inputs: torch.Tensor,
        *,
        silu: bool = False,
        plus: torch.Tensor | None = None,
        times: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(…, in_features) to (…, out_features), in the weight's dtype; one thing more may be done with the result.

        That is SiLU, or adding ``plus`` or multiplying ``times``, each of the result's shape: at most one of the three.
        """
        rows = inputs.shape[:-1].numel()
        more = padded_rows(rows, inputs.dtype) - rows
        made: torch.Tensor
        if more:
            whole = nn.functional.pad(inputs.reshape(rows, -1), (0, 0, 0, more))
            made = self(whole, silu=silu)[:rows].view(*inputs.shape[:-1], -1)
            if plus is not None:
                made.add_(plus)
            if times is not None:
                made.mul_(times)
            return made
        other, named = (plus, "add") if plus is not None else (times, "mul")
        if other is None:
            done = "swish" if silu else "none"
            made = torch.ops.mkldnn._linear_pointwise(inputs, self._packed, self._bias, done, [], "")
        else:
            made = torch.ops.mkldnn._linear_pointwise.binary(inputs, other, self._packed, self._bias, named)
        return made


def padded_rows(rows: int, dtype: torch.dtype) -> int:
    """How many rows a multiplication of ``rows`` is made of.

    oneDNN writes a program for every number of rows, which takes half a millisecond to three and a megabyte: as long as
    multiplying some hundred rows. A few numbers serve all batches.
    """
    step = _STEPS.get(dtype, 1)
    return -(-rows // step) * step


def can_pack() -> bool:
    """Whether this build of torch and this processor have oneDNN and its packed layers."""
    return (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def pack_linear_layers(network: nn.Module) -> int:
    """Put a PackedLinear in the place of every linear layer that agrees with it; returns how many.

    Only plain layers on the CPU in float32 or bfloat16, without hooks: anything else is left as it is. A
    layer that stands in two places is packed once for each.
    """
    packed = 0
    with torch.inference_mode():
        for parent in list(network.modules()):
            for name, layer in list(parent.named_children()):
                replacement = _agreeing(layer)
                if replacement is not None:
                    setattr(parent, name, replacement)
                    packed += 1
    return packed


def _agreeing(layer: Any) -> PackedLinear | None:
    if not is_packable(layer):
        return None
    weight: torch.Tensor = layer.weight if type(layer) is nn.Linear else layer.weight.t()
    generator = torch.Generator().manual_seed(0)
    tried = torch.randn(_TRIED_ROWS, weight.shape[1], generator=generator).to(weight.dtype)
    before = layer(tried)
    replacement = PackedLinear(weight, layer.bias)
    after = replacement(tried)
    if within_rounding(after, before):
        return replacement
    _logger.info("a linear layer of %s does not agree with its packed form and stays", tuple(weight.shape))
    return None


def is_packable(layer: Any) -> bool:
    """Whether it is a plain linear layer on the CPU in float32 or bfloat16, without hooks."""
    if type(layer) not in (nn.Linear, Conv1D) or layer._forward_hooks or layer._forward_pre_hooks:
        return False
    weight = layer.weight
    return weight.device.type == "cpu" and weight.dtype in _DTYPES and min(weight.shape) >= 2


def within_rounding(after: torch.Tensor, before: torch.Tensor, units: float = _ROUNDING) -> bool:
    """Whether what a quicker layer gives differs from the plain one's by no more than another order of adding makes.

    That is ``units`` in the last place of the largest output.
    """
    # A weight that is not finite must go on to show in the logits, in whichever layer computes it.
    scale = before.float().nan_to_num(0.0, 0.0, 0.0).abs().max().item()
    within = units * torch.finfo(before.dtype).eps * max(scale, torch.finfo(before.dtype).tiny)
    return torch.allclose(before.float(), after.float(), rtol=0.0, atol=within, equal_nan=True)


def keep_programs() -> None:
    """Let oneDNN keep what it writes for some 2,000 shapes, where nobody said how many; before its first one.

    A shape takes two of its 4,096 places. That is enough for the batches of two dtypes asked in turn; of its own accord
    it has 1,024.
    """
    library = ctypes.CDLL(None) if sys.platform != "win32" else None
    if library is not None and hasattr(library, "setenv"):
        library.setenv(b"ONEDNN_PRIMITIVE_CACHE_CAPACITY", b"4096", 0)  # 0: what a person set stays


def keep_freed_memory() -> None:
    """Ask glibc to keep freed blocks of up to 32 MiB instead of returning them to the kernel.

    Every layer of a batch asks for blocks of a few megabytes again; zeroing fresh pages takes as long as a
    quarter of the computing. Nothing happens where the C library is another one.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return
    library.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    library.mallopt(_M_TRIM_THRESHOLD, 1 << 30)
