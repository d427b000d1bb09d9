"""A causal language model on its device, asked for logits: what every way of scoring shares.

Rows are padded on the right and masked, positions are always given, and a cache of what rows share is never
changed by those who continue it.
"""

import copy
import inspect
from collections.abc import Sequence
from typing import Any, cast

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from clika.errors import ModelError
from clika.scoring.last_position import ReadsPositions
from clika.scoring.shared_prefix import SharedPrefix

# How far two ways to compute one log-probability (nats) may lie apart: what rounding alone makes.
TOLERANCES: dict[str, float] = {"float32": 1e-4, "float16": 0.03, "bfloat16": 0.2}
_CPU_BATCH_TOKENS = {torch.float32: 1024, torch.bfloat16: 2048}
CACHE_FAULTS = (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError)
"""In how many ways families with cache classes of their own fail; whoever tries a cache needs another way."""


def cpu_batch_tokens(dtype: torch.dtype) -> int:
    """How many tokens a batch on a CPU has at most: its caches hold no more.

    Measured on the 29 M model: in float32 batches of 4,096 are a tenth slower than of 1,024, in bfloat16, where a
    token is half as large and done sooner, batches of 2,048 are a seventh quicker.
    """
    return _CPU_BATCH_TOKENS.get(dtype, min(_CPU_BATCH_TOKENS.values()))


