"""The Results tab: the heatmap first; below it the questions of a cell; below them one question in full.

What it shows is made by results_view.py, results_figures.py and results_cell.py; here stand the parts of the page
and the wires between them. A listener can be called by anybody who reaches the page, so every value that arrives is
checked. Listeners answer with what changed alone, part by part.
"""

from dataclasses import replace
from typing import Any

import gradio as gr

from clika.database.index import Index
from clika.database.queries import answered_collections, run_summaries
from clika.demo import demo
from clika.errors import ClikaError
from clika.settings import Settings
from clika.ui import markup
from clika.ui.evaluations import Evaluations
from clika.ui.first_start import ImportForm, build_first_start, connect_evaluation, connect_imports
from clika.ui.guided_look import GuidedLookPart
from clika.ui.listeners import LOOK, script, spoken
from clika.ui.question_panel import QuestionPanel
from clika.ui.results_cell import (
    LONGEST_SEARCH,
    QUESTIONS_A_PAGE,
    Chosen,
    checked_cell,
    checked_question,
    question_shown,
)
from clika.ui.results_exports import ResultsExports
from clika.ui.results_figures import Shape, figure_of
from clika.ui.results_link import READ_ADDRESS, WRITE_ADDRESS, Switches, link_of, switches_of
from clika.ui.results_switches import SwitchParts, switches
from clika.ui.results_tags import TagsPanel
from clika.ui.results_view import View, required_view, scores_of_view, view_of_store
from clika.ui.store_watch import StoreWatch

Updates = dict[Any, object]

SHOW_CELL = "() => document.querySelector('#cell')?.scrollIntoView({behavior: 'smooth', block: 'nearest'})"
SHOW_CARDS = """() => setTimeout(() => {
  document.querySelector('#question-panel')?.scrollIntoView({behavior: 'smooth', block: 'start'});
  document.querySelector('#question h2')?.focus({preventScroll: true});
}, 50)"""
"""The list was drawn anew with the button that had the focus: it goes on to the question."""
SHOW_LINKED = f"""() => {{
  const wanted = new URLSearchParams(window.location.search);
  if (!wanted.get("question") || (wanted.get("tab") ?? "results") !== "results") return;
  const show = {SHOW_CARDS};
  const look = (times) => {{
    if (document.querySelector('#question h2')) show();
    else if (times) setTimeout(look, 100, times - 1);
  }};
  look(50);
}}"""
"""A link to a question leads there: it may stand far below the heatmap."""


