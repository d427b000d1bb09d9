"""The paper's case studies: a language beside English and the others, and a model less another one.

Both make rows of scores from rows of scores, so that a heatmap, a table and a file show the same numbers.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from clika.errors import UsageError
from clika.languages import ENGLISH, LANGUAGES
from clika.metrics.score_table import others_mean, over_english
from clika.records import LanguageScores

OTHERS = "others"
OVER_ENGLISH = "/en"
"""What the columns that are no languages are called: ``others``, ``zh/en``, ``others/en``."""


def case_columns(language: str) -> tuple[str, ...]:
    """English, the language and its value over English's, the others and theirs (Gao et al. 2024, Tables 5 to 8)."""
    return (ENGLISH, language, f"{language}{OVER_ENGLISH}", OTHERS, f"{OTHERS}{OVER_ENGLISH}")


def case_study(scores: LanguageScores, language: str) -> LanguageScores:
    """One row in the columns of a case study.

    "others" is the unweighted mean over the languages except English and ``language``; "/en" is a value over
    English's. Means and ratios have no interval (NaN); n of "others" is the sum, n of "/en" that of the
    numerator. NaN where a part is undefined or missing, and where English's value is 0. Gates that do not hold
    in one of the others are those of their mean. Raises UsageError for English, and for no language.
    """
    if language == ENGLISH or language not in LANGUAGES:
        raise UsageError(
            f"a case study of {language!r}; give one of: {', '.join(c for c in LANGUAGES if c != ENGLISH)}"
        )
    columns = case_columns(language)
    places = {code: place for place, code in enumerate(scores.languages)}
    other_codes = [code for code in scores.languages if code not in (ENGLISH, language)]
    others = others_mean(scores, language)
    english = float(scores.values[places[ENGLISH]]) if ENGLISH in places else np.nan
    n = {code: int(scores.n[places[code]]) for code in places}
    n_others = sum(n[code] for code in other_codes)
    over = others / english if english else np.nan

    def at(column: np.ndarray, code: str) -> float:
        return float(column[places[code]]) if code in places else np.nan

    values = (
        english,
        at(scores.values, language),
        over_english(scores, language),
        others,
        over,
    )
    nothing = (np.nan, np.nan, np.nan)
    gates = {code: scores.unmet[code] for code in (ENGLISH, language) if code in scores.unmet}
    others_gates = tuple(dict.fromkeys(gate for code in other_codes for gate in scores.unmet.get(code, ())))
    if others_gates:
        gates[OTHERS] = others_gates
    return replace(
        scores,
        languages=columns,
        values=np.array(values, np.float64),
        low=np.array([at(scores.low, ENGLISH), at(scores.low, language), *nothing]),
        high=np.array([at(scores.high, ENGLISH), at(scores.high, language), *nothing]),
        n=np.array([n.get(ENGLISH, 0), n.get(language, 0), n.get(language, 0), n_others, n_others], np.int64),
        sources={code: scores.sources[code] for code in (ENGLISH, language) if code in scores.sources},
        unmet=gates,
    )


def difference(scores: LanguageScores, baseline: LanguageScores) -> LanguageScores:
    """One row less another, column by column (Tables 9 to 12: the tuned model less the one it was tuned from).

    NaN where either is. The interval is Newcombe's (1998, method 10) of two independent values: both were asked
    the same questions, so it is rather too wide than too narrow. n is the smaller one.
    """
    theirs = {code: place for place, code in enumerate(baseline.languages)}
    places = [theirs.get(code) for code in scores.languages]

    def of(column: np.ndarray) -> np.ndarray:
        return np.array([np.nan if place is None else float(column[place]) for place in places])

    other, other_low, other_high = of(baseline.values), of(baseline.low), of(baseline.high)
    values = scores.values - other
    other_n = np.array([0 if place is None else int(baseline.n[place]) for place in places], np.int64)
    return replace(
        scores,
        values=values,
        low=values - np.hypot(scores.values - scores.low, other_high - other),
        high=values + np.hypot(scores.high - scores.values, other - other_low),
        n=np.minimum(scores.n, other_n),
    )


def picked_columns(scores: LanguageScores, languages: Sequence[str]) -> LanguageScores:
    """One row in some of its languages, in its own order."""
    places = [place for place, code in enumerate(scores.languages) if code in languages]
    return replace(
        scores,
        languages=tuple(scores.languages[place] for place in places),
        values=scores.values[places],
        low=scores.low[places],
        high=scores.high[places],
        n=scores.n[places],
    )
