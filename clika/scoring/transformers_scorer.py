"""Forced choice with any causal language model that transformers can load from safetensors.

It promises the same answer however prompts are batched: shared prefixes are computed once where a check
on the prompts at hand shows that this changes nothing, padding is on the right and masked, a prompt is
never cut, and a letter is the token that the tokenizer really makes after the prompt, or an error.
"""

import logging
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import torch

from clika.errors import ModelError, UsageError
from clika.prompts.chat import Message
from clika.records import ModelRef, Prompt, ScoringRecord, ScoringRule
from clika.scoring.adapter import adapter_fingerprint, with_adapter
from clika.scoring.causal_network import (
    CACHE_FAULTS,
    TOLERANCES,
    CausalNetwork,
    cpu_batch_tokens,
    is_out_of_memory,
)
from clika.scoring.chat_text import chat_text
from clika.scoring.checkpoint import (
    TORCH_DTYPES,
    Device,
    DeviceMap,
    Dtype,
    checkpoint_folder,
    context_of,
    device_here,
    loaded,
)
from clika.scoring.continuations import beginning_of, continued, spans
from clika.scoring.fingerprint import content_fingerprint
from clika.scoring.length_cuts import launch_tokens, length_cuts
from clika.scoring.packed_linear import keep_programs
from clika.scoring.prompt_families import JOIN_TEXTS, Family, Join, PromptTokens
from clika.scoring.quicker_layers import quickened
from clika.scoring.rules import OPTION_RULES, choice, letter_scores, option_scores
from clika.scoring.scorer import Scored

_logger = logging.getLogger(__name__)

_CHECKED_PROMPTS = 4


class ScoringPath(StrEnum):
    """How prompts are computed, fastest first; each one is used only where it agrees with the last.

    ``prefix_cache``: what a family's prompts share is computed once. ``full``: padded batches of whole
    prompts. ``unbatched``: one prompt at a time.
    """

    PREFIX_CACHE = "prefix_cache"
    FULL = "full"
    UNBATCHED = "unbatched"


