"""What a page in a Hugging Face Space says above its tabs, and the live run that its visitors may start."""

from urllib.parse import quote

import gradio as gr

from clika.settings import Settings
from clika.ui import markup
from clika.ui.jobs_watch import JobsWatch
from clika.ui.live_run import LiveRuns
from clika.ui.program_api import JobRow, job_row, told

HUB = "https://huggingface.co/spaces/"


def banner(settings: Settings) -> markup.Html:
    """Nothing outside a Space; in one, what a visitor may do and how to get a Space of one's own."""
    if not settings.space:
        return markup.NOTHING
    if not settings.read_only:
        said = markup.text(
            "The owner of this Space lets whoever reaches it start and delete jobs. What comes in is gone when the"
            " Space restarts."
        )
        return markup.tag("div", markup.tag("p", said), class_="clika-notices", role="note")
    link = markup.tag(
        "a",
        markup.text("Duplicate this Space"),
        href=f"{HUB}{quote(settings.space)}?duplicate=true",
        target="_blank",
        rel="noopener",
        class_="clika-duplicate",
    )
    said = markup.text("A demonstration that only shows. ")
    rest = markup.text(" to ask models of your own, or run CLiKA on your machine: two commands.")
    return markup.tag("div", markup.tag("p", said, link, rest), class_="clika-notices", role="note")


class SpacePanel:
    """The banner, and a live run where there are models for it, drawn into the open Blocks."""

    def __init__(self, settings: Settings, live: LiveRuns | None, jobs: JobsWatch) -> None:
        self._live = live
        self._jobs = jobs
        self.started: gr.events.Dependency | None = None
        said = banner(settings)
        if said:
            gr.HTML(said, apply_default_css=False, elem_id="space-banner")
        if live is None or not live.models:
            return
        with gr.Row(elem_id="live", equal_height=False):
            model = gr.Dropdown(
                [one.name for one in live.models],
                value=live.models[0].name,
                label="Watch a small bundled model being asked, live",
                info="It knows what was planted in it. 20 questions a data set, in ten languages and two orders.",
                filterable=False,
                scale=4,
                min_width=220,
                elem_id="live-model",
            )
            button = gr.Button("Run it", variant="primary", scale=0, min_width=110, elem_id="live-run")
        self.row = gr.JSON(visible=False)
        self.started = button.click(
            self.live_run,
            model,
            self.row,
            concurrency_limit=1,
            show_progress="hidden",
            api_name="live_run",
            api_visibility="undocumented" if settings.mcp else "public",  # what is public is a tool there
        )

    @told
    def live_run(self, model: str) -> JobRow:
        """Ask a bundled model the bundled sample; everybody shares a quota of such runs an hour.

        Parameters:
            model: one of those offered
        """
        if self._live is None:
            raise gr.Error("nothing can be run live here", print_exception=False)
        return job_row(self._jobs.job(self._live.start(model).job_id))
