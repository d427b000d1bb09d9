"""Files of what the Results tab shows: scores as CSV, LaTeX and JSON, the figure as HTML, PNG and SVG.

Texts go to the browser, which keeps them as a file: nothing is written on the server. PNG and SVG are drawn by the
browser's own Plotly.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from clika.database.index import Index
from clika.database.queries import parallel_question, prediction_rows
from clika.errors import UsageError
from clika.exports.predictions import question_json
from clika.exports.scores import SCORE_FORMATS
from clika.figures.figure_files import figure_html, figure_to_draw, on_paper
from clika.figures.heatmap import written
from clika.ui.arrangement import renamed
from clika.ui.listeners import LOOK, spoken
from clika.ui.results_figures import figure_of
from clika.ui.results_link import COPY_LINK, Switches
from clika.ui.results_view import View, scores_of_view

TEXTS = {"csv": ("csv", "text/csv"), "latex": ("tex", "text/plain"), "json": ("json", "application/json")}
KEEP_FILE = """(told) => {
  if (!told) return;
  const { name, kind, text } = JSON.parse(told);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: kind + ";charset=utf-8" }));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}"""
"""JavaScript that keeps a text as a file: ``{"name", "kind", "text"}``."""
DRAW_FILE = """async (told) => {
  if (!told) return;
  const { figure, options } = JSON.parse(told);
  await window.Plotly.downloadImage(figure, options);
}"""

Reading = Callable[[tuple[Any, ...]], tuple[Switches, View]]


class ResultsExports:
    """The buttons, drawn into the open Blocks; ``connect`` wires them to the tab's switches."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.file = gr.Textbox("", visible=False)
        with gr.Accordion("Export", open=False, elem_id="exports"), gr.Row(equal_height=False):
            self.texts = {
                form: gr.Button(label, size="sm", min_width=90, scale=0, elem_id=f"export-{form}")
                for form, label in (("csv", "CSV"), ("latex", "LaTeX"), ("json", "JSON"))
            }
            self.html = gr.Button("Figure: HTML", size="sm", min_width=120, scale=0, elem_id="export-html")
            self.images = {
                form: gr.Button(
                    f"Figure: {form.upper()}", size="sm", min_width=120, scale=0, elem_id=f"export-{form}"
                )
                for form in ("png", "svg")
            }
            self.link = gr.Button("Copy link", size="sm", min_width=100, scale=0, elem_id="export-link")

    def connect(self, reading: Reading, wired: list[Any], question: gr.Button) -> None:
        """``reading`` turns what ``wired`` says into switches and view; ``question`` asks for its question's JSON."""
        buttons: list[tuple[gr.Button, Callable[..., str], str]] = [
            *((button, self._scores(form, reading), KEEP_FILE) for form, button in self.texts.items()),
            (self.html, self._page(reading), KEEP_FILE),
            *((button, self._image(form, reading), DRAW_FILE) for form, button in self.images.items()),
            (question, self._question(reading), KEEP_FILE),
        ]
        for button, made, kept in buttons:
            button.click(made, wired, self.file, **LOOK).success(
                None, self.file, js=kept, api_visibility="private"
            )

    def copies_link(
        self, button: gr.Button, link: Callable[..., str], wired: list[Any], address: gr.Textbox
    ) -> None:
        """A press puts the address of what is seen into the clipboard."""
        button.click(link, wired, address, **LOOK).success(
            None, address, js=COPY_LINK, api_visibility="private"
        ).success(lambda: gr.Info("The link is in the clipboard."), **LOOK)

    def _scores(self, form: str, reading: Reading) -> Callable[..., str]:
        @spoken
        def scores_file(*values: Any) -> str:  # "scores" is the API's name
            _, view = reading(values)
            shown = scores_of_view(self._index, view)
            named = {  # as the rows are called here, where one model may have several runs
                run: replace(one, model=replace(one.model, name=shown.labels.get(run, one.model.name)))
                for run, one in shown.runs.items()
            }
            ending, kind = TEXTS[form]
            return _file(_name(view, ending), kind, SCORE_FORMATS[form](renamed(shown.rows), named))

        return scores_file

    def _figure(self, values: tuple[Any, ...], reading: Reading) -> tuple[Any, str]:
        now, view = reading(values)
        scores = scores_of_view(self._index, view)
        made = figure_of(self._index, view, scores, now.shape, now.dark)
        if made.figure is None:
            raise UsageError(f"there is no figure to keep. {made.sentence}")
        return on_paper(made.figure, now.dark, written(scores.grid.title)), _name(view, "")

    def _page(self, reading: Reading) -> Callable[..., str]:
        @spoken
        def page(*values: Any) -> str:
            figure, name = self._figure(values, reading)
            return _file(f"{name}html", "text/html", figure_html(figure))

        return page

    def _image(self, form: str, reading: Reading) -> Callable[..., str]:
        @spoken
        def image(*values: Any) -> str:
            figure, name = self._figure(values, reading)
            return figure_to_draw(figure, form, name.removesuffix("."))

        return image

    def _question(self, reading: Reading) -> Callable[..., str]:
        @spoken
        def question(*values: Any) -> str:
            now, view = reading(values)
            if now.chosen.question is None:
                raise UsageError("no question is open; press one of the list")
            dataset, question_id = now.chosen.question
            rows = prediction_rows(self._index, view.collection, None, dataset, question_id)
            asked = parallel_question(self._index, view.collection, dataset, question_id)
            whole = json.dumps([question_json(one, rows) for one in asked], ensure_ascii=False, indent=1)
            return _file(_safe(f"{dataset}-{question_id}") + ".json", "application/json", whole + "\n")

        return question


def _file(name: str, kind: str, text: str) -> str:
    return json.dumps({"name": name, "kind": kind, "text": text})


def _name(view: View, ending: str) -> str:
    return f"{_safe(f'clika-{view.collection}-{view.metric}-{view.scope}')}.{ending}"


def _safe(name: str) -> str:
    """A file's name of letters, digits and dashes."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:100]
