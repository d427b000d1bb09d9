"""Every question in several cyclic orders of its options, and one answer from all of them.

A model that prefers a letter gives that letter's bonus to another option in every order. The mean of an option's
probabilities over the cyclic orders takes the preference out (Zheng et al. 2024, "Large Language Models Are Not
Robust Multiple Choice Selectors": the mean over cyclic permutations). The orders are the same in every
language, since an option's place is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from clika.prompts.chat import Message
from clika.prompts.templates import Asking
from clika.records import ModelRef, Outcome, Prompt, Question, ScoringRecord, ScoringRule
from clika.scoring.scorer import Scored, Scorer, first_greatest

_MEANS = (ScoringRule.LETTER, ScoringRule.LETTER_VARIANTS, ScoringRule.OPTION)


class PermutedScorer:
    """A Scorer that asks ``scorer`` each question in as many orders as ``asking`` says.

    A question with fewer options is asked in as many orders as it has options. ``rule`` decides the choice.
    """

    def __init__(self, scorer: Scorer, asking: Asking, rule: ScoringRule = ScoringRule.LETTER) -> None:
        self._scorer, self._asking, self._rule = scorer, asking, rule

    @property
    def model(self) -> ModelRef:
        """The checkpoint that answers."""
        return self._scorer.model

    @property
    def record(self) -> ScoringRecord:
        """That of the scorer within."""
        return self._scorer.record

    def chat(self, messages: Sequence[Message]) -> str:
        """As the scorer within writes it."""
        return self._scorer.chat(messages)

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Settle what the scorer within settles, on all orders."""
        self._scorer.prepare(self._in_all_orders(prompts)[0])

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        """Every question's choice, each index once, as soon as its last order is scored.

        Raises what the scorer within and the form do.
        """
        asked, origins = self._in_all_orders(prompts)
        waiting: dict[int, dict[int, Scored]] = {}
        for one in self._scorer.scored(asked):
            index, shift = origins[one.prompt_index]
            found = waiting.setdefault(index, {})
            found[shift] = one
            if len(found) == self._orders_of(prompts[index]):
                yield combined(index, waiting.pop(index), prompts[index].question, self._rule)

    def _in_all_orders(self, prompts: Sequence[Prompt]) -> tuple[list[Prompt], list[tuple[int, int]]]:
        """Every prompt in each of its orders, and for each of these (index among ``prompts``, shift)."""
        asked: list[Prompt] = []
        origins: list[tuple[int, int]] = []
        for index, prompt in enumerate(prompts):
            for shift in range(self._orders_of(prompt)):
                origins.append((index, shift))
                asked.append(prompt if shift == 0 else self._shifted(prompt.question, shift))
        return asked, origins

    def _orders_of(self, prompt: Prompt) -> int:
        return min(self._asking.orders, prompt.choices_scored)

    def _shifted(self, question: Question, shift: int) -> Prompt:
        return self._asking.prompts([shifted(question, shift)], self._scorer)[0]


def shifted(question: Question, shift: int) -> Question:
    """The question with its options moved on: the one that stood at place ``shift`` comes first."""
    return replace(
        question,
        choices=(*question.choices[shift:], *question.choices[:shift]),
        answer_index=(question.answer_index - shift) % len(question.choices),
    )


def combined(index: int, orders: Mapping[int, Scored], question: Question, rule: ScoringRule) -> Scored:
    """One answer from those in several orders, by how far each was shifted; invalid where any is.

    ``letter``, ``letter_variants`` and ``option``: the log of the mean probability. ``option_per_byte``: that of
    ``option`` over the text's bytes. ``pmi``: that of ``option`` less the mean of what the text is worth alone, which
    is the same in every order. ``letter_mass`` is the mean.
    """
    if any(one.outcome is not Outcome.ANSWERED for one in orders.values()):
        return Scored(index, Outcome.INVALID, None)
    own = {shift: _in_own_order(one, shift) for shift, one in orders.items()}
    computed = set.intersection(*(set(scores) for scores in own.values()))
    found = {
        kind: tuple(
            _log_mean(values) for values in zip(*(scores[kind] for scores in own.values()), strict=True)
        )
        for kind in _MEANS
        if kind in computed
    }
    if ScoringRule.OPTION in found:
        given = found[ScoringRule.OPTION]
        if ScoringRule.OPTION_PER_BYTE in computed:
            found[ScoringRule.OPTION_PER_BYTE] = tuple(
                score / (len(choice.encode()) or math.nan)
                for score, choice in zip(given, question.choices, strict=True)
            )
        if ScoringRule.PMI in computed:
            alone = [
                math.fsum(
                    scores[ScoringRule.OPTION][place] - scores[ScoringRule.PMI][place]
                    for scores in own.values()
                )
                / len(own)
                for place in range(len(given))
            ]
            found[ScoringRule.PMI] = tuple(
                score - without for score, without in zip(given, alone, strict=True)
            )
    masses = [one.letter_mass for one in orders.values() if one.letter_mass is not None]
    mass = math.fsum(masses) / len(masses) if len(masses) == len(orders) else None
    return Scored(index, Outcome.ANSWERED, first_greatest(found[rule]), found, mass)


def _in_own_order(one: Scored, shift: int) -> dict[ScoringRule, tuple[float, ...]]:
    """The scores of an order by the options' own places: the one at place p was asked at p - shift."""
    return {
        kind: tuple(values[(place - shift) % len(values)] for place in range(len(values)))
        for kind, values in one.scores.items()
    }


def _log_mean(values: Sequence[float]) -> float:
    """The log of the mean of exponentials. The sum is exact, so equal options tie in whatever order they came."""
    greatest = max(values)
    return greatest + math.log(math.fsum(math.exp(value - greatest) for value in values) / len(values))
