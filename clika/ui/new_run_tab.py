"""The New run tab: which models are asked which questions, what that will take, the command for it, and Queue."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr

from clika.checkpoints.unregistered import check_unregistered
from clika.database.index import Index
from clika.database.queries import collections
from clika.datasets.sample import SAMPLE_COLLECTION
from clika.errors import ClikaError, UsageError
from clika.figures.score_grid import language_name
from clika.jobs.devices import device_memory
from clika.jobs.queue import QueuedJob, submitted
from clika.jobs.spec import DEVICES, DTYPES, RULES, EvaluationJob
from clika.languages import ALL_LANGUAGES, LANGUAGES
from clika.prompts.templates import Template
from clika.question_sources import QuestionSource, keep_questions, sample_source, stored_source
from clika.records import DATASETS
from clika.settings import Settings
from clika.ui import markup
from clika.ui.command_line import shell_commands
from clika.ui.hub_search import hub_models
from clika.ui.jobs_watch import JobsWatch
from clika.ui.listeners import LOOK, READ_ONLY, check_writable, spoken
from clika.ui.live_run import LiveModel
from clika.ui.new_run import (
    CONDUCTIVITY,
    FITTING,
    OWN_TEXT,
    PAPER,
    QUICK,
    QUICK_QUESTIONS,
    NewRun,
)
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
_AS_THE_PAPER = {
    "languages": list(LANGUAGES),
    "datasets": [],
    "limit": "",
    "template": FITTING,
    "demonstrations": "",
    "rotated": False,
    "permutations": 1,
    "rule": "letter",
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
_NO_MODEL_YET = markup.paragraph("Name a model, and what it takes is said here.", "clika-empty")


class NewRunTab:
    """The parts of the tab, drawn into the open Blocks; what Queue leads to is connected by the page."""

    def __init__(
        self,
        index: Index,
        settings: Settings,
        watch: StoreWatch,
        jobs: JobsWatch,
        devices: Sequence[str],
        bundled: Sequence[LiveModel] = (),
        registered: Callable[[], Sequence[tuple[str, str]]] = tuple,
    ) -> None:
        """``bundled`` models and those that ``registered`` names, as (label, line of the form), can be added."""
        self._index = index
        self._store = settings.store
        self.read_only = settings.read_only
        self._watch = watch
        self._jobs = jobs
        self._devices = tuple(devices)
        self._memory = device_memory(devices)
        self._registered = registered
        self._bundled = {str(one.folder): one for one in bundled}
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
                gr.Markdown("## What it takes")
                said = markup.NOTHING if self.read_only else _NO_MODEL_YET
                self.estimate = gr.HTML(said, apply_default_css=False, elem_id="estimate")
                self.queue = gr.Button("Queue", variant="primary", elem_id="queue-button")
                self.command = gr.Code(
                    label="The same from the command line",
                    language=None,  # the colours of the highlighter are too pale to read
                    interactive=False,
                    lines=1,
                    max_lines=14,
                    wrap_lines=True,
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
        self.known = gr.Dropdown(
            label="Add a model that is known here",
            info="Bundled and registered ones, and those of earlier runs.",
            choices=self._known_models(),
            value=None,
            visible=bool(self._known_models()),
            elem_id="known-models",
        )
        with gr.Row(equal_height=False, elem_id="hub"):
            self.wanted = gr.Textbox(
                label="Look for a model on the Hub",
                placeholder="a part of its name",
                scale=3,
                min_width=180,
                elem_id="hub-wanted",
            )
            self.search = gr.Button("Search", size="sm", scale=0, min_width=90, elem_id="hub-search")
            self.found = gr.Dropdown(
                [],
                value=None,
                label="Add one that was found",
                visible=False,
                scale=3,
                min_width=180,
                elem_id="hub-found",
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
            _language_choices(),
            value=list(LANGUAGES),
            label="Languages",
            elem_id="languages",
        )
        self.preset = gr.Radio(
            [
                (f"Quick: {QUICK_QUESTIONS} questions a data set", QUICK),
                ("Paper: all questions, asked as the authors did", PAPER),
                ("Conductivity: teach, then ask", CONDUCTIVITY),
            ],
            value=QUICK,
            label="What for",
            elem_id="preset",
        )

    def _draw_advanced(self) -> None:
        with gr.Row():
            self.datasets = gr.Dropdown(
                _dataset_choices(),
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
            self.cores = gr.Number(0, label="Cores a replica (0: all)", precision=0, min_width=120)
            self.batch_tokens = gr.Number(8192, label="Tokens a batch", precision=0, min_width=120)

    @property
    def fields(self) -> list[gr.components.Component]:
        """The form, in the order of NewRun's fields."""
        return [getattr(self, field.name) for field in fields(NewRun)]

    @property
    def offers(self) -> list[gr.components.Component]:
        """What ``offered`` draws, in its order."""
        return [self.known, self.source]

    def _connect(self) -> None:
        gr.on(
            [field.change for field in self.fields],  # type: ignore[attr-defined]  # each of them has it
            self.look,
            self.fields,
            [self.estimate, self.command, self.template_text],
            trigger_mode="always_last",
            **LOOK,
        )
        asked = [self.models, self.template, self.demonstrations]
        self.known.input(self._add, [self.known, *asked], [self.known, *asked], **LOOK)
        self.found.input(self._add, [self.found, *asked], [self.found, *asked], **LOOK)
        gr.on([self.search.click, self.wanted.submit], self._search, self.wanted, self.found, **LOOK)
        self.source.input(self._of_source, self.source, [self.languages, self.datasets], **LOOK)
        as_paper = [getattr(self, name) for name in _AS_THE_PAPER]
        self.preset.input(self._preset, self.preset, as_paper, **LOOK)

    def offered(self) -> list[object]:
        """What the store offers now: models of earlier runs, sources."""
        models = self._known_models()
        return [
            gr.update(choices=models, value=None, visible=bool(models)),
            gr.update(choices=self._sources()),
        ]

    @spoken
    def _of_source(self, name: object) -> list[object]:
        """The languages and data sets of a source that was chosen: all of them, wished or offered."""
        questions = self._source(name).questions
        held = {one.language for one in questions}
        spoken_in = [code for code in ALL_LANGUAGES if code in held]
        return [
            gr.update(choices=_language_choices(spoken_in), value=spoken_in),
            gr.update(choices=_dataset_choices(sorted({one.dataset for one in questions})), value=[]),
        ]

    def _known_models(self) -> list[tuple[str, str]]:
        bundled = [(f"{one.name}: {one.summary}", folder) for folder, one in self._bundled.items()]
        earlier = dict.fromkeys(view.one.job.model for view in self._jobs.jobs() if view.one.job is not None)
        offered = {line: label for label, line in (*bundled, *self._registered())}
        offered |= {model: model for model in earlier if model not in offered}
        return [(label, line) for line, label in offered.items()]

    def _sources(self) -> list[tuple[str, str]]:
        stored = [(name, name) for name in collections(self._index) if name != SAMPLE_COLLECTION]
        return [("Bundled sample", SAMPLE_COLLECTION), *stored]

    def _add(
        self, added: str | None, models: str | None, template: object, demonstrations: object
    ) -> list[object]:
        """One more line of models; a bundled one is asked as it was taught."""
        lines = [line for line in (models or "").splitlines() if line.strip()]
        whole = "\n".join(dict.fromkeys([*lines, *([added] if added else [])]))
        bundled = self._bundled.get(added or "")
        if bundled is not None:
            template, demonstrations = bundled.template, str(bundled.demonstrations)
        return [None, whole, template, demonstrations]

    @spoken
    def _search(self, wanted: str | None) -> dict[str, object]:
        """Models of the Hub to choose from."""
        check_writable(self.read_only)  # a visitor of a page that only shows has no form to fill
        found = hub_models(wanted or "")
        if not found:
            raise UsageError(f"the Hub has no model that writes text for {wanted!r}; try a part of its name")
        update: dict[str, object] = gr.update(choices=list(found), value=None, visible=True)
        return update

    def _preset(self, preset: str) -> list[object]:
        """The paper's settings where they are wanted; any other choice leaves the form as it is."""
        return [value if preset == PAPER else gr.skip() for value in _AS_THE_PAPER.values()]

    def look(self, *values: Any) -> list[object]:
        """What the form would take, and the commands for it; a sentence where it cannot be."""
        form = NewRun(*values)
        own = gr.update(visible=form.template == OWN_TEXT)
        if self.read_only:  # the form is hidden; what is written there would be looked for on this machine
            return [markup.notices([READ_ONLY]), gr.update(visible=False), own]
        if not str(form.models or "").strip():
            return [
                _NO_MODEL_YET,
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
        listed = markup.definitions(
            estimate.pairs(self._devices, shutil.disk_usage(self._store).free, self._memory)
        )
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
        for model in {job.model for job in jobs if Path(job.model).is_dir()}:
            check_unregistered(Path(model), store=self._store)
        keep_questions(self._store, source)
        return tuple(submitted(self._store, job) for job in jobs)

    def filled(self, job: EvaluationJob) -> list[object]:
        """The form that asks for a job again, field by field."""
        form = NewRun.of(job)
        values = {field.name: getattr(form, field.name) for field in fields(form)}
        values["source"] = gr.update(choices=self._sources(), value=job.collection)
        languages = _language_choices(job.languages)
        values["languages"] = gr.update(choices=languages, value=list(job.languages))
        values["datasets"] = gr.update(choices=_dataset_choices(job.datasets), value=list(job.datasets))
        return [list(value) if isinstance(value, tuple) else value for value in values.values()]


def _language_choices(further: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The paper's ten, and what else there is to be asked in."""
    codes = dict.fromkeys((*LANGUAGES, *further))
    return [(language_name(code), code) for code in codes]


def _dataset_choices(further: Sequence[str] = ()) -> list[tuple[str, str]]:
    return [(name, name) for name in dict.fromkeys((*map(str, DATASETS), *further))]
