"""The Results tab: the heatmap first; below it the questions of a cell; below them one question in full.

What the tab shows is made by functions of the index; the wiring at the end only carries values. A
listener can be called by anybody who reaches the page, so every value that arrives is checked here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec, TypedDict, TypeVar

import gradio as gr

from clika.database.index import Index
from clika.database.queries import (
    Relation,
    answer_matrices,
    cell_questions,
    collections,
    parallel_question,
    predictions_of_question,
    run_summaries,
)
from clika.errors import ClikaError, UsageError
from clika.figures.heatmap import heatmap
from clika.figures.score_grid import (
    METRIC_NAMES,
    ScoreGrid,
    language_name,
    scope_name,
    score_grid,
)
from clika.imports import import_release
from clika.languages import ENGLISH, LANGUAGES
from clika.metrics.conductivity import READ_SETS, final_runs, tuning_of
from clika.metrics.english_overlap import EnglishOverlap, english_overlap
from clika.metrics.score_table import metric_datasets, references_for, scope_datasets, score_table
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
from clika.settings import Settings
from clika.ui import markup
from clika.ui.evaluations import SMALL_MODEL, Evaluations
from clika.ui.run_labels import run_labels
from clika.ui.store_watch import StoreWatch

ASSETS = Path(__file__).resolve().parents[2] / "assets"
QUESTIONS_A_PAGE = 20
ANY_RELATION = "all"
HEATMAP, TABLE = "Heatmap", "Table"

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

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person has selected: a cell, a page and kind of its questions, one question."""

    run: str | None = None
    language: str | None = None
    relation: Relation | None = None
    offset: int = 0
    dataset: str | None = None
    question_id: str | None = None

    @property
    def cell(self) -> tuple[str, str] | None:
        """(run, language) of the selected cell."""
        return (self.run, self.language) if self.run and self.language else None

    @property
    def question(self) -> tuple[str, str] | None:
        """(data set, question id) of the selected question."""
        return (self.dataset, self.question_id) if self.dataset and self.question_id else None


@dataclass(frozen=True, slots=True)
class View:
    """What the heatmap is of: values of the switches, valid for the store as it stands."""

    collection: str
    collections: tuple[str, ...]
    metric: Metric
    scope: str
    scopes: tuple[str, ...]

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets that the scope is made from."""
        return scope_datasets(self.scope)


@dataclass(frozen=True, slots=True)
class Scores:
    """The grid to draw and the sentences beside it; ``matrices`` are those it was computed from."""

    grid: ScoreGrid
    sentences: tuple[str, ...]
    matrices: tuple[AnswerMatrix, ...] = field(repr=False)


class Free(TypedDict):
    """How the page's looks at the store are run: any number at once, without a progress veil."""

    concurrency_limit: int | None
    show_progress: Literal["hidden"]
    api_visibility: Literal["private"]


def available_scopes(datasets: Sequence[str]) -> tuple[str, ...]:
    """The levels whose data sets are all there, then each data set."""
    levels = [
        str(level) for level in (Level.FACTUAL, Level.BASIC) if set(LEVEL_DATASETS[level]) <= set(datasets)
    ]
    return (*levels, *(str(name) for name in (*DATASETS, *FictionalSet) if name in datasets))


HELD_OUT_SCOPES = tuple(str(held_out) for held_out, *_ in READ_SETS.values())
"""The scopes that XRR is over."""


def has_references(collection: str, scope: str) -> bool:
    """Whether every data set of a scope has a reference accuracy, so that RA exists."""
    return set(scope_datasets(scope)) <= set(references_for(collection))


