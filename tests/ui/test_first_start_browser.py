"""The first start of a fresh clone: an empty store, the bundled models, and three sentences that lead to a question."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from clika.planted.catalog import PLANTED_ADAPTERS, PLANTED_MODELS
from tests.ui.dashboard import running_app, running_browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(
        not all(one.is_there for one in (*PLANTED_MODELS, *PLANTED_ADAPTERS)),
        reason="the clone brought no weights (assets/models)",
    ),
]

LONG = 600_000
"""Milliseconds for six jobs, each of which imports torch."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


def test_an_empty_store_fills_and_each_sentence_leads_to_its_question(
    browser: Browser, tmp_path: Path
) -> None:
    with running_app(tmp_path / "store", demo=True) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        carried = browser.new_page()
        carried.goto(f"{address}/?metric=xrr")  # before there is a cell of it
        page.goto(address)
        look = page.locator("#guided-look")
        expect(look).to_contain_text("CLiKA's own small models are being asked", timeout=LONG)
        expect(page.locator("#heatmap .ytick")).to_have_count(len(PLANTED_MODELS), timeout=LONG)
        links = look.locator('a[href*="question="]')
        expect(links).to_have_count(3, timeout=LONG)
        expect(look).to_contain_text(re.compile("in English and not in [0-9]+ other languages"))
        targets = [link.get_attribute("href") for link in links.all()]
        for target in targets:
            page.goto(f"{address}/{target}")
            expect(page.locator("#question h2")).to_be_visible(timeout=LONG)
            expect(page.locator("#question")).to_contain_text("English")
        expect(carried.get_by_text("XRR: of the fictional places")).to_be_visible(timeout=LONG)
        expect(carried.locator("#heatmap .ytick")).to_have_count(len(PLANTED_ADAPTERS), timeout=LONG)
        carried.close()
        page.close()
