"""The Results tab: the heatmap first; below it the questions of a cell; below them one question in full.

What it shows is made by results_view.py and results_cell.py; here stand the parts of the page and the wires
between them. A listener can be called by anybody who reaches the page, so every value that arrives is checked.
"""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from clika.database.index import Index
from clika.database.queries import Relation, run_summaries
from clika.demo import demo
from clika.errors import UsageError
from clika.figures.heatmap import heatmap
from clika.figures.score_grid import METRIC_NAMES, scope_name
from clika.records import Metric
from clika.settings import Settings
from clika.ui import markup
from clika.ui.evaluations import Evaluations
from clika.ui.first_start import ImportForm, build_first_start, connect_evaluation, connect_imports
from clika.ui.guided_look import GuidedLookPart
from clika.ui.listeners import LOOK, script, spoken
from clika.ui.results_cell import (
    ANY_RELATION,
    QUESTIONS_A_PAGE,
    Chosen,
    cell_html,
    checked_cell,
    question_html,
    questions_shown,
    relation_choices,
)
from clika.ui.results_view import Scores, View, required_view, scores_of_view, view_of_store
from clika.ui.store_watch import StoreWatch

HEATMAP, TABLE = "Heatmap", "Table"


@dataclass(frozen=True, slots=True)
class Switches:
    """What the tab's switches say, as a browser sends them: wishes, not yet held against the store."""

    collection: str | None
    metric: str | None
    scope: str | None
    shape: str
    dark: bool
    chosen: Chosen

    def required_view(self, index: Index) -> View:
        """What the heatmap is of. Raises UsageError for a store without answers."""
        return required_view(index, self.collection, self.metric, self.scope)