def view_of_store(index: Index, collection: str | None, metric: str | None, scope: str | None) -> View | None:
    """The switches, with what the store cannot show replaced by what it can; None for an empty store.

    Without a wish the metric is RA where a reference is known, XRR where a tuned model was asked, otherwise
    accuracy. XRR is over the held-out half of a world.
    """
    known = collections(index)
    if not known:
        return None
    shown = collection if collection in known else known[0]
    summaries = run_summaries(index, shown)
    datasets = {name for summary in summaries for name in summary.datasets}
    scopes = available_scopes(sorted(datasets)) or DATASETS
    wanted = scope if scope in scopes else scopes[0]
    if metric == Metric.XRR and wanted not in HELD_OUT_SCOPES:
        wanted = next((name for name in HELD_OUT_SCOPES if name in scopes), wanted)
    usual = Metric.RA if has_references(shown, wanted) else Metric.ACCURACY
    if wanted in HELD_OUT_SCOPES and final_runs([summary.run for summary in summaries]):
        usual = Metric.XRR
    return View(shown, known, Metric(metric) if metric in set(Metric) else usual, wanted, scopes)


def scores_of_view(index: Index, view: View) -> Scores:
    """The grid of a view. Where RA has no reference, or XRR no world, accuracy stands there, and a sentence says so."""
    sentences: list[str] = []
    metric = view.metric
    references = references_for(view.collection)
    if metric is Metric.RA and not has_references(view.collection, view.scope):
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
    rows = score_table(matrices, metric, view.scope, references, runs)
    if metric is Metric.XRR:
        return Scores(_cross_retrieval_grid(rows, runs, view.scope), tuple(sentences), _in(view, matrices))
    asked: dict[tuple[str, str], int] = {}
    for matrix in matrices:
        counts = (matrix.chosen != NOT_ASKED).sum(axis=1)
        for language, count in zip(matrix.languages, counts, strict=True):
            key = (matrix.run, language)
            asked[key] = asked.get(key, 0) + int(count)
    return Scores(score_grid(rows, metric, view.scope, run_labels(runs), asked), tuple(sentences), matrices)


def _cross_retrieval_grid(rows: Sequence[LanguageScores], runs: Sequence[Run], scope: str) -> ScoreGrid:
    """A row a tuning; what a tuning was not done in was not run."""
    by_id = {run.run: run for run in runs}
    labels = run_labels([tuning_of(by_id[row.run]) for row in rows])
    asked = {(row.run, language): 1 for row in rows for language in row.languages}
    return score_grid(rows, Metric.XRR, scope, labels, asked)


def _in(view: View, matrices: Sequence[AnswerMatrix]) -> tuple[AnswerMatrix, ...]:
    """Those of the view's own data sets: the gates' are not what a cell is made from."""
    return tuple(matrix for matrix in matrices if matrix.dataset in view.datasets)


def checked_cell(index: Index, collection: str, run: object, language: object) -> tuple[str, str]:
    """A cell as a click names it. Raises UsageError for a run or language that is not there."""
    known = {summary.run.run for summary in run_summaries(index, collection)}
    if not isinstance(run, str) or run not in known:
        raise UsageError(f"no run {run!r} over collection {collection!r}; press a cell of the heatmap")
    if not isinstance(language, str) or language not in LANGUAGES:
        raise UsageError(f"no language {language!r}; known: {', '.join(LANGUAGES)}")
    return run, language


def cell_html(scores: Scores, chosen: Chosen) -> markup.Html:
    """The heading of a cell and its four counts against English, summed over the scope's data sets."""
    if chosen.run is None or chosen.language is None:
        return markup.Html()
    cell = scores.grid.cell(chosen.run, chosen.language)
    if cell is None:
        return markup.paragraph("This run has no answers in this language here.", "clika-empty")
    language = chosen.language
    overlaps = [
        english_overlap(matrix, language)
        for matrix in scores.matrices
        if matrix.run == chosen.run and language in matrix.languages
    ]
    total = EnglishOverlap(
        both=sum(overlap.both for overlap in overlaps),
        english_only=sum(overlap.english_only for overlap in overlaps),
        language_only=sum(overlap.language_only for overlap in overlaps),
        neither=sum(overlap.neither for overlap in overlaps),
        not_comparable=sum(overlap.not_comparable for overlap in overlaps),
    )
    return markup.joined([markup.cell_heading(scores.grid, cell), markup.four_counts(total, language)])


