"""Tags of runs on the page: foundation or tuned, pretraining, tuned on which languages, made from which run."""

from typing import Any

import gradio as gr

from clika.database.index import Index
from clika.database.queries import answered_collections, run_summaries
from clika.figures.score_grid import language_name
from clika.languages import LANGUAGES
from clika.run_tags import Pretraining, RunTags, Tuning, checked_tags, read_tags, tag_run
from clika.ui import markup
from clika.ui.listeners import LOOK, check_writable, spoken
from clika.ui.run_labels import run_labels

UNSAID = ""


class TagsPanel:
    """A form over the store's runs, drawn into the open Blocks. ``saved`` fires after tags were kept."""

    def __init__(self, index: Index, read_only: bool = False) -> None:
        self._index, self._read_only = index, read_only
        with gr.Accordion("Tags of runs", open=False, visible=not read_only, elem_id="tags") as self.panel:
            with gr.Row(equal_height=False):
                self.run = gr.Dropdown([], label="Run", elem_id="tags-run", min_width=220)
                self.parent = gr.Dropdown(
                    [("Unsaid", UNSAID)],
                    value=UNSAID,
                    label="Made from",
                    elem_id="tags-parent",
                    min_width=220,
                )
            with gr.Row(equal_height=False):
                self.tuning = gr.Radio(
                    [
                        ("Unsaid", UNSAID),
                        ("Foundation", str(Tuning.FOUNDATION)),
                        ("Tuned", str(Tuning.TUNED)),
                    ],
                    value=UNSAID,
                    label="Model",
                    elem_id="tags-tuning",
                    min_width=260,
                )
                self.pretraining = gr.Radio(
                    [
                        ("Unsaid", UNSAID),
                        ("Mixed", str(Pretraining.MIXED)),
                        ("Continued", str(Pretraining.CONTINUED)),
                    ],
                    value=UNSAID,
                    label="Multilingual pretraining",
                    elem_id="tags-pretraining",
                    min_width=260,
                )
            self.tuned_on = gr.CheckboxGroup(
                [(language_name(code), code) for code in LANGUAGES],
                label="Tuned on",
                elem_id="tags-languages",
            )
            with gr.Row(equal_height=False):
                self.save = gr.Button("Save tags", size="sm", scale=0, min_width=120, elem_id="tags-save")
            self.said = gr.HTML(apply_default_css=False, elem_id="tags-said")
        self.panel.expand(self._offered, self.run, [self.run, self.parent, self.said], **LOOK)
        self.run.input(self._of_run, self.run, self._fields, **LOOK)
        self.saved = self.save.click(self._save, [self.run, *self._fields], self.said, **LOOK)

    @property
    def _fields(self) -> list[Any]:
        return [self.tuning, self.pretraining, self.tuned_on, self.parent]

    def _labels(self) -> dict[str, str]:
        """Every run of the store; one of another collection may be a parent too."""
        names = answered_collections(self._index)
        labels: dict[str, str] = {}
        for collection in names:
            runs = [summary.run for summary in run_summaries(self._index, collection)]
            more = f" · {collection}" if len(names) > 1 else ""
            labels |= {run: f"{label}{more}" for run, label in run_labels(runs).items()}
        return labels

    @spoken
    def _offered(self, chosen: str | None) -> list[object]:
        labels = self._labels()
        choices = [(label, run) for run, label in labels.items()]
        return [
            gr.update(choices=choices, value=chosen if chosen in labels else None),
            gr.update(choices=[("Unsaid", UNSAID), *choices]),
            self._said(labels),
        ]

    @spoken
    def _of_run(self, run: str | None) -> list[object]:
        tags = read_tags(self._index.store).get(run or "", RunTags())
        parent = tags.parent if tags.parent in self._labels() else None
        return [
            str(tags.tuning or UNSAID),
            str(tags.pretraining or UNSAID),
            list(tags.tuned_on),
            parent or UNSAID,
        ]

    @spoken
    def _save(
        self, run: object, tuning: object, pretraining: object, tuned_on: object, parent: object
    ) -> str:
        check_writable(self._read_only)
        labels = self._labels()
        tag_run(self._index.store, *checked_tags(run, tuning, pretraining, tuned_on, parent, labels))
        return self._said(labels)

    def _said(self, labels: dict[str, str]) -> markup.Html:
        """What is tagged so far."""
        held = {run: tags for run, tags in read_tags(self._index.store).items() if run in labels}
        if not held:
            return markup.paragraph("No run is tagged yet.", "clika-empty")
        pairs = [(labels[run], tags_in_words(tags, labels)) for run, tags in held.items()]
        return markup.definitions(sorted(pairs))


def tags_in_words(tags: RunTags, labels: dict[str, str]) -> str:
    """The tags of a run in a line."""
    words = [
        str(tags.tuning or ""),
        f"{tags.pretraining} pretraining" if tags.pretraining else "",
        f"tuned on {', '.join(map(language_name, tags.tuned_on))}" if tags.tuned_on else "",
        f"from {labels.get(tags.parent, tags.parent)}" if tags.parent else "",
    ]
    return ", ".join(word for word in words if word)