class TransformersScorer:
    """A Scorer over one local copy of a causal language model. Build it with ``load``.

    ``join`` and ``path`` say how letters were read and prompts computed; both are None before the first
    prompts are scored, and the join stays what it was then.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        reference: ModelRef,
        device: torch.device,
        batch_tokens: int,
        prefix_cache: bool,
        rule: ScoringRule = ScoringRule.LETTER,
    ) -> None:
        self._causal = CausalNetwork(model, reference.name, device)
        self._tokenizer = tokenizer
        self._reference = reference
        self._device = device
        self._dtype = TORCH_DTYPES[str(reference.dtype)]
        most = cpu_batch_tokens(self._dtype) if device.type == "cpu" else batch_tokens
        self._batch_tokens = min(batch_tokens, most)
        self._rule = rule
        self._fastest = ScoringPath.PREFIX_CACHE if prefix_cache else ScoringPath.FULL
        self._tolerance = TOLERANCES[str(reference.dtype)]
        self._prompt_tokens = PromptTokens(
            tokenizer, reference.name, self._causal.embedding_rows, context_of(model.config)
        )
        self._checked_length = 0
        self.packed_layers = 0
        self.fused_layers = 0
        self.memory_halvings = 0
        self.path: ScoringPath | None = None

    @classmethod
    def load(
        cls,
        model: str,
        *,
        dtype: Dtype = "float32",
        device: Device = "auto",
        batch_tokens: int = 8192,
        name: str | None = None,
        prefix_cache: bool = True,
        fast: bool = True,
        rule: ScoringRule = ScoringRule.LETTER,
        device_map: DeviceMap | None = None,
        adapter: Path | None = None,
    ) -> "TransformersScorer":
        """The scorer of a model folder or a Hub id.

        A folder counts only if it holds ``config.json``; anything else of a Hub id's form is fetched from the Hub.
        ``batch_tokens`` bounds rows x length of one batch (on a CPU 1,024 bounds it too, 2,048 in bfloat16). ``name``
        is what people will see: the folder's name or the Hub id where it is None. ``fast`` may put quicker layers that
        agree in the place of the model's own; without it the model is computed as transformers does. ``device_map``
        spreads a model that no single device holds; ``device`` is then where prompts begin. ``adapter`` is the folder
        of a LoRA adapter, which is added into this base's weights, whatever base it names. ``rule`` decides the choice:
        ``letter`` and ``letter_variants`` come from one pass, the three others ask every option's text as well.

        Raises UsageError for an unknown dtype, a device that is not there or a budget below 1, and
        ModelError for a checkpoint that cannot be loaded whole or is not a causal language model.
        """
        if dtype not in TORCH_DTYPES:
            raise UsageError(f"unknown dtype {dtype!r}; known: {', '.join(TORCH_DTYPES)}")
        if rule is ScoringRule.FIRST_CHARACTER:
            raise UsageError(
                "scoring rule 'first_character' reads written answers; a model is asked by another rule"
            )
        if batch_tokens < 1:
            raise UsageError(f"batch of {batch_tokens} tokens; a batch holds at least 1: give 8192, say")
        chosen_device = device_here(device)
        if fast and chosen_device.type == "cpu":
            keep_programs()
        folder, base, revision = checkpoint_folder(model)

        def placed() -> tuple[Any, Any]:
            network, tokenizer = loaded(folder, dtype, device_map)
            if adapter is not None:
                network = with_adapter(network, adapter).merge_and_unload()
            # accelerate's hooks move what goes from layer to layer; the model itself must stay where it is.
            return (network if device_map is not None else network.to(chosen_device)).eval(), tokenizer

        network, tokenizer = placed()
        reference = ModelRef(
            name=name or (folder.name if revision is None else base),
            base=base,
            revision=revision,
            adapter=None if adapter is None else adapter_fingerprint(adapter),
            dtype=dtype,
            fingerprint=content_fingerprint(folder),
        )
        scorer = cls(network, tokenizer, reference, chosen_device, batch_tokens, prefix_cache, rule)
        del network  # the scorer alone holds it, so that it is gone before it is loaded a second time
        scorer._check_causal()
        for fuses in (True, False) if fast else ():
            done = quickened(scorer._causal, fuses, scorer._tolerance)
            if done.agrees:
                scorer.packed_layers, scorer.fused_layers = done.packed, done.fused
                break
            _logger.warning(
                "%s does not agree with its quicker layers and is loaded again for fewer", reference.name
            )
            del scorer._causal
            scorer._causal = CausalNetwork(placed()[0], reference.name, chosen_device)
            if not done.fused:
                break
        scorer._causal.shares_prefix = fast and chosen_device.type == "cpu" and device_map is None
        return scorer

    @property
    def _network(self) -> Any:
        return self._causal.model

    @property
    def model(self) -> ModelRef:
        """The checkpoint, with its content fingerprint and the dtype it is computed in."""
        return self._reference

    @property
    def record(self) -> ScoringRecord:
        """How prompts have been computed so far."""
        return ScoringRecord(
            device=str(self._device),
            path=self.path,
            join=self.join,
            batch_tokens=self._batch_tokens,
            memory_halvings=self.memory_halvings,
            packed_layers=self.packed_layers,
            fused_layers=self.fused_layers,
            shared_attention=self._causal.shares_prefix and self.path is ScoringPath.PREFIX_CACHE,
        )

    @property
    def join(self) -> Join | None:
        """What stands between the prompt and the letter that is scored; None before the first prompts."""
        return self._prompt_tokens.join

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Settle the join and the path on all of a job's prompts. Raises ModelError as ``scored`` does."""
        self._choose_path(self._prompt_tokens.families(prompts))

    def chat(self, messages: Sequence[Message]) -> str:
        """As the tokenizer's chat template writes it. Raises ModelError where it has none or refuses."""
        return chat_text(self._tokenizer, self._reference.name, messages)

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        """Each prompt's choice, grouped by family and the longest first.

        Raises ModelError before the first choice where letters are no single next tokens, a prompt is
        longer than the model's context, BOS is doubled, or ids lie beyond the embedding.
        """
        families = self._prompt_tokens.families(prompts)
        self._choose_path(families)
        for family in families:
            yield from self._scored_family(family, prompts)

    def _scored_family(self, family: Family, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        cache = None
        skipped = 0
        if self.path is ScoringPath.PREFIX_CACHE and family.prefix_length:
            skipped = family.prefix_length
            cache = self._prefix_cache(family.tokens[0][:skipped])
        read = (*family.letters, *(token for tokens in family.variants for token in tokens))
        for batch in self._batches(family, skipped):
            rows = [family.tokens[position][skipped:] for position in batch]
            log_probs = self._log_probs_in_memory(rows, read, cache, skipped).tolist()
            found = [letter_scores(values, family.letters, family.variants) for values in log_probs]
            if self._rule in OPTION_RULES:
                asked = [prompts[family.indices[position]] for position in batch]
                before = [family.tokens[position] for position in batch]
                for scores, texts in zip(
                    found, self._option_scores(asked, before, cache, skipped), strict=True
                ):
                    scores.update(texts)
            for position, scores in zip(batch, found, strict=True):
                yield choice(family.indices[position], scores, self._rule)

    def _log_probs_in_memory(
        self, rows: Sequence[list[int]], letters: tuple[int, ...], cache: Any, skipped: int
    ) -> torch.Tensor:
        """``_log_probs`` of rows; where the device has no room, of one half after the other.

        The budget is halved for all that follow, which ``memory_halvings`` counts. Raises ModelError where
        one row alone does not fit.
        """
        try:
            return self._log_probs(rows, letters, cache, skipped)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if len(rows) == 1:
                raise self._no_room(skipped + len(rows[0])) from error
        # Outside of the handler, since the error holds on to the tensors of the forward pass that failed.
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._batch_tokens = max(1, self._batch_tokens // 2)
        self.memory_halvings += 1
        _logger.warning(
            "%s: out of memory on %s with %d prompts at once; going on with at most %d tokens a batch",
            self._reference.name,
            self._device,
            len(rows),
            self._batch_tokens,
        )
        half = len(rows) // 2
        return torch.cat(
            [self._log_probs_in_memory(part, letters, cache, skipped) for part in (rows[:half], rows[half:])]
        )

    def _no_room(self, tokens: int) -> ModelError:
        return ModelError(
            f"{self._reference.name}: one prompt of {tokens} tokens does not fit into the memory of {self._device};"
            " use a smaller dtype, more devices or a smaller model"
        )

    def _batches(self, family: Family, skipped: int) -> Iterator[list[int]]:
        """Positions in the family, longest first, so that running out of memory shows at once."""
        order = sorted(
            range(len(family.tokens)), key=lambda position: (len(family.tokens[position]), position)
        )
        overhead = launch_tokens(self._device.type, self._dtype)
        budget = 0
        cuts: list[tuple[int, int]] = []
        while order:
            if budget != self._batch_tokens:  # the device had no room for so many
                budget = self._batch_tokens
                lengths = [len(family.tokens[position]) - skipped for position in order]
                cuts = length_cuts(lengths, partial(self._fits, skipped), overhead)
            begin, end = cuts.pop()
            yield order[begin:end]
            del order[begin:]

    def _fits(self, skipped: int, count: int, width: int) -> bool:
        """Whether rows of ``width`` fit a batch; a cached prefix costs little time and much memory: four budgets."""
        if self.path is ScoringPath.UNBATCHED:
            return count == 1
        return count * width <= self._batch_tokens and count * (skipped + width) <= 4 * self._batch_tokens

    def _log_probs(
        self, rows: Sequence[list[int]], letters: tuple[int, ...], cache: Any = None, skipped: int = 0
    ) -> torch.Tensor:
        """(rows, letters) float32 on the CPU: nats over the full vocabulary after each row's last token.

        ``cache`` holds the first ``skipped`` tokens of every row, which ``rows`` then leave out.
        """
        last = torch.tensor([[len(row) - 1] for row in rows], device=self._device)  # (rows, 1)
        with torch.inference_mode():
            next_token = self._causal.read_logits(rows, last, cache, skipped)[:, 0, :].float()
            chosen = next_token[:, list(letters)] - next_token.logsumexp(dim=-1, keepdim=True)
            return chosen.cpu()

    def _option_scores(
        self, prompts: Sequence[Prompt], before: Sequence[list[int]], cache: Any, skipped: int
    ) -> list[dict[ScoringRule, tuple[float, ...]]]:
        """For each prompt the scores of its options' texts under ``option``, ``option_per_byte`` and ``pmi``.

        ``before`` are the prompts' own ids; ``cache`` holds the first ``skipped`` of them.
        """
        asked = [(prompt.text, prompt.question.choices[: prompt.choices_scored]) for prompt in prompts]
        special_tokens = not prompts[0].holds_special_tokens  # the same in a whole family
        given = self._continued(asked, before, cache, skipped, special_tokens)
        # What an option is worth by itself: after the answer slot, without the question.
        cues = [(self._slot(prompt), options) for prompt, (_, options) in zip(prompts, asked, strict=True)]
        slots = self._prompt_tokens.ids([cue for cue, _ in cues], special_tokens)
        alone = self._continued(cues, slots, None, 0, special_tokens)
        return [
            option_scores(options, with_question, without)
            for (_, options), with_question, without in zip(asked, given, alone, strict=True)
        ]

    def _slot(self, prompt: Prompt) -> str:
        """The answer slot by itself, with the beginning of text that a chat's prompt has written in it."""
        slot = prompt.text.rsplit("\n", 1)[-1] if prompt.answer_slot is None else prompt.answer_slot
        bos = self._tokenizer.bos_token
        starts = prompt.holds_special_tokens and bos is not None and prompt.text.startswith(bos)
        return bos + slot if starts else slot

    def _continued(
        self,
        asked: Sequence[tuple[str, Sequence[str]]],
        before: Sequence[list[int]],
        cache: Any,
        skipped: int,
        special_tokens: bool = True,
    ) -> list[list[float]]:
        """Nats of each option's text after its text, summed over the tokens in which the whole differs.

        Where a tokenizer merges the join, all options of a prompt are summed from the same token on, so that
        they stand on the same ground.
        """
        join = JOIN_TEXTS[self.join or Join.NONE]
        encoded = self._prompt_tokens.ids(
            [text + join + option for text, options in asked for option in options], special_tokens
        )
        beginning = beginning_of(self._tokenizer)
        rows: list[list[int]] = []
        starts: list[int] = []
        place = 0
        for (_, options), own in zip(asked, before, strict=True):
            mine, start = continued(own, encoded[place : place + len(options)], beginning)
            place += len(options)
            rows += mine
            starts += [start] * len(mine)
        self._prompt_tokens.check(rows)
        if skipped and min(starts) <= skipped:
            cache, skipped = None, 0
        budget = 1 if self.path is ScoringPath.UNBATCHED else self._batch_tokens
        sums: list[float] = []
        for first, last in spans([len(row) - skipped for row in rows], budget):
            sums += self._causal.continuations(
                [row[skipped:] for row in rows[first:last]],
                [start - skipped for start in starts[first:last]],
                cache,
                skipped,
            )
        values = iter(sums)
        return [[next(values) for _ in options] for _, options in asked]

    def _prefix_cache(self, prefix: list[int]) -> Any:
        try:
            return self._causal.prefix_cache(prefix)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise self._no_room(len(prefix)) from error

    def _choose_path(self, families: Sequence[Family]) -> None:
        """Sets the fastest path that agrees, on prompts of these families, with one prompt at a time.

        The families with the longest prompt and with the longest prefix stand for all. A path once left
        is not taken again, and nothing is checked twice unless longer prompts come.
        """
        if not families:
            return
        longest = max(families, key=lambda family: family.longest)
        if self.path is not None and longest.longest <= self._checked_length:
            return
        self._checked_length = max(longest.longest, self._checked_length)
        path = self.path or self._fastest
        sharing = max(families, key=lambda family: family.prefix_length)
        for family in (longest,) if longest is sharing else (longest, sharing):
            tokens = sorted(family.tokens, key=len)
            step = max(1, (len(tokens) - 1) // (_CHECKED_PROMPTS - 1))
            rows = [*tokens[::step][: _CHECKED_PROMPTS - 1], tokens[-1]]
            alone = torch.cat([self._log_probs_in_memory([row], family.letters, None, 0) for row in rows])
            if path is ScoringPath.PREFIX_CACHE and family.prefix_length:
                path = path if self._cache_agrees(family, rows, alone) else ScoringPath.FULL
            if path is not ScoringPath.UNBATCHED:
                batched = self._log_probs_in_memory(rows, family.letters, None, 0)
                path = path if self._agree(batched, alone) else ScoringPath.UNBATCHED
        if path is not self._fastest:
            _logger.warning("%s is scored on the slower path '%s'", self._reference.name, path)
        self.path = path

    def _cache_agrees(self, family: Family, rows: Sequence[list[int]], alone: torch.Tensor) -> bool:
        """As ``_prefix_agrees``, first with the quicker attention on a CPU where nothing spoke against that yet."""
        if self._causal.shares_prefix and not self._prefix_agrees(family, rows, alone):
            self._causal.shares_prefix = False
        return self._causal.shares_prefix or self._prefix_agrees(family, rows, alone)

    def _prefix_agrees(self, family: Family, rows: Sequence[list[int]], alone: torch.Tensor) -> bool:
        skipped = family.prefix_length
        try:
            cache = self._prefix_cache(rows[0][:skipped])
            if cache is None:
                return False
            # Twice, since a cache that the first batch changed would spoil the second.
            for _ in range(2):
                own = [row[skipped:] for row in rows]
                cached = self._log_probs_in_memory(own, family.letters, cache, skipped)
                if not self._agree(cached, alone):
                    return False
        except CACHE_FAULTS as error:
            _logger.info("%s takes no shared prefix: %s", self._reference.name, error)
            return False
        return True

    def _agree(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        return torch.allclose(one, other, rtol=0.0, atol=self._tolerance, equal_nan=True)

    def _check_causal(self) -> None:
        """Raises ModelError where tokens that come later change what the model says before them."""
        rows = self._causal.embedding_rows
        ids = [position * 7 % rows for position in range(1, 25)]
        shorter, longer = torch.tensor([ids[:16]]), torch.tensor([ids])
        with torch.inference_mode():
            before, after = (
                self._network(
                    input_ids=tokens.to(self._device), attention_mask=torch.ones_like(tokens).to(self._device)
                )
                .logits[0, 15]
                .float()
                .log_softmax(-1)
                for tokens in (shorter, longer)
            )
        if before.isfinite().all() and after.isfinite().all() and not self._agree(before, after):
            raise ModelError(
                f"{self._reference.base} changes its prediction when text is added after it; forced choice"
                " needs a causal language model: give a decoder-only checkpoint"
            )
