"""The page: its tabs, and how it is launched. A new tab is a module here and a line in ``build_page``."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Literal, TypedDict

import gradio as gr
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from clika.database.index import Index
from clika.errors import UsageError
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.devices import devices_here
from clika.settings import Settings
from clika.ui.about_tab import AboutTab
from clika.ui.compare_panel import ComparePanel
from clika.ui.jobs_watch import JobsWatch
from clika.ui.listeners import ASSETS, LOOK, in_address_if_selected, spoken
from clika.ui.new_run_tab import NewRunTab
from clika.ui.results_tab import ResultsTab
from clika.ui.runs_tab import RunsTab
from clika.ui.store_watch import StoreWatch


class TabName(StrEnum):
    """The tabs as an address names them: ``?tab=runs``."""

    RESULTS = "results"
    NEW = "new"
    RUNS = "runs"
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
    app_kwargs: dict[str, Any]
    quiet: bool


def wanted_tab(name: str | None) -> TabName:
    """The tab that an address asks for; Results where it asks for none that there is."""
    return TabName(name) if name is not None and name in set(TabName) else TabName.RESULTS


def build_page(index: Index, settings: Settings) -> gr.Blocks:
    """The whole page over an open index."""
    watch = StoreWatch(index)
    jobs = JobsWatch(settings.store)
    devices = devices_here(Settings.environment())
    page: gr.Blocks = gr.Blocks(title="CLiKA", analytics_enabled=False, fill_width=True)
    with page:
        gr.Markdown("# CLiKA\nDoes a language model know the same things in every language?", elem_id="title")
        opened: dict[TabName, gr.Tab] = {}
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Results", id=TabName.RESULTS) as opened[TabName.RESULTS]:
                results = ResultsTab(index, settings, watch, page)
            with gr.Tab("New run", id=TabName.NEW) as opened[TabName.NEW]:
                new = NewRunTab(index, settings.store, watch, jobs, devices)
            with gr.Tab("Runs", id=TabName.RUNS) as opened[TabName.RUNS]:
                runs = RunsTab(settings.store, jobs)
                compare = ComparePanel(index, watch)
            with gr.Tab("About", id=TabName.ABOUT) as opened[TabName.ABOUT]:
                about = AboutTab(index, settings.store, devices)

        @spoken
        def restore(request: gr.Request) -> list[object]:
            """What the page's address asks for; a job or run that is no longer there is passed over."""
            wanted = request.query_params
            known = {view.job_id for view in jobs.jobs()}
            chosen = runs.choose(wanted["job"] if wanted.get("job") in known else "")
            compared = compare.wanted(wanted.get("compare"), wanted.get("with"))
            tab = wanted_tab(wanted.get("tab"))
            select = gr.update(selected=tab) if "tab" in wanted else gr.skip()
            facts = about.look() if tab is TabName.ABOUT else gr.skip()  # it walks through the whole store
            return [select, *chosen, *compared, facts]

        @spoken
        def queue(*values: Any) -> list[object]:
            """From the form to the queue, and to the tab where the job is seen."""
            return [gr.update(selected=TabName.RUNS), *runs.choose(new.queue_jobs(*values))]

        @spoken
        def again(chosen: str) -> list[object]:
            """From a job to the form that asks for it."""
            job = jobs.job(chosen).one.folder.job()
            if isinstance(job, ConductivityJob):
                raise UsageError(
                    f"{chosen} teaches a model, and this form asks one; use 'python -m clika conductivity'"
                )
            if job.adapter is not None:
                raise UsageError(
                    f"{chosen} puts an adapter on its model, which this form cannot; use 'evaluate --adapter'"
                )
            return [gr.update(selected=TabName.NEW), *new.filled(job)]

        page.load(restore, None, [tabs, *runs.choosing, *compare.choosing, about.facts], **LOOK).then(
            compare.draw_anew, compare.picked, compare.everything, **LOOK
        )
        opened[TabName.NEW].select(new.offered, None, new.offers, **LOOK)
        opened[TabName.RUNS].select(runs.look, [runs.chosen, runs.seen], runs.looks, **LOOK)
        opened[TabName.RUNS].select(compare.offered, None, compare.choosing, **LOOK)
        opened[TabName.ABOUT].select(about.look, None, about.facts, **LOOK)
        new.queue.click(queue, new.fields, [tabs, *runs.choosing], **LOOK)
        runs.again.click(again, runs.chosen, [tabs, *new.fields], **LOOK)
        timers = {results.timer: TabName.RESULTS, runs.timer: TabName.RUNS, compare.timer: TabName.RUNS}
        for name, tab in opened.items():
            tab.select(None, js=in_address_if_selected("tab", name), api_visibility="private")
            tab.select(_ticking(name, timers), None, list(timers), **LOOK)
    return page


def _ticking(selected: TabName, timers: Mapping[gr.Timer, TabName]) -> Callable[[], list[object]]:
    """A listener that lets the timers of the selected tab tick and no others: hidden ones would go on."""
    return lambda: [gr.update(active=tab is selected) for tab in timers.values()]


def launch_options(settings: Settings) -> LaunchOptions:
    """Options of ``launch`` for a page of these settings; fonts are the reader's own, none is fetched."""
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
        # The page carries its whole configuration: a fifth of it travels. Streams of events are left as they are.
        app_kwargs={"middleware": [Middleware(GZipMiddleware, minimum_size=2000, compresslevel=4)]},
        quiet=False,
    )
