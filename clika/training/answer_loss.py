"""The loss of answers and nothing else: logits are computed where an id has to be said, nowhere else.

Rows are padded on the right, where nothing that is said looks. What all rows begin with can be computed once, its
keys and values expanded with their gradient: the same numbers as without, as long as nothing drops out.
"""

import inspect
import logging
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from clika.training.examples import Example
from clika.training.micro_batches import MicroBatch

_logger = logging.getLogger(__name__)

# How far one loss (nats) may lie from the same one computed another way: what rounding alone makes.
_TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.2}
_TRIED = 3


class AnswerLoss:
    """Losses of labelled ids of a causal language model, which it hooks into its head."""

    def __init__(self, network: Any) -> None:
        self._network = network
        accepted = frozenset(inspect.signature(network.forward).parameters)
        self._positions = "position_ids" in accepted
        self._caches = "past_key_values" in accepted
        self._no_cache = {"use_cache": False} if "use_cache" in accepted else {}
        self._read: tuple[torch.Tensor, torch.Tensor] | None = None
        self._hook = network.get_output_embeddings().register_forward_pre_hook(self._where_it_is_read)

    def close(self) -> None:
        """Take the hook out again."""
        self._hook.remove()

    def losses(self, examples: Sequence[Example], batch: MicroBatch) -> torch.Tensor:
        """(labelled,) float32: nats of each labelled id, sample after sample in the order of ``members``."""
        skipped = batch.prefix_length
        chosen = [examples[place] for place in batch.members]
        device = self._network.get_input_embeddings().weight.device
        width = max(len(example.ids) for example in chosen) - skipped
        ids = torch.zeros(len(chosen), width, dtype=torch.long)
        rows: list[int] = []
        columns: list[int] = []
        wanted: list[int] = []
        for row, example in enumerate(chosen):
            ids[row, : len(example.ids) - skipped] = torch.tensor(example.ids[skipped:])
            rows += [row] * example.labelled
            columns += range(example.start - 1 - skipped, len(example.ids) - 1 - skipped)
            wanted += example.ids[example.start :]
        inputs: dict[str, Any] = {"input_ids": ids.to(device), **self._no_cache}
        if skipped:
            inputs["past_key_values"] = self._expanded_prefix(chosen[0].ids[:skipped], len(chosen), device)
            inputs["use_cache"] = True
            inputs["attention_mask"] = torch.ones(
                len(chosen), skipped + width, dtype=torch.long, device=device
            )
            if self._positions:
                positions = torch.arange(skipped, skipped + width, device=device)
                inputs["position_ids"] = positions.expand(len(chosen), width)
        logits = self._logits(inputs, torch.tensor(rows, device=device), torch.tensor(columns, device=device))
        return functional.cross_entropy(logits.float(), torch.tensor(wanted, device=device), reduction="none")

    def shares(self, examples: Sequence[Example], prefix_length: int) -> bool:
        """Whether rows with their prefix computed once say the same, tried on the shortest and longest samples.

        Models that keep another state than keys and values do not.
        """
        if not self._caches or not prefix_length:
            return False
        order = sorted(range(len(examples)), key=lambda place: len(examples[place].ids))
        tried = tuple(dict.fromkeys([*order[:_TRIED], *order[-_TRIED:]]))
        training = self._network.training
        self._network.eval()
        try:
            with torch.no_grad():
                alone = torch.cat([self.losses(examples, MicroBatch((place,), 0)) for place in tried])
                shared = self.losses(examples, MicroBatch(tried, prefix_length))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError) as error:
            # Families with cache classes of their own fail in as many ways; rows of their own need no cache.
            _logger.info("this model takes no shared prefix: %s", error)
            return False
        finally:
            self._network.train(training)
        dtype = self._network.get_input_embeddings().weight.dtype
        within = _TOLERANCES[dtype if not torch.is_autocast_enabled(alone.device.type) else torch.bfloat16]
        return bool(torch.allclose(alone, shared, rtol=0.0, atol=within))

    def _expanded_prefix(self, prefix: Sequence[int], count: int, device: torch.device) -> Any:
        """Keys and values of one row, expanded to ``count`` rows over the same memory."""
        cache: Any = DynamicCache(config=self._network.config)
        if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers):
            raise ValueError("it keeps another state than keys and values")
        nowhere = torch.zeros(1, dtype=torch.long, device=device)  # nothing is read of the prefix itself
        ids = torch.tensor([list(prefix)], device=device)
        inputs: dict[str, Any] = {"input_ids": ids, "past_key_values": cache, "use_cache": True}
        self._logits(inputs, nowhere, nowhere)
        if cache.get_seq_length() != len(prefix):
            raise ValueError("it keeps its keys and values elsewhere")
        for layer in cache.layers:
            layer.keys = layer.keys.expand(count, -1, -1, -1)
            layer.values = layer.values.expand(count, -1, -1, -1)
        return cache

    def _logits(self, inputs: dict[str, Any], rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """(read, vocabulary) at the positions given by their rows and columns."""
        self._read = (rows, columns)
        try:
            logits: torch.Tensor = self._network(**inputs).logits
        finally:
            self._read = None
        if logits.shape[:-1] != rows.shape:
            raise ValueError(f"logits of shape {tuple(logits.shape)} for {len(rows)} positions")
        return logits

    def _where_it_is_read(self, head: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Give the head the hidden states that are read: (read, size) of (rows, width, size)."""
        if self._read is None:
            return None
        return (inputs[0][self._read], *inputs[1:])


def drops_out(network: nn.Module) -> bool:
    """Whether anything in the model drops out while it learns: its own layers, attention, an adapter's."""
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            return True
        if any(
            "drop" in name and isinstance(value, float) and value > 0 for name, value in vars(module).items()
        ):
            return True
    return False
