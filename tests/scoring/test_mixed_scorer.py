"""Mixed precision chooses as float32 does, and asks again only what it must."""

from dataclasses import replace
from pathlib import Path

import pytest

from clika.prompts.templates import Template, prompts
from clika.records import Outcome, Prompt, ScoringRule
from clika.scoring.mixed_scorer import MixedScorer, disagreement, margin
from clika.scoring.scorer import Scored
from clika.scoring.scripted import ScriptedScorer
from clika.scoring.transformers_scorer import TransformersScorer
from tests.models import tiny_llama
from tests.stores import made_up_questions


def asked(count: int) -> list[Prompt]:
    questions = [
        replace(question, text=f"{question.text} {number % 7} and {number % 11}")
        for number, question in enumerate(made_up_questions(count=count, languages=("en", "de")))
    ]
    return prompts(questions, Template.ENGLISH)


def test_choices_are_those_of_float32_and_only_near_ties_are_asked_again(tmp_path: Path) -> None:
    folder = str(tiny_llama(tmp_path / "llama"))
    given = asked(300)
    exact = TransformersScorer.load(folder, device="cpu")
    quick = TransformersScorer.load(folder, device="cpu", dtype="bfloat16")
    mixed = MixedScorer(quick, exact, replace(exact.model, dtype="mixed"))
    found = {one.prompt_index: one for one in mixed.scored(given)}
    alone = {one.prompt_index: one for one in exact.scored(given)}
    assert sorted(found) == list(range(600))
    assert [found[i].chosen_index for i in range(600)] == [alone[i].chosen_index for i in range(600)]
    assert mixed.threshold is not None
    assert mixed.threshold > 0
    assert 256 <= mixed.asked_again < 600
    assert mixed.model.dtype == "mixed"


def test_an_invalid_quick_answer_is_asked_again() -> None:
    given = asked(2)
    mixed = MixedScorer(
        ScriptedScorer(lambda _: None), ScriptedScorer(lambda _: 2), ScriptedScorer(lambda _: 0).model
    )
    assert {one.chosen_index for one in mixed.scored(given)} == {2}


def test_every_prompt_is_answered_once_in_every_later_call() -> None:
    scripted = ScriptedScorer(lambda question: question.answer_index)
    mixed = MixedScorer(scripted, scripted, scripted.model)
    first, second = asked(3), asked(200)
    list(mixed.scored(first))
    found = list(mixed.scored(second))
    assert sorted(one.prompt_index for one in found) == list(range(400))
    assert all(one.chosen_index == second[one.prompt_index].question.answer_index for one in found)
    assert list(mixed.scored([])) == []


def test_margin_and_disagreement_by_hand() -> None:
    one = Scored(0, Outcome.ANSWERED, 1, {ScoringRule.LETTER: (-2.0, -1.0, -4.0)})
    other = Scored(0, Outcome.ANSWERED, 1, {ScoringRule.LETTER: (-2.5, -0.75, -4.0)})
    assert margin(one) == pytest.approx(1.0)
    # differences: +0.5, -0.25, 0; the margin between the first two moved by 0.75
    assert disagreement(one, other) == pytest.approx(0.75)
    assert disagreement(one, Scored(0, Outcome.INVALID, None)) == 0.0
