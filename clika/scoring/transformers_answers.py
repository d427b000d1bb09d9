"""Answers about a fictional world by a causal language model from transformers, while or after it is tuned.

What all items begin with is computed once; what an item's candidates share, once an item; and only the rest once a
candidate. Items whose shared part is equally long go together, so that no cache holds padding. The quicker
ways are used only where they agree with one row at a time.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from clika.errors import ModelError
from clika.records import ModelRef
from clika.scoring.adapter import adapter_fingerprint, with_adapter
from clika.scoring.candidates import CandidateItem, CandidateScores, Written, WrittenItem
from clika.scoring.causal_network import (
    CACHE_FAULTS,
    TOLERANCES,
    CausalNetwork,
    cpu_batch_tokens,
    is_out_of_memory,
    repeated,
)
from clika.scoring.checkpoint import Device, Dtype, checkpoint_folder, context_of, device_here, loaded
from clika.scoring.continuations import answered_ids, beginning_of, continued, shared_beginning, spans
from clika.scoring.fingerprint import content_fingerprint
from clika.scoring.prompt_families import PromptTokens

_logger = logging.getLogger(__name__)

_ROOM_TO_WRITE = 8
"""How many tokens a written answer may be longer than the longest possible one."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """An item's candidates as ids: ``wholes`` are alike before ``start`` (at least 1), and are summed from there."""

    index: int
    wholes: list[list[int]]
    start: int

    @property
    def shared(self) -> list[int]:
        """What all candidates have before them, but the token that predicts their first."""
        return self.wholes[0][: self.start - 1]

    @property
    def widest(self) -> int:
        """The most tokens that a candidate adds to ``shared``."""
        return max(len(ids) for ids in self.wholes) - self.start + 1


