"""Linear layers prepacked for oneDNN on a CPU, where torch's own take a slower path.

torch gives float32 linear layers to MKL, which is half as fast on processors that are not Intel's, and
reorders bfloat16 weights at every call. Packed once, the same layer is 1.05 to 2.4 times as fast
(benchmarks/RESULTS.md). Every layer is compared with the one it replaces, which is then let go: the
memory never holds two copies of a model.
"""

import ctypes
import logging
import sys

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

_logger = logging.getLogger(__name__)

_DTYPES = (torch.float32, torch.bfloat16)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
_TRIED_ROWS = 8
# Units in the last place of the dtype, times the largest output: what another order of adding makes.
_ROUNDING = 64.0


class PackedLinear(nn.Module):
    """``x @ weight.T + bias`` over a weight in oneDNN's own layout. For inference: it has no gradient."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)
        self._bias = None if bias is None else bias.detach()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(…, in_features) to (…, out_features), in the weight's dtype."""
        outputs: torch.Tensor = torch.ops.mkldnn._linear_pointwise(
            inputs, self._packed, self._bias, "none", [], ""
        )
        return outputs


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


def _agreeing(layer: nn.Module) -> PackedLinear | None:
    if type(layer) is nn.Linear:
        weight = layer.weight
    elif type(layer) is Conv1D:
        weight = layer.weight.t()
    else:
        return None
    if weight.device.type != "cpu" or weight.dtype not in _DTYPES or min(weight.shape) < 2:
        return None
    if layer._forward_hooks or layer._forward_pre_hooks:
        return None
    generator = torch.Generator().manual_seed(0)
    tried = torch.randn(_TRIED_ROWS, weight.shape[1], generator=generator).to(weight.dtype)
    before = layer(tried)
    replacement = PackedLinear(weight, layer.bias)
    after = replacement(tried)
    # A weight that is not finite must go on to show in the logits, in whichever layer computes it.
    scale = before.float().nan_to_num(0.0, 0.0, 0.0).abs().max().item()
    within = _ROUNDING * torch.finfo(weight.dtype).eps * max(scale, torch.finfo(weight.dtype).tiny)
    if torch.allclose(before.float(), after.float(), rtol=0.0, atol=within, equal_nan=True):
        return replacement
    _logger.info("a linear layer of %s does not agree with its packed form and stays", tuple(weight.shape))
    return None


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
