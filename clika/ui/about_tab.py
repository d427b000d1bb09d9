"""The About tab: what is measured and how to read it, whose work it is, versions, and where the store is."""

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import gradio as gr

from clika import __version__
from clika.database.contents import store_contents
from clika.database.index import Index
from clika.errors import DataError
from clika.settings import Settings
from clika.ui import markup
from clika.ui.program_api import described, endpoint
from clika.ui.run_estimate import size
from clika.ui.space_panel import SpacePanel

README = Path(__file__).resolve().parents[2] / "README.md"
MEASUREMENTS = "How to read the three numbers"
CITATION = """@inproceedings{gao2024multilingual,
  title     = {Multilingual Pretraining and Instruction Tuning Improve
               Cross-Lingual Knowledge Alignment, But Only Shallowly},
  author    = {Gao, Changjiang and Hu, Hongda and Hu, Peng and Chen, Jiajun and
               Li, Jixing and Huang, Shujian},
  booktitle = {Proceedings of NAACL 2024},
  year      = {2024}
}"""
API = """This page answers programs too. Every function takes and gives plain JSON; an error is a sentence. Lists of
models and languages, and the collection where there is only one, may be left out."""
_PACKAGES = ("gradio", "plotly", "duckdb", "pyarrow", "transformers", "torch", "accelerate")


class AboutTab:
    """The parts of the tab, drawn into the open Blocks."""

    def __init__(self, index: Index, settings: Settings, devices: Sequence[str], live: bool = False) -> None:
        """``live``: a visitor of this page may run a bundled model."""
        endpoints = [*described(settings.read_only), *([endpoint(SpacePanel.live_run)] if live else [])]
        self._index = index
        self._store = settings.store
        self._devices = devices
        with gr.Column(elem_id="about"):
            gr.Markdown(f"## {MEASUREMENTS}\n{measurements(README)}", elem_id="measurements")
            gr.Markdown("## Citation\nThe experiment and its measurements are those of this paper; cite it.")
            gr.HTML(
                markup.tag("pre", markup.text(CITATION), class_="clika-citation"), apply_default_css=False
            )
            gr.Markdown(f"## Programs\n{API}")
            gr.HTML(
                markup.tag("pre", markup.text(calling(settings)), class_="clika-citation"),
                apply_default_css=False,
            )
            gr.HTML(
                markup.definitions(endpoints),
                apply_default_css=False,
                elem_id="endpoints",
            )
            gr.Markdown("## This store and this program")
            self.facts = gr.HTML(apply_default_css=False, elem_id="facts")
            gr.Markdown(
                "## Licence\nApache-2.0; the file NOTICE credits the paper and what else is not ours. The bundled"
                " questions are our own, under CC BY 4.0. None of the authors' data is part of this program."
            )

    def look(self) -> markup.Html:
        """The store and the versions as they are now."""
        held = store_contents(self._index)
        pairs = [
            ("Store", str(self._store.resolve())),
            ("Size", size(folder_bytes(self._store))),
            ("Collections", str(held.collections)),
            ("Questions", f"{held.questions:,}"),
            ("Runs", str(held.runs)),
            ("Answers", f"{held.answers:,}"),
            ("Devices", ", ".join(self._devices)),
            ("CLiKA", __version__),
            ("Python", platform.python_version()),
            *((name, _version(name)) for name in _PACKAGES),
        ]
        return markup.definitions(pairs)


def calling(settings: Settings) -> str:
    """Lines of Python that call this page."""
    address = settings.space or f"http://127.0.0.1:{settings.port}"
    signing_in = ', auth=("user", "password")' if settings.auth else ""
    return f"""from gradio_client import Client

client = Client({address!r}{signing_in})
client.predict(metric="ra", scope="factual", api_name="/scores")
client.predict(dataset="xgeo", question="division-rouen", api_name="/answers")
client.view_api()"""


def measurements(readme: Path) -> str:
    """The README's section on the three numbers, so that page and README say the same.

    Raises DataError where the file or the section is missing.
    """
    try:
        text = readme.read_text("utf-8")
    except OSError as error:
        raise DataError(f"{readme} cannot be read ({error.strerror}); restore the file") from error
    found = re.search(rf"^## {MEASUREMENTS}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise DataError(f"{readme} has no section {MEASUREMENTS!r}; restore it")
    return found[1].strip()


def folder_bytes(folder: Path) -> int:
    """The bytes of all files under a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
