"""The page: its tabs, and how it is launched. A new tab is a module here and a line in ``build_page``."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Literal, TypedDict

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from clika.database.index import Index
from clika.errors import UsageError
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.devices import devices_here
from clika.languages import ENGLISH, LANGUAGES
from clika.settings import Settings
from clika.ui.about_tab import AboutTab
from clika.ui.checkpoints_tab import CheckpointsTab, registered_models
from clika.ui.compare_panel import ComparePanel
from clika.ui.conductivity_tab import ConductivityTab
from clika.ui.doors import doors, served_paths
from clika.ui.jobs_watch import JobsWatch
from clika.ui.listeners import ASSETS, GO_BACK, LOOK, in_address_if_selected, of_tab_in_address, spoken
from clika.ui.live_run import LiveModel, LiveRuns
from clika.ui.new_run import CONDUCTIVITY, QUICK
from clika.ui.new_run_tab import NewRunTab
from clika.ui.program_api import ProgramApi
from clika.ui.results_tab import ResultsTab
from clika.ui.runs_tab import RunsTab
from clika.ui.sign_in import SignIn, sign_in
from clika.ui.space_panel import SpacePanel
from clika.ui.store_watch import StoreWatch


class TabName(StrEnum):
    """The tabs as an address names them: ``?tab=runs``."""

    RESULTS = "results"
    NEW = "new"
    RUNS = "runs"
    CONDUCTIVITY = "conductivity"
    CHECKPOINTS = "checkpoints"
    ABOUT = "about"


class LaunchOptions(TypedDict):
    """What ``Blocks.launch`` is given: in Gradio 6 the looks of a page belong there."""

    server_name: str
    server_port: int
    show_error: bool
    ssr_mode: bool
    run_history: bool
    footer_links: list[Literal["api", "gradio", "settings", "runs"] | dict[str, str]]
    theme: gr.Theme
    css_paths: list[str]
    quiet: bool
    mcp_server: bool
    auth: SignIn | None
    max_file_size: int | None
    allowed_paths: list[str]
    blocked_paths: list[str]
    app_kwargs: dict[str, Any]


def wanted_tab(name: str | None) -> TabName:
    """The tab that an address asks for; Results where it asks for none that there is."""
    return TabName(name) if name is not None and name in set(TabName) else TabName.RESULTS


def build_page(index: Index, settings: Settings, bundled: Sequence[LiveModel] = ()) -> gr.Blocks:
    """The whole page over an open index; ``bundled`` models are offered, and can be run where it only shows."""
    watch = StoreWatch(index)
    jobs = JobsWatch(settings.store)
    devices = devices_here(Settings.environment())
    page: gr.Blocks = gr.Blocks(title="CLiKA", analytics_enabled=False, fill_width=True)
    with page:
        gr.Markdown("# CLiKA\nDoes a language model know the same things in every language?", elem_id="title")
        live_runs = LiveRuns(settings.store, watch, bundled) if settings.read_only else None
        space = SpacePanel(settings, live_runs, jobs)
        opened: dict[TabName, gr.Tab] = {}
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Results", id=TabName.RESULTS) as opened[TabName.RESULTS]:
                results = ResultsTab(index, settings, watch, page)
            with gr.Tab("New run", id=TabName.NEW, visible=not settings.read_only) as opened[TabName.NEW]:
                registered = partial(registered_models, settings.store)
                new = NewRunTab(index, settings, watch, jobs, devices, bundled, registered)
            with gr.Tab("Runs", id=TabName.RUNS) as opened[TabName.RUNS]:
                runs = RunsTab(settings.store, jobs, settings.read_only)
                compare = ComparePanel(index, watch)
            with gr.Tab("Conductivity", id=TabName.CONDUCTIVITY) as opened[TabName.CONDUCTIVITY]:
                conductivity = ConductivityTab(index, settings, watch, jobs, devices, page)
            adding = gr.Tab("Checkpoints", id=TabName.CHECKPOINTS, visible=not settings.read_only)
            with adding as opened[TabName.CHECKPOINTS]:
                checkpoints = CheckpointsTab(index, settings)
            with gr.Tab("About", id=TabName.ABOUT) as opened[TabName.ABOUT]:
                about = AboutTab(index, settings, devices, space.started is not None)

        @spoken
        def restore(request: gr.Request) -> list[object]:
            """What the page's address asks for; a job or run that is no longer there is passed over."""
            wanted = request.query_params
            known = {view.job_id for view in jobs.jobs()}
            job = wanted["job"] if wanted.get("job") in known else ""
            chosen = [*runs.choose(job), *conductivity.panel.choose(job)]
            compared = compare.wanted(wanted.get("compare"), wanted.get("with"), wanted.get("more"))
            tab = wanted_tab(wanted.get("tab"))
            select = gr.update(selected=tab) if "tab" in wanted else gr.skip()
            facts = about.look() if tab is TabName.ABOUT else gr.skip()  # it walks through the whole store
            return [select, *chosen, *compared, facts]

        @spoken
        def queue(*values: Any) -> list[object]:
            """From the form to the queue, and to the tab where the job is seen."""
            return [gr.update(selected=TabName.RUNS), *runs.choose(new.queue_jobs(*values))]

        @spoken
        def teach(preset: str, models: str, languages: list[str]) -> list[object]:
            """From a preset that this form only names to the form that teaches, with the model that stands here."""
            if preset != CONDUCTIVITY:
                return [gr.skip() for _ in taught]
            model = next((line.strip() for line in (models or "").splitlines() if line.strip()), None)
            spoken_in = [code for code in languages if code in LANGUAGES and code != ENGLISH]
            return [gr.update(selected=TabName.CONDUCTIVITY), QUICK, model, spoken_in]

        @spoken
        def watch_live(row: object) -> list[object]:
            """From a live run to the tab where it is seen."""
            job_id = row.get("job") if isinstance(row, dict) else ""
            return [gr.update(selected=TabName.RUNS), *runs.choose(jobs.job(job_id).job_id)]

        @spoken
        def again(chosen: str) -> list[object]:
            """From a job to the form that asks for it."""
            job = jobs.job(chosen).one.folder.job()
            if isinstance(job, ConductivityJob):
                passed = [gr.skip() for _ in new.fields]
                return [gr.update(selected=TabName.CONDUCTIVITY), *passed, *conductivity.filled(job)]
            if job.adapter is not None:
                raise UsageError(
                    f"{chosen} puts an adapter on its model, which this form cannot; use 'evaluate --adapter'"
                )
            passed = [gr.skip() for _ in conductivity.form.all]
            return [gr.update(selected=TabName.NEW), *new.filled(job), *passed]

        restored = [tabs, *runs.choosing, *conductivity.panel.choosing, *compare.choosing, about.facts]
        page.load(None, js=GO_BACK, api_visibility="private")
        page.load(restore, None, restored, **LOOK).then(
            compare.draw_anew, compare.picked, compare.everything, **LOOK
        )
        opened[TabName.NEW].select(new.offered, None, new.offers, **LOOK)
        opened[TabName.RUNS].select(runs.look, [runs.chosen, runs.seen], runs.looks, **LOOK)
        opened[TabName.RUNS].select(compare.offered, None, compare.choosing, **LOOK)
        opened[TabName.CHECKPOINTS].select(
            checkpoints.offered, checkpoints.chosen, checkpoints.offers, **LOOK
        )
        opened[TabName.ABOUT].select(about.look, None, about.facts, **LOOK)
        new.queue.click(queue, new.fields, [tabs, *runs.choosing], **LOOK)
        taught = [tabs, new.preset, conductivity.form.model, conductivity.form.languages]
        new.preset.input(teach, [new.preset, new.models, new.languages], taught, **LOOK)
        runs.again.click(again, runs.chosen, [tabs, *new.fields, *conductivity.form.all], **LOOK)
        opened[TabName.CONDUCTIVITY].select(
            conductivity.offered, conductivity.form.all, conductivity.offers, **LOOK
        )
        if space.started is not None:
            space.started.success(watch_live, space.row, [tabs, *runs.choosing], **LOOK)
        ProgramApi(index, watch, jobs, new, settings.mcp)
        timers = {results.timer: TabName.RESULTS, runs.timer: TabName.RUNS, compare.timer: TabName.RUNS}
        timers[conductivity.timer] = TabName.CONDUCTIVITY
        for name, chosen in ((TabName.RUNS, runs.chosen), (TabName.CONDUCTIVITY, conductivity.panel.chosen)):
            opened[name].select(None, chosen, js=of_tab_in_address("job"), api_visibility="private")
        for name, tab in opened.items():
            tab.select(None, js=in_address_if_selected("tab", name), api_visibility="private")
            tab.select(_ticking(name, timers), None, list(timers), **LOOK)
    return page


