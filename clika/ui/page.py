"""The page: its tabs, and how it is launched. A new tab is a module here and a line in ``build_page``."""

from typing import Literal, TypedDict

import gradio as gr

from clika.database.index import Index
from clika.settings import Settings
from clika.ui.listeners import ASSETS
from clika.ui.results_tab import ResultsTab
from clika.ui.store_watch import StoreWatch


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


def build_page(index: Index, settings: Settings) -> gr.Blocks:
    """The whole page over an open index."""
    watch = StoreWatch(index)
    page: gr.Blocks = gr.Blocks(title="CLiKA", analytics_enabled=False, fill_width=True)
    with page:
        gr.Markdown("# CLiKA\nDoes a language model know the same things in every language?", elem_id="title")
        with gr.Tabs(), gr.Tab("Results"):
            ResultsTab(index, settings, watch, page)
    return page


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
