"""The questions that show what a level means, found in answers written out by hand."""

import numpy as np

from clika.metrics.telling_questions import (
    TellingQuestion,
    carried_across,
    same_wrong_answer,
    wrong_elsewhere,
)
from clika.records import AnswerMatrix


def matrix(*rows: list[int], languages: tuple[str, ...] = ("en", "de", "fr", "he")) -> AnswerMatrix:
    """Answers of languages (rows) to four questions whose right choices are 0, 1, 2, 3."""
    return AnswerMatrix(
        "run", "xgeo", languages, ("q0", "q1", "q2", "q3"), np.array(rows, np.int8),
        np.arange(4, dtype=np.int8), np.full(4, 4, np.int8),
    )  # fmt: skip


def test_what_english_knows_is_wrong_in_as_many_others_as_can_be() -> None:
    answers = matrix(
        [0, 1, 2, 0],  # English: right, right, right, wrong
        [1, 0, 3, 3],  # German: wrong, wrong, wrong
        [-2, 0, 2, 3],  # French: not asked, wrong, right
        [1, 3, 0, 3],
    )
    # q0 is wrong in two others and not asked in one, q1 in three, q2 in two, q3 is not right in English
    assert wrong_elsewhere(answers) == TellingQuestion("run", "xgeo", "q1", ("de", "fr", "he"))
    assert wrong_elsewhere(answers, {"q2", "q3"}) == TellingQuestion("run", "xgeo", "q2", ("de", "he"))
    assert wrong_elsewhere(answers, {"q3"}) is None


def test_an_unreadable_answer_is_a_wrong_one_and_without_english_there_is_none() -> None:
    assert wrong_elsewhere(matrix([0, 0, 0, 0], [-1, 1, 2, 3], languages=("en", "de"))) == TellingQuestion(
        "run", "xgeo", "q0", ("de",)
    )
    invalid = matrix([0, 0, 0, 0], [-3, -3, -3, -3], languages=("en", "de"))  # the model gave no number
    assert wrong_elsewhere(invalid) is None
    assert wrong_elsewhere(matrix([0, 1, 2, 3], languages=("de",))) is None
    assert wrong_elsewhere(matrix([0, 1, 2, 3], [0, 1, 2, 3], languages=("en", "de"))) is None


def test_the_same_wrong_option_of_most_languages_is_found() -> None:
    answers = matrix([0, 2, 2, 0], [3, 2, 1, 0], [3, 2, 1, 0], [0, 1, 1, 0])
    # q0: option 3 twice; q1: option 2 three times; q2: option 1 three times; q3: option 0 four times
    assert same_wrong_answer(answers) == TellingQuestion("run", "xgeo", "q3", ("en", "de", "fr", "he"))


def test_mistakes_that_differ_or_cannot_be_read_are_not_the_same() -> None:
    assert same_wrong_answer(matrix([1, -1, 2, 3], [2, -1, 2, 3], languages=("en", "de"))) is None


def test_a_place_carried_across_is_right_in_both_languages() -> None:
    answers = matrix([1, 1, 2, 3], [0, 0, 2, 3], languages=("en", "ru"))
    assert carried_across(answers, "ru") == TellingQuestion("run", "xgeo", "q2", ("en", "ru"))
    assert carried_across(matrix([0, 1, 2, 3], [1, 0, 0, 0], languages=("en", "ru")), "ru") is None
    assert carried_across(answers, "de") is None