class TransformersAnswers:
    """A CandidateScorer and a Generator over a network that is there already, or built with ``load``.

    ``network`` may be in training, and a peft model, but not wrapped by DDP or FSDP: while it answers, dropout is
    off and no gradient is kept, and afterwards each of its modules is as it was. ``name`` is for messages.
    ``shares_prefixes`` is None before the first items, and false where the model keeps no cache that rows could
    share.
    """

    def __init__(self, network: Any, tokenizer: Any, name: str, batch_tokens: int = 8192) -> None:
        inner = network.get_base_model() if hasattr(network, "get_base_model") else network
        weight = inner.get_input_embeddings().weight
        self._causal = CausalNetwork(inner, name, weight.device)
        self._tokenizer, self._name = tokenizer, name
        self._tolerance = TOLERANCES.get(str(weight.dtype).removeprefix("torch."), TOLERANCES["float32"])
        self._kept_tokens = 4 * batch_tokens  # of a cache, which costs memory and little time
        most = cpu_batch_tokens(weight.dtype) if weight.device.type == "cpu" else batch_tokens
        self._batch_tokens = min(batch_tokens, most)
        self._prompt_tokens = PromptTokens(
            tokenizer, name, self._causal.embedding_rows, context_of(inner.config)
        )
        self._checked_length = 0
        self.shares_prefixes: bool | None = None

    @classmethod
    def load(
        cls,
        model: str,
        *,
        adapter: Path | None = None,
        dtype: Dtype = "float32",
        device: Device = "auto",
        batch_tokens: int = 8192,
        name: str | None = None,
    ) -> tuple["TransformersAnswers", ModelRef]:
        """(answers, who gives them) of a model folder or a Hub id, with a LoRA adapter's folder on it or without.

        The base is the one given here, whatever the adapter says. Raises ModelError and UsageError as
        TransformersScorer.load does, and ModelError where the adapter does not fit.
        """
        chosen = device_here(device)
        folder, base, revision = checkpoint_folder(model)
        network, tokenizer = loaded(folder, dtype)
        if adapter is not None:
            network = with_adapter(network, adapter)
        reference = ModelRef(
            name=name or (adapter.name if adapter is not None else folder.name if revision is None else base),
            base=base,
            revision=revision,
            adapter=None if adapter is None else adapter_fingerprint(adapter),
            dtype=dtype,
            fingerprint=content_fingerprint(folder),
        )
        return cls(network.to(chosen).eval(), tokenizer, reference.name, batch_tokens), reference

    def candidate_scores(self, items: Sequence[CandidateItem]) -> Iterator[CandidateScores]:
        """See CandidateScorer. Raises ModelError for ids or lengths that the model cannot take."""
        rows = [self._rows(index, item) for index, item in enumerate(items)]
        if not rows:
            return
        self._prompt_tokens.check([ids for row in rows for ids in row.wholes])
        header = shared_beginning([row.shared for row in rows])
        with self._asked():
            cache = self._header_cache(header)
            longest = max(len(ids) for row in rows for ids in row.wholes)
            if longest > self._checked_length:
                self._checked_length = longest
                self._settle(rows, cache, len(header))
        for batch in self._batches(rows, len(header)):
            with self._asked():
                scores = self._in_memory(batch, cache, len(header))
            for row, values in zip(batch, scores, strict=True):
                yield CandidateScores(row.index, tuple(values))

    def written(self, items: Sequence[WrittenItem]) -> Iterator[Written]:
        """See Generator: greedy, until the end of text or of a turn, or until the room to write is used up."""
        if not items:
            return
        prompts = [self._prompt_ids(item.prompt, item.holds_special_tokens) for item in items]
        longest = self._prompt_tokens.ids([item.longest for item in items], special_tokens=False)
        room = max(len(ids) for ids in longest) + _ROOM_TO_WRITE
        self._prompt_tokens.check(prompts)
        header = shared_beginning([ids[:-1] for ids in prompts])
        with self._asked():
            cache = self._header_cache(header)
        by_length: dict[int, list[int]] = {}
        for place, ids in enumerate(prompts):
            by_length.setdefault(len(ids), []).append(place)
        for length, places in sorted(by_length.items(), reverse=True):
            count = max(
                1, min(self._batch_tokens // (length - len(header)), self._kept_tokens // (length + room))
            )
            for first in range(0, len(places), count):
                batch = places[first : first + count]
                with self._asked():
                    answers = self._greedy([prompts[place] for place in batch], room, cache, len(header))
                for place, answer in zip(batch, answers, strict=True):
                    text = (
                        None if answer is None else self._tokenizer.decode(answer, skip_special_tokens=True)
                    )
                    yield Written(place, text)

    def _rows(self, index: int, item: CandidateItem) -> _Rows:
        prompt = self._prompt_ids(item.prompt, item.holds_special_tokens)
        answers = [item.before, *(item.before + ending for ending in item.endings)]
        wholes = self._prompt_tokens.ids(
            [item.prompt + answer for answer in answers], special_tokens=not item.holds_special_tokens
        )
        alone = self._prompt_tokens.ids(answers, special_tokens=False)
        own, *rest = answered_ids(prompt, wholes, alone, self._tokenizer.eos_token_id)
        found, start = continued(own, rest, beginning_of(self._tokenizer))
        return _Rows(index, found, start)

    def _prompt_ids(self, prompt: str, holds_special_tokens: bool) -> list[int]:
        """The ids of a prompt without the end of text that some tokenizers put behind everything."""
        (ids,) = self._prompt_tokens.ids([prompt], special_tokens=not holds_special_tokens)
        ended = not holds_special_tokens and len(ids) > 1 and ids[-1] == self._tokenizer.eos_token_id
        return ids[:-1] if ended else ids

    def _batches(self, rows: Sequence[_Rows], header: int) -> Iterator[list[_Rows]]:
        """Items with equally many candidates whose shared parts are equally long, the longest first."""
        alike: dict[tuple[int, int], list[_Rows]] = {}
        for row in rows:
            alike.setdefault((len(row.shared), len(row.wholes)), []).append(row)
        for (length, candidates), members in sorted(alike.items(), key=lambda pair: pair[0], reverse=True):
            width = max(row.widest for row in members)
            count = min(
                self._batch_tokens // (candidates * width),
                self._batch_tokens // max(1, length - header),
                self._kept_tokens // (candidates * (length + width)),
            )
            for first in range(0, len(members), max(1, count)):
                yield members[first : first + max(1, count)]

    def _header_cache(self, header: list[int]) -> Any:
        """The keys and values of what all items begin with; None where the model keeps none that can be shared."""
        if self.shares_prefixes is False:
            return None
        try:
            return self._causal.prefix_cache(header)
        except CACHE_FAULTS as error:
            _logger.info("%s takes no shared prefix: %s", self._name, error)
            return None

    def _settle(self, rows: Sequence[_Rows], cache: Any, header: int) -> None:
        """Take the quickest way that gives, for the items of the shortest and longest prompt, what one row gives."""
        shortest, longest = (choose(rows, key=lambda row: len(row.shared)) for choose in (min, max))
        tried = [shortest] if shortest is longest else [shortest, longest]
        alone = [[self._causal.continuations([ids], [row.start])[0] for ids in row.wholes] for row in tried]
        self.shares_prefixes = False
        if cache is not None:
            try:
                shared = [self._shared([row], cache, header)[0] for row in tried]
                self.shares_prefixes = self._agree(shared, alone, longest.widest)
            except CACHE_FAULTS as error:
                _logger.info("%s takes no shared prefix: %s", self._name, error)
        if not self.shares_prefixes:
            _logger.warning("%s shares no prefixes and answers more slowly", self._name)
            if not self._agree([self._plain(row) for row in tried], alone, longest.widest):
                self._batch_tokens = 1

    def _agree(self, some: list[list[float]], others: list[list[float]], tokens: int) -> bool:
        # Roundings of several tokens add up like steps of a random walk.
        most = self._tolerance * math.sqrt(tokens)
        return all(
            abs(one - other) <= most or (math.isnan(one) and math.isnan(other))
            for values, beside in zip(some, others, strict=True)
            for one, other in zip(values, beside, strict=True)
        )

    def _in_memory(self, batch: list[_Rows], cache: Any, header: int) -> list[list[float]]:
        """The scores of a batch; where the device has no room, of one half after the other.

        Raises ModelError where one item alone does not fit.
        """
        try:
            if self.shares_prefixes and cache is not None:
                return self._shared(batch, cache, header)
            return [self._plain(row) for row in batch]
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise ModelError(
                    f"{self._name}: one question with {len(batch[0].wholes)} candidates does not fit into the memory"
                    f" of {self._causal.device}; use a smaller dtype or model, or a world of fewer continents"
                ) from error
        # Outside of the handler, since the error holds on to the tensors of the forward pass that failed.
        if self._causal.device.type == "cuda":
            torch.cuda.empty_cache()
        self._batch_tokens = max(1, self._batch_tokens // 2)
        self._kept_tokens = max(1, self._kept_tokens // 2)
        half = len(batch) // 2
        return [
            values for part in (batch[:half], batch[half:]) for values in self._in_memory(part, cache, header)
        ]

    def _shared(self, batch: list[_Rows], cache: Any, header: int) -> list[list[float]]:
        """The scores of items whose shared parts are equally long, behind the ``header`` tokens of ``cache``."""
        length, candidates = len(batch[0].shared), len(batch[0].wholes)
        if length > header:
            own, _ = self._causal.grown(cache, header, [row.shared[header:] for row in batch])
            cache = repeated(own, candidates)
        rows = [ids[length:] for row in batch for ids in row.wholes]
        sums = self._causal.continuations(rows, [1] * len(rows), cache, length)
        return [sums[first : first + candidates] for first in range(0, len(sums), candidates)]

    def _plain(self, row: _Rows) -> list[float]:
        """The scores of one item, every candidate's row whole."""
        sums: list[float] = []
        for first, last in spans([len(ids) for ids in row.wholes], self._batch_tokens):
            part = row.wholes[first:last]
            sums += self._causal.continuations(part, [row.start] * len(part))
        return sums

    def _greedy(self, rows: list[list[int]], room: int, cache: Any, header: int) -> list[list[int] | None]:
        """The most probable tokens after each of equally long rows, at most ``room``; None after NaN logits.

        ``cache`` holds the first ``header`` tokens of all; None where the model keeps none that can be shared.
        """
        ends = self._ends()
        answers: list[list[int] | None] = [[] for _ in rows]
        going = set(range(len(rows)))
        length, ids = header, [row[header:] for row in rows]
        for _ in range(room):
            if cache is None:
                last = torch.full((len(rows), 1), len(rows[0]) - 1, device=self._causal.device)
                logits = self._causal.read_logits(rows, last)
            else:
                cache, logits = self._causal.grown(cache, length, ids)
                length += len(ids[0])
            best = logits[:, 0].float().max(dim=-1)
            chosen, sound = best.indices.tolist(), best.values.isfinite().tolist()
            for place in tuple(going):
                answer = answers[place]
                if not sound[place]:
                    answers[place] = None
                if answer is None or not sound[place] or chosen[place] in ends:
                    going.discard(place)
                else:
                    answer.append(chosen[place])
            if not going:
                break
            ids = [[token] for token in chosen]
            rows = [[*row, token] for row, token in zip(rows, chosen, strict=True)]
        return answers

    def _ends(self) -> frozenset[int]:
        """The ids that end an answer: the tokenizer's end of text, and what the checkpoint says ends a turn."""
        named = getattr(getattr(self._causal.model, "generation_config", None), "eos_token_id", None)
        found = {self._tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])}
        return frozenset(number for number in found if number is not None)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Without dropout and gradients; every module is in training afterwards where it was before."""
        training = [module for module in self._causal.model.modules() if module.training]
        self._causal.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for module in training:
                module.training = True
