"""How fast this machine multiplies the matrices that a model cannot do without.

Only the linear layers count, as oneDNN does them with prepacked weights on a CPU: attention, norms and the
tokenizer cost nothing here, so no engine reaches the limit.
"""

import time
from collections.abc import Callable

import torch

from benchmarks.random_llama import Shape


def _linear(
    outputs: int, inputs: int, rows: int, dtype: torch.dtype
) -> Callable[[torch.Tensor], torch.Tensor]:
    weight = torch.randn(outputs, inputs).to(dtype)
    if not torch.backends.mkldnn.is_available():
        return lambda given: torch.nn.functional.linear(given, weight)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
    return lambda given: torch.ops.mkldnn._linear_pointwise(given, packed, None, "none", [], "")


class MatmulLimit:
    """The linear layers of one shape in one dtype; weights of four layers, so that no cache holds them all."""

    def __init__(self, shape: Shape, dtype: torch.dtype, batch_tokens: int, rows: int) -> None:
        self._batch_tokens = batch_tokens
        self._rows = rows
        self._copies = min(4, shape.layers)
        self._layers = shape.layers
        self._given = {
            width: torch.randn(batch_tokens, width).to(dtype) for width in {shape.hidden, shape.intermediate}
        }
        self._maps = [
            (inputs, _linear(outputs, inputs, batch_tokens, dtype))
            for _ in range(self._copies)
            for outputs, inputs in shape.linears()
        ]
        self._last = torch.randn(rows, shape.hidden).to(dtype)
        self._head = _linear(shape.vocabulary, shape.hidden, rows, dtype)

    def items_per_s(self, tokens_an_item: float) -> float:
        """Items a second with ``tokens_an_item`` tokens through the layers and one through the head."""
        with torch.inference_mode():
            began = time.perf_counter()
            for inputs, linear in self._maps:
                linear(self._given[inputs])
            layers = (time.perf_counter() - began) / self._copies * self._layers / self._batch_tokens
            began = time.perf_counter()
            self._head(self._last)
            head = (time.perf_counter() - began) / self._rows
        return 1 / (tokens_an_item * layers + head)
