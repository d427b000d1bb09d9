"""RA, re-scaled accuracy (Gao et al. 2024): accuracy between chance and a reference."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from clika.errors import UsageError
from clika.metrics.accuracy import accuracy
from clika.records import AnswerMatrix, LanguageScores, Metric


def rescaled_accuracy(matrix: AnswerMatrix, reference: float) -> LanguageScores:
    """max(0, (a - c) / (r - c)) by language: 0 is chance, 1 the reference; it can exceed 1.

    ``reference`` (r, 0 to 1) is an accuracy, in the paper ChatGPT's in English; chance c is the mean of
    1 / number of choices. NaN where nothing was asked. Raises UsageError for a reference at or below c
    or not finite.
    """
    # fsum rounds once: numpy's mean of equal 1/5s can fall below 1/5 and let a reference at chance pass
    chance = math.fsum(1.0 / matrix.choices) / len(matrix.choices) if len(matrix.choices) else math.nan
    if not math.isfinite(reference) or reference <= chance or math.isclose(reference, chance):
        raise UsageError(
            f"reference {reference} for {matrix.dataset} is not above chance ({chance:.3f});"
            f" RA needs a reference that beats guessing"
        )
    plain = accuracy(matrix)

    def rescaled(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.maximum(0.0, (shares - chance) / (reference - chance)))

    return replace(
        plain,
        metric=Metric.RA,
        values=rescaled(plain.values),
        low=rescaled(plain.low),
        high=rescaled(plain.high),
    )
