"""The figures of the Results tab: which one is wanted, from which scores, and what to say where it cannot be."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from clika.database.index import Index
from clika.database.queries import answered_collections, run_summaries
from clika.figures.heatmap import heatmap
from clika.figures.language_bars import MOST_ROWS, language_bars
from clika.figures.two_scores import two_scores
from clika.metrics.conductivity import final_runs
from clika.records import Level, Metric, Run
from clika.ui.arrangement import Arrangement
from clika.ui.results_view import HELD_OUT_SCOPES, Scores, View, scores_of_view, view_of_store, with_scope


class Shape(StrEnum):
    """What the scores are shown as."""

    HEATMAP = "Heatmap"
    TABLE = "Table"
    BARS = "Bars"
    LEVELS = "Basic against factual"
    CARRIED = "en-CO against XRR"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure, and the sentence that stands with it; None where there is nothing to draw."""

    figure: Any  # a Plotly figure, which only the figures know by its type
    sentence: str = ""


def wanted_shape(name: object) -> Shape:
    """The shape of a name; the heatmap where there is none of that name."""
    return Shape(name) if isinstance(name, str) and name in set(Shape) else Shape.HEATMAP


def figure_of(
    index: Index,
    view: View,
    scores: Scores,
    shape: Shape,
    dark: bool,
    selected: tuple[str, str] | None = None,
) -> Figure:
    """The figure of a view; that of a table is its heatmap."""
    if shape is Shape.BARS:
        rows = len(scores.grid.runs)
        more = (
            f"The first {MOST_ROWS} of {rows} rows: choose or sort models for others."
            if rows > MOST_ROWS
            else ""
        )
        return Figure(language_bars(scores.grid, dark), more)
    if shape is Shape.LEVELS:
        return _levels(index, view, dark)
    if shape is Shape.CARRIED:
        return _carried(index, view, dark)
    return Figure(heatmap(scores.grid, dark, selected))


def _levels(index: Index, view: View, dark: bool) -> Figure:
    missing = [level for level in (Level.BASIC, Level.FACTUAL) if level not in view.scopes]
    if missing:
        return Figure(
            None,
            f"Basic needs answers to xCSQA and xCOPA, Factual to xPeo and xGeo: collection {view.collection} has"
            f" no {' and no '.join(level.capitalize() for level in missing)}.",
        )
    metric = Metric.ACCURACY if view.metric is Metric.XRR else view.metric
    plain = Arrangement(models=view.wish.models, languages=view.wish.languages)
    of_view = View(view.collection, view.collections, metric, view.scope, view.scopes, plain)
    basic, factual = (
        scores_of_view(index, with_scope(of_view, metric, level)).grid
        for level in (Level.BASIC, Level.FACTUAL)
    )
    return Figure(
        two_scores(basic, factual, dark),
        "A point a model and language, on the dotted line where both are alike. Press one to read its questions.",
    )


def _carried(index: Index, view: View, dark: bool) -> Figure:
    """XRR of tuned models over the en-CO of the models they were tuned from, over any collection that has it."""
    worlds = [name for name in (view.collection, *view.collections) if final_runs(_runs(index, name))]
    if not worlds:
        return Figure(
            None, "No model here was tuned on a fictional world yet: 'python -m clika conductivity' does it."
        )
    up_view = view_of_store(index, worlds[0], Metric.XRR, None)
    assert up_view is not None
    plain = Arrangement(languages=view.wish.languages)
    up = scores_of_view(
        index, View(worlds[0], up_view.collections, Metric.XRR, up_view.scope, up_view.scopes, plain)
    )
    for collection in answered_collections(index):
        across_view = view_of_store(index, collection, Metric.EN_CO, None, plain)
        if across_view is None or across_view.scope in HELD_OUT_SCOPES:
            continue
        partners = _partners(_runs(index, worlds[0]), _runs(index, collection), up)
        if partners:
            across = scores_of_view(index, across_view)
            return Figure(
                two_scores(across.grid, up.grid, dark, partners),
                "A point a tuned model and language: how far it agrees with English in what it knew before, and how"
                " much of what it was taught in English arrived. Hollow: its gates do not hold.",
            )
    return Figure(
        None, "None of the tuned models was asked other questions before: en-CO needs its answers to them."
    )


def _runs(index: Index, collection: str) -> list[Run]:
    return [summary.run for summary in run_summaries(index, collection)]


def _partners(tuned: list[Run], asked: list[Run], up: Scores) -> dict[str, str]:
    """Row of XRR -> the run of the same checkpoint: by its content, else by where it came from or its name."""
    found: dict[str, str] = {}
    for run in tuned:
        if run.run in up.labels:
            likely = sorted(asked, key=lambda one: _likeness(run, one), reverse=True)
            if likely and _likeness(run, likely[0]):
                found[run.run] = likely[0].run
    return found


def _likeness(one: Run, other: Run) -> int:
    """3 for the same content, 2 for the same origin, 1 for the same name, 0 for another model."""
    if one.model.fingerprint is not None and one.model.fingerprint == other.model.fingerprint:
        return 3
    return 2 if one.model.base == other.model.base else int(one.model.name == other.model.name)
