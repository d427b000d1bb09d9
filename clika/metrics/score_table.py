"""A heatmap's numbers: one metric over one scope, a row a run; and the paper's means over languages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from clika.errors import UsageError
from clika.languages import ALL_LANGUAGES, ENGLISH
from clika.metrics.accuracy import accuracy
from clika.metrics.conductivity import READ_SETS, Reading, conductivity_scores
from clika.metrics.english_consistency import english_consistency
from clika.metrics.levels import level_mean
from clika.metrics.rescaled_accuracy import rescaled_accuracy
from clika.records import (
    DATASETS,
    LEVEL_DATASETS,
    AnswerMatrix,
    FictionalSet,
    LanguageScores,
    Level,
    Metric,
    Run,
)

RELEASED_REFERENCES: Mapping[str, float] = {"xcsqa": 0.746, "xcopa": 0.964, "xpeo": 0.922, "xgeo": 0.970}
"""ChatGPT's accuracy in English on the authors' data (Gao et al. 2024)."""


def references_for(collection: str) -> Mapping[str, float]:
    """Data set -> reference accuracy of RA; empty where none is known."""
    return RELEASED_REFERENCES if collection == "released" else {}


def scope_datasets(scope: str) -> tuple[str, ...]:
    """The data sets a scope is made of. Raises UsageError for an unknown scope."""
    if scope in set(Level):
        return LEVEL_DATASETS[Level(scope)]
    if scope not in (*DATASETS, *FictionalSet):
        raise UsageError(f"unknown scope {scope!r}; known: {', '.join([*Level, *DATASETS, *FictionalSet])}")
    return (scope,)


def metric_datasets(metric: Metric, scope: str) -> tuple[str, ...]:
    """The data sets whose answers a metric over a scope needs: XRR needs its gates' too.

    Raises UsageError for an unknown scope, and for XRR over anything but a held-out half.
    """
    return scope_datasets(scope) if metric is not Metric.XRR else tuple(map(str, READ_SETS[_reading(scope)]))


def score_table(
    matrices: Sequence[AnswerMatrix],
    metric: Metric,
    scope: str,
    references: Mapping[str, float],
    runs: Sequence[Run] = (),
) -> tuple[LanguageScores, ...]:
    """One row a run, in the order in which the runs first appear; ``scope`` is a level or a data set.

    Languages stand in the order of ALL_LANGUAGES. Raises UsageError for RA where a data set of the scope has
    no reference, whether or not it has answers. XRR, over a held-out half, has one row a tuning, made of the
    last of its ``runs`` in each language: only it needs them, and ``matrices`` of all of ``metric_datasets``.
    """
    if metric is Metric.XRR:
        return conductivity_scores(matrices, runs, _reading(scope))
    datasets = scope_datasets(scope)
    in_scope = [matrix for matrix in matrices if matrix.dataset in datasets]
    if metric is Metric.RA and in_scope:
        for dataset in datasets:
            _check_reference(dataset, references)
    by_run: dict[str, list[LanguageScores]] = {}
    for matrix in in_scope:
        by_run.setdefault(matrix.run, []).append(_score(matrix, metric, references))
    if scope in set(Level):
        return tuple(level_mean(Level(scope), tuple(scores)) for scores in by_run.values())
    return tuple(_in_table_order(score) for scores in by_run.values() for score in scores)


def _score(matrix: AnswerMatrix, metric: Metric, references: Mapping[str, float]) -> LanguageScores:
    if metric is Metric.RA:
        return rescaled_accuracy(matrix, references[matrix.dataset])
    return english_consistency(matrix) if metric is Metric.EN_CO else accuracy(matrix)


def _reading(scope: str) -> Reading:
    for reading, (held_out, *_) in READ_SETS.items():
        if scope == held_out:
            return reading
    known = " or ".join(held_out for held_out, *_ in READ_SETS.values())
    raise UsageError(f"XRR over {scope!r}; it is over the held-out half of a fictional world: give {known}")


def _check_reference(dataset: str, references: Mapping[str, float]) -> None:
    if dataset not in references:
        raise UsageError(
            f"RA over {dataset} needs a reference accuracy and none is known for this"
            f" collection; look at accuracy instead"
        )


def _in_table_order(scores: LanguageScores) -> LanguageScores:
    places = [scores.languages.index(code) for code in ALL_LANGUAGES if code in scores.languages]
    return replace(
        scores,
        languages=tuple(scores.languages[place] for place in places),
        values=scores.values[places],
        low=scores.low[places],
        high=scores.high[places],
        n=scores.n[places],
    )


def others_mean(scores: LanguageScores, case_language: str) -> float:
    """The unweighted mean over the languages except English and the case-study language.

    NaN where one of them is undefined, or there is none (Gao et al. 2024, column "others").
    """
    places = [n for n, code in enumerate(scores.languages) if code not in (ENGLISH, case_language)]
    return float(np.mean(scores.values[places])) if places else float("nan")


def over_english(scores: LanguageScores, language: str) -> float:
    """A language's value over English's ("/en"); NaN where either is missing or English's is 0."""
    values = dict(zip(scores.languages, scores.values, strict=True))
    english, here = float(values.get(ENGLISH, np.nan)), float(values.get(language, np.nan))
    return here / english if english else float("nan")