class ResultsTab:
    """The parts of the tab, drawn into the open Blocks and connected."""

    def __init__(self, index: Index, settings: Settings, watch: StoreWatch, page: gr.Blocks) -> None:
        self._index = index
        self._watch = watch
        self._store = settings.store
        self._draw_parts()
        self._connect(settings, page)

    def _draw_parts(self) -> None:
        self.dark = gr.Checkbox(visible=False)
        self.chosen = gr.State(Chosen())
        self.drawn = gr.State(-1)
        self.notices = gr.HTML(visible=False, apply_default_css=False)
        self.guide = GuidedLookPart(self._index, self._store, self._watch, demo())
        self.first = build_first_start()
        with gr.Column(visible=False, elem_id="results") as self.results:
            with gr.Row(elem_id="switches"):
                self.metric = gr.Radio(
                    [
                        (METRIC_NAMES[name], str(name))
                        for name in (Metric.RA, Metric.EN_CO, Metric.XRR, Metric.ACCURACY)
                    ],
                    label="Metric",
                    elem_id="metric",
                    min_width=250,
                )
                self.scope = gr.Dropdown(label="Questions", elem_id="scope", min_width=150, filterable=False)
                self.collection = gr.Dropdown(
                    label="Collection", elem_id="collection", visible=False, min_width=150, filterable=False
                )
                self.shape = gr.Radio(
                    [HEATMAP, TABLE], value=HEATMAP, label="Show as", elem_id="shape", min_width=200
                )
            self.plot = gr.Plot(show_label=False, container=False, elem_id="heatmap", buttons=[])
            self.table = gr.HTML(
                visible=False, apply_default_css=False, elem_id="score-table", js_on_load=script("choices.js")
            )
            self.note = gr.HTML(
                apply_default_css=False, elem_id="heatmap-note", js_on_load=script("heatmap.js")
            )
            self._draw_way_down()
            with gr.Accordion("Import another folder", open=False):
                more_folder = gr.Textbox(label="Folder", placeholder="../CLiKA")
                self.more = ImportForm(more_folder, gr.Button("Import this folder"))
        self.report = gr.HTML(visible=False, apply_default_css=False, elem_id="import-report")
        self.work = gr.HTML(visible=False, apply_default_css=False, elem_id="evaluation-report")
        self.timer = gr.Timer(1.5)

    def _draw_way_down(self) -> None:
        with gr.Column(visible=False, elem_id="cell") as self.cell_panel:
            self.cell_heading = gr.HTML(apply_default_css=False, elem_id="cell-heading")
            self.relation = gr.Radio(
                relation_choices(None), value=ANY_RELATION, label="Questions", elem_id="relation"
            )
            self.questions = gr.HTML(
                apply_default_css=False, elem_id="questions", js_on_load=script("choices.js")
            )
            with gr.Row(elem_id="pager"):
                self.earlier = gr.Button("← Earlier", size="sm", elem_id="earlier", min_width=100)
                self.later = gr.Button("Later →", size="sm", elem_id="later", min_width=100)
        self.question = gr.HTML(apply_default_css=False, elem_id="question")

    def _connect(self, settings: Settings, page: gr.Blocks) -> None:
        switches = [self.collection, self.metric, self.scope, self.shape, self.dark, self.chosen]
        question_list = [self.chosen, self.questions, self.earlier, self.later]
        cell_parts = [
            *(self.chosen, self.cell_panel, self.cell_heading, self.relation),
            *(self.questions, self.earlier, self.later, self.question),
        ]
        everything = self._everything = [
            *(self.drawn, self.notices, self.first.panel, self.results),
            *(self.collection, self.metric, self.scope, self.plot, self.table, self.note),
            *cell_parts,
        ]
        read_dark = "() => document.body.classList.contains('dark')"
        show_cell = (
            "() => document.querySelector('#cell')?.scrollIntoView({behavior: 'smooth', block: 'nearest'})"
        )
        show_cards = (
            "() => document.querySelector('#question')?.scrollIntoView({behavior: 'smooth', block: 'start'})"
        )
        page.load(None, None, self.dark, js=read_dark, api_visibility="private").then(
            self._draw, switches, everything, **LOOK
        )
        self.timer.tick(self._draw_if_grown, [self.drawn, *switches], everything, **LOOK)
        for switch in (self.metric, self.scope, self.collection):
            switch.input(self._draw, switches, everything, **LOOK)
        self.shape.input(self._select_shape, self.shape, [self.plot, self.table], **LOOK)
        for pressed in (self.note, self.table):
            pressed.click(self._select_cell, switches, cell_parts, **LOOK).then(
                None, js=show_cell, api_visibility="private"
            )
        self.relation.input(self._filter_questions, [self.relation, *switches], question_list, **LOOK)
        self.earlier.click(self._turn_back, switches, question_list, **LOOK)
        self.later.click(self._turn_on, switches, question_list, **LOOK)
        self.questions.click(
            self._select_question, switches, [self.chosen, self.questions, self.question], **LOOK
        ).then(None, js=show_cards, api_visibility="private")
        self.guide.connect(page, self.timer)
        connect_evaluation(self.first, self.work, self.timer, Evaluations(settings))
        connect_imports(
            [self.first.importing, self.more],
            self.report,
            settings,
            self._watch,
            lambda imported: imported.then(self._draw, switches, everything, **LOOK),
        )

    # What follows is called by Gradio with the values of ``switches`` one after the other.

    @spoken
    def _draw(self, *values: Any) -> list[object]:
        now = Switches(*values)
        return self._redrawn(replace(now, chosen=replace(now.chosen, offset=0)))

    @spoken
    def _draw_if_grown(self, seen: int, *values: Any) -> list[object]:
        if self._watch.look() == seen:
            return [gr.skip() for _ in self._everything]
        return self._redrawn(Switches(*values))

    def _redrawn(self, switches: Switches) -> list[object]:
        """Everything on the tab, for the store as it stands."""
        generation = self._watch.look()
        notices = self._index.notices
        told = gr.update(value=markup.notices(notices), visible=bool(notices))
        view = view_of_store(self._index, switches.collection, switches.metric, switches.scope)
        if view is None or self.guide.waits:
            rest = [gr.skip() for _ in self._everything[4:]]
            return [generation, told, gr.update(visible=True), gr.update(visible=False), *rest]
        now = self._still_there(switches, view)
        scores = scores_of_view(self._index, view)
        as_table = switches.shape == TABLE
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
            gr.update(value=heatmap(scores.grid, switches.dark, now.cell), visible=not as_table),
            gr.update(value=markup.score_table_html(scores.grid, switches.dark, now.cell), visible=as_table),
            markup.tag("div", *(markup.paragraph(sentence) for sentence in scores.sentences)),
            *self._cell(view, scores, now),
        ]

    def _still_there(self, switches: Switches, view: View) -> Chosen:
        """What is selected, less what the view does not hold."""
        now = switches.chosen
        if switches.collection is not None and view.collection != switches.collection:
            return Chosen()
        known = {summary.run.run for summary in run_summaries(self._index, view.collection)}
        if now.run is not None and now.run not in known:
            return Chosen()
        if now.question and now.dataset not in view.datasets:
            return replace(now, dataset=None, question_id=None)
        return now

    def _cell(self, view: View, scores: Scores, now: Chosen) -> list[object]:
        shown = questions_shown(self._index, view, now)
        return [
            now,
            gr.update(visible=now.cell is not None),
            cell_html(scores, now),
            gr.update(choices=relation_choices(now.language), value=str(now.relation or ANY_RELATION)),
            shown.html,
            gr.update(interactive=shown.earlier),
            gr.update(interactive=shown.later),
            question_html(self._index, view, now),
        ]

    def _select_shape(self, shape: str) -> list[object]:
        return [gr.update(visible=shape != TABLE), gr.update(visible=shape == TABLE)]

    @spoken
    def _select_cell(self, event: gr.EventData, *values: Any) -> list[object]:
        view = Switches(*values).required_view(self._index)
        run, language = checked_cell(
            self._index, view.collection, getattr(event, "run", None), getattr(event, "language", None)
        )
        return self._cell(view, scores_of_view(self._index, view), Chosen(run=run, language=language))

    def _listed(self, switches: Switches, now: Chosen) -> list[object]:
        shown = questions_shown(self._index, switches.required_view(self._index), now)
        return [now, shown.html, gr.update(interactive=shown.earlier), gr.update(interactive=shown.later)]

    @spoken
    def _filter_questions(self, kind: str, *values: Any) -> list[object]:
        switches = Switches(*values)
        relation = Relation(kind) if kind in set(Relation) else None
        return self._listed(switches, replace(switches.chosen, relation=relation, offset=0))

    @spoken
    def _turn_back(self, *values: Any) -> list[object]:
        switches = Switches(*values)
        offset = max(0, switches.chosen.offset - QUESTIONS_A_PAGE)
        return self._listed(switches, replace(switches.chosen, offset=offset))

    @spoken
    def _turn_on(self, *values: Any) -> list[object]:
        switches = Switches(*values)
        return self._listed(
            switches, replace(switches.chosen, offset=switches.chosen.offset + QUESTIONS_A_PAGE)
        )

    @spoken
    def _select_question(self, event: gr.EventData, *values: Any) -> list[object]:
        switches = Switches(*values)
        view = switches.required_view(self._index)
        dataset, question_id = getattr(event, "dataset", None), getattr(event, "question", None)
        if not isinstance(dataset, str) or not isinstance(question_id, str):
            raise UsageError(f"no question {question_id!r} in {dataset!r}; press one of the list")
        selected = replace(switches.chosen, dataset=dataset, question_id=question_id)
        cards = question_html(self._index, view, selected)
        return [selected, questions_shown(self._index, view, selected).html, cards]
