"""The New run tab: which models are asked which questions, what that will take, the command for it, and Queue."""

import shutil
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import gradio as gr

from clika.database.index import Index
from clika.database.queries import collections
from clika.datasets.sample import SAMPLE_COLLECTION
from clika.errors import ClikaError, UsageError
from clika.jobs.queue import QueuedJob, submitted
from clika.jobs.spec import DEVICES, DTYPES, RULES, EvaluationJob
from clika.languages import LANGUAGES
from clika.prompts.templates import Template
from clika.question_sources import QuestionSource, keep_questions, sample_source, stored_source
from clika.records import DATASETS
from clika.settings import Settings
from clika.ui import markup
from clika.ui.command_line import shell_commands
from clika.ui.jobs_watch import JobsWatch
from clika.ui.listeners import LOOK, check_writable, spoken
from clika.ui.new_run import ALL, FITTING, OWN_TEXT, QUICK, QUICK_QUESTIONS, NewRun
from clika.ui.run_estimate import past_rates, run_estimate
from clika.ui.store_watch import StoreWatch

_TEMPLATES = {
    FITTING: "the one that fits",
    Template.RELEASED: "released",
    Template.ENGLISH: "english",
    Template.NATIVE: "native",
    Template.CHAT: "chat",
    Template.ALPACA: "alpaca",
    OWN_TEXT: "one of my own",
}
_OWN_EXAMPLE = """name = "careful"

[choice]
instruction = "One option is right."
text = '''
{instruction}
{demonstrations}Question ({language}): {question}
{options}
Answer:'''
"""