def _ticking(selected: TabName, timers: Mapping[gr.Timer, TabName]) -> Callable[[], list[object]]:
    """A listener that lets the timers of the selected tab tick and no others: hidden ones would go on."""
    return lambda: [gr.update(active=tab is selected) for tab in timers.values()]


def launch_options(settings: Settings) -> LaunchOptions:
    """Options of ``launch`` for a page of these settings; fonts are the reader's own, none is fetched.

    Raises UsageError for a password file that is none.
    """
    allowed, blocked = served_paths(settings.store)
    return LaunchOptions(
        server_name=settings.host,
        server_port=settings.port,
        show_error=True,
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        theme=gr.themes.Base(
            primary_hue="blue",
            neutral_hue="slate",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ).set(  # white on blue that is dark enough to be read
            button_primary_background_fill="*primary_600",
            button_primary_background_fill_hover="*primary_700",
        ),
        css_paths=[str(ASSETS / "style.css")],
        quiet=False,
        mcp_server=settings.mcp,
        auth=sign_in(settings.auth),
        max_file_size=0 if settings.read_only else None,
        allowed_paths=allowed,
        blocked_paths=blocked,
        # The page carries its whole configuration: a fifth of it travels. Streams of events are left as they are.
        app_kwargs={
            "middleware": [doors(settings), Middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)]
        },
    )