class ResultsTab:
    """The parts of the tab, drawn into the open Blocks and connected."""

    def __init__(self, index: Index, settings: Settings, watch: StoreWatch, page: gr.Blocks) -> None:
        self._index = index
        self._watch = watch
        self._read_only = settings.read_only
        self._store = settings.store
        self._draw_parts()
        self._connect(settings, page)

    def _draw_parts(self) -> None:
        self.dark = gr.Checkbox(visible=False)
        self.link = gr.Textbox("", visible=False)
        self.chosen = gr.State(Chosen())
        self.drawn = gr.State(-1)
        self.notices = gr.HTML(visible=False, apply_default_css=False, elem_id="results-notices")
        self.guide = GuidedLookPart(self._index, self._store, self._watch, demo())
        self.first = build_first_start()
        with gr.Column(visible=False, elem_id="results") as self.results:
            self.switches = SwitchParts()
            self.plot = gr.Plot(show_label=False, container=False, elem_id="heatmap", buttons=[])
            self.table = gr.HTML(
                visible=False, apply_default_css=False, elem_id="score-table", js_on_load=script("cells.js")
            )
            self.note = gr.HTML(
                apply_default_css=False, elem_id="heatmap-note", js_on_load=script("heatmap.js")
            )
            self.exports = ResultsExports(self._index)
            self.tags = TagsPanel(self._index, self._read_only)
            self.panel = QuestionPanel(self._index)
            with gr.Accordion("Import another folder", open=False):
                more_folder = gr.Textbox(label="Folder", placeholder="../CLiKA")
                self.more = ImportForm(more_folder, gr.Button("Import this folder"))
        self.report = gr.HTML(visible=False, apply_default_css=False, elem_id="import-report")
        self.work = gr.HTML(visible=False, apply_default_css=False, elem_id="evaluation-report")
        self.timer = gr.Timer(1.5)

    def _connect(self, settings: Settings, page: gr.Blocks) -> None:
        panel, parts = self.panel, self.switches
        wired = [*parts.inputs, self.dark, self.chosen]
        of_question = [
            *(self.chosen, self.link, panel.question_panel, panel.question, panel.map, panel.place),
            *(panel.before, panel.after, panel.shown, panel.grouped),
        ]
        of_list = [self.chosen, self.link, panel.questions, panel.earlier, panel.later]
        of_cell = [*of_list, panel.cell_panel, panel.cell_heading, *panel.filters]
        of_view = [self.plot, self.table, self.note, *parts.inputs]
        together = [self.drawn, self.dark, self.notices, self.first.panel, self.results]
        everything = list(dict.fromkeys([*together, *of_view, *of_cell, *of_question]))

        page.load(self._open, [self.dark, self.link], everything, js=READ_ADDRESS, **LOOK).then(
            None, js=SHOW_LINKED, api_visibility="private"
        )
        self.link.change(None, self.link, js=WRITE_ADDRESS, api_visibility="private")
        self.timer.tick(self._draw_if_grown, [self.drawn, *wired], everything, **LOOK)
        # One listener for all: two draws under way at once could arrive in the wrong order.
        gr.on(
            [switch.input for switch in parts.inputs],
            self._draw,
            wired,
            everything,
            trigger_mode="always_last",
            **LOOK,
        )
        for pressed in (self.note, self.table):
            pressed.click(self._press, wired, everything, **LOOK).then(
                None, js=SHOW_CELL, api_visibility="private"
            )
        for choice in panel.filters:
            if choice is not panel.search:
                choice.input(self._filter, [*panel.filters, *wired], of_list, **LOOK)
        # While somebody types, a Textbox sends "change" alone. A restored one does too, before the others are.
        panel.search.change(self._search, [panel.search, *wired], of_list, trigger_mode="always_last", **LOOK)
        panel.earlier.click(self._turn(-QUESTIONS_A_PAGE), wired, of_list, **LOOK)
        panel.later.click(self._turn(QUESTIONS_A_PAGE), wired, of_list, **LOOK)
        panel.questions.click(self._select_question, wired, [panel.questions, *of_question], **LOOK).then(
            None, js=SHOW_CARDS, api_visibility="private"
        )
        panel.before.click(self._step(False), wired, [*of_list, *of_question], **LOOK)
        panel.after.click(self._step(True), wired, [*of_list, *of_question], **LOOK)
        panel.shown.input(self._show_model, [panel.shown, *wired], of_question, **LOOK)
        panel.grouped.input(self._group, [panel.grouped, *wired], of_question, **LOOK)
        panel.map.click(self._select_on_map, wired, of_question, **LOOK)
        self.tags.saved.success(self._draw, wired, everything, **LOOK)
        self.exports.connect(self._now, wired, panel.json)
        for copies in (panel.copy, self.exports.link):
            self.exports.copies_link(copies, self._link, wired, self.link)
        self.guide.connect(page, self.timer)
        connect_evaluation(self.first, self.work, self.timer, Evaluations(settings))
        connect_imports(
            [self.first.importing, self.more],
            self.report,
            settings,
            self._watch,
            lambda imported: imported.then(self._draw, wired, everything, **LOOK),
        )

    # What follows is called by Gradio; ``values`` are those of the switches, one after the other.

    @spoken
    def _open(self, dark: bool, query: str) -> Updates:
        """The page as its address wishes it."""
        wanted = switches_of(str(query or ""), bool(dark))
        made = self._redrawn(wanted, held=Switches())
        gone = self._gone(wanted, made.get(self.chosen))
        if gone:
            notices = markup.notices([*self._index.notices, *gone])
            made[self.notices] = gr.update(value=notices, visible=True)
        return {self.dark: dark, **made}

    def _gone(self, wanted: Switches, shown: object) -> list[str]:
        """What a link named and the store does not hold: something else is shown, and should not pass for it."""
        if not isinstance(shown, Chosen):  # nothing is shown yet
            return []
        known = answered_collections(self._index)
        if wanted.collection is not None and wanted.collection not in known:
            return [
                f"The link names collection {wanted.collection[:80]!r}, of which this store has no answers."
            ]
        asked = wanted.chosen
        if asked.cell is not None and asked.cell != shown.cell:
            run, language = asked.cell
            return [f"The link names run {run[:80]!r} in {language[:20]!r}, which is not in this collection."]
        if asked.question is not None and shown.question is None:
            dataset, question_id = asked.question
            return [
                f"The link names question {question_id[:80]!r} of {dataset[:40]!r}, which is not among these."
            ]
        return []

    @spoken
    def _draw(self, *values: Any) -> Updates:
        now = switches(*values)
        return self._redrawn(replace(now, chosen=replace(now.chosen, offset=0)), linked=True)

    @spoken
    def _draw_if_grown(self, seen: int, *values: Any) -> Updates:
        if self._watch.look() == seen:
            return {self.drawn: gr.skip()}
        made = self._redrawn(switches(*values))
        made.pop(self.panel.search, None)  # somebody may be writing in it
        return made

    def _redrawn(self, now: Switches, linked: bool = False, held: Switches | None = None) -> Updates:
        """Everything on the tab, for the store as it stands.

        ``linked`` writes the address too; ``held`` is what the page's switches say, where that is not ``now``.
        """
        notices = self._index.notices
        made: Updates = {
            self.drawn: self._watch.look(),
            self.notices: gr.update(value=markup.notices(notices), visible=bool(notices)),
        }
        view = view_of_store(self._index, now.collection, now.metric, now.scope, now.wish)
        waits = view is None or self.guide.waits
        made[self.first.panel] = gr.update(visible=waits)
        made[self.results] = gr.update(visible=not waits)
        if view is None or waits:  # what an address wishes is held until there is something to show
            return made if held is None else {**made, **self.switches.wished(now)}
        chosen = self._still_there(now, view)
        scores = scores_of_view(self._index, view)
        shown = replace(now, collection=view.collection, metric=view.metric, scope=view.scope, chosen=chosen)
        as_table = now.shape is Shape.TABLE
        figure = None if as_table else figure_of(self._index, view, scores, now.shape, now.dark, chosen.cell)
        sentences = [*([figure.sentence] if figure and figure.sentence else ()), *scores.sentences]
        return {
            **made,
            **self.switches.updates(view, scores, now.shape, held or now),
            self.plot: gr.update(value=figure.figure, visible=figure.figure is not None)
            if figure
            else gr.update(visible=False),
            self.table: gr.update(
                value=markup.score_table_html(scores.grid, now.dark, chosen.cell, scores.wish.sort),
                visible=True,
            )
            if as_table
            else gr.update(value="", visible=False),
            self.note: markup.tag("div", *(markup.paragraph(sentence) for sentence in sentences)),
            **self.panel.cell_updates(view, scores, chosen),
            **self.panel.question_updates(view, chosen),
            self.chosen: chosen,
            **({self.link: link_of(replace(shown, wish=scores.wish))} if linked else {}),
        }

    def _still_there(self, now: Switches, view: View) -> Chosen:
        """What is selected, less what the view does not hold: another collection, or an old link."""
        chosen = now.chosen
        if now.collection is not None and view.collection != now.collection:
            return Chosen()
        known = {summary.run.run for summary in run_summaries(self._index, view.collection)}
        if chosen.shown is not None and chosen.shown not in known:
            chosen = replace(chosen, shown=None)
        if chosen.run is not None or chosen.language is not None:
            try:
                checked_cell(self._index, view.collection, chosen.run, chosen.language)
            except ClikaError:
                return Chosen()
        if chosen.question is not None:
            try:
                checked_question(self._index, view.collection, *chosen.question)
            except ClikaError:
                return replace(chosen, dataset=None, question_id=None)
            if chosen.dataset not in view.datasets:
                return replace(chosen, dataset=None, question_id=None)
        return chosen

    def _now(self, values: tuple[Any, ...]) -> tuple[Switches, View]:
        now = switches(*values)
        view = required_view(self._index, now.collection, now.metric, now.scope, now.wish)
        return replace(now, collection=view.collection, metric=view.metric, scope=view.scope), view

    def _linked(self, now: Switches, chosen: Chosen) -> Updates:
        return {self.chosen: chosen, self.link: link_of(replace(now, chosen=chosen))}

    @spoken
    def _link(self, *values: Any) -> str:
        return link_of(self._now(values)[0])

    @spoken
    def _press(self, event: gr.EventData, *values: Any) -> Updates:
        """A cell, or the head of a column that sorts."""
        now, view = self._now(values)
        sort = getattr(event, "sort", None)
        if isinstance(sort, str):
            return self._redrawn(replace(now, wish=replace(now.wish, sort=sort)), linked=True, held=now)
        run, language = checked_cell(
            self._index, view.collection, getattr(event, "run", None), getattr(event, "language", None)
        )
        chosen = Chosen(run=run, language=language, grouped=now.chosen.grouped)
        return {
            **self.panel.cell_updates(view, scores_of_view(self._index, view), chosen),
            **self.panel.question_updates(view, chosen),
            **self._linked(now, chosen),
        }

    @spoken
    def _filter(self, *values: Any) -> Updates:
        count = len(self.panel.filters)
        now, view = self._now(values[count:])
        chosen = self.panel.filtered(now.chosen, *values[:count])
        return {**self.panel.list_updates(view, chosen), **self._linked(now, chosen)}

    @spoken
    def _search(self, text: str | None, *values: Any) -> Updates:
        now, view = self._now(values)
        searched = replace(now.chosen.wanted, search=str(text or "")[:LONGEST_SEARCH])
        if searched == now.chosen.wanted or now.chosen.cell is None:
            return {self.chosen: gr.skip()}
        chosen = replace(now.chosen, wanted=searched, offset=0)
        return {**self.panel.list_updates(view, chosen), **self._linked(now, chosen)}

    def _turn(self, by: int) -> Any:
        @spoken
        def turn(*values: Any) -> Updates:
            now, view = self._now(values)
            chosen = replace(now.chosen, offset=max(0, now.chosen.offset + by))
            return {**self.panel.list_updates(view, chosen), **self._linked(now, chosen)}

        return turn

    @spoken
    def _select_question(self, event: gr.EventData, *values: Any) -> Updates:
        now, view = self._now(values)
        dataset, question_id = checked_question(
            self._index, view.collection, getattr(event, "dataset", None), getattr(event, "question", None)
        )
        chosen = replace(now.chosen, dataset=dataset, question_id=question_id)
        listed = self.panel.list_updates(view, chosen)
        return {
            self.panel.questions: listed[self.panel.questions],
            **self.panel.question_updates(view, chosen),
            **self._linked(now, chosen),
        }

    def _step(self, on: bool) -> Any:
        @spoken
        def step(*values: Any) -> Updates:
            """The question before or after, and the page of the list that it stands on."""
            now, view = self._now(values)
            shown = question_shown(self._index, view, now.chosen)
            to = shown.after if on else shown.before
            if to is None:
                return {self.chosen: gr.skip()}
            position = (shown.position or 0) + (1 if on else -1)
            chosen = replace(
                now.chosen,
                dataset=to[0],
                question_id=to[1],
                offset=position // QUESTIONS_A_PAGE * QUESTIONS_A_PAGE,
            )
            return {
                **self.panel.list_updates(view, chosen),
                **self.panel.question_updates(view, chosen),
                **self._linked(now, chosen),
            }

        return step

    @spoken
    def _show_model(self, run: str | None, *values: Any) -> Updates:
        now, view = self._now(values)
        checked_cell(self._index, view.collection, run, now.chosen.language)
        chosen = replace(now.chosen, shown=None if run == now.chosen.run else run)
        return {**self.panel.question_updates(view, chosen), **self._linked(now, chosen)}

    @spoken
    def _group(self, grouped: bool, *values: Any) -> Updates:
        now, view = self._now(values)
        chosen = replace(now.chosen, grouped=bool(grouped))
        return {**self.panel.question_updates(view, chosen), **self._linked(now, chosen)}

    @spoken
    def _select_on_map(self, event: gr.EventData, *values: Any) -> Updates:
        _, view = self._now(values)
        run, _ = checked_cell(
            self._index, view.collection, getattr(event, "run", None), getattr(event, "language", None)
        )
        return self._show_model(run, *values)
