"""The loss of answers and nothing else: logits are computed where an id has to be said, nowhere else.

Rows are padded on the right, where nothing that is said looks, or hold several samples that do not see each other.
What all rows begin with can be computed once, its keys and values expanded with their gradient: the same numbers as
without, as long as nothing drops out.
"""

import inspect
import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from clika.training.examples import Example
from clika.training.head_loss import head_losses
from clika.training.micro_batches import MicroBatch
from clika.training.packed_inputs import packed_inputs, read_places
from clika.training.packing import Packing
from clika.training.read_positions import ReadPositions
from clika.training.row_attention import row_attention

_logger = logging.getLogger(__name__)

# How far one loss (nats) may lie from the same one computed another way: what rounding alone makes.
_TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.2}
# How far a gradient may lie from the same one computed another way, of its norm.
_GRADIENT_TOLERANCES = {torch.float32: 1e-3, torch.bfloat16: 0.2}


@dataclass(frozen=True, slots=True)
class Alone:
    """Samples computed by themselves: ``losses`` of each by its place, gradients ``learned`` by ``weights``."""

    losses: dict[int, torch.Tensor]
    weights: tuple[nn.Parameter, ...]
    learned: tuple[torch.Tensor, ...]


class AnswerLoss:
    """Losses of labelled ids of a causal language model, which it hooks into its head.

    ``trims`` says whether the last layer's feed-forward part is computed at the positions that are read alone,
    ``parts_head`` whether a frozen head is asked for a few positions' logits at a time, ``attends_in_rows`` whether
    packed rows have their own attention (clika/training/row_attention.py).
    """

    def __init__(self, network: Any) -> None:
        self._network = network
        accepted = frozenset(inspect.signature(network.forward).parameters)
        self._positions = "position_ids" in accepted
        self._caches = "past_key_values" in accepted
        self._no_cache = {"use_cache": False} if "use_cache" in accepted else {}
        self._read: tuple[torch.Tensor, torch.Tensor] | None = None
        self._hidden: torch.Tensor | None = None
        self._head: nn.Module = network.get_output_embeddings()
        self._hook = self._head.register_forward_pre_hook(self._where_it_is_read)
        self._trimmed: ReadPositions | None = None
        self.parts_head = self.attends_in_rows = False

    @property
    def trims(self) -> bool:
        """See above."""
        return self._trimmed is not None

    def trim(self, wanted: bool) -> None:
        """Compute the last layer's feed-forward part where it is read alone, or everywhere again.

        Raises ValueError for a model that has no such part.
        """
        if self._trimmed is not None:
            self._trimmed.close()
        self._trimmed = ReadPositions(self._network) if wanted else None

    def close(self) -> None:
        """Take the hooks out again."""
        self._hook.remove()
        self.trim(False)

    def losses(self, examples: Sequence[Example], batch: MicroBatch) -> torch.Tensor:
        """(labelled,) float32: nats of each labelled id, sample after sample in the order of ``members``."""
        chosen = [examples[place] for place in batch.members]
        device = self._network.get_input_embeddings().weight.device
        if batch.packing is None:
            inputs, rows, columns = self._padded(chosen, batch.prefix_length, device)
        else:
            inputs, rows, columns = self._packed(chosen, batch.packing, batch.prefix_length, device)
        wanted = torch.tensor([one for example in chosen for one in example.ids[example.start :]])
        if batch.prefix_length:
            prefix = chosen[0].ids[: batch.prefix_length]
            inputs["past_key_values"] = self._expanded_prefix(prefix, len(inputs["input_ids"]), device)
            inputs["use_cache"] = True
        logits = self._logits(inputs, torch.tensor(rows, device=device), torch.tensor(columns, device=device))
        if self._hidden is not None:
            hidden, self._hidden = self._hidden, None
            return head_losses(hidden, self._head, wanted.to(device))
        return functional.cross_entropy(logits.float(), wanted.to(device), reduction="none")

    def alone(
        self, examples: Sequence[Example], places: Sequence[int], weights: Sequence[nn.Parameter] = ()
    ) -> Alone:
        """What the plain model says of some samples in rows of their own, and what ``weights`` learn from it."""
        trims, parts = self.trims, self.parts_head
        self.trim(False)
        self.parts_head = False
        losses: dict[int, torch.Tensor] = {}
        learned: list[torch.Tensor] = []
        try:
            for place in places:
                losses[place], more = self._said(examples, MicroBatch((place,), 0), weights)
                for one, other in zip(learned, more, strict=False):
                    one += other
                learned = learned or more
        finally:
            self.trim(trims)
            self.parts_head = parts
        return Alone(losses, tuple(weights), tuple(learned))

    def agrees(self, examples: Sequence[Example], batch: MicroBatch, alone: Alone) -> bool:
        """Whether a micro-batch of all the samples in ``alone`` says the same of each, and teaches the same."""
        try:
            said, learned = self._said(examples, batch, alone.weights)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError) as error:
            # Families with caches, masks or positions of their own fail in as many ways; plain rows need none.
            _logger.info("this model is not computed that way: %s", error)
            return False
        finally:
            self._hidden = None
        expected = torch.cat([alone.losses[place] for place in batch.members])
        dtype = self._computed_in()
        if not torch.allclose(expected, said, rtol=0.0, atol=_TOLERANCES[dtype]):
            return False
        pairs = zip(alone.learned, learned, strict=True)
        apart = sum(float((one - other).square().sum()) for one, other in pairs)
        whole = sum(float(gradient.square().sum()) for gradient in alone.learned)
        return apart <= _GRADIENT_TOLERANCES[dtype] ** 2 * whole

    def _said(
        self, examples: Sequence[Example], batch: MicroBatch, weights: Sequence[nn.Parameter]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """(the losses in evaluation mode, their sum's gradients)"""
        training = self._network.training
        self._network.eval()
        try:
            with torch.set_grad_enabled(bool(weights)):
                losses = self.losses(examples, batch)
                learned = (
                    torch.autograd.grad(losses.sum(), weights, allow_unused=True, materialize_grads=True)
                    if weights
                    else ()
                )
        finally:
            self._network.train(training)
        return losses.detach(), list(learned)

    def _computed_in(self) -> torch.dtype:
        weight = self._network.get_input_embeddings().weight
        found: torch.dtype = torch.bfloat16 if torch.is_autocast_enabled(weight.device.type) else weight.dtype
        return found

    def _padded(
        self, chosen: Sequence[Example], skipped: int, device: torch.device
    ) -> tuple[dict[str, Any], list[int], list[int]]:
        """A row each; (what the model is given, rows and columns that are read)."""
        width = max(len(example.ids) for example in chosen) - skipped
        ids = torch.zeros(len(chosen), width, dtype=torch.long)
        rows: list[int] = []
        columns: list[int] = []
        for row, example in enumerate(chosen):
            ids[row, : len(example.ids) - skipped] = torch.tensor(example.ids[skipped:])
            rows += [row] * example.labelled
            columns += range(example.start - 1 - skipped, len(example.ids) - 1 - skipped)
        inputs: dict[str, Any] = {"input_ids": ids.to(device), **self._no_cache}
        if skipped:
            shape = len(chosen), skipped + width
            inputs["attention_mask"] = torch.ones(shape, dtype=torch.long, device=device)
            if self._positions:
                positions = torch.arange(skipped, skipped + width, device=device)
                inputs["position_ids"] = positions.expand(len(chosen), width)
        return inputs, rows, columns

    def _packed(
        self, chosen: Sequence[Example], packing: Packing, skipped: int, device: torch.device
    ) -> tuple[dict[str, Any], list[int], list[int]]:
        """Several in a row. Raises ValueError for a model that is not told positions."""
        if not self._positions:
            raise ValueError("it is not told positions")
        inputs = packed_inputs(chosen, packing, skipped, self._computed_in(), device)
        return {**inputs, **self._no_cache}, *read_places(chosen, packing, skipped)

    def _expanded_prefix(self, prefix: Sequence[int], count: int, device: torch.device) -> Any:
        """Keys and values of one row, expanded to ``count`` rows over the same memory."""
        if not self._caches:
            raise ValueError("it takes no keys and values from before")
        cache: Any = DynamicCache(config=self._network.config)
        if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers):
            raise ValueError("it keeps another state than keys and values")
        nowhere = torch.zeros(1, dtype=torch.long, device=device)  # nothing is read of the prefix itself
        ids = torch.tensor([list(prefix)], device=device)
        inputs: dict[str, Any] = {"input_ids": ids, "past_key_values": cache, "use_cache": True}
        self._logits(inputs, nowhere, nowhere)
        self._hidden = None
        if cache.get_seq_length() != len(prefix):
            raise ValueError("it keeps its keys and values elsewhere")
        for layer in cache.layers:
            layer.keys = layer.keys.expand(count, -1, -1, -1)
            layer.values = layer.values.expand(count, -1, -1, -1)
        return cache

    def _logits(self, inputs: dict[str, Any], rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """(read, vocabulary) at the positions given by their rows and columns; of the first where the head is parted."""
        self._read = (rows, columns)
        if self._trimmed is not None:
            self._trimmed.read = self._read
        try:
            masked = inputs.get("attention_mask")
            within_rows = self.attends_in_rows and masked is not None and masked.dim() == 4
            with row_attention() if within_rows else nullcontext():
                logits: torch.Tensor = self._network(**inputs).logits
        finally:
            self._read = None
            if self._trimmed is not None:
                self._trimmed.read = None
        if logits.shape[:-1] != ((1,) if self.parts_head else rows.shape):
            raise ValueError(f"logits of shape {tuple(logits.shape)} for {len(rows)} positions")
        return logits

    def _where_it_is_read(self, head: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Give the head the hidden states that are read: (read, size) of (rows, width, size)."""
        if self._read is None:
            return None
        hidden = inputs[0][self._read]
        if self.parts_head:
            self._hidden, hidden = hidden, hidden[:1].detach()
        return (hidden, *inputs[1:])