@dataclass(frozen=True, slots=True)
class QuestionsShown:
    """One page of a cell's questions, and whether there is one before and one after it."""

    html: markup.Html
    earlier: bool
    later: bool


def questions_shown(index: Index, view: View, chosen: Chosen) -> QuestionsShown:
    """The questions behind the selected cell; nothing where none is selected."""
    if chosen.run is None or chosen.language is None:
        return QuestionsShown(markup.Html(), False, False)
    page = cell_questions(
        index, chosen.run, view.datasets, chosen.language, chosen.relation, chosen.offset, QUESTIONS_A_PAGE
    )
    html = markup.question_list(page, chosen.offset, chosen.language, chosen.question)
    return QuestionsShown(html, chosen.offset > 0, chosen.offset + len(page.rows) < page.total)


def question_html(index: Index, view: View, chosen: Chosen) -> markup.Html:
    """The selected question in every language, with the selected run's answers."""
    if chosen.dataset is None or chosen.question_id is None or chosen.run is None:
        return markup.Html()
    questions = parallel_question(index, view.collection, chosen.dataset, chosen.question_id)
    predictions = predictions_of_question(
        index, view.collection, chosen.dataset, chosen.question_id, [chosen.run]
    )
    runs = [summary.run for summary in run_summaries(index, view.collection)]
    return markup.question_cards(
        questions,
        {prediction.language: prediction for prediction in predictions},
        run_labels(runs).get(chosen.run, chosen.run),
        chosen.language,
    )


def relation_choices(language: str | None) -> list[tuple[str, str]]:
    """Label and value of the four kinds of questions, and of all together."""
    if language == ENGLISH:
        return [("All", ANY_RELATION), ("Right", str(Relation.BOTH)), ("Wrong", str(Relation.NEITHER))]
    name = language_name(language) if language else "this language"
    return [
        ("All", ANY_RELATION),
        ("Both right", str(Relation.BOTH)),
        ("Only English right", str(Relation.ENGLISH_ONLY)),
        (f"Only {name} right", str(Relation.LANGUAGE_ONLY)),
        ("Both wrong", str(Relation.NEITHER)),
    ]