class CausalNetwork:
    """The model called ``name`` in messages. ``last_layer`` is what skips positions that nobody reads, if anything does.

    ``shares_prefix`` says whether rows that go on from one row's cache read it where it lies (shared_prefix.py).
    """

    def __init__(self, model: Any, name: str, device: torch.device) -> None:
        self.model = model
        self.device = device
        self.last_layer: ReadsPositions | None = None
        self.shares_prefix = False
        self._name = name
        self._accepted = frozenset(inspect.signature(model.forward).parameters)

    @property
    def embedding_rows(self) -> int:
        """How many ids it embeds."""
        return int(self.model.get_input_embeddings().weight.shape[0])

    def logits(self, inputs: dict[str, Any], read: torch.Tensor | None) -> torch.Tensor:
        """The model's logits; ``read`` (rows, kept) are the positions that anybody will look at."""
        if self.last_layer is not None:
            self.last_layer.positions = read
        try:
            return cast(torch.Tensor, self.model(**inputs).logits)
        finally:
            if self.last_layer is not None:
                self.last_layer.positions = None

    def read_logits(
        self, rows: Sequence[list[int]], read: torch.Tensor, cache: Any = None, skipped: int = 0
    ) -> torch.Tensor:
        """(rows, kept, vocabulary): the logits at the positions ``read`` (rows, kept) of the padded rows.

        ``cache`` holds the first ``skipped`` tokens of every row, which ``rows`` then leave out: of one row
        that all share, or of each.
        """
        count, width, kept = len(rows), max(len(row) for row in rows), read.shape[1]
        ids = torch.zeros(count, width, dtype=torch.long)
        mask = torch.zeros(count, skipped + width, dtype=torch.long)
        for position, row in enumerate(rows):
            ids[position, : len(row)] = torch.tensor(row)
            mask[position, : skipped + len(row)] = 1
        inputs: dict[str, Any] = {"input_ids": ids.to(self.device), "attention_mask": mask.to(self.device)}
        # Without positions a model with a cache may count them from 0 again, and says nothing.
        if "position_ids" in self._accepted:
            positions = torch.arange(skipped, skipped + width, device=self.device)
            inputs["position_ids"] = positions.expand(count, width)
        if "logits_to_keep" in self._accepted:
            inputs["logits_to_keep"] = read
        if "use_cache" in self._accepted:
            inputs["use_cache"] = cache is not None
        if cache is not None and self.shares_prefix and count > len(cache.layers[0].keys):
            shared = SharedPrefix(cache)
            with shared.within():
                logits = self.logits({**inputs, "past_key_values": shared.cache}, read)
        else:
            if cache is not None:
                inputs["past_key_values"] = expanded(cache, count)
            logits = self.logits(inputs, read)
        whole = "logits_to_keep" not in self._accepted or (kept != width and logits.shape[1] == width)
        if whole and logits.shape[:2] == (count, width):
            logits = torch.take_along_dim(logits, read[..., None], dim=1)
        if logits.shape[:2] != (count, kept):
            raise ModelError(
                f"{self._name} gives logits of shape {tuple(logits.shape)} for {count} prompts;"
                f" {kept} positions a prompt are needed: this model's class is not supported"
            )
        return logits

    def prefix_cache(self, prefix: list[int]) -> Any:
        """The keys and values of one row of ``prefix`` (maybe empty), or None for a model that keeps other state.

        A recurrent or hybrid layer changes its state in place, so batches could not share it.
        """
        if "past_key_values" not in self._accepted:
            return None
        cache = DynamicCache(config=self.model.config)
        if any(type(layer) not in (DynamicLayer, DynamicSlidingWindowLayer) for layer in cache.layers):
            return None
        if not prefix:
            return cache
        ids = torch.tensor([prefix], device=self.device)
        inputs: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        if "logits_to_keep" in self._accepted:
            inputs["logits_to_keep"] = 1
        with torch.no_grad():  # not inference mode: a network may be asked between the steps of its training
            self.model(**inputs, past_key_values=cache, use_cache=True)
        return cache if cache.get_seq_length() == len(prefix) else None

    def grown(self, cache: Any, skipped: int, rows: Sequence[list[int]]) -> tuple[Any, torch.Tensor]:
        """(cache, logits (rows, 1, vocabulary)) after ``rows``, all of one length, behind ``cache``.

        ``cache`` holds ``skipped`` tokens, of one row that all share or of each, and stays as it is.
        """
        ids = torch.tensor(rows, device=self.device)
        count, width = ids.shape
        further = expanded(cache, count)
        inputs: dict[str, Any] = {
            "input_ids": ids,
            "attention_mask": torch.ones(count, skipped + width, dtype=torch.long, device=self.device),
            "past_key_values": further,
            "use_cache": True,
        }
        if "position_ids" in self._accepted:
            positions = torch.arange(skipped, skipped + width, device=self.device)
            inputs["position_ids"] = positions.expand(count, width)
        if "logits_to_keep" in self._accepted:
            inputs["logits_to_keep"] = 1
        return further, self.logits(inputs, None)[:, -1:]

    def continuations(
        self, rows: Sequence[list[int]], starts: Sequence[int], cache: Any = None, skipped: int = 0
    ) -> list[float]:
        """Nats of each row's ids from ``starts`` (at least 1) to its end, summed; ``cache`` as in ``read_logits``."""
        kept = max(len(row) - start for row, start in zip(rows, starts, strict=True)) + 1
        read = torch.zeros(len(rows), kept, dtype=torch.long)
        wanted = torch.zeros(len(rows), kept, dtype=torch.long)
        counts = torch.zeros(len(rows), kept)
        for place, (row, start) in enumerate(zip(rows, starts, strict=True)):
            length = len(row) - start
            read[place] = len(row) - 1
            read[place, :length] = torch.arange(start - 1, len(row) - 1)
            wanted[place, :length] = torch.tensor(row[start:])
            counts[place, :length] = 1
        with torch.no_grad():  # not inference mode: a network may be asked between the steps of its training
            log_probs = self.read_logits(rows, read.to(self.device), cache, skipped).float().log_softmax(-1)
            found = torch.take_along_dim(log_probs, wanted[..., None].to(self.device), dim=-1)[..., 0].cpu()
        # Where nothing is counted a NaN must not come in, and where something is it must.
        return [float(value) for value in torch.where(counts > 0, found, torch.zeros(())).sum(-1)]


def expanded(cache: Any, count: int) -> Any:
    """A cache of ``count`` rows over the memory of one: layers append by making new tensors.

    One that has ``count`` rows already keeps them.
    """
    return _with_rows(cache, lambda values: values.expand(count, -1, -1, -1))


def repeated(cache: Any, times: int) -> Any:
    """A cache in which every row stands ``times`` times, one after the other."""
    return _with_rows(cache, lambda values: values.repeat_interleave(times, dim=0))


def _with_rows(cache: Any, change: Any) -> Any:
    changed = copy.copy(cache)
    changed.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in changed.layers:
        if layer.is_initialized:
            layer.keys = change(layer.keys)
            layer.values = change(layer.values)
    return changed


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device had no room: CUDA says so by its class, the CPU's allocator and MPS by their text."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(
        said in text for said in ("DefaultCPUAllocator: can't allocate memory", "MPS backend out of memory")
    )
