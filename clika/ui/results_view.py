"""What the heatmap is of, and the scores in it: functions of the index and of the switches' values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clika.database.index import Index
from clika.database.queries import answer_matrices, answered_collections, run_summaries
from clika.errors import StoreError, UsageError
from clika.figures.score_grid import ScoreGrid, scope_name, score_grid
from clika.metrics.conductivity import READ_SETS, final_runs, tuning_of
from clika.metrics.score_table import metric_datasets, scope_datasets, score_table
from clika.records import (
    DATASETS,
    LEVEL_DATASETS,
    NOT_ASKED,
    AnswerMatrix,
    FictionalSet,
    Level,
    Metric,
    Run,
)
from clika.references import references_in
from clika.run_tags import RunTags, read_tags
from clika.ui.arrangement import AS_IT_IS, Arranged, Arrangement, arranged, checked_arrangement, languages_of
from clika.ui.run_labels import run_labels

METRIC_MEANINGS: dict[Metric, str] = {
    Metric.ACCURACY: "Accuracy: the share of questions answered correctly, times 100.",
    Metric.RA: (
        "RA, re-scaled accuracy, times 100: 0 is guessing, 100 is the reference model's accuracy in English."
        " It can exceed 100."
    ),
    Metric.EN_CO: (
        "en-CO: of the questions answered correctly in a language, the share that is correct in English too."
    ),
    Metric.XRR: (
        "XRR: of the fictional places known in English after the tuning, the share known in a language that was not"
        " taught them, less what guessing gives. In parentheses: not established, since a gate is not over 90 %."
    ),
}
CELL_SIGNS = "A dash (–) is undefined, a dot (·) was not run. Press a cell to read its questions."


@dataclass(frozen=True, slots=True)
class View:
    """What the heatmap is of: values of the switches, valid for the store as it stands."""

    collection: str
    collections: tuple[str, ...]
    metric: Metric
    scope: str
    scopes: tuple[str, ...]
    wish: Arrangement = AS_IT_IS

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets that the scope is made from."""
        return scope_datasets(self.scope)


@dataclass(frozen=True, slots=True)
class Scores:
    """The grid to draw and the sentences beside it; ``matrices`` are those it was computed from.

    ``rows`` are the grid's, as files get them; ``labels`` and ``languages`` what rows and columns could be had;
    ``runs`` the collection's.
    """

    grid: ScoreGrid
    sentences: tuple[str, ...]
    rows: Arranged
    labels: Mapping[str, str]
    languages: tuple[str, ...]
    wish: Arrangement
    runs: Mapping[str, Run] = field(repr=False)
    matrices: tuple[AnswerMatrix, ...] = field(repr=False)


def available_scopes(datasets: Sequence[str]) -> tuple[str, ...]:
    """The levels whose data sets are all there, then each data set."""
    levels = [
        str(level) for level in (Level.FACTUAL, Level.BASIC) if set(LEVEL_DATASETS[level]) <= set(datasets)
    ]
    return (*levels, *(str(name) for name in (*DATASETS, *FictionalSet) if name in datasets))


HELD_OUT_SCOPES = tuple(str(held_out) for held_out, *_ in READ_SETS.values())
"""The scopes that XRR is over."""


def has_references(index: Index, collection: str, scope: str) -> bool:
    """Whether every data set of a scope has a reference accuracy, so that RA exists."""
    return set(scope_datasets(scope)) <= set(references_in(index, collection))


def view_of_store(
    index: Index,
    collection: str | None,
    metric: str | None,
    scope: str | None,
    wish: Arrangement = AS_IT_IS,
) -> View | None:
    """The switches, with what the store cannot show replaced by what it can; None where it holds no answer.

    Without a wish the metric is RA where a reference is known, XRR where a tuned model was asked, otherwise
    accuracy. XRR is over the held-out half of a world: from a collection that is none it leads to one that is, and RA
    leads back.
    """
    known = answered_collections(index)
    if not known:
        return None
    shown = _that_has(index, metric, collection if collection in known else known[0], known)
    summaries = run_summaries(index, shown)
    datasets = {name for summary in summaries for name in summary.datasets}
    scopes = available_scopes(sorted(datasets)) or DATASETS
    wanted = scope if scope in scopes else scopes[0]
    if metric == Metric.XRR and wanted not in HELD_OUT_SCOPES:
        wanted = next((name for name in HELD_OUT_SCOPES if name in scopes), wanted)
    usual = Metric.RA if has_references(index, shown, wanted) else Metric.ACCURACY
    if wanted in HELD_OUT_SCOPES and final_runs([summary.run for summary in summaries]):
        usual = Metric.XRR
    return View(shown, known, Metric(metric) if metric in set(Metric) else usual, wanted, scopes, wish)


