"""bfloat16's speed with float32's choices: near-ties are asked again.

bfloat16 changes one to two choices in a hundred, all of them near-ties. How far its scores lie from
float32's is measured on a sample of the prompts at hand; whatever is decided by less than that, with room
to spare, is asked in float32. What is stored is float32's answer there and bfloat16's elsewhere.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace

from clika.prompts.chat import Message
from clika.records import ModelRef, Outcome, Prompt, ScoringRecord, ScoringRule
from clika.scoring.scorer import Scored, Scorer

_logger = logging.getLogger(__name__)

SAMPLED = 256
ROOM = 1.5
"""The greatest disagreement among the sampled prompts, times this, is what a margin must exceed."""


class MixedScorer:
    """A Scorer that asks ``quick`` first and ``exact`` where the two could choose differently.

    ``threshold`` (nats) is the smallest margin between the best two letters that is believed; None before
    the first prompts are scored. ``asked_again`` counts the prompts that went to ``exact``.
    """

    def __init__(self, quick: Scorer, exact: Scorer, reference: ModelRef) -> None:
        self._quick, self._exact, self._reference = quick, exact, reference
        self.threshold: float | None = None
        self.asked_again = 0
        self._sampled: dict[tuple[str, int], Scored] = {}

    @property
    def model(self) -> ModelRef:
        """The checkpoint, with the dtype ``mixed``."""
        return self._reference

    @property
    def record(self) -> ScoringRecord:
        """That of the quick scorer, with the threshold and how many were asked again."""
        return replace(self._quick.record, threshold=self.threshold, asked_again=self.asked_again)

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Measure the threshold on up to 256 prompts, evenly spread. Raises ModelError as both scorers do."""
        if self.threshold is not None or not prompts:
            return
        self._quick.prepare(prompts)
        self._exact.prepare(prompts)
        count = min(SAMPLED, len(prompts))
        sample = [place * len(prompts) // count for place in range(count)]
        exact = self._asked(self._exact, prompts, sample)
        quick = self._asked(self._quick, prompts, sample)
        self.asked_again += len(sample)
        self.threshold = ROOM * max(
            (disagreement(quick[index], exact[index]) for index in sample), default=0.0
        )
        self._sampled = {_content(prompts[index]): exact[index] for index in sample}
        _logger.info(
            "bfloat16 and float32 differ by at most %.4f nats on %d prompts; margins below %.4f are asked again",
            self.threshold / ROOM,
            count,
            self.threshold,
        )

    def chat(self, messages: Sequence[Message]) -> str:
        """As the checkpoint's chat template writes it, in any dtype. Raises ModelError as that does."""
        return self._exact.chat(messages)

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        """Every prompt's choice, each index once. Raises ModelError as both scorers do."""
        self.prepare(prompts)
        if self.threshold is None:
            return
        rest: list[int] = []
        for index, prompt in enumerate(prompts):
            known = self._sampled.pop(_content(prompt), None)
            if known is None:
                rest.append(index)
            else:
                yield replace(known, prompt_index=index)
        unsure: list[int] = []
        for index, one in self._each(self._quick, prompts, rest):
            if one.outcome is Outcome.ANSWERED and margin(one) > self.threshold:
                yield one
            else:
                unsure.append(index)
        self.asked_again += len(unsure)
        for _, one in self._each(self._exact, prompts, unsure):
            yield one

    def _asked(self, scorer: Scorer, prompts: Sequence[Prompt], indices: Sequence[int]) -> dict[int, Scored]:
        return dict(self._each(scorer, prompts, indices))

    def _each(
        self, scorer: Scorer, prompts: Sequence[Prompt], indices: Sequence[int]
    ) -> Iterator[tuple[int, Scored]]:
        """The choices for some of the prompts, under their indices among all of them."""
        if not indices:
            return
        for one in scorer.scored([prompts[index] for index in indices]):
            index = indices[one.prompt_index]
            yield index, Scored(index, one.outcome, one.chosen_index, one.scores, one.letter_mass)


def _content(prompt: Prompt) -> tuple[str, int]:
    """Two prompts that agree in this have one answer."""
    return prompt.text, prompt.choices_scored


def margin(scored: Scored) -> float:
    """Nats between the best and the second-best letter of an answered prompt; 0 for a tie."""
    best, second = sorted(scored.scores[ScoringRule.LETTER], reverse=True)[:2]
    return best - second


def disagreement(one: Scored, other: Scored) -> float:
    """The most (nats) that any margin between two letters differs from one to the other.

    0 where either is invalid: those are asked again whatever the threshold is.
    """
    if Outcome.INVALID in (one.outcome, other.outcome):
        return 0.0
    pairs = zip(one.scores[ScoringRule.LETTER], other.scores[ScoringRule.LETTER], strict=True)
    differences = [first - second for first, second in pairs]
    return max(differences) - min(differences)
