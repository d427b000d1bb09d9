"""Scores arranged as people read them: models down, languages across, every cell saying what it is.

The heatmap and the table of buttons are both drawn from this grid, so they can never print different
numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from clika.languages import ALL_LANGUAGES, LANGUAGES
from clika.metrics.case_study import OTHERS, OVER_ENGLISH
from clika.records import DATASETS, FictionalSet, Gate, LanguageScores, Level, Metric

METRIC_NAMES: dict[Metric, str] = {
    Metric.ACCURACY: "accuracy",
    Metric.RA: "RA",
    Metric.EN_CO: "en-CO",
    Metric.XRR: "XRR",
}

SCOPE_NAMES: dict[str, str] = {
    Level.BASIC: "Basic",
    Level.FACTUAL: "Factual",
    **dict(zip(DATASETS, ("xCSQA", "xCOPA", "xGeo", "xPeo", "Own questions"), strict=True)),
    FictionalSet.HELD_OUT: "Fictional, held out",
    FictionalSet.TAUGHT: "Fictional, taught",
    FictionalSet.TRANSLATION: "Fictional, translations",
    FictionalSet.HELD_OUT_WRITTEN: "Fictional, held out, written",
    FictionalSet.TAUGHT_WRITTEN: "Fictional, taught, written",
}


LEAST_EXTENT = 0.05
"""Differences below it stay pale, however small the greatest one is."""


class CellState(StrEnum):
    """A number; one whose gates do not hold; one that does not exist for these answers; nobody asked."""

    VALUE = "value"
    NOT_ESTABLISHED = "not established"
    UNDEFINED = "undefined"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class ScoreCell:
    """One run in one language. ``value``, ``low`` and ``high`` (95 % interval) are NaN where undefined.

    ``unmet`` are the gates that keep an XRR from being established. ``signed`` values are differences.
    """

    run: str
    language: str
    metric: Metric
    state: CellState
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n: int = 0
    unmet: tuple[Gate, ...] = ()
    signed: bool = False

    @property
    def selectable(self) -> bool:
        """Whether questions stand behind the cell: not behind a mean, a ratio, or what was not run."""
        return self.state is not CellState.NOT_RUN and is_language(self.language)

    @property
    def printed(self) -> str:
        """What stands in the cell: the value as the paper prints it, in parentheses where it is not established;
        a dash, or a dot."""
        if self.state is CellState.UNDEFINED:
            return "–"
        if self.state is CellState.NOT_RUN:
            return "·"
        shown = printed(self.value, self.metric, self.signed)
        return f"({shown})" if self.state is CellState.NOT_ESTABLISHED else shown

    @property
    def sentence(self) -> str:
        """The value with its interval and n; or why there is none."""
        if self.state is CellState.NOT_RUN:
            return "not run: no question was asked"
        if self.state is CellState.UNDEFINED:
            return f"undefined for these answers (n = {self.n})"
        shown = printed(self.value, self.metric, self.signed)
        if self.state is CellState.NOT_ESTABLISHED:
            shown += f", not established: not over 90 % right in {', '.join(self.unmet)}"
        if math.isnan(self.low) or math.isnan(self.high):
            return f"{shown} (n = {self.n})"
        low, high = (printed(bound, self.metric, self.signed) for bound in (self.low, self.high))
        return f"{shown} (95 % interval {low} to {high}; n = {self.n})"


@dataclass(frozen=True, slots=True)
class ScoreGrid:
    """``cells`` is (runs, languages); ``labels`` names each run, in the same order as ``runs``.

    A row of XRR is made of several runs: its cells say which. ``languages`` may hold the columns of a case study
    too. ``less`` names what was subtracted from each row; None where the values are their own.
    """

    metric: Metric
    scope: str
    runs: tuple[str, ...]
    labels: tuple[str, ...]
    languages: tuple[str, ...]
    cells: tuple[tuple[ScoreCell, ...], ...]
    less: str | None = None

    @property
    def title(self) -> str:
        """What the values are: metric, scope, and what was subtracted."""
        less = f", less {self.less}" if self.less else ""
        return f"{METRIC_NAMES[self.metric]}, {scope_name(self.scope)}{less}"

    @property
    def extent(self) -> float | None:
        """The greatest difference, either way, which a diverging scale ends at; None for values of their own."""
        if self.less is None:
            return None
        values = [abs(cell.value) for row in self.cells for cell in row if not math.isnan(cell.value)]
        return max([LEAST_EXTENT, *values])

    def cell(self, run: str, language: str) -> ScoreCell | None:
        """The cell of a run in a language; None where the grid has no such cell."""
        row = self.row(run)
        if row is None or language not in self.languages:
            return None
        cell = self.cells[row][self.languages.index(language)]
        return cell if cell.run == run else None

    def row(self, run: str) -> int | None:
        """The 0-based row that a run stands in; None where it stands in none."""
        rows = (row for row, cells in enumerate(self.cells) if any(cell.run == run for cell in cells))
        return next(rows, None)

    def label(self, run: str) -> str:
        """The name of a run; its identifier where the grid does not hold it."""
        row = self.row(run)
        return run if row is None else self.labels[row]


def printed(value: float, metric: Metric, signed: bool = False) -> str:
    """A value as the paper prints it: accuracy and RA times 100 with 2 digits, the others as shares with 4.

    ``signed`` for differences; what rounds to 0 has no sign.
    """
    shown = f"{value:.4f}" if metric in (Metric.EN_CO, Metric.XRR) else f"{value * 100:.2f}"
    if not signed:
        return shown
    if float(shown) == 0:
        return shown.removeprefix("-")
    return f"+{shown}" if value > 0 else shown.replace("-", "−")


def scope_name(scope: str) -> str:
    """``factual`` -> Factual, ``xgeo`` -> xGeo; a data set that the paper does not have keeps its name."""
    return SCOPE_NAMES.get(scope, scope)


def language_name(code: str) -> str:
    """The English name of a language or of a case study's column; the code itself where neither has it."""
    whole = code.removesuffix(OVER_ENGLISH)
    name = ALL_LANGUAGES[whole].name if whole in ALL_LANGUAGES else whole
    return name if whole == code else f"{name} over English"


