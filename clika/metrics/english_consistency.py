"""en-CO, correct prediction overlap with English (Gao et al. 2024)."""

import numpy as np

from clika.languages import ENGLISH
from clika.metrics.accuracy import asked, right
from clika.metrics.intervals import wilson_interval
from clika.records import AnswerMatrix, LanguageScores, Metric


def english_consistency(matrix: AnswerMatrix) -> LanguageScores:
    """Of the answers right in a language, the share (0 to 1) that is right in English too.

    Over the questions asked in both. ``n`` is how many are right in the language; NaN where none is, and
    everywhere where English was not asked.
    """
    if ENGLISH not in matrix.languages:
        nothing = np.full(len(matrix.languages), np.nan)
        none = np.zeros(len(matrix.languages), np.int64)
        return LanguageScores(
            matrix.run, Metric.EN_CO, matrix.dataset, matrix.languages, nothing, nothing, nothing, none
        )
    english = matrix.languages.index(ENGLISH)
    answered, correct = asked(matrix), right(matrix)
    here = correct & answered[english]
    n = here.sum(axis=1)
    k = (here & correct[english]).sum(axis=1)
    low, high = wilson_interval(k, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(n > 0, k / n, np.nan)
    return LanguageScores(matrix.run, Metric.EN_CO, matrix.dataset, matrix.languages, values, low, high, n)
