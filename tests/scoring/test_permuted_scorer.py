"""Cyclic orders of the options: what a model prefers by letter cancels, what it knows remains."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from clika.prompts.chat import Message
from clika.prompts.templates import Asking, Template
from clika.records import ModelRef, Outcome, Prompt, Question, ScoringRecord, ScoringRule
from clika.scoring.mixed_scorer import MixedScorer
from clika.scoring.permuted_scorer import PermutedScorer, combined, shifted
from clika.scoring.scorer import Scored, Scorer
from clika.scoring.scripted import ScriptedScorer
from clika.scoring.transformers_scorer import TransformersScorer
from tests.models import tiny_llama
from tests.stores import made_up_questions

QUESTIONS = made_up_questions(count=5, languages=("en", "he"))
FOUR = Asking(orders=4)


def answered(scorer: Scorer, asking: Asking, questions: Sequence[Question] = QUESTIONS) -> list[Scored]:
    found = sorted(scorer.scored(asking.prompts(questions)), key=lambda one: one.prompt_index)
    assert [one.prompt_index for one in found] == list(range(len(questions)))
    return found


def test_a_model_that_always_says_a_ties_and_the_tie_goes_to_the_first_option() -> None:
    for one in answered(PermutedScorer(ScriptedScorer(lambda _: 0), FOUR), FOUR):
        # each option stands at A once: the mean of 0.7 and three times 0.2 / 3
        expected = math.log((0.7 + 3 * 0.2 / 3) / 4)
        assert one.scores[ScoringRule.LETTER] == pytest.approx((expected,) * 4)
        assert len(set(one.scores[ScoringRule.LETTER])) == 1
        assert one.chosen_index == 0
        assert one.letter_mass == pytest.approx(0.9)


def test_a_model_that_knows_the_answer_is_right_in_the_options_own_order() -> None:
    found = answered(PermutedScorer(ScriptedScorer(lambda question: question.answer_index), FOUR), FOUR)
    for question, one in zip(QUESTIONS, found, strict=True):
        assert one.chosen_index == question.answer_index
        assert one.scores[ScoringRule.LETTER][question.answer_index] == pytest.approx(math.log(0.7))


class Remembering(ScriptedScorer):
    """Keeps the texts that it was asked."""

    def __init__(self) -> None:
        super().__init__(lambda _: 0)
        self.texts: list[str] = []

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        self.texts += [prompt.text for prompt in prompts]
        return super().scored(prompts)


def test_every_order_is_asked_and_a_question_with_fewer_options_in_fewer() -> None:
    scorer = Remembering()
    asking = Asking(orders=3)
    two = replace(QUESTIONS[0], choices=("yes", "no"))
    answered(PermutedScorer(scorer, asking), asking, [QUESTIONS[0], two])
    own = [text.rsplit("Question:", 1)[1].split("\n")[1:-1] for text in scorer.texts]
    assert own == [
        ["A. en option a", "B. en option b", "C. en option c", "D. en option d"],
        ["A. en option b", "B. en option c", "C. en option d", "D. en option a"],
        ["A. en option c", "B. en option d", "C. en option a", "D. en option b"],
        ["A. yes", "B. no"],
        ["A. no", "B. yes"],
    ]


def test_a_shifted_question_keeps_its_answer() -> None:
    question = QUESTIONS[2]
    assert [shifted(question, shift).answer_index for shift in range(4)] == [
        (question.answer_index - shift) % 4 for shift in range(4)
    ]
    assert {shifted(question, shift).choices[(question.answer_index - shift) % 4] for shift in range(4)} == {
        question.choices[question.answer_index]
    }


def test_one_invalid_order_makes_the_question_invalid() -> None:
    scorer = ScriptedScorer(lambda question: None if question.choices[0].endswith("c") else 0)
    assert {one.outcome for one in answered(PermutedScorer(scorer, FOUR), FOUR)} == {Outcome.INVALID}


def test_the_mean_by_hand() -> None:
    question = replace(QUESTIONS[0], choices=("ab", "xyz"))
    letter, option, byte, pmi = (
        ScoringRule.LETTER,
        ScoringRule.OPTION,
        ScoringRule.OPTION_PER_BYTE,
        ScoringRule.PMI,
    )
    log = math.log
    own = {letter: (log(0.6), log(0.2)), option: (log(0.1), log(0.4)), byte: (0.0, 0.0)}
    own[pmi] = (log(0.1) + 2, log(0.4) + 5)  # alone: -2 and -5
    moved = {letter: (log(0.5), log(0.1)), option: (log(0.2), log(0.3)), byte: (0.0, 0.0)}
    moved[pmi] = (log(0.2) + 5, log(0.3) + 2)  # "xyz" first: alone -5 and -2
    orders = {
        0: Scored(0, Outcome.ANSWERED, 0, own, 0.8),
        1: Scored(1, Outcome.ANSWERED, 0, moved, 0.6),
    }
    found = combined(7, orders, question, letter)
    assert found.prompt_index == 7
    # "ab": .6 and .1; "xyz": .2 and .5
    assert found.scores[letter] == pytest.approx((log(0.35), log(0.35)))
    # "ab": .1 and .3; "xyz": .4 and .2
    assert found.scores[option] == pytest.approx((log(0.2), log(0.3)))
    assert found.scores[byte] == pytest.approx((log(0.2) / 2, log(0.3) / 3))
    assert found.scores[pmi] == pytest.approx((log(0.2) + 2, log(0.3) + 5))
    assert found.letter_mass == pytest.approx(0.7)
    assert combined(7, orders, question, pmi).chosen_index == 1


def test_a_real_models_orders_are_put_back_in_place(tmp_path: Path) -> None:
    scorer = TransformersScorer.load(
        str(tiny_llama(tmp_path / "llama")), device="cpu", rule=ScoringRule.OPTION
    )
    found = answered(PermutedScorer(scorer, FOUR, ScoringRule.OPTION), FOUR)
    for question, one in zip(QUESTIONS, found, strict=True):
        expected = dict.fromkeys(question.choices, 0.0)
        for shift in range(4):
            turned = shifted(question, shift)
            (alone,) = scorer.scored(Asking().prompts([turned]))
            for choice, score in zip(turned.choices, alone.scores[ScoringRule.LETTER], strict=True):
                expected[choice] += math.exp(score) / 4
        by_letter = [math.exp(score) for score in one.scores[ScoringRule.LETTER]]
        assert by_letter == pytest.approx(list(expected.values()), abs=1e-5)
        options = one.scores[ScoringRule.OPTION]
        assert one.chosen_index == options.index(max(options))
        assert set(one.scores) == set(ScoringRule) - {ScoringRule.FIRST_CHARACTER}


class Noisy:
    """Says A by a hair, and the right option by ``knows`` more; ``noise`` favours the last option instead."""

    model = ModelRef("noisy", "noisy")
    record = ScoringRecord(device="none")

    def __init__(self, noise: float) -> None:
        self._noise = noise

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        pass

    def chat(self, messages: Sequence[Message]) -> str:
        raise NotImplementedError

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        for index, prompt in enumerate(prompts):
            scores = [-3.0] * prompt.choices_scored
            scores[0] += 2.0  # the letter A
            scores[prompt.question.answer_index] += 0.05
            scores[prompt.question.choices.index(sorted(prompt.question.choices)[-1])] += self._noise
            yield Scored(index, Outcome.ANSWERED, 0, {ScoringRule.LETTER: tuple(scores)}, 0.5)


def test_near_ties_of_the_mean_are_asked_again_though_no_single_order_is_near_one() -> None:
    quick, exact = PermutedScorer(Noisy(0.1), FOUR), PermutedScorer(Noisy(0.0), FOUR)
    questions = made_up_questions(count=300, languages=("en",))
    mixed = MixedScorer(quick, exact, Noisy.model)
    found = answered(mixed, FOUR, questions)
    assert [one.chosen_index for one in found] == [question.answer_index for question in questions]
    assert mixed.asked_again == 300
    wrong = [one.chosen_index for one in answered(quick, FOUR, questions)]
    assert wrong == [3] * 300  # what the quick one alone would say


def test_a_chat_is_permuted_through_the_scorers_own_template() -> None:
    asking = Asking(Template.CHAT, orders=2)
    scorer = PermutedScorer(ScriptedScorer(lambda question: question.answer_index), asking)
    prompts = asking.prompts(QUESTIONS, scorer)
    assert [one.chosen_index for one in scorer.scored(prompts)] == [q.answer_index for q in QUESTIONS]
