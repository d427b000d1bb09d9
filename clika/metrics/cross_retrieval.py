"""XRR, cross-retrieval ratio (Gao et al. 2024): of what is known in English, the share known in a language too."""

import math
from dataclasses import dataclass

import numpy as np

from clika.languages import ENGLISH
from clika.metrics.accuracy import asked, right
from clika.metrics.intervals import wilson_interval
from clika.records import AnswerMatrix


@dataclass(frozen=True, slots=True)
class CrossRetrieval:
    """XRR with its 95 % interval, and what it is made from.

    ``english`` is |C_en| and ``both`` |C_en and C_X|, over the questions asked in both languages; ``chance``
    is p, 1 / number of candidates. ``value``, ``low`` and ``high`` are NaN where nothing is right in English.
    """

    value: float
    low: float
    high: float
    both: int
    english: int
    chance: float


def cross_retrieval_of(both: int, english: int, chance: float) -> CrossRetrieval:
    """max(0, both / english - chance), 0 to 1 - chance.

    Its interval is Wilson's of the share both / english, given |C_en|, less chance and clipped at 0.
    """
    low, high = wilson_interval(np.array([both]), np.array([english]))
    share = both / english if english else np.nan
    # maximum carries NaN on, where max would make it 0
    value, below, above = (float(np.maximum(0.0, part - chance)) for part in (share, low[0], high[0]))
    return CrossRetrieval(value, below, above, both, english, chance)


def cross_retrieval(matrix: AnswerMatrix, language: str) -> CrossRetrieval:
    """XRR of a language over one data set, the held-out half.

    Over the questions asked in English and in the language: names that stand for two places are asked in
    neither. An unparseable answer is wrong, an invalid one is none. NaN where nothing is right in English,
    English or the language was not asked, or the language is English itself.
    """
    if language == ENGLISH or not {ENGLISH, language} <= set(matrix.languages):
        return cross_retrieval_of(0, 0, math.nan)
    here, english = matrix.languages.index(language), matrix.languages.index(ENGLISH)
    answered, correct = asked(matrix), right(matrix)
    compared = answered[here] & answered[english]
    known = correct[english] & compared
    choices = matrix.choices[compared]
    # fsum rounds once, where numpy's mean of equal parts can fall below them
    chance = math.fsum(1 / choices) / len(choices) if len(choices) else math.nan
    return cross_retrieval_of(int((known & correct[here]).sum()), int(known.sum()), chance)
