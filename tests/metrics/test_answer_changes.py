"""What changed between two runs, and McNemar's exact p, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from clika.errors import UsageError
from clika.metrics.answer_changes import Change, LanguageChange, answer_changes, summed_changes
from clika.metrics.mcnemar import mcnemar_exact_p
from clika.records import INVALID, NOT_ASKED, UNPARSEABLE, AnswerMatrix


@pytest.mark.parametrize(
    ("lost", "won", "p"),
    [
        (0, 0, 1.0),  # nothing changed
        (1, 0, 1.0),  # 2 * 1 / 2^1
        (0, 5, 2 / 32),  # 2 * C(5,0) / 2^5
        (5, 0, 2 / 32),
        (1, 5, 14 / 64),  # 2 * (C(6,0) + C(6,1)) / 2^6 = 2 * 7 / 64
        (2, 8, 112 / 1024),  # 2 * (1 + 10 + 45) / 2^10
        (3, 3, 1.0),  # 2 * (1 + 6 + 15 + 20) / 64 = 84 / 64, at most 1
    ],
)
def test_mcnemars_exact_p_is_twice_the_smaller_tail_of_a_fair_coin(lost: int, won: int, p: float) -> None:
    assert mcnemar_exact_p(lost, won) == pytest.approx(p, rel=1e-12)


def test_large_counts_neither_overflow_nor_vanish() -> None:
    assert mcnemar_exact_p(5_000, 5_000) == 1.0
    # z = (5100 - 4900) / sqrt(10000) = 2, so nearly the normal's two-sided .0455; exact is a little larger
    assert 0.045 < mcnemar_exact_p(4_900, 5_100) < 0.048
    assert 0.0 <= mcnemar_exact_p(0, 5_000) < 1e-300


def matrix(run: str, chosen: list[list[int]]) -> AnswerMatrix:
    count = len(chosen[0])
    return AnswerMatrix(
        run, "xgeo", ("en", "de"), tuple("abcdefg"[:count]), np.array(chosen, np.int8),
        np.zeros(count, np.int8), np.full(count, 4, np.int8),
    )  # fmt: skip


# The answer is always 0. English: a lost, b won, c right in both, d wrong in both, e not asked of the first.
FIRST = matrix("one", [[0, 1, 0, 1, NOT_ASKED], [0, 0, UNPARSEABLE, INVALID, 0]])
# German: a and b lost, c won (unparseable is a wrong answer), d invalid in the first, e invalid in the second.
SECOND = matrix("two", [[1, 0, 0, 2, 0], [2, UNPARSEABLE, 0, 0, INVALID]])


def test_only_questions_that_both_answered_are_compared() -> None:
    found = answer_changes(FIRST, SECOND)
    assert found.by_language == (
        LanguageChange("en", both_asked=4, first_right=2, second_right=2, lost=1, won=1),
        LanguageChange("de", both_asked=3, first_right=2, second_right=1, lost=2, won=1),
    )
    assert found.changed("de", Change.LOST) == ("a", "b")
    assert found.changed("de", Change.WON) == ("c",)
    assert found.changed("fr", Change.WON) == ()


def test_the_other_way_round_lost_is_won() -> None:
    there, back = answer_changes(FIRST, SECOND), answer_changes(SECOND, FIRST)
    assert [(one.lost, one.won) for one in there.by_language] == [
        (one.won, one.lost) for one in back.by_language
    ]


def test_data_sets_are_summed_language_by_language() -> None:
    once = answer_changes(FIRST, SECOND)
    english, german = summed_changes([once, replace(once, dataset="xpeo")])
    assert german == LanguageChange("de", 6, 4, 2, 4, 2)
    assert german.p == mcnemar_exact_p(4, 2)
    assert (english.first_accuracy, english.second_accuracy) == (4 / 8, 4 / 8)


def test_nothing_asked_of_both_has_no_accuracy_and_no_p() -> None:
    nothing = LanguageChange("fr", 0, 0, 0, 0, 0)
    assert (nothing.first_accuracy, nothing.second_accuracy, nothing.p) == (None, None, None)


def test_other_questions_are_refused() -> None:
    with pytest.raises(UsageError, match="one collection"):
        answer_changes(FIRST, replace(SECOND, question_ids=tuple("abcdx")))