def spoken(listener: Callable[P, T]) -> Callable[P, T]:
    """A listener whose ClikaErrors reach the person as their sentence; other errors stay what they are."""

    @wraps(listener)
    def told(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return listener(*arguments, **named)
        except ClikaError as error:
            raise gr.Error(markup.toast(str(error)), print_exception=False) from error

    return told


def build_results_tab(index: Index, settings: Settings, watch: StoreWatch, page: gr.Blocks) -> None:
    """Draw the tab into the open Blocks and connect it."""
    evaluations = Evaluations(settings)
    choices_js = (ASSETS / "choices.js").read_text(encoding="utf-8")
    heatmap_js = (ASSETS / "heatmap.js").read_text(encoding="utf-8")

    dark = gr.Checkbox(visible=False)
    chosen = gr.State(Chosen())
    drawn = gr.State(-1)
    notices = gr.HTML(visible=False, apply_default_css=False)

    with gr.Column(visible=False, elem_id="first-start") as first_start:
        gr.Markdown(
            "## Nothing to show yet\n"
            "CLiKA asks whether a language model knows the same things in every language."
            " Give it answers in one of two ways."
        )
        with gr.Row(equal_height=True):
            with gr.Column(min_width=300, elem_classes="clika-way"):
                gr.Markdown(
                    "### Import the authors' answers\n"
                    "A folder with `x_csqa`, `x_copa`, `x_geo` and `x_name`"
                    " (a clone of the repository RiverGao/CLiKA). It is read, never changed."
                )
                first_folder = gr.Textbox(label="Folder", placeholder="../CLiKA", elem_id="import-folder")
                first_import = gr.Button("Import this folder", variant="primary", elem_id="import-button")
            with gr.Column(min_width=300, elem_classes="clika-way"):
                gr.Markdown(
                    "### Evaluate a small model\n"
                    "A checkpoint's folder or Hub id, asked 20 questions a data set of a release folder in every"
                    " language. The heatmap appears here and fills as answers come in."
                )
                model_name = gr.Textbox(SMALL_MODEL, label="Model", elem_id="evaluate-model")
                model_data = gr.Textbox(
                    label="Folder with the questions", placeholder="../CLiKA", elem_id="evaluate-data"
                )
                model_start = gr.Button("Evaluate this model", variant="primary", elem_id="evaluate-button")

    with gr.Column(visible=False, elem_id="results") as results:
        with gr.Row(elem_id="switches"):
            metric = gr.Radio(
                [
                    (METRIC_NAMES[name], str(name))
                    for name in (Metric.RA, Metric.EN_CO, Metric.XRR, Metric.ACCURACY)
                ],
                label="Metric",
                elem_id="metric",
                min_width=250,
            )
            scope = gr.Dropdown(label="Questions", elem_id="scope", min_width=150, filterable=False)
            collection = gr.Dropdown(
                label="Collection", elem_id="collection", visible=False, min_width=150, filterable=False
            )
            shape = gr.Radio([HEATMAP, TABLE], value=HEATMAP, label="Show as", elem_id="shape", min_width=200)
        plot = gr.Plot(show_label=False, container=False, elem_id="heatmap", buttons=[])
        table = gr.HTML(visible=False, apply_default_css=False, elem_id="score-table", js_on_load=choices_js)
        note = gr.HTML(apply_default_css=False, elem_id="heatmap-note", js_on_load=heatmap_js)

        with gr.Column(visible=False, elem_id="cell") as cell_panel:
            cell_heading = gr.HTML(apply_default_css=False, elem_id="cell-heading")
            relation = gr.Radio(
                relation_choices(None), value=ANY_RELATION, label="Questions", elem_id="relation"
            )
            questions = gr.HTML(apply_default_css=False, elem_id="questions", js_on_load=choices_js)
            with gr.Row(elem_id="pager"):
                earlier = gr.Button("← Earlier", size="sm", elem_id="earlier", min_width=100)
                later = gr.Button("Later →", size="sm", elem_id="later", min_width=100)
        question = gr.HTML(apply_default_css=False, elem_id="question")

        with gr.Accordion("Import another folder", open=False):
            more_folder = gr.Textbox(label="Folder", placeholder="../CLiKA")
            more_import = gr.Button("Import this folder")

    report = gr.HTML(visible=False, apply_default_css=False, elem_id="import-report")
    work = gr.HTML(visible=False, apply_default_css=False, elem_id="evaluation-report")
    timer = gr.Timer(1.5)

    switches = [collection, metric, scope, shape, dark, chosen]
    cell_parts = [chosen, cell_panel, cell_heading, relation, questions, earlier, later, question]
    everything = [
        drawn,
        notices,
        first_start,
        results,
        collection,
        metric,
        scope,
        plot,
        table,
        note,
        *cell_parts,
    ]

    def cell_updates(view: View, scores: Scores, now: Chosen) -> list[object]:
        shown = questions_shown(index, view, now)
        return [
            now,
            gr.update(visible=now.cell is not None),
            cell_html(scores, now),
            gr.update(choices=relation_choices(now.language), value=str(now.relation or ANY_RELATION)),
            shown.html,
            gr.update(interactive=shown.earlier),
            gr.update(interactive=shown.later),
            question_html(index, view, now),
        ]

    def required_view(collection_now: str | None, metric_now: str | None, scope_now: str | None) -> View:
        view = view_of_store(index, collection_now, metric_now, scope_now)
        if view is None:
            raise UsageError("the store is empty; import a folder or evaluate a model first")
        return view

    def redraw(
        collection_now: str | None,
        metric_now: str | None,
        scope_now: str | None,
        shape_now: str,
        dark_now: bool,
        now: Chosen,
    ) -> list[object]:
        """Everything on the tab, for the store as it stands."""
        generation = watch.look()
        told = gr.update(value=markup.notices(index.notices), visible=bool(index.notices))
        view = view_of_store(index, collection_now, metric_now, scope_now)
        if view is None:
            rest: list[object] = [gr.skip() for _ in everything[4:]]
            return [generation, told, gr.update(visible=True), gr.update(visible=False), *rest]
        if collection_now is not None and view.collection != collection_now:
            now = Chosen()
        if now.run is not None and now.run not in {
            summary.run.run for summary in run_summaries(index, view.collection)
        }:
            now = Chosen()
        if now.question and now.dataset not in view.datasets:
            now = replace(now, dataset=None, question_id=None)
        scores = scores_of_view(index, view)
        return [
            generation,
            told,
            gr.update(visible=False),
            gr.update(visible=True),
            gr.update(
                choices=list(view.collections), value=view.collection, visible=len(view.collections) > 1
            ),
            str(view.metric),
            gr.update(choices=[(scope_name(name), name) for name in view.scopes], value=view.scope),
            gr.update(value=heatmap(scores.grid, dark_now, now.cell), visible=shape_now != TABLE),
            gr.update(
                value=markup.score_table_html(scores.grid, dark_now, now.cell), visible=shape_now == TABLE
            ),
            markup.tag("div", *(markup.paragraph(sentence) for sentence in scores.sentences)),
            *cell_updates(view, scores, now),
        ]

    @spoken
    def draw(
        collection_now: str | None,
        metric_now: str | None,
        scope_now: str | None,
        shape_now: str,
        dark_now: bool,
        now: Chosen,
    ) -> list[object]:
        return redraw(collection_now, metric_now, scope_now, shape_now, dark_now, replace(now, offset=0))

    @spoken
    def draw_if_grown(
        seen: int,
        collection_now: str | None,
        metric_now: str | None,
        scope_now: str | None,
        shape_now: str,
        dark_now: bool,
        now: Chosen,
    ) -> list[object]:
        if watch.look() == seen:
            return [gr.skip() for _ in everything]
        return redraw(collection_now, metric_now, scope_now, shape_now, dark_now, now)

    @spoken
    def select_cell(
        collection_now: str | None, metric_now: str | None, scope_now: str | None, event: gr.EventData
    ) -> list[object]:
        view = required_view(collection_now, metric_now, scope_now)
        run, language = checked_cell(
            index, view.collection, getattr(event, "run", None), getattr(event, "language", None)
        )
        return cell_updates(view, scores_of_view(index, view), Chosen(run=run, language=language))

    def list_updates(view: View, now: Chosen) -> list[object]:
        shown = questions_shown(index, view, now)
        return [now, shown.html, gr.update(interactive=shown.earlier), gr.update(interactive=shown.later)]

    @spoken
    def filter_questions(
        collection_now: str | None, metric_now: str | None, scope_now: str | None, now: Chosen, kind: str
    ) -> list[object]:
        relation_now = Relation(kind) if kind in set(Relation) else None
        view = required_view(collection_now, metric_now, scope_now)
        return list_updates(view, replace(now, relation=relation_now, offset=0))

    @spoken
    def turn_back(
        collection_now: str | None, metric_now: str | None, scope_now: str | None, now: Chosen
    ) -> list[object]:
        view = required_view(collection_now, metric_now, scope_now)
        return list_updates(view, replace(now, offset=max(0, now.offset - QUESTIONS_A_PAGE)))

    @spoken
    def turn_on(
        collection_now: str | None, metric_now: str | None, scope_now: str | None, now: Chosen
    ) -> list[object]:
        view = required_view(collection_now, metric_now, scope_now)
        return list_updates(view, replace(now, offset=now.offset + QUESTIONS_A_PAGE))

    @spoken
    def select_question(
        collection_now: str | None,
        metric_now: str | None,
        scope_now: str | None,
        now: Chosen,
        event: gr.EventData,
    ) -> list[object]:
        view = required_view(collection_now, metric_now, scope_now)
        dataset, question_id = getattr(event, "dataset", None), getattr(event, "question", None)
        if not isinstance(dataset, str) or not isinstance(question_id, str):
            raise UsageError(f"no question {question_id!r} in {dataset!r}; press one of the list")
        selected = replace(now, dataset=dataset, question_id=question_id)
        cards = question_html(index, view, selected)
        return [selected, questions_shown(index, view, selected).html, cards]

    def begin_import() -> list[object]:
        wait = markup.notices(["Reading the folder…"])
        return [gr.update(value=wait, visible=True), *(gr.update(interactive=False) for _ in import_buttons)]

    @spoken
    def take_in(folder: str) -> list[object]:
        if not folder or not folder.strip():
            raise UsageError("no folder is named; write the path of the release's folder, such as ../CLiKA")
        done = import_release(Path(folder.strip()).expanduser(), settings.store)
        watch.look(at_once=True)
        told = (*done.sentences(), *done.faults)
        return [gr.update(value=markup.notices(told), visible=True), ""]

    @spoken
    def evaluate(model: str, data: str) -> dict[str, object]:
        evaluations.start(model, data)
        return working()

    def working() -> dict[str, object]:
        told = evaluations.sentences()
        update: dict[str, object] = gr.update(value=markup.notices(told), visible=bool(told))
        return update

    def end_import() -> list[object]:
        return [gr.update(interactive=True) for _ in import_buttons]

    def end_failed_import() -> list[object]:
        return [gr.update(value="", visible=False), *end_import()]

    def select_shape(shape_now: str) -> list[object]:
        return [gr.update(visible=shape_now != TABLE), gr.update(visible=shape_now == TABLE)]

    free = Free(concurrency_limit=None, show_progress="hidden", api_visibility="private")
    where = [collection, metric, scope]
    read_dark = "() => document.body.classList.contains('dark')"
    show_cell = (
        "() => document.querySelector('#cell')?.scrollIntoView({behavior: 'smooth', block: 'nearest'})"
    )
    show_cards = (
        "() => document.querySelector('#question')?.scrollIntoView({behavior: 'smooth', block: 'start'})"
    )

    page.load(None, None, dark, js=read_dark, api_visibility="private").then(
        draw, switches, everything, **free
    )
    timer.tick(draw_if_grown, [drawn, *switches], everything, **free)
    for switch in (metric, scope, collection):
        switch.input(draw, switches, everything, **free)
    shape.input(select_shape, shape, [plot, table], **free)
    for pressed in (note, table):
        pressed.click(select_cell, where, cell_parts, **free).then(
            None, js=show_cell, api_visibility="private"
        )
    question_list = [chosen, questions, earlier, later]
    relation.input(filter_questions, [*where, chosen, relation], question_list, **free)
    earlier.click(turn_back, [*where, chosen], question_list, **free)
    later.click(turn_on, [*where, chosen], question_list, **free)
    questions.click(select_question, [*where, chosen], [chosen, questions, question], **free).then(
        None, js=show_cards, api_visibility="private"
    )
    model_start.click(
        evaluate, [model_name, model_data], work, show_progress="hidden", api_visibility="private"
    )
    timer.tick(working, None, work, **free)
    import_buttons = [first_import, more_import]
    for button, folder in zip(import_buttons, (first_folder, more_folder), strict=True):
        taken = button.click(begin_import, None, [report, *import_buttons], **free).then(
            take_in, folder, [report, folder], show_progress="hidden", api_visibility="private"
        )
        taken.failure(end_failed_import, None, [report, *import_buttons], **free)
        taken.success(end_import, None, import_buttons, **free).then(draw, switches, everything, **free)