def _that_has(index: Index, metric: str | None, chosen: str, known: Sequence[str]) -> str:
    """The chosen collection; another where that one cannot have the metric: XRR is of worlds, RA of everything else."""

    def datasets(collection: str) -> set[str]:
        return {name for summary in run_summaries(index, collection) for name in summary.datasets}

    if metric == Metric.XRR:
        others = (one for one in known if final_runs([summary.run for summary in run_summaries(index, one)]))
    elif metric == Metric.RA:
        others = (
            one
            for one in known
            if has_references(index, one, (available_scopes(sorted(datasets(one))) or DATASETS)[0])
        )
    else:
        return chosen
    is_world = any(scope in datasets(chosen) for scope in HELD_OUT_SCOPES)
    return chosen if is_world == (metric == Metric.XRR) else next(others, chosen)


def scores_of_view(index: Index, view: View) -> Scores:
    """The grid of a view. Where RA has no reference, or XRR no world, accuracy stands there, and a sentence says so."""
    sentences: list[str] = []
    metric = view.metric
    references = references_in(index, view.collection)
    if metric is Metric.RA and not has_references(index, view.collection, view.scope):
        metric = Metric.ACCURACY
        sentences.append(
            f"RA needs a reference model's accuracy in English, and none is known for"
            f" {scope_name(view.scope)} of collection {view.collection}: this is plain accuracy."
        )
    if metric is Metric.XRR and view.scope not in HELD_OUT_SCOPES:
        metric = Metric.ACCURACY
        sentences.append(
            f"XRR is of models tuned on a fictional world, and collection {view.collection} is none: this is plain"
            f" accuracy."
        )
    sentences.append(METRIC_MEANINGS[metric])
    sentences.append(CELL_SIGNS)
    runs = [summary.run for summary in run_summaries(index, view.collection)]
    matrices = answer_matrices(index, view.collection, datasets=metric_datasets(metric, view.scope))
    rows = index.remembered(
        ("scores", view.collection, metric, view.scope),
        lambda: score_table(matrices, metric, view.scope, references, runs),
    )
    if metric is Metric.XRR:  # a row a tuning; what a tuning was not done in was not run
        by_id = {run.run: run for run in runs}
        labels = run_labels([tuning_of(by_id[row.run]) for row in rows])
        asked = {(row.run, language): 1 for row in rows for language in row.languages}
        matrices = tuple(matrix for matrix in matrices if matrix.dataset in view.datasets)  # not the gates'
    else:
        labels, asked = run_labels(runs), _asked(matrices)
    languages = languages_of(rows)
    wish = checked_arrangement(view.wish, tuple(labels), languages)
    made = arranged(rows, labels, asked, wish, _tags(index, sentences))
    grid = score_grid(made.rows, metric, view.scope, made.labels, made.asked, made.columns, made.less)
    return Scores(
        grid,
        (*sentences, *made.sentences),
        made,
        labels,
        languages,
        wish,
        {run.run: run for run in runs},
        matrices,
    )


def _asked(matrices: Sequence[AnswerMatrix]) -> dict[tuple[str, str], int]:
    """(run, language) -> questions asked."""
    asked: dict[tuple[str, str], int] = {}
    for matrix in matrices:
        counts = (matrix.chosen != NOT_ASKED).sum(axis=1)
        for language, count in zip(matrix.languages, counts, strict=True):
            key = (matrix.run, language)
            asked[key] = asked.get(key, 0) + int(count)
    return asked


def _tags(index: Index, sentences: list[str]) -> Mapping[str, RunTags]:
    """The tags of the store's runs; a file that is not understood is said and passed over."""
    try:
        return read_tags(index.store)
    except StoreError as error:
        sentences.append(str(error))
        return {}


def required_view(
    index: Index,
    collection: str | None,
    metric: str | None,
    scope: str | None,
    wish: Arrangement = AS_IT_IS,
) -> View:
    """``view_of_store`` of a store that holds answers. Raises UsageError for one without."""
    view = view_of_store(index, collection, metric, scope, wish)
    if view is None:
        raise UsageError("the store holds no answers; import a folder or evaluate a model first")
    return view


def with_scope(view: View, metric: Metric, scope: str) -> View:
    """The same rows and columns of another metric or scope."""
    return replace(view, metric=metric, scope=scope)
