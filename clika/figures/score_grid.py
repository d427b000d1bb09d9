"""Scores arranged as people read them: models down, languages across, every cell saying what it is.

The heatmap and the table of buttons are both drawn from this grid, so they can never print different
numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clika.languages import LANGUAGES
from clika.records import DATASETS, LanguageScores, Level, Metric

METRIC_NAMES: dict[Metric, str] = {
    Metric.ACCURACY: "accuracy",
    Metric.RA: "RA",
    Metric.EN_CO: "en-CO",
}

SCOPE_NAMES: dict[str, str] = {
    Level.BASIC: "Basic",
    Level.FACTUAL: "Factual",
    **dict(zip(DATASETS, ("xCSQA", "xCOPA", "xGeo", "xPeo", "Own questions"), strict=True)),
}


class CellState(StrEnum):
    """A number; a number that does not exist for these answers; questions that nobody asked."""

    VALUE = "value"
    UNDEFINED = "undefined"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One run in one language. ``value``, ``low`` and ``high`` (95 % interval) are NaN where undefined."""

    run: str
    language: str
    metric: Metric
    state: CellState
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0

    @property
    def printed(self) -> str:
        """What stands in the cell: the value as the paper prints it, a dash, or a dot."""
        if self.state is CellState.UNDEFINED:
            return "–"
        if self.state is CellState.NOT_RUN:
            return "·"
        return printed(self.value, self.metric)

    @property
    def sentence(self) -> str:
        """The value with its interval and n; or why there is none."""
        if self.state is CellState.NOT_RUN:
            return "not run: no question was asked"
        if self.state is CellState.UNDEFINED:
            return f"undefined for these answers (n = {self.n})"
        if math.isnan(self.low) or math.isnan(self.high):
            return f"{self.printed} (n = {self.n})"
        low, high = printed(self.low, self.metric), printed(self.high, self.metric)
        return f"{self.printed} (95 % interval {low} to {high}; n = {self.n})"


@dataclass(frozen=True, slots=True)
class ScoreGrid:
    """``cells`` is (runs, languages); ``labels`` names each run, in the same order as ``runs``."""

    metric: Metric
    scope: str
    runs: tuple[str, ...]
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    cells: tuple[tuple[ScoreCell, ...], ...]

    def cell(self, run: str, language: str) -> ScoreCell | None:
        """The cell of a run in a language; None where the grid has no such row or column."""
        if run not in self.runs or language not in self.languages:
            return None
        return self.cells[self.runs.index(run)][self.languages.index(language)]

    def label(self, run: str) -> str:
        """The name of a run; its identifier where the grid does not hold it."""
        return self.labels[self.runs.index(run)] if run in self.runs else run


def printed(value: float, metric: Metric) -> str:
    """A value as the paper prints it: accuracy and RA times 100 with 2 digits, en-CO as a share with 4."""
    return f"{value:.4f}" if metric is Metric.EN_CO else f"{value * 100:.2f}"


def scope_name(scope: str) -> str:
    """``factual`` -> Factual, ``xgeo`` -> xGeo; a data set that the paper does not have keeps its name."""
    return SCOPE_NAMES.get(scope, scope)


def language_name(code: str) -> str:
    """The English name of a language; the code itself where LANGUAGES does not have it."""
    return LANGUAGES[code].name if code in LANGUAGES else code


def score_grid(
    scores: Sequence[LanguageScores],
    metric: Metric,
    scope: str,
    labels: Mapping[str, str],
    asked: Mapping[tuple[str, str], int],
) -> ScoreGrid:
    """The grid of all runs in ``labels`` (run -> name, in the order of rows).

    ``asked`` is (run, language) -> questions asked within the scope: it tells a value that is undefined
    from questions that were never asked, which NaN alone cannot. Languages are those that any run was
    scored in, in the order of LANGUAGES; all of them where there is none.
    """
    by_run = {score.run: score for score in scores}
    seen = {language for score in scores for language in score.languages}
    order = [*LANGUAGES, *sorted(seen - set(LANGUAGES))]
    languages = tuple(code for code in order if code in seen) or tuple(LANGUAGES)
    return ScoreGrid(
        metric=metric,
        scope=scope,
        runs=tuple(labels),
        labels=tuple(labels.values()),
        languages=languages,
        cells=tuple(
            tuple(
                _cell(by_run.get(run), run, language, metric, asked.get((run, language), 0))
                for language in languages
            )
            for run in labels
        ),
    )


def _cell(score: LanguageScores | None, run: str, language: str, metric: Metric, asked: int) -> ScoreCell:
    if asked == 0:
        return ScoreCell(run, language, metric, CellState.NOT_RUN)
    if score is None or language not in score.languages:
        return ScoreCell(run, language, metric, CellState.UNDEFINED)
    place = score.languages.index(language)
    value = float(score.values[place])
    return ScoreCell(
        run=run,
        language=language,
        metric=metric,
        state=CellState.UNDEFINED if math.isnan(value) else CellState.VALUE,
        value=value,
        low=float(score.low[place]),
        high=float(score.high[place]),
        n=int(score.n[place]),
    )
