"""The heatmaps of a site: every metric over every scope of a collection, its cells as short lists."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from clika.database.index import Index
from clika.database.queries import answer_matrices, run_summaries
from clika.figures.colours import cell_colours
from clika.figures.score_grid import METRIC_NAMES, ScoreGrid, scope_name, score_grid
from clika.metrics.conductivity import READ_SETS, final_runs, tuning_of
from clika.metrics.score_table import metric_datasets, scope_datasets, score_table
from clika.records import (
    DATASETS,
    LEVEL_DATASETS,
    NOT_ASKED,
    AnswerMatrix,
    FictionalSet,
    LanguageScores,
    Level,
    Metric,
    Run,
)
from clika.references import references_in
from clika.ui.run_labels import run_labels

HELD_OUT = tuple(str(held_out) for held_out, *_ in READ_SETS.values())


@dataclass(frozen=True, slots=True)
class Shown:
    """A heatmap: a metric over a scope of a collection."""

    collection: str
    metric: Metric
    scope: str


def shown_of(index: Index, collection: str) -> tuple[Shown, ...]:
    """Every heatmap that a collection has: RA first where it has a reference, XRR where a tuned model was asked."""
    summaries = run_summaries(index, collection)
    there = {name for summary in summaries for name in summary.datasets}
    scopes = [
        *(level for level in (Level.FACTUAL, Level.BASIC) if set(LEVEL_DATASETS[level]) <= there),
        *(name for name in (*DATASETS, *FictionalSet) if name in there),
    ]
    tuned = bool(final_runs([summary.run for summary in summaries]))
    return tuple(
        Shown(collection, metric, str(scope))
        for metric in (Metric.RA, Metric.XRR, Metric.EN_CO, Metric.ACCURACY)
        for scope in scopes
        if _exists(index, collection, metric, str(scope), tuned)
    )


def _exists(index: Index, collection: str, metric: Metric, scope: str, tuned: bool) -> bool:
    if metric is Metric.RA:
        return set(scope_datasets(scope)) <= set(references_in(index, collection))
    return metric is not Metric.XRR or (tuned and scope in HELD_OUT)


def shown_grid(index: Index, shown: Shown) -> ScoreGrid:
    """The scores of a heatmap, a row a run; of XRR a row a tuning."""
    runs = [summary.run for summary in run_summaries(index, shown.collection)]
    needed = metric_datasets(shown.metric, shown.scope)
    matrices = answer_matrices(index, shown.collection, datasets=needed)
    rows = score_table(matrices, shown.metric, shown.scope, references_in(index, shown.collection), runs)
    if shown.metric is Metric.XRR:
        labels, asked = _tunings(rows, runs)
    else:
        labels, asked = run_labels(runs), _asked(matrices)
    return score_grid(rows, shown.metric, shown.scope, labels, asked)


def _tunings(
    rows: Sequence[LanguageScores], runs: Sequence[Run]
) -> tuple[dict[str, str], dict[tuple[str, str], int]]:
    by_id = {run.run: run for run in runs}
    asked = {(row.run, language): 1 for row in rows for language in row.languages}
    return run_labels([tuning_of(by_id[row.run]) for row in rows]), asked


def _asked(matrices: Sequence[AnswerMatrix]) -> dict[tuple[str, str], int]:
    asked: dict[tuple[str, str], int] = {}
    for matrix in matrices:
        counts = (matrix.chosen != NOT_ASKED).sum(axis=1)
        for language, count in zip(matrix.languages, counts, strict=True):
            asked[matrix.run, language] = asked.get((matrix.run, language), 0) + int(count)
    return asked


def grid_content(grid: ScoreGrid) -> Mapping[str, object]:
    """A heatmap for the site's script.

    ``cells`` is (rows, languages) of [run, printed, sentence, number of its colours]; ``colours`` lists
    [background, text] on a light page and on a dark one.
    """
    colours: dict[tuple[str, str, str, str], int] = {}

    def cells() -> Iterator[list[list[object]]]:
        for row in grid.cells:
            line: list[list[object]] = []
            for cell in row:
                light, dark = cell_colours(cell, dark=False), cell_colours(cell, dark=True)
                key = (light.background, light.text, dark.background, dark.text)
                line.append([cell.run, cell.printed, cell.sentence, colours.setdefault(key, len(colours))])
            yield line

    drawn = list(cells())
    return {
        "title": f"{METRIC_NAMES[grid.metric]}, {scope_name(grid.scope)}",
        "labels": list(grid.labels),
        "languages": list(grid.languages),
        "cells": drawn,
        "colours": [list(colour) for colour in colours],
    }
