"""The page: its tabs, and how it is launched. A new tab is a module here and a line in ``build_page``."""

from enum import StrEnum
from typing import Literal, TypedDict

import gradio as gr

from clika.database.index import Index
from clika.settings import Settings
from clika.ui.jobs_watch import JobsWatch
from clika.ui.listeners import ASSETS, LOOK
from clika.ui.results_tab import ResultsTab
from clika.ui.runs_tab import RunsTab
from clika.ui.store_watch import StoreWatch


class TabName(StrEnum):
    """The tabs as an address names them: ``?tab=runs``."""

    RESULTS = "results"
    RUNS = "runs"


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


def wanted_tab(name: str | None) -> TabName:
    """The tab that an address asks for; Results where it asks for none that there is."""
    return TabName(name) if name is not None and name in set(TabName) else TabName.RESULTS


def build_page(index: Index, settings: Settings) -> gr.Blocks:
    """The whole page over an open index."""
    watch = StoreWatch(index)
    jobs = JobsWatch(settings.store)
    page: gr.Blocks = gr.Blocks(title="CLiKA", analytics_enabled=False, fill_width=True)
    with page:
        gr.Markdown("# CLiKA\nDoes a language model know the same things in every language?", elem_id="title")
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Results", id=TabName.RESULTS) as results_tab:
                ResultsTab(index, settings, watch, page)
            with gr.Tab("Runs", id=TabName.RUNS) as runs_tab:
                runs = RunsTab(settings.store, jobs)

        def restore(request: gr.Request) -> list[object]:
            """What the page's address asks for; a job that is no longer there is nobody's."""
            wanted = request.query_params.get("job")
            known = {view.job_id for view in jobs.jobs()}
            chosen = runs.choose(wanted if wanted in known else None)
            return [gr.update(selected=wanted_tab(request.query_params.get("tab"))), *chosen]

        page.load(restore, None, [tabs, *runs.choosing], **LOOK).then(
            None, js="() => { window.clikaRestored = true; }", api_visibility="private"
        )
        runs_tab.select(runs.look, [runs.chosen, runs.seen], runs.looks, **LOOK)
        for tab, name in ((results_tab, TabName.RESULTS), (runs_tab, TabName.RUNS)):
            tab.select(None, js=address_js(name), api_visibility="private")
    return page


def address_js(tab: TabName) -> str:
    """Writes the tab into the page's address, so that a reload and a copied link come back to it.

    Not before the address was read: the first tab is selected by itself when the page opens.
    """
    return (
        "() => { if (!window.clikaRestored) return; const address = new URL(window.location.href);"
        f" address.searchParams.set('tab', '{tab.value}');"
        " window.history.replaceState(null, '', address); }"
    )


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
        ),
        css_paths=[str(ASSETS / "style.css")],
        quiet=False,
    )
