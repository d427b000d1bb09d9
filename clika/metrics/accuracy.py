"""Accuracy: of the questions asked in a language, the share answered right."""

import numpy as np
import numpy.typing as npt

from clika.metrics.intervals import wilson_interval
from clika.records import INVALID, NOT_ASKED, AnswerMatrix, LanguageScores, Metric


def asked(matrix: AnswerMatrix) -> npt.NDArray[np.bool_]:
    """(languages, questions): whether there is an answer; an unparseable one is a (wrong) answer."""
    return np.asarray((matrix.chosen != NOT_ASKED) & (matrix.chosen != INVALID))


def right(matrix: AnswerMatrix) -> npt.NDArray[np.bool_]:
    """(languages, questions): whether the answer is the gold one."""
    return np.asarray(matrix.chosen == matrix.answers[np.newaxis, :])


def accuracy(matrix: AnswerMatrix) -> LanguageScores:
    """Accuracy by language, 0 to 1, with Wilson's interval; NaN where nothing was asked."""
    n = asked(matrix).sum(axis=1)
    k = right(matrix).sum(axis=1)
    low, high = wilson_interval(k, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.where(n > 0, k / n, np.nan)
    return LanguageScores(matrix.run, Metric.ACCURACY, matrix.dataset, matrix.languages, values, low, high, n)
