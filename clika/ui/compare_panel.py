"""The part of the Runs tab that holds two runs against each other, down to the questions that changed."""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from clika.database.index import Index
from clika.errors import ClikaError, UsageError
from clika.metrics.answer_changes import Change
from clika.ui import markup
from clika.ui.comparison import CHANGED_A_PAGE, changed_questions, comparison, run_choices
from clika.ui.comparison_markup import changed_list, changes_html, differences_html
from clika.ui.listeners import LOOK, in_address, script, spoken
from clika.ui.many_compared import MOST_RUNS, many_compared, many_html
from clika.ui.results_cell import question_in_full
from clika.ui.store_watch import StoreWatch

FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a person looks at of a comparison: a count, a page of its questions, one question of one run."""

    language: str | None = None
    change: Change | None = None
    offset: int = 0
    dataset: str | None = None
    question_id: str | None = None

    @property
    def count(self) -> tuple[str, Change] | None:
        """(language, change) of the pressed count."""
        return (self.language, self.change) if self.language and self.change else None

    @property
    def question(self) -> tuple[str, str] | None:
        """(data set, question id) of the pressed question."""
        return (self.dataset, self.question_id) if self.dataset and self.question_id else None


class ComparePanel:
    """The parts of the panel, drawn into the open Blocks and connected."""

    def __init__(self, index: Index, watch: StoreWatch) -> None:
        self._index = index
        self._watch = watch
        self._draw_parts()
        self._connect()

    def _draw_parts(self) -> None:
        self.looked = gr.State(Looked())
        self.drawn = gr.State(-1)
        gr.Markdown("## Compare runs", elem_id="compare-title")
        with gr.Row():
            self.first = gr.Dropdown([], label="From", min_width=200, elem_id="compare-first")
            self.second = gr.Dropdown([], label="To", min_width=200, elem_id="compare-second")
        self.more = gr.Dropdown(
            [],
            multiselect=True,
            label="And more, side by side",
            max_choices=MOST_RUNS - 2,
            elem_id="compare-more",
        )
        self.many = gr.HTML(apply_default_css=False, elem_id="many-compared")
        self.summary = gr.HTML(apply_default_css=False, elem_id="compared", js_on_load=script("choices.js"))
        with gr.Column(visible=False) as self.listing:
            self.questions = gr.HTML(
                apply_default_css=False, elem_id="changed-questions", js_on_load=script("choices.js")
            )
            with gr.Row():
                self.earlier = gr.Button("← Earlier", size="sm", scale=0, min_width=110)
                self.later = gr.Button("Later →", size="sm", scale=0, min_width=110)
        with gr.Column(visible=False) as self.reading:
            self.whose = gr.Radio(
                [("From", FIRST), ("To", SECOND)], value=SECOND, label="Answers of", elem_id="compare-whose"
            )
            self.cards = gr.HTML(apply_default_css=False, elem_id="changed-question")

    @property
    def choosing(self) -> list[gr.components.Component]:
        """What ``offered`` and ``wanted`` draw, in their order."""
        return [self.first, self.second, self.more]

    def _connect(self) -> None:
        picked = self.picked = [self.first, self.second, self.whose, self.looked]
        everything = self.everything = [
            *(self.looked, self.drawn, self.summary, self.listing, self.questions, self.earlier, self.later),
            *(self.reading, self.whose, self.cards),
        ]
        gr.on(
            [self.first.change, self.second.change],
            self.draw_anew,
            picked,
            everything,
            trigger_mode="always_last",  # a link sets both at once: the last look sees both
            **LOOK,
        )
        gr.on(
            [self.first.change, self.second.change, self.more.change],
            self.draw_many,
            self.choosing,
            self.many,
            trigger_mode="always_last",
            **LOOK,
        )
        self.more.change(None, self.more, js=in_address("more"), api_visibility="private")
        self.first.change(None, self.first, js=in_address("compare"), api_visibility="private")
        self.second.change(None, self.second, js=in_address("with"), api_visibility="private")
        self.summary.click(self._select_count, picked, everything, **LOOK)
        self.questions.click(self._select_question, picked, everything, **LOOK).then(
            None,
            js="() => document.querySelector('#changed-question')?.scrollIntoView({behavior: 'smooth'})",
            api_visibility="private",
        )
        self.earlier.click(self._turn_back, picked, everything, **LOOK)
        self.later.click(self._turn_on, picked, everything, **LOOK)
        self.whose.input(self._draw, picked, everything, **LOOK)
        self.timer = gr.Timer(2.0)
        self.timer.tick(self._draw_if_grown, [self.drawn, *picked], [*self.choosing, *everything], **LOOK)

    def offered(self) -> list[object]:
        """The runs that the store holds now; what is chosen stays, for a browser's word of it may be late."""
        choices = run_choices(self._index)
        return [gr.update(choices=choices) for _ in self.choosing]

    def wanted(self, first: object, second: object, more: object = None) -> list[object]:
        """The runs that an address names, ``more`` of them with commas; one that is not there is passed over."""
        choices = run_choices(self._index)
        known = {run for _, run in choices}
        others = [one for one in more.split(",") if one in known] if isinstance(more, str) else []
        return [
            *(gr.update(choices=choices, value=one if one in known else None) for one in (first, second)),
            gr.update(choices=choices, value=others[: MOST_RUNS - 2]),
        ]

    def draw_many(self, first: object, second: object, more: object) -> markup.Html:
        """Three runs or more beside each other; nothing where there are fewer."""
        others = more if isinstance(more, list) else []
        chosen = [one for one in (first, second, *others) if one]
        if not others or len(chosen) < 2:
            return markup.NOTHING
        try:
            return many_html(many_compared(self._index, chosen))
        except ClikaError as error:
            return markup.notices([str(error)])

    @spoken
    def _draw(self, *values: Any) -> list[object]:
        return self._drawn(*values)

    def draw_anew(self, first: str | None, second: str | None, whose: str, _: Looked) -> list[object]:
        """Two other runs: what cannot be compared is said where the comparison would stand."""
        try:
            return self._drawn(first, second, whose, Looked())
        except ClikaError as error:
            return self._empty(markup.notices([str(error)]))

    def _draw_if_grown(self, seen: int, *values: Any) -> list[object]:
        if self._watch.look() == seen:
            return [gr.skip() for _ in (*self.choosing, *self.everything)]
        if (
            not values[0] or not values[1]
        ):  # a tick from before a link's runs were chosen must not empty their place
            return [*self.offered(), gr.skip(), self._watch.look(), *[gr.skip() for _ in self.everything[2:]]]
        try:
            drawn = self._drawn(*values)
        except ClikaError as error:
            drawn = self._empty(markup.notices([str(error)]))
        return [*self.offered(), *drawn]

    def _empty(self, said: markup.Html) -> list[object]:
        hidden = gr.update(visible=False)
        off = gr.update(interactive=False)
        listing = (hidden, markup.NOTHING, off, off)
        return [Looked(), self._watch.look(), said, *listing, hidden, gr.skip(), markup.NOTHING]

    def _drawn(self, first: str | None, second: str | None, whose: str, looked: Looked) -> list[object]:
        if not first or not second:
            return self._empty(markup.NOTHING)
        found = comparison(self._index, first, second)
        summary = markup.joined([differences_html(found), changes_html(found, looked.count)])
        questions, earlier, later = markup.NOTHING, False, False
        if looked.language is not None and looked.change is not None:
            page = changed_questions(self._index, found, looked.language, looked.change, looked.offset)
            questions = changed_list(
                found, page, looked.offset, looked.language, looked.change, looked.question
            )
            earlier, later = looked.offset > 0, looked.offset + len(page.rows) < page.total
        return [
            looked,
            self._watch.look(),
            summary,
            gr.update(visible=looked.count is not None),
            questions,
            gr.update(interactive=earlier),
            gr.update(interactive=later),
            gr.update(visible=looked.question is not None),
            gr.update(choices=[(found.labels[one], at) for one, at in ((first, FIRST), (second, SECOND))]),
            self._cards(found.first.run if whose == FIRST else found.second.run, found.collection, looked),
        ]

    def _cards(self, run: str, collection: str, looked: Looked) -> markup.Html:
        if looked.question is None:
            return markup.NOTHING
        return question_in_full(self._index, collection, looked.question, run, looked.language)

    @spoken
    def _select_count(
        self, event: gr.EventData, first: str | None, second: str | None, whose: str, _: Looked
    ) -> list[object]:
        language, change = getattr(event, "language", None), getattr(event, "change", None)
        found = comparison(self._index, first, second)
        known = {one.language for one in found.by_language}
        if language not in known or change not in set(Change):
            raise UsageError(f"no count {change!r} of {language!r}; press one of the table")
        return self._drawn(first, second, whose, Looked(language, Change(change)))

    @spoken
    def _select_question(
        self, event: gr.EventData, first: str | None, second: str | None, whose: str, looked: Looked
    ) -> list[object]:
        dataset, question_id = getattr(event, "dataset", None), getattr(event, "question", None)
        if not isinstance(dataset, str) or not isinstance(question_id, str):
            raise UsageError(f"no question {question_id!r} in {dataset!r}; press one of the list")
        return self._drawn(first, second, whose, replace(looked, dataset=dataset, question_id=question_id))

    @spoken
    def _turn_back(self, first: str | None, second: str | None, whose: str, looked: Looked) -> list[object]:
        offset = max(0, looked.offset - CHANGED_A_PAGE)
        return self._drawn(first, second, whose, replace(looked, offset=offset))

    @spoken
    def _turn_on(self, first: str | None, second: str | None, whose: str, looked: Looked) -> list[object]:
        return self._drawn(first, second, whose, replace(looked, offset=looked.offset + CHANGED_A_PAGE))
