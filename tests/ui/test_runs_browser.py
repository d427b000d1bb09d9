"""From the form to the queue, the runs and their comparison, as a person walks it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from clika.jobs.queue import submitted
from clika.records import ModelRef, Run, ScoringRule
from clika.ui.live_run import LiveModel
from tests.scripted_worker import scripted_job
from tests.stores import made_up_questions, predictions, seal_predictions, seal_questions
from tests.ui.dashboard import running_app, running_browser, scripted_queue
from tests.ui.dropdowns import choose
from tests.ui.served import served_page

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=document.title='taken'>${document.title='taken'}{{constructor}}\u202e=1+1"
SLOW = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


def made_up(name: str) -> Run:
    return Run(f"run-{len(name)}", ModelRef(name, "made-up"), "made-up", "english", ScoringRule.LETTER)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[str]:
    """An app over two runs, one of a hostile name, and a job of that name that nobody starts."""
    store = tmp_path_factory.mktemp("compared")
    questions = made_up_questions(count=6)
    seal_questions(store, questions)
    before, after = made_up("rowan"), made_up(HOSTILE)
    keys = [(question.question_id, question.language) for question in questions]
    right = {key: int(key[0]) % 4 for key in keys}
    # English: 0 and 1 lost. German: 5 won. Hebrew: nothing changed.
    first = {**right, ("5", "de"): 3}
    second = {**right, ("0", "en"): 1, ("1", "en"): 2}
    seal_predictions(store, before, predictions(before, first), job="one")
    seal_predictions(store, after, predictions(after, second), job="two")
    submitted(store, scripted_job(name=HOSTILE, device="cuda", replicas=64)).folder.log.write_text(HOSTILE)
    with running_app(store) as opened:
        yield opened


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_a_run_goes_from_the_form_through_cancel_and_resume_to_the_heatmap(
    browser: Browser, tmp_path: Path
) -> None:
    store, model = tmp_path / "store", tmp_path / "larch-1b"
    model.mkdir()
    (model / "seconds").write_text("0.1")  # 800 questions would take 80 s: time enough to cancel
    with scripted_queue(store), running_app(store) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/?tab=new")
        models = page.locator("#models textarea")
        models.fill("/no/such/folder")
        expect(page.locator("#estimate")).to_contain_text("no folder '/no/such/folder'", timeout=SLOW)
        page.locator("#queue-button").click()
        expect(page.locator(".toast-body")).to_contain_text("/no/such/folder", timeout=SLOW)
        expect(models).to_have_value("/no/such/folder")  # refused, and nothing is lost
        models.fill(str(model))
        expect(page.locator("#estimate")).to_contain_text("unknown yet for larch-1b", timeout=SLOW)
        expect(page.locator("#estimate")).to_contain_text("800")
        expect(page.locator("#command")).to_contain_text("--collection sample", timeout=SLOW)
        page.locator("#queue-button").click()

        heading = page.locator("#job-heading")
        expect(heading).to_contain_text(re.compile(r"larch-1b.*[1-9]\d* of 800", re.DOTALL), timeout=SLOW)
        expect(page.locator("#job-languages tr")).to_have_count(10)
        page.wait_for_url(re.compile(r"tab=runs.*job=evaluate-"))
        page.reload()
        expect(heading).to_contain_text(re.compile(r"running.*[1-9]\d* of 800", re.DOTALL), timeout=SLOW)
        other = browser.new_context().new_page()
        other.goto(page.url)
        expect(other.locator("#job-heading")).to_contain_text("running", timeout=SLOW)

        page.locator("#job-cancel").click()
        expect(heading).to_contain_text("cancelled; what was sealed is kept", timeout=SLOW)
        expect(other.locator("#job-heading")).to_contain_text("cancelled", timeout=SLOW)
        other.context.close()
        (model / "seconds").write_text("0")
        page.locator("#job-resume").click()
        expect(heading).to_contain_text(
            re.compile(r"800 of 800.*were answered before", re.DOTALL), timeout=SLOW
        )
        expect(page.locator("#job-log")).to_contain_text("were answered before")

        page.locator("#job-again").click()
        expect(models).to_have_value(str(model), timeout=SLOW)
        tab(page, "Results")
        expect(page.locator("#heatmap .ytick")).to_have_text(["larch-1b"], timeout=SLOW)
        tab(page, "Runs")
        page.locator("#job-delete").click()
        expect(page.locator("#job-asked")).to_contain_text(
            "Delete larch-1b and its 800 answers?", timeout=SLOW
        )
        page.locator("#job-yes").click()
        expect(page.locator("#jobs")).to_contain_text("No job yet", timeout=SLOW)
        tab(page, "Results")
        expect(page.get_by_text("Nothing to show yet")).to_be_visible(timeout=SLOW)
        page.close()


def test_two_runs_are_compared_by_keyboard_down_to_a_question(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"{address}/?tab=runs&compare=run-5&with=run-{len(HOSTILE)}")
    compared = page.locator("#compared")
    # English 6 and 4 of 6 right: 100 and 66.67; p of 2 against 0 is 2 * 1 / 2^2 = .5
    expect(compared.locator("tr", has_text="English")).to_contain_text("66.67", timeout=SLOW)
    expect(compared.locator("tr", has_text="English")).to_contain_text("0.500")
    expect(compared.locator("tr", has_text="German")).to_contain_text("+16.67")  # 5 of 6, then 6 of 6
    assert compared.locator("button").all_text_contents() == ["2", "1"]
    lost = page.get_by_role("button", name="English: 2 questions, was right, now wrong")
    lost.focus()
    page.keyboard.press("Enter")
    rows = page.locator("#changed-questions button")
    expect(rows).to_have_count(2, timeout=SLOW)
    rows.first.focus()
    page.keyboard.press("Enter")
    cards = page.locator("#changed-question .clika-card")
    expect(cards).to_have_count(3, timeout=SLOW)
    expect(cards.first).to_contain_text("✗ Wrong")
    page.locator("#compare-whose").get_by_text("rowan").click()
    expect(cards.first).to_contain_text("✓ Right", timeout=SLOW)
    page.close()


def test_every_tab_is_reached_by_keyboard_and_kept_in_the_address(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    for name, place in (("New run", "new"), ("Runs", "runs"), ("About", "about"), ("Results", "results")):
        page.get_by_role("tab", name=name).focus()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"tab={place}"), timeout=SLOW)
    tab(page, "Runs")
    job = page.locator("#jobs button").first
    job.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#job-heading h2")).to_be_visible(timeout=SLOW)
    page.wait_for_url(re.compile("job=evaluate-"), timeout=SLOW)
    expect(job).to_be_focused()  # the table was drawn again under it
    page.close()


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_are_text_and_no_tab_scrolls_sideways_on_a_narrow_screen(
    browser: Browser, address: str, theme: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for place, shown in (
        ("about", "How to read the three numbers"),
        ("new", "What it takes"),
        ("runs", "onerror=document.title"),
        ("results", "onerror=document.title"),
    ):
        page.goto(f"{address}/?tab={place}&compare=run-5&with=run-{len(HOSTILE)}&__theme={theme}")
        if place == "results":
            page.locator("#shape").get_by_text("Table").click()
        expect(page.get_by_text(shown).first).to_be_visible(timeout=SLOW)
        if place == "runs":
            page.locator("#jobs button").first.click()
            expect(page.locator("#job-log")).to_contain_text(
                "${document.title='taken'}{{constructor}}", timeout=SLOW
            )
            expect(page.locator("#job-heading")).to_contain_text("onerror")
            expect(page.locator("#compared")).to_contain_text("onerror", timeout=SLOW)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("img[src='x']").count() == 0
        assert page.title() == "CLiKA"
    page.close()


def test_a_bundled_model_is_chosen_and_a_preset_leads_to_the_tab_that_teaches(
    browser: Browser, tmp_path: Path
) -> None:
    mixed = LiveModel("mixed", tmp_path / "mixed", "knows <i>most</i>")
    mixed.folder.mkdir()
    with served_page(tmp_path / "store", (mixed,)) as address:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(f"{address}/?tab=new")
        choose(page.locator("#known-models input"), "mixed: knows <i>most</i>")
        models = page.locator("#models textarea")
        expect(models).to_have_value(str(mixed.folder), timeout=SLOW)
        expect(page.locator("#command")).to_contain_text("--demonstrations 0", timeout=SLOW)
        page.locator("#hub-search").click()
        expect(page.locator(".toast-body")).to_contain_text("nothing to look for", timeout=SLOW)
        page.locator("#preset").get_by_text("Paper").click()
        expect(page.locator("#estimate")).to_contain_text("1,740", timeout=SLOW)  # 174 in ten languages
        page.locator("#preset").get_by_text("Conductivity").click()
        expect(page.locator("#conductivity-model input")).to_have_value(str(mixed.folder), timeout=SLOW)
        page.wait_for_url(re.compile("tab=conductivity"), timeout=SLOW)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()


def test_a_link_to_runs_side_by_side_restores_them(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/?tab=runs&compare=run-5&more=run-{len(HOSTILE)},gone")
    many = page.locator("#many-compared")
    expect(many).to_contain_text("What differs between 2 runs", timeout=SLOW)
    expect(many).to_contain_text("onerror=document.title")
    expect(many.locator("tr", has_text="English (6)")).to_contain_text("66.67")  # 4 of 6
    page.wait_for_url(
        re.compile(f"more=run-{len(HOSTILE)}$"), timeout=SLOW
    )  # what is gone leaves the address
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
