"""The way down on the page: the questions of a cell with their filters, one question in full, and the next one."""

from dataclasses import replace
from typing import Any

import gradio as gr

from clika.database.cell_questions import Order, Pattern, origins
from clika.database.index import Index
from clika.database.queries import run_summaries
from clika.figures.score_grid import language_name, scope_name
from clika.ui.listeners import script
from clika.ui.moving_choices import MovingDropdown
from clika.ui.results_cell import (
    ANY_RELATION,
    Chosen,
    QuestionShown,
    cell_html,
    checked_filter,
    question_shown,
    questions_shown,
    relation_choices,
)
from clika.ui.results_view import Scores, View
from clika.ui.run_labels import run_labels

ANY = ""
PATTERNS = [
    ("Any", ANY),
    ("Only English right", str(Pattern.ONLY_ENGLISH)),
    ("All but English right", str(Pattern.ALL_BUT_ENGLISH)),
    ("Right in every language", str(Pattern.ALL_RIGHT)),
    ("Wrong in every language", str(Pattern.ALL_WRONG)),
]
ORDERS = [("As in the data", str(Order.SOURCE)), ("Most divisive for the chosen models", str(Order.DIVISIVE))]


class QuestionPanel:
    """The parts, drawn into the open Blocks; the tab wires them."""

    def __init__(self, index: Index) -> None:
        self._index = index
        with gr.Column(visible=False, elem_id="cell") as self.cell_panel:
            self.cell_heading = gr.HTML(apply_default_css=False, elem_id="cell-heading")
            self.relation = gr.Radio(
                relation_choices(None), value=ANY_RELATION, label="Questions", elem_id="relation"
            )
            with gr.Row(elem_id="question-filters"):
                self.search = gr.Textbox(
                    label="Search in every language", elem_id="question-search", min_width=180, max_lines=1
                )
                self.pattern = MovingDropdown(
                    PATTERNS,
                    value=ANY,
                    label="Over all languages",
                    elem_id="pattern",
                    min_width=170,
                    filterable=False,
                )
                self.same_wrong = MovingDropdown(
                    [("Any", ANY), *((f"in {k} or more languages", str(k)) for k in range(2, 11))],
                    value=ANY,
                    label="Same wrong option",
                    elem_id="same-wrong",
                    min_width=150,
                    filterable=False,
                )
                self.dataset = MovingDropdown(
                    [("Any", ANY)],
                    value=ANY,
                    label="Data set",
                    elem_id="question-dataset",
                    min_width=110,
                    filterable=False,
                )
                self.origin = MovingDropdown(
                    [("Any", ANY)],
                    value=ANY,
                    label="Origin",
                    elem_id="question-origin",
                    min_width=110,
                    filterable=False,
                )
                self.order = MovingDropdown(
                    ORDERS,
                    value=str(Order.SOURCE),
                    label="Order",
                    elem_id="question-order",
                    min_width=170,
                    filterable=False,
                )
            self.questions = gr.HTML(
                apply_default_css=False, elem_id="questions", js_on_load=script("choices.js")
            )
            with gr.Row(elem_id="pager"):
                self.earlier = gr.Button("← Earlier", size="sm", elem_id="earlier", min_width=100)
                self.later = gr.Button("Later →", size="sm", elem_id="later", min_width=100)
        with gr.Column(visible=False, elem_id="question-panel") as self.question_panel:
            with gr.Row(elem_id="question-bar", equal_height=False):
                self.before = gr.Button(
                    "← Previous (k)", size="sm", elem_id="question-before", min_width=120, scale=0
                )
                self.after = gr.Button(
                    "Next (j) →", size="sm", elem_id="question-after", min_width=120, scale=0
                )
                self.place = gr.HTML(apply_default_css=False, elem_id="question-place")
                self.copy = gr.Button("Copy link", size="sm", elem_id="question-copy", min_width=100, scale=0)
                self.json = gr.Button("JSON", size="sm", elem_id="question-json", min_width=80, scale=0)
            with gr.Row(equal_height=False, elem_id="question-whose"):
                self.shown = MovingDropdown([], label="Answers of", elem_id="question-model", min_width=220)
                self.grouped = gr.Checkbox(
                    label="Group languages by picked option",
                    elem_id="question-grouped",
                    min_width=220,
                    container=False,
                )
            self.question = gr.HTML(apply_default_css=False, elem_id="question", js_on_load=script("keys.js"))
            with gr.Accordion("All models and languages", open=False, elem_id="question-all"):
                self.map = gr.HTML(
                    apply_default_css=False, elem_id="question-map", js_on_load=script("choices.js")
                )

    @property
    def filters(self) -> list[Any]:
        """What ``filtered`` is given, in its order."""
        return [
            *(self.relation, self.pattern, self.same_wrong, self.dataset, self.origin, self.search),
            self.order,
        ]

    def filtered(self, chosen: Chosen, *values: object) -> Chosen:
        """What is chosen, with the filter as the form has it now, from the first page on."""
        return replace(chosen, wanted=checked_filter(*values), offset=0)

    def list_updates(self, view: View, chosen: Chosen) -> dict[Any, object]:
        """The list alone."""
        shown = questions_shown(self._index, view, chosen)
        return {
            self.questions: shown.html,
            self.earlier: gr.update(interactive=shown.earlier),
            self.later: gr.update(interactive=shown.later),
        }

    def question_updates(self, view: View, chosen: Chosen) -> dict[Any, object]:
        """One question in full."""
        there = chosen.question is not None and chosen.answerer is not None
        shown = question_shown(self._index, view, chosen) if there else QuestionShown()
        runs = [summary.run for summary in run_summaries(self._index, view.collection)]
        choices = [(label, run) for run, label in run_labels(runs).items()]
        return {
            self.question_panel: gr.update(visible=there),
            self.question: shown.cards,
            self.map: shown.map,
            self.place: shown.place,
            self.before: gr.update(interactive=shown.before is not None),
            self.after: gr.update(interactive=shown.after is not None),
            self.shown: gr.update(choices=choices, value=chosen.answerer) if there else gr.skip(),
            self.grouped: chosen.grouped,
        }

    def cell_updates(self, view: View, scores: Scores, chosen: Chosen) -> dict[Any, object]:
        """Everything of a cell but its question."""
        wanted = chosen.wanted
        found = [
            ("Any", ANY),
            *((language_name(one), one) for one in origins(self._index, view.collection, view.datasets)),
        ]
        sets = [("Any", ANY), *((scope_name(name), name) for name in view.datasets)]
        return {
            self.cell_panel: gr.update(visible=chosen.cell is not None),
            self.cell_heading: cell_html(scores, chosen),
            self.relation: gr.update(
                choices=relation_choices(chosen.language), value=str(wanted.relation or ANY_RELATION)
            ),
            self.pattern: str(wanted.pattern or ANY),
            self.same_wrong: _among(str(wanted.same_wrong or ANY), [str(k) for k in range(2, 11)]),
            self.dataset: gr.update(
                choices=sets, value=_among(wanted.dataset, view.datasets), visible=len(view.datasets) > 1
            ),
            self.origin: gr.update(
                choices=found, value=_among(wanted.origin, [one for _, one in found]), visible=len(found) > 1
            ),
            self.search: wanted.search,
            self.order: str(wanted.order),
            **self.list_updates(view, chosen),
        }


def _among(value: str | None, known: Any) -> str:
    return value if value is not None and value in known else ANY
