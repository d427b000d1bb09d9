"""The paper's columns and its differences, from rows whose arithmetic is written out."""

import math

import numpy as np
import pytest

from clika.errors import UsageError
from clika.metrics.case_study import case_columns, case_study, difference, picked_columns
from clika.records import Gate, LanguageScores, Metric


def row(values: dict[str, float], run: str = "one", spread: float = 0.1) -> LanguageScores:
    filled = np.array(list(values.values()))
    return LanguageScores(
        run,
        Metric.RA,
        "factual",
        tuple(values),
        filled,
        filled - spread,
        filled + spread,
        np.array([10] * len(values)),
    )


def test_a_case_study_has_the_papers_columns() -> None:
    study = case_study(row({"en": 0.8, "de": 0.4, "fr": 0.2, "zh": 0.6}), "zh")
    assert study.languages == case_columns("zh") == ("en", "zh", "zh/en", "others", "others/en")
    # zh/en = .6 / .8; others = (.4 + .2) / 2, over English's .3 / .8
    assert study.values == pytest.approx([0.8, 0.6, 0.75, 0.3, 0.375])
    assert list(study.n) == [10, 10, 10, 20, 20]
    assert study.low[:2] == pytest.approx([0.7, 0.5])
    assert np.isnan(study.low[2:]).all()


def test_what_lacks_a_part_is_undefined_and_no_zero() -> None:
    study = case_study(row({"en": 0.0, "de": math.nan, "fr": 0.2}), "zh")
    assert study.values[0] == 0
    assert np.isnan(study.values[1:]).all()  # zh was not asked; German is undefined; English's value is 0


def test_a_mean_over_unestablished_values_is_not_established() -> None:
    values = row({"de": 0.4, "zh": 0.6})
    gated = LanguageScores(
        "one", Metric.XRR, "fictional", values.languages, values.values, values.low, values.high, values.n,
        {"de": "run-de", "zh": "run-zh"}, {"de": (Gate.TRANSLATION,)},
    )  # fmt: skip
    study = case_study(gated, "zh")
    assert study.unmet == {"others": (Gate.TRANSLATION,)}
    assert study.sources == {"zh": "run-zh"}


@pytest.mark.parametrize("language", ["en", "xx"])
def test_a_case_study_is_of_a_language_other_than_english(language: str) -> None:
    with pytest.raises(UsageError, match="give one of: de, fr"):
        case_study(row({"en": 1.0}), language)


def test_a_difference_is_taken_column_by_column() -> None:
    less = difference(row({"en": 0.8, "de": 0.3, "zh": 0.5}), row({"de": 0.5, "en": 0.7}, "two"))
    assert less.values[:2] == pytest.approx([0.1, -0.2])
    assert math.isnan(less.values[2])
    # Newcombe: both half-widths are .1, so sqrt(.1 ** 2 + .1 ** 2) = .14142
    assert less.low[0] == pytest.approx(0.1 - 0.141421, abs=1e-5)
    assert less.high[1] == pytest.approx(-0.2 + 0.141421, abs=1e-5)
    assert list(less.n) == [10, 10, 0]


def test_some_columns_keep_their_order() -> None:
    some = picked_columns(row({"en": 0.8, "de": 0.3, "zh": 0.5}), ["zh", "en"])
    assert some.languages == ("en", "zh")
    assert list(some.values) == [0.8, 0.5]