def is_language(column: str) -> bool:
    """Whether a column is a language, and not a mean or a ratio."""
    return column != OTHERS and not column.endswith(OVER_ENGLISH)


def column_head(column: str) -> tuple[str, str]:
    """The two lines over a column: name and code; ``others`` and ``mean``; ``Chinese`` and ``/en``."""
    whole = column.removesuffix(OVER_ENGLISH)
    if whole != column:
        return language_name(whole), OVER_ENGLISH
    return (OTHERS, "mean") if column == OTHERS else (language_name(column), column)


def score_grid(
    scores: Sequence[LanguageScores],
    metric: Metric,
    scope: str,
    labels: Mapping[str, str],
    asked: Mapping[tuple[str, str], int],
    columns: Sequence[str] = (),
    less: str | None = None,
) -> ScoreGrid:
    """The grid of all runs in ``labels`` (run -> name, in the order of rows).

    ``asked`` is (run, column) -> questions asked within the scope: it tells a value that is undefined
    from questions that were never asked, which NaN alone cannot. Without ``columns`` there is one for each
    language that any run was scored in, in the order of ALL_LANGUAGES; for all of them where there is none. ``less``
    names what the values are differences to.
    """
    by_run = {score.run: score for score in scores}
    seen = {language for score in scores for language in score.languages}
    order = [*ALL_LANGUAGES, *sorted(seen - set(ALL_LANGUAGES))]
    languages = tuple(columns) or tuple(code for code in order if code in seen) or tuple(LANGUAGES)
    return ScoreGrid(
        metric=metric,
        scope=scope,
        runs=tuple(labels),
        labels=tuple(labels.values()),
        languages=languages,
        cells=tuple(
            tuple(
                _cell(by_run.get(run), run, language, metric, asked.get((run, language), 0), less is not None)
                for language in languages
            )
            for run in labels
        ),
        less=less,
    )


def _cell(
    score: LanguageScores | None, run: str, language: str, metric: Metric, asked: int, signed: bool
) -> ScoreCell:
    if asked == 0:
        return ScoreCell(run, language, metric, CellState.NOT_RUN)
    if score is None or language not in score.languages:
        return ScoreCell(run, language, metric, CellState.UNDEFINED)
    place = score.languages.index(language)
    value = float(score.values[place])
    unmet = score.unmet.get(language, ())
    state = CellState.NOT_ESTABLISHED if unmet else CellState.VALUE
    return ScoreCell(
        run=score.sources.get(language, run),
        language=language,
        metric=metric,
        state=CellState.UNDEFINED if math.isnan(value) else state,
        value=value,
        low=float(score.low[place]),
        high=float(score.high[place]),
        n=int(score.n[place]),
        unmet=unmet,
        signed=signed,
    )
