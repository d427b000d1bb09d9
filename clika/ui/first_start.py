"""What an empty dashboard offers: the authors' answers from a folder, or a model asked at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from clika.errors import UsageError
from clika.imports import import_release
from clika.settings import Settings
from clika.ui import markup
from clika.ui.evaluations import SMALL_MODEL, Evaluations
from clika.ui.listeners import LOOK, spoken
from clika.ui.store_watch import StoreWatch


@dataclass(frozen=True, slots=True)
class ImportForm:
    """Where a folder to import is written, and the button that imports it."""

    folder: gr.Textbox
    button: gr.Button


@dataclass(frozen=True, slots=True)
class FirstStart:
    """The panel that an empty store shows, and what a person does with it."""

    panel: gr.Column
    importing: ImportForm
    model: gr.Textbox
    data: gr.Textbox
    evaluate: gr.Button


def build_first_start() -> FirstStart:
    """Draw the panel, hidden, into the open Blocks."""
    with gr.Column(visible=False, elem_id="first-start") as panel:
        gr.Markdown(
            "## Nothing to show yet\n"
            "CLiKA asks whether a language model knows the same things in every language."
            " Give it answers in one of two ways."
        )
        with gr.Row(equal_height=True):
            with gr.Column(min_width=300, elem_classes="clika-way"):
                gr.Markdown(
                    "### Evaluate a small model\n"
                    "A checkpoint's folder or Hub id, asked 20 questions a data set in every language. The heatmap"
                    " appears here and fills as answers come in. The tab *New run* offers more."
                )
                model = gr.Textbox(SMALL_MODEL, label="Model", elem_id="evaluate-model")
                data = gr.Textbox(
                    label="Folder with the questions",
                    info="Empty: the bundled sample, which needs no data.",
                    placeholder="../CLiKA",
                    elem_id="evaluate-data",
                )
                evaluate = gr.Button("Evaluate this model", variant="primary", elem_id="evaluate-button")
            with gr.Column(min_width=300, elem_classes="clika-way"):
                gr.Markdown(
                    "### Import the authors' answers\n"
                    "A folder with `x_csqa`, `x_copa`, `x_geo` and `x_name`"
                    " (a clone of the repository RiverGao/CLiKA). It is read, never changed."
                )
                folder = gr.Textbox(label="Folder", placeholder="../CLiKA", elem_id="import-folder")
                button = gr.Button("Import this folder", variant="primary", elem_id="import-button")
    return FirstStart(panel, ImportForm(folder, button), model, data, evaluate)


def connect_imports(
    forms: Sequence[ImportForm],
    report: gr.HTML,
    settings: Settings,
    watch: StoreWatch,
    drawn_after: Callable[[gr.events.Dependency], object],
) -> None:
    """Let every form import its folder, told in ``report``; ``drawn_after`` draws what came in."""
    if settings.read_only:
        _hide([form.button for form in forms])
        return
    buttons = [form.button for form in forms]

    def begin() -> list[object]:
        wait = markup.notices(["Reading the folder…"])
        return [gr.update(value=wait, visible=True), *(gr.update(interactive=False) for _ in buttons)]

    @spoken
    def take_in(folder: str) -> list[object]:
        if not folder or not folder.strip():
            raise UsageError("no folder is named; write the path of the release's folder, such as ../CLiKA")
        done = import_release(Path(folder.strip()).expanduser(), settings.store)
        watch.look(at_once=True)
        told = (*done.sentences(), *done.faults)
        return [gr.update(value=markup.notices(told), visible=True), ""]

    def end() -> list[object]:
        return [gr.update(interactive=True) for _ in buttons]

    def end_failed() -> list[object]:
        return [gr.update(value="", visible=False), *end()]

    for form in forms:
        taken = form.button.click(begin, None, [report, *buttons], **LOOK).then(
            take_in, form.folder, [report, form.folder], show_progress="hidden", api_visibility="private"
        )
        taken.failure(end_failed, None, [report, *buttons], **LOOK)
        drawn_after(taken.success(end, None, buttons, **LOOK))


def _hide(buttons: Sequence[gr.Button]) -> None:
    """Take what stands around each button off a page that only shows; nothing is connected to it."""
    for button in buttons:
        if button.parent is not None:
            button.parent.visible = False


def connect_evaluation(first: FirstStart, work: gr.HTML, timer: gr.Timer, evaluations: Evaluations) -> None:
    """Let the panel start an evaluation; how the newest is doing is told in ``work``."""
    if evaluations.read_only:
        _hide([first.evaluate])
        return

    @spoken
    def evaluate(model: str, data: str) -> dict[str, object]:
        evaluations.start(model, data)
        return working()

    def working() -> dict[str, object]:
        told = evaluations.sentences()
        update: dict[str, object] = gr.update(value=markup.notices(told), visible=bool(told))
        return update

    first.evaluate.click(
        evaluate, [first.model, first.data], work, show_progress="hidden", api_visibility="private"
    )
    timer.tick(working, None, work, **LOOK)
