"""Every measurement by hand, on four questions in four languages."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika.errors import UsageError
from clika.metrics.accuracy import accuracy
from clika.metrics.english_consistency import english_consistency
from clika.metrics.english_overlap import EnglishOverlap, english_overlap
from clika.metrics.intervals import wilson_interval
from clika.metrics.rescaled_accuracy import rescaled_accuracy
from clika.metrics.score_table import others_mean, over_english, score_table
from clika.records import INVALID, NOT_ASKED, UNPARSEABLE, AnswerMatrix, Metric


def matrix(chosen: list[list[int]], dataset: str = "xgeo", choices: int = 4) -> AnswerMatrix:
    """Answers in en, de, he, zh; the gold answer to question k is choice k."""
    count = len(chosen[0])
    return AnswerMatrix(
        run="run",
        dataset=dataset,
        languages=("en", "de", "he", "zh")[: len(chosen)],
        question_ids=tuple(map(str, range(count))),
        chosen=np.array(chosen, np.int8),
        answers=np.arange(count, dtype=np.int8),
        choices=np.full(count, choices, np.int8),
    )


# en right on 0, 1, 2; de right on 0 and 3, unparseable on 1; he right on 1 of two asked; zh invalid but one
ANSWERS = matrix(
    [
        [0, 1, 2, 0],
        [0, UNPARSEABLE, 0, 3],
        [1, 1, NOT_ASKED, NOT_ASKED],
        [INVALID, INVALID, INVALID, 0],
    ]
)


def test_accuracy_counts_unparseable_as_wrong_and_leaves_out_what_is_no_answer() -> None:
    scores = accuracy(ANSWERS)
    np.testing.assert_allclose(scores.values, [3 / 4, 2 / 4, 1 / 2, 0 / 1])
    assert scores.n.tolist() == [4, 4, 2, 1]


def test_ra_is_zero_at_chance_one_at_the_reference_and_clipped_below() -> None:
    # chance 1/4, reference 3/4: en (3/4 - 1/4) / (1/2) = 1; de and he (1/2 - 1/4) / (1/2) = 1/2; zh clipped
    np.testing.assert_allclose(rescaled_accuracy(ANSWERS, 0.75).values, [1, 0.5, 0.5, 0])
    assert rescaled_accuracy(ANSWERS, 0.5).values[0] == pytest.approx(2.0)  # (1/2) / (1/4): above 1


def test_a_reference_at_chance_is_refused() -> None:
    with pytest.raises(UsageError, match="not above chance"):
        rescaled_accuracy(ANSWERS, 0.25)


@pytest.mark.parametrize("count", [6, 7, 41, 100])
def test_a_reference_at_chance_is_refused_however_many_questions_there_are(count: int) -> None:
    # numpy's mean of six 1/5s is below 1/5, which once made RA 1e16
    with pytest.raises(UsageError, match="not above chance"):
        rescaled_accuracy(matrix([[0] * count], "xcsqa", choices=5), 1 / 5)


def test_a_reference_that_is_no_number_is_refused() -> None:
    with pytest.raises(UsageError, match="reference nan"):
        rescaled_accuracy(ANSWERS, math.nan)


def test_en_co_is_the_share_of_right_answers_that_english_shares() -> None:
    scores = english_consistency(ANSWERS)
    # de right on {0, 3}, of which en on {0}: 1/2; he right on {1}, en too: 1/1; zh right on none: undefined
    np.testing.assert_allclose(scores.values, [1, 1 / 2, 1, math.nan])
    assert scores.n.tolist() == [3, 2, 1, 0]


def test_en_co_leaves_out_what_english_was_not_asked() -> None:
    scores = english_consistency(matrix([[0, NOT_ASKED, 2, INVALID], [0, 1, 0, 3]]))
    assert (scores.values[1], scores.n[1]) == (1.0, 1)  # of {0, 1, 3} only 0 is comparable


def test_en_co_is_undefined_without_english() -> None:
    answers = matrix([[0, 1, 2, 3]])
    assert math.isnan(english_consistency(replace(answers, languages=("de",))).values[0])


def test_the_four_counts_add_up() -> None:
    # 0 both right; 1 only en (de unparseable); 2 only en; 3 only de
    assert english_overlap(ANSWERS, "de") == EnglishOverlap(1, 2, 1, 0, 0)
    # he: 0 only en; 1 both; 2 and 3 not asked
    assert english_overlap(ANSWERS, "he") == EnglishOverlap(1, 1, 0, 0, 2)


def test_a_level_is_the_mean_of_its_data_sets_and_undefined_if_one_is_missing() -> None:
    geo, people = ANSWERS, matrix([[0, 1, 2, 3], [0, 1, 2, 0]], dataset="xpeo")
    (row,) = score_table([geo, people], Metric.ACCURACY, "factual", {})
    # en (3/4 + 1) / 2, de (1/2 + 3/4) / 2; he and zh are not in xpeo
    np.testing.assert_allclose(row.values, [0.875, 0.625, math.nan, math.nan])
    (alone,) = score_table([geo], Metric.ACCURACY, "factual", {})
    assert np.isnan(alone.values).all()


def test_ra_without_a_reference_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="look at accuracy instead"):
        score_table([ANSWERS], Metric.RA, "xgeo", {})


def test_a_level_without_one_reference_is_refused_even_where_that_data_set_has_no_answers() -> None:
    with pytest.raises(UsageError, match="RA over xpeo"):
        score_table([ANSWERS], Metric.RA, "factual", {"xgeo": 0.97})


def test_languages_stand_in_table_order_with_their_values() -> None:
    backwards = replace(ANSWERS, languages=("zh", "he", "de", "en"), chosen=ANSWERS.chosen[::-1])
    (row,) = score_table([backwards], Metric.ACCURACY, "xgeo", {})
    assert row.languages == ("en", "de", "he", "zh")
    np.testing.assert_allclose(row.values, accuracy(ANSWERS).values)
    assert row.n.tolist() == [4, 4, 2, 1]


def test_others_leaves_out_english_and_the_case_language() -> None:
    scores = accuracy(ANSWERS)
    assert others_mean(scores, "zh") == pytest.approx((1 / 2 + 1 / 2) / 2)  # de, he
    assert over_english(scores, "de") == pytest.approx((1 / 2) / (3 / 4))


def test_wilsons_interval_by_hand() -> None:
    # 5 of 10, z = 1.96: centre 1/2, half-width z / (1 + z^2/10) * sqrt(.025 + z^2/400) = .2634
    low, high = wilson_interval(np.array([5]), np.array([10]))
    assert (low[0], high[0]) == (pytest.approx(0.2366, abs=1e-4), pytest.approx(0.7634, abs=1e-4))
    assert np.isnan(wilson_interval(np.array([0]), np.array([0]))[0][0])


@given(
    st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=2, max_size=4),
    st.permutations(range(5)),
)
def test_the_order_of_questions_changes_nothing(rows: list[list[int]], order: list[int]) -> None:
    answers = matrix(rows)
    shuffled = replace(
        answers,
        chosen=answers.chosen[:, order],
        answers=answers.answers[order],
        question_ids=tuple(answers.question_ids[place] for place in order),
    )
    for measured in (accuracy, english_consistency, lambda m: rescaled_accuracy(m, 0.9)):
        np.testing.assert_allclose(measured(answers).values, measured(shuffled).values)
    assert np.nanmin(rescaled_accuracy(answers, 0.9).values, initial=0) >= 0


@given(st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=1, max_size=4))
def test_a_value_is_undefined_exactly_where_n_is_0_and_lies_in_its_interval(rows: list[list[int]]) -> None:
    answers = matrix(rows)
    for scores in (accuracy(answers), english_consistency(answers), rescaled_accuracy(answers, 0.9)):
        np.testing.assert_array_equal(np.isnan(scores.values), scores.n == 0)
        defined = scores.n > 0
        assert (scores.low[defined] <= scores.values[defined] + 1e-12).all()
        assert (scores.values[defined] <= scores.high[defined] + 1e-12).all()
