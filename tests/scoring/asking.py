"""Prompts to ask a scorer with, and what it said, in the order of the prompts."""

from collections.abc import Sequence
from dataclasses import replace

from clika.prompts.templates import Template, prompts
from clika.records import Prompt, ScoringRule
from clika.scoring.scorer import Scored
from clika.scoring.transformers_scorer import TransformersScorer
from tests.stores import made_up_questions


def asked(count: int = 6) -> list[Prompt]:
    """Prompts of two data sets in two languages, of unequal lengths and numbers of choices."""
    questions = [
        replace(question, text=question.text + " and more" * (number % 5))
        for dataset, choices in (("xgeo", 4), ("xcsqa", 5))
        for number, question in enumerate(made_up_questions(dataset, count, ("en", "he"), choices))
    ]
    return prompts(questions, Template.ENGLISH)


def scored(scorer: TransformersScorer, given: Sequence[Prompt]) -> list[Scored]:
    found = sorted(scorer.scored(given), key=lambda one: one.prompt_index)
    assert [one.prompt_index for one in found] == list(range(len(given)))
    return found


def letters(found: Sequence[Scored]) -> list[float]:
    return [score for one in found for score in one.scores[ScoringRule.LETTER]]
