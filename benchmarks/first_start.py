"""How long a newcomer waits: an empty store, ``python app.py``, and a browser that looks at the page.

    make bench-first-start      (python -m benchmarks.first_start)

Seconds from the start of the program to a page that answers, and from the page's opening to the heatmaps of RA, en-CO
and XRR with every cell of the demonstration in them, and to the end of its last job, as the page shows them. The last
line is one JSON object; ``load`` is the machine's average when it began: where it is above 1, others had the cores. It
needs Chromium (``playwright install chromium``).
"""

import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Page

from clika.languages import LANGUAGES
from clika.planted.catalog import PLANTED_ADAPTERS, PLANTED_MODELS
from clika.records import Metric
from clika.ui.results_view import METRIC_MEANINGS
from tests.ui.dashboard import running_app, running_browser

MOST_SECONDS = 900.0
LOOK = "#guided-look"
ASKED = "are being asked"
"""What the page says there while jobs of the demonstration are not done."""
FILLED = """meaning => !document.body.innerText.includes(meaning) ? 0 : [
    ...document.querySelectorAll('#heatmap .js-plotly-plot')
].map(
    plot => plot.data.flatMap(trace => trace.text ?? []).flat().filter(text => /[0-9]/.test(text)).length
).reduce((sum, one) => sum + one, 0)"""
"""How many cells of the heatmap in the page have a number in them, where the page says what a metric means."""


def watched(pages: Mapping[str, Page], wanted: Mapping[str, int], began: float) -> dict[str, float]:
    """Seconds since ``began`` when each metric's page has its cells filled, and when every job is ``done``."""
    found: dict[str, float] = {}
    while len(found) <= len(wanted):
        now = time.monotonic() - began
        if now > MOST_SECONDS:
            raise SystemExit(f"after {now:.0f} s only {', '.join(found) or 'nothing'} of it was there")
        for metric, page in pages.items():
            if (
                metric not in found
                and page.evaluate(FILLED, METRIC_MEANINGS[Metric(metric)]) >= wanted[metric]
            ):
                found[metric] = now
        if "done" not in found and found and ASKED not in (pages["ra"].locator(LOOK).text_content() or ""):
            found["done"] = now
        time.sleep(0.2)
    return found


def main() -> None:
    """Start, look, print."""
    load = os.getloadavg()[0]
    models, languages = len(PLANTED_MODELS), len(LANGUAGES)
    wanted = {
        "ra": models * languages,
        "en-co": models * (languages - 1),
        "xrr": len(PLANTED_ADAPTERS),
    }
    with tempfile.TemporaryDirectory() as scratch, running_browser() as browser:
        started = time.monotonic()
        with running_app(Path(scratch) / "store", demo=True) as address:
            page_s = time.monotonic() - started
            opened = time.monotonic()
            pages = {}
            for metric in wanted:
                pages[metric] = browser.new_page(viewport={"width": 1440, "height": 900})
                pages[metric].goto(f"{address}/?metric={metric}")
            seconds = watched(pages, wanted, opened)
    for metric, value in seconds.items():
        print(f"{metric}: {wanted.get(metric, 'all')} after {value:.1f} s")
    rounded = {f"{metric}_s": round(value, 1) for metric, value in seconds.items()}
    print(json.dumps({"page_s": round(page_s, 1), **rounded, "load": round(load, 1)}))


if __name__ == "__main__":
    main()