class NewRunTab:
    """The parts of the tab, drawn into the open Blocks; what Queue leads to is connected by the page."""

    def __init__(
        self, index: Index, settings: Settings, watch: StoreWatch, jobs: JobsWatch, devices: Sequence[str]
    ) -> None:
        self._index = index
        self._store = settings.store
        self.read_only = settings.read_only
        self._watch = watch
        self._jobs = jobs
        self._devices = tuple(devices)
        self._read: tuple[tuple[str, int], QuestionSource] | None = None
        self._draw_parts()
        self._connect()

    def _draw_parts(self) -> None:
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                self._draw_form()
                with gr.Accordion("Advanced settings", open=False, elem_id="advanced"):
                    self._draw_advanced()
            with gr.Column(scale=2, min_width=300, elem_classes="clika-way", elem_id="what-it-takes"):
                gr.Markdown("### What it takes")
                self.estimate = gr.HTML(apply_default_css=False, elem_id="estimate")
                self.queue = gr.Button("Queue", variant="primary", elem_id="queue-button")
                self.command = gr.Code(
                    label="The same from the command line",
                    language=None,  # the colours of the highlighter are too pale to read
                    interactive=False,
                    lines=1,
                    max_lines=14,
                    show_line_numbers=False,
                    buttons=["copy"],
                    visible=False,
                    elem_id="command",
                )

    def _draw_form(self) -> None:
        self.models = gr.Textbox(
            label="Models",
            info="A checkpoint's folder or a Hub id such as owner/name; several: one a line.",
            lines=2,
            max_lines=12,
            elem_id="models",
        )
        self.earlier = gr.Dropdown(
            label="Add a model of an earlier run",
            choices=[],
            value=None,
            visible=False,
            elem_id="earlier-models",
        )
        self.source = gr.Dropdown(
            self._sources(),
            value=SAMPLE_COLLECTION,
            label="Questions",
            info="The bundled sample (174 in ten languages), or a collection of this store.",
            filterable=False,
            elem_id="source",
        )
        self.languages = gr.CheckboxGroup(
            [(language.name, code) for code, language in LANGUAGES.items()],
            value=list(LANGUAGES),
            label="Languages",
            elem_id="languages",
        )
        self.preset = gr.Radio(
            [(f"Quick: {QUICK_QUESTIONS} questions a data set", QUICK), ("All questions", ALL)],
            value=QUICK,
            label="How many",
            elem_id="preset",
        )

    def _draw_advanced(self) -> None:
        with gr.Row():
            self.datasets = gr.Dropdown(
                [(name, name) for name in DATASETS],
                multiselect=True,
                label="Data sets",
                info="None chosen: all of the collection.",
                min_width=200,
            )
            self.limit = gr.Textbox(
                label="Questions a data set", info="Empty: as above.", min_width=150, elem_id="limit"
            )
        self.name = gr.Textbox(
            label="Name to show", info="Of one model. Empty: the folder's or id's last part."
        )
        self.template = gr.Dropdown(
            [(label, str(name)) for name, label in _TEMPLATES.items()],
            value=FITTING,
            label="Template",
            info="What fits is released where the questions hold the source's own text, else english.",
            filterable=False,
            elem_id="template",
        )
        self.template_text = gr.Textbox(
            label="Template of my own (TOML)",
            placeholder=_OWN_EXAMPLE,
            lines=9,
            max_lines=24,
            visible=False,
            elem_id="template-text",
        )
        with gr.Row():
            self.demonstrations = gr.Textbox(
                label="Demonstrations", info="Empty: 1, where there is a place for it.", min_width=150
            )
            self.permutations = gr.Number(1, label="Orders of the options", precision=0, min_width=150)
            self.rotated = gr.Checkbox(label="Rotate their letters", min_width=150)
        with gr.Row():
            self.rule = gr.Dropdown(list(RULES), value="letter", label="Scoring rule", filterable=False)
            self.dtype = gr.Dropdown(list(DTYPES), value="float32", label="Number format", filterable=False)
            self.device = gr.Dropdown(list(DEVICES), value="auto", label="Device", filterable=False)
        with gr.Row():
            self.replicas = gr.Number(1, label="Replicas", precision=0, min_width=120)
            self.gpus_per_replica = gr.Number(1, label="GPUs a replica", precision=0, min_width=120)
            self.batch_tokens = gr.Number(8192, label="Tokens a batch", precision=0, min_width=120)

    @property
    def fields(self) -> list[gr.components.Component]:
        """The form, in the order of NewRun's fields."""
        return [getattr(self, field.name) for field in fields(NewRun)]

    @property
    def offers(self) -> list[gr.components.Component]:
        """What ``offered`` draws, in its order."""
        return [self.earlier, self.source]

    def _connect(self) -> None:
        gr.on(
            [field.change for field in self.fields],  # type: ignore[attr-defined]  # each of them has it
            self.look,
            self.fields,
            [self.estimate, self.command, self.template_text],
            trigger_mode="always_last",
            **LOOK,
        )
        self.earlier.input(self._add, [self.models, self.earlier], [self.models, self.earlier], **LOOK)

    def offered(self) -> list[object]:
        """What the store offers now: models of earlier runs, sources."""
        models = dict.fromkeys(view.one.job.model for view in self._jobs.jobs() if view.one.job is not None)
        return [
            gr.update(choices=list(models), value=None, visible=bool(models)),
            gr.update(choices=self._sources()),
        ]

    def _sources(self) -> list[tuple[str, str]]:
        stored = [(name, name) for name in collections(self._index) if name != SAMPLE_COLLECTION]
        return [("Bundled sample", SAMPLE_COLLECTION), *stored]

    def _add(self, models: str | None, earlier: str | None) -> list[object]:
        lines = [line for line in (models or "").splitlines() if line.strip()]
        return ["\n".join(dict.fromkeys([*lines, *([earlier] if earlier else [])])), None]

    def look(self, *values: Any) -> list[object]:
        """What the form would take, and the commands for it; a sentence where it cannot be."""
        form = NewRun(*values)
        own = gr.update(visible=form.template == OWN_TEXT)
        if not str(form.models or "").strip():
            return [
                markup.paragraph("Name a model, and what it takes is said here.", "clika-empty"),
                gr.update(visible=False),
                own,
            ]
        try:
            source = self._source(form.source)
            jobs = form.jobs(source)
            rates = past_rates(self._jobs.jobs())
            estimate = run_estimate(jobs, source.questions, rates, self._devices)
        except ClikaError as error:
            return [markup.notices([str(error)]), gr.update(visible=False), own]
        listed = markup.definitions(estimate.pairs(self._devices, shutil.disk_usage(self._store).free))
        commands = "\n".join(shell_commands(job, self._store) for job in jobs)
        return [listed, gr.update(value=commands, visible=True), own]

    def _source(self, name: object) -> QuestionSource:
        """The questions of a source, kept as long as the store does not grow."""
        if name != SAMPLE_COLLECTION and name not in collections(self._index):
            raise UsageError(f"no collection {name!r} in this store; choose one of those offered")
        key = (str(name), self._watch.look())
        if self._read is None or self._read[0] != key:
            kept = sample_source() if name == SAMPLE_COLLECTION else stored_source(self._store, str(name))
            self._read = (key, kept)
        return self._read[1]

    @spoken
    def queue_jobs(self, *values: Any) -> str:
        """Put the form's jobs into the queue; returns the first one's id. Nothing is queued where one cannot be."""
        queued = self.queued(NewRun(*values))
        gr.Info(markup.toast("1 job queued." if len(queued) == 1 else f"{len(queued)} jobs queued."))
        return queued[0].job_id

    def queued(self, form: NewRun) -> tuple[QueuedJob, ...]:
        """The form's jobs, in the queue. Raises UsageError for what cannot be, before anything is queued."""
        check_writable(self.read_only)
        source = self._source(form.source)
        jobs = form.jobs(source)
        run_estimate(jobs, source.questions, {}, self._devices)  # what cannot be asked is said now
        keep_questions(self._store, source)
        return tuple(submitted(self._store, job) for job in jobs)

    def filled(self, job: EvaluationJob) -> list[object]:
        """The form that asks for a job again, field by field."""
        form = NewRun.of(job)
        values = {field.name: getattr(form, field.name) for field in fields(form)}
        values["source"] = gr.update(choices=self._sources(), value=job.collection)
        return [list(value) if isinstance(value, tuple) else value for value in values.values()]
