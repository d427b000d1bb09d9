"""Hostile names, questions and answers are shown as text on every way down, and leave as text."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from clika.records import ModelRef, Outcome, Prediction, Run, ScoringRule
from tests.stores import made_up_questions, seal_predictions, seal_questions
from tests.ui.dashboard import running_app, running_browser
from tests.ui.hostile import HOSTILE

pytestmark = pytest.mark.browser
SLOW = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


def fill_store(store: Path) -> None:
    """A model, a question and an answer of each text; question k is answered by its text in German."""
    questions = [
        replace(one, text=(text := HOSTILE[int(one.question_id)]), choices=(f"{text} a", f"{text} b"))
        for one in made_up_questions(count=len(HOSTILE), choices=2)
    ]  # fmt: skip
    seal_questions(store, questions)
    for number, text in enumerate(HOSTILE):
        run = Run(
            f"run-{number}", ModelRef(text, f"made-up:{number}"), "made-up", "english", ScoringRule.LETTER
        )
        rows = [
            Prediction(
                run.run, "xgeo", one.question_id, one.language, Outcome.UNPARSEABLE, None, raw_text=one.text
            )
            if one.language == "de"
            else Prediction(run.run, "xgeo", one.question_id, one.language, Outcome.ANSWERED, 0)
            for one in questions
        ]
        seal_predictions(store, run, rows, job=f"job-{number}")


def nothing_happened(page: Page) -> None:
    assert page.title() == "CLiKA"
    assert (
        page.locator(
            "img[src='x'], iframe, h1:has-text('outside'), .gradio-container b:has-text('bold')"
        ).count()
        == 0
    )
    assert page.locator("a[href^='javascript:']").count() == 0


def test_twenty_hostile_texts_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    fill_store(tmp_path)
    with running_app(tmp_path) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/?model=run-0&language=de")
        expect(page.locator("#heatmap .ytick")).to_have_count(len(HOSTILE), timeout=SLOW)
        nothing_happened(page)
        for shape in ("Bars", "Table"):
            page.locator("#shape").get_by_text(shape).click()
            expect(page.locator("#heatmap .barlayer" if shape == "Bars" else ".clika-scores")).to_be_visible(
                timeout=SLOW
            )
            nothing_happened(page)
        names = page.locator(".clika-scores tbody th").evaluate_all("all => all.map(one => one.textContent)")
        assert sorted(names) == sorted(HOSTILE)
        texts = page.locator("#questions .clika-text").evaluate_all("all => all.map(one => one.textContent)")
        assert texts == list(HOSTILE)
        page.get_by_text("Models, languages, case study, differences, order").click()
        for number in range(len(HOSTILE)):
            page.locator("#questions button").nth(number).click()
            expect(page.locator("#question h2")).to_contain_text(f"xGeo {number} ", timeout=SLOW)
            german = page.locator('.clika-card[aria-label="German"]')
            shown = german.locator(".clika-asked, pre").evaluate_all("all => all.map(one => one.textContent)")
            assert shown == [HOSTILE[number], HOSTILE[number]]
            option = german.locator("bdi").first.evaluate("one => one.textContent")
            assert option == f"{HOSTILE[number]} a"
        nothing_happened(page)
        page.get_by_text("All models and languages").click()
        expect(page.locator("#question-map tbody tr")).to_have_count(len(HOSTILE))
        page.get_by_text("Export", exact=True).click()
        with page.expect_download(timeout=SLOW) as waiting:
            page.locator("#export-csv").click()
        rows = csv.DictReader(io.StringIO(waiting.value.path().read_text("utf-8")))
        written = {row["model"] for row in rows}
        assert {f"'{text}" for text in HOSTILE if text[0] in "=＝"} <= written
        assert not {text for text in written if text[0] in "=+-@＝＋－＠"}
        nothing_happened(page)
        page.close()
