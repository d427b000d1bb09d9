"""The scripted scorer answers what it was told, as a model would."""

import math

import pytest

from clika.errors import UsageError
from clika.prompts.templates import Template, prompts
from clika.records import Outcome, Question, ScoringRule
from clika.scoring.scorer import Scorer, first_greatest
from clika.scoring.scripted import ScriptedScorer
from tests.stores import made_up_questions

ASKED = prompts(made_up_questions(count=3, languages=("en",)), Template.ENGLISH)


def test_each_question_gets_the_choice_it_was_told() -> None:
    scorer: Scorer = ScriptedScorer(lambda question: question.answer_index)
    scored = list(scorer.scored(ASKED))
    assert [(one.prompt_index, one.chosen_index) for one in scored] == [(0, 0), (1, 1), (2, 2)]
    # 0.7 for the chosen letter, 0.2 / 3 for each of the three others
    assert scored[1].scores[ScoringRule.LETTER] == pytest.approx(
        (math.log(0.2 / 3), math.log(0.7), math.log(0.2 / 3), math.log(0.2 / 3))
    )
    assert scored[1].letter_mass == pytest.approx(0.7 + 0.2)


def test_none_stands_for_invalid_logits() -> None:
    (scored,) = ScriptedScorer(lambda question: None).scored(ASKED[:1])
    assert (scored.outcome, scored.chosen_index, dict(scored.scores)) == (Outcome.INVALID, None, {})


def test_an_index_beyond_the_choices_is_refused() -> None:
    def fifth(question: Question) -> int:
        return 4

    with pytest.raises(UsageError, match="its choices are 0 to 3"):
        list(ScriptedScorer(fifth).scored(ASKED))


def test_a_tie_goes_to_the_lower_index() -> None:
    assert first_greatest((-2.0, -1.0, -1.0)) == 1
