"""The Conductivity tab: which model is taught which world in which languages, what that takes, and how it goes.

Tunings are jobs of the store: this tab writes them into the queue and looks at their folders and at the index, so a
reload and a second browser show the same.
"""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import gradio as gr

from clika.checkpoints.unregistered import check_unregistered
from clika.database.index import Index
from clika.database.queries import collections
from clika.errors import ClikaError, UsageError
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.queue import submitted
from clika.settings import Settings
from clika.ui import markup
from clika.ui.conductivity_fields import ConductivityFields, side_effect_choices
from clika.ui.conductivity_form import ConductivityForm
from clika.ui.conductivity_line import conductivity_command_line
from clika.ui.jobs_watch import JobsWatch
from clika.ui.listeners import LOOK, check_writable, spoken
from clika.ui.store_watch import StoreWatch
from clika.ui.tuning_estimate import tuning_estimate
from clika.ui.tuning_panel import TuningPanel
from clika.ui.tuning_watch import TuningWatch


class ConductivityTab:
    """The parts of the tab, drawn into the open Blocks and connected."""

    def __init__(
        self,
        index: Index,
        settings: Settings,
        watch: StoreWatch,
        jobs: JobsWatch,
        devices: Sequence[str],
        page: gr.Blocks,
    ) -> None:
        self._index, self._store, self._jobs = index, settings.store, jobs
        self._read_only = settings.read_only
        self._devices = tuple(devices)
        self._tunings = TuningWatch()
        form = gr.Accordion("New tuning", open=True, visible=not self._read_only, elem_id="new-tuning")
        with form, gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                self.form = ConductivityFields(self._models(), collections(index))
            with gr.Column(scale=2, min_width=300, elem_classes="clika-way", elem_id="what-tuning-takes"):
                self._draw_estimate()
        gr.Markdown("## Runs", elem_id="tunings-title")
        self.panel = TuningPanel(index, watch, jobs, self._tunings, page)
        self.timer = self.panel.timer
        self._connect()

    def _draw_estimate(self) -> None:
        gr.Markdown("## What it takes")
        self.estimate = gr.HTML(apply_default_css=False, elem_id="tuning-estimate")
        self.queue = gr.Button("Queue", variant="primary", elem_id="tuning-queue")
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
            elem_id="tuning-command",
        )

    @property
    def offers(self) -> list[gr.components.Component]:
        """What ``offered`` draws, in its order."""
        return [self.form.model, self.form.side_effects, self.estimate, self.command]

    def _connect(self) -> None:
        gr.on(
            [field.change for field in self.form.all],  # type: ignore[attr-defined]  # each of them has it
            self.look,
            self.form.all,
            [self.estimate, self.command],
            trigger_mode="always_last",
            **LOOK,
        )
        self.queue.click(self._queue, [self.panel.dark, *self.form.all], self.panel.choosing, **LOOK)

    def offered(self, *values: Any) -> list[object]:
        """What the store offers now: models of earlier runs, collections; and what the form takes."""
        if self._read_only:
            return [gr.skip() for _ in self.offers]
        return [
            gr.update(choices=self._models()),
            gr.update(choices=side_effect_choices(collections(self._index))),
            *self.look(*values),
        ]

    def _models(self) -> list[str]:
        return list(dict.fromkeys(one.one.job.model for one in self._jobs.jobs() if one.one.job is not None))

    def look(self, *values: Any) -> list[object]:
        """What the form would take, and the command for it; a sentence where it cannot be."""
        if self._read_only:  # the form is hidden; what is written there would be looked for on this machine
            return [gr.skip(), gr.skip()]
        form = ConductivityForm(*values)
        if not str(form.model or "").strip():
            said = markup.paragraph("Name a model, and what it takes is said here.", "clika-empty")
            return [said, gr.update(visible=False)]
        try:
            plan = form.plan()
            self._check_side_effects(plan.jobs[0])
            estimate = tuning_estimate(plan, self._jobs.jobs(), self._tunings, self._devices)
        except ClikaError as error:
            return [markup.notices([str(error)]), gr.update(visible=False)]
        said = markup.joined([markup.definitions(estimate.pairs()), markup.notices(plan.faults)])
        return [said, gr.update(value=conductivity_command_line(plan.jobs, self._store), visible=True)]

    def _check_side_effects(self, job: ConductivityJob) -> None:
        if job.side_effects is not None and job.side_effects not in collections(self._index):
            raise UsageError(
                f"side effects: no collection {job.side_effects!r} in this store; choose of those offered"
            )

    @spoken
    def _queue(self, dark: object, *values: Any) -> list[object]:
        """Put the form's jobs into the queue, and show the first. Nothing is queued where one cannot be."""
        check_writable(self._read_only)
        plan = ConductivityForm(*values).plan()
        self._check_side_effects(plan.jobs[0])
        if Path(plan.jobs[0].model).is_dir():
            check_unregistered(Path(plan.jobs[0].model), store=self._store)
        plan.store_questions(self._store)
        queued = [submitted(self._store, job) for job in plan.jobs]
        gr.Info(markup.toast("1 job queued." if len(queued) == 1 else f"{len(queued)} jobs queued."))
        return self.panel.choose(queued[0].job_id, dark=dark)

    def filled(self, job: ConductivityJob) -> list[object]:
        """The form that asks for a job again, field by field."""
        form = ConductivityForm.of(job)
        values = [getattr(form, field.name) for field in fields(form)]
        return [list(value) if isinstance(value, tuple) else value for value in values]
