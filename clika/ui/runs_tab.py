"""The Runs tab: all jobs of the store, and one of them in detail, with what can be done about it.

Jobs belong to the store: this tab only looks at their folders and writes what is wanted of them there, so a reload
and a second browser show the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from clika.errors import ClikaError
from clika.jobs.queue import JobState, QueuedJob, cancel, delete, move_first, rename, resume
from clika.ui import job_markup, markup
from clika.ui.jobs_watch import JobsWatch, JobView
from clika.ui.listeners import LOOK, in_address, script, spoken
from clika.ui.new_run import optional_whole

GOES_ON = (JobState.FAILED, JobState.CANCELLED, JobState.PAUSED, JobState.INTERRUPTED)
CAN_BE_CANCELLED = (
    JobState.QUEUED,
    JobState.SUBMITTED,
    JobState.RUNNING,
    JobState.PAUSED,
    JobState.INTERRUPTED,
    JobState.FAILED,
)
LIVES = (JobState.SUBMITTED, JobState.RUNNING, JobState.ENDING)


@dataclass(frozen=True, slots=True)
class JobDetail:
    """What is shown of one job, and which of its buttons can be pressed; all empty where none is chosen."""

    heading: markup.Html = markup.NOTHING
    languages: markup.Html = markup.NOTHING
    settings: markup.Html = markup.NOTHING
    log: markup.Html = markup.NOTHING
    can_cancel: bool = False
    can_resume: bool = False
    can_move: bool = False
    can_delete: bool = False


def job_detail(view: JobView | None) -> JobDetail:
    """One job as the tab shows it."""
    if view is None:
        return JobDetail()
    state = view.one.state
    return JobDetail(
        heading=job_markup.job_heading(view),
        languages=job_markup.job_languages(view),
        settings=job_markup.job_settings(view),
        log=job_markup.log_html(view),
        can_cancel=state in CAN_BE_CANCELLED,
        can_resume=state in GOES_ON and view.one.job is not None,
        can_move=state is JobState.QUEUED,
        can_delete=state not in LIVES,
    )


class RunsTab:
    """The parts of the tab, drawn into the open Blocks and connected."""

    def __init__(self, store: Path, watch: JobsWatch, read_only: bool = False) -> None:
        """``read_only`` draws no button that does anything, and connects none."""
        self._store = store
        self._read_only = read_only
        self._watch = watch
        self._draw_parts()
        self._connect()

    def _draw_parts(self) -> None:
        self.chosen = gr.Textbox("", visible=False)  # no State: a link needs its value in the browser
        self.seen = gr.State(())
        self.table = gr.HTML(apply_default_css=False, elem_id="jobs", js_on_load=script("choices.js"))
        self.progresses = gr.HTML(apply_default_css=False, elem_id="progress-by-language")
        with gr.Column(visible=False, elem_id="job") as self.panel:
            self.heading = gr.HTML(apply_default_css=False, elem_id="job-heading")
            with gr.Row(elem_id="job-buttons", visible=not self._read_only):
                self.cancel = gr.Button("Cancel", size="sm", scale=0, min_width=110, elem_id="job-cancel")
                self.resume = gr.Button("Resume", size="sm", scale=0, min_width=110, elem_id="job-resume")
                self.again = gr.Button("Run again…", size="sm", scale=0, min_width=110, elem_id="job-again")
                self.first = gr.Button("Put first", size="sm", scale=0, min_width=110, elem_id="job-first")
                self.delete = gr.Button("Delete…", size="sm", scale=0, min_width=110, elem_id="job-delete")
            with gr.Column(visible=False, elem_id="job-asked", elem_classes="clika-way") as self.asked:
                self.question = gr.HTML(apply_default_css=False)
                with gr.Row():
                    self.yes = gr.Button(
                        "Delete it", variant="stop", size="sm", scale=0, min_width=110, elem_id="job-yes"
                    )
                    self.no = gr.Button("Keep it", size="sm", scale=0, min_width=110, elem_id="job-no")
            self.languages = gr.HTML(apply_default_css=False, elem_id="job-languages")
            with gr.Accordion("Log", open=True):
                self.log = gr.HTML(
                    apply_default_css=False, elem_id="job-log", autoscroll=True, max_height=260
                )
            with gr.Accordion("Settings, name and replicas", open=False, elem_id="job-settings"):
                self.settings = gr.HTML(apply_default_css=False)
                with gr.Row(equal_height=False, visible=not self._read_only):
                    with gr.Column(min_width=200, scale=3):
                        self.name = gr.Textbox(
                            label="Name", info="As the table shows it.", elem_id="job-name"
                        )
                        self.rename = gr.Button("Rename", size="sm", elem_id="job-rename")
                    with gr.Column(min_width=200, scale=2):
                        self.replicas = gr.Textbox(
                            label="Replicas when resumed",
                            info="Empty: as many as before.",
                            elem_id="job-replicas",
                        )
        self.timer = gr.Timer(1.0)

    @property
    def looks(self) -> list[gr.Component | gr.blocks.BlockContext]:
        """What ``look`` draws, in its order."""
        return [
            *(
                self.seen,
                self.table,
                self.progresses,
                self.panel,
                self.heading,
                self.languages,
                self.settings,
                self.log,
            ),
            *(self.cancel, self.resume, self.first, self.delete),
        ]

    @property
    def choosing(self) -> list[gr.Component | gr.blocks.BlockContext]:
        """What ``choose`` draws, in its order."""
        return [self.chosen, self.name, self.replicas, self.asked, *self.looks]

    def _connect(self) -> None:
        self.timer.tick(self.look, [self.chosen, self.seen], self.looks, **LOOK)
        self.table.click(self._select, None, self.choosing, **LOOK).then(
            None,
            js="() => document.querySelector('#job')?.scrollIntoView({behavior: 'smooth', block: 'nearest'})",
            api_visibility="private",
        )
        self.chosen.change(None, self.chosen, js=in_address("job"), api_visibility="private")
        if self._read_only:
            return
        for button, action in ((self.cancel, cancel), (self.first, move_first)):
            button.click(self._acting(action), self.chosen, self.looks, **LOOK)
        self.resume.click(self._resume, [self.chosen, self.replicas], self.looks, **LOOK)
        self.rename.click(self._rename, [self.chosen, self.name], self.looks, **LOOK)
        self.delete.click(self._ask, self.chosen, [self.question, self.asked], **LOOK)
        self.no.click(lambda: gr.update(visible=False), None, self.asked, **LOOK)
        self.yes.click(self._delete, self.chosen, self.choosing, **LOOK)

    def look(self, chosen: str, seen: Sequence[int] = ()) -> list[object]:
        """The tab as the store stands; what the browser shows already is left alone."""
        try:
            views = self._watch.jobs()
        except ClikaError as error:
            return self._updates(markup.notices([str(error)]), markup.NOTHING, JobDetail(), (), False)
        view = next((view for view in views if view.job_id == chosen), None)
        table, progresses = job_markup.jobs_table(views, chosen), job_markup.languages_table(views)
        return self._updates(table, progresses, job_detail(view), seen, view is not None)

    def _updates(
        self, table: markup.Html, progresses: markup.Html, detail: JobDetail, seen: Sequence[int], one: bool
    ) -> list[object]:
        parts: list[tuple[object, object]] = [
            (table, table),
            (progresses, progresses),
            (one, gr.update(visible=one)),
            *((html, html) for html in (detail.heading, detail.languages, detail.settings, detail.log)),
            *(
                (can, gr.update(interactive=can))
                for can in (detail.can_cancel, detail.can_resume, detail.can_move, detail.can_delete)
            ),
        ]
        now = tuple(hash(key) for key, _ in parts)
        before = seen if len(seen) == len(now) else (None,) * len(now)
        updates = [
            gr.skip() if key == old else update
            for key, old, (_, update) in zip(now, before, parts, strict=True)
        ]
        return [now, *updates]

    def choose(self, job_id: str) -> list[object]:
        """One job in detail, everything drawn anew; none where ``job_id`` is empty.

        Raises UsageError for one that is not there.
        """
        view = self._watch.job(job_id) if job_id else None
        name = "" if view is None else view.one.request.name
        return [job_id, name, "", gr.update(visible=False), *self.look(job_id)]

    @spoken
    def _select(self, event: gr.EventData) -> list[object]:
        return self.choose(self._watch.job(getattr(event, "job", None)).job_id)

    def _acting(self, action: Callable[[Path, QueuedJob], object]) -> Callable[[str], list[object]]:
        @spoken
        def act(chosen: str) -> list[object]:
            action(self._store, self._watch.job(chosen).one)
            return self._acted(chosen)

        return act

    def _acted(self, chosen: str) -> list[object]:
        self._watch.jobs(at_once=True)
        return self.look(chosen)

    @spoken
    def _resume(self, chosen: str, replicas: object) -> list[object]:
        resume(self._store, self._watch.job(chosen).one, optional_whole("replicas", replicas))
        return self._acted(chosen)

    @spoken
    def _rename(self, chosen: str, name: object) -> list[object]:
        rename(self._store, self._watch.job(chosen).one, str(name or ""))
        return self._acted(chosen)

    @spoken
    def _ask(self, chosen: str) -> list[object]:
        view = self._watch.job(chosen)
        answers = f" and its {view.answered[0]} answers" if view.answered else ""
        sentence = (
            f"Delete {view.one.request.name}{answers}? Its answers leave the results; the job's folder goes to"
            f" {self._store / 'deleted'} and stays there."
        )
        return [markup.paragraph(sentence), gr.update(visible=True)]

    @spoken
    def _delete(self, chosen: str) -> list[object]:
        delete(self._store, self._watch.job(chosen).one)
        self._watch.jobs(at_once=True)
        return self.choose("")
