"""From an empty store to a question in ten languages, as a person walks it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.models import tiny_llama
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions
from tests.ui.dashboard import running_app, running_browser
from tests.ui.made_up_release import write_made_up_release

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=document.title='taken'>"
ALL = frozenset(range(8))
# rowan: English right on 0 to 5, German on 0 to 3 and 6, Hebrew on none, the rest on 0 and 1.
RIGHT = {
    "rowan": {
        **{code: frozenset({0, 1}) for code in ("fr", "it", "pl", "ru", "ar", "ja", "zh")},
        "en": frozenset(range(6)),
        "de": frozenset({0, 1, 2, 3, 6}),
        "he": frozenset(),
    },
    HOSTILE: {"en": ALL},
}
SLOW = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_made_up_release(tmp_path_factory.mktemp("release"), RIGHT)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, browser: Browser, release: Path) -> Iterator[str]:
    """The address of an app whose store was filled through its own first page."""
    with running_app(tmp_path_factory.mktemp("store")) as opened:
        page = browser.new_page()
        page.goto(opened)
        expect(page.get_by_text("Nothing to show yet")).to_be_visible(timeout=SLOW)
        import_folder(page, "/no/such/folder")
        expect(page.locator(".toast-body")).to_contain_text("/no/such/folder", timeout=SLOW)
        expect(page.get_by_text("Traceback")).to_have_count(0)
        import_folder(page, str(release))
        expect(label(page, "69.44")).to_be_visible(timeout=SLOW)
        expect(page.get_by_text("Nothing to show yet")).to_be_hidden()
        page.close()
        yield opened


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto(address)
    opened.locator("#heatmap .js-plotly-plot[data-listens]").wait_for(timeout=SLOW)
    yield opened
    opened.close()


def import_folder(page: Page, folder: str) -> None:
    page.locator("#import-folder textarea, #import-folder input").first.fill(folder)
    button = page.locator("#import-button")
    expect(button).to_be_enabled(timeout=SLOW)
    button.click()


def label(page: Page, number: str) -> Locator:
    return page.locator("#heatmap .heatmap-label text").get_by_text(number, exact=True).first


def press(page: Page, number: str) -> None:
    """A mouse press in the middle of the heatmap cell that prints ``number``."""
    box = label(page, number).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def counts(page: Page) -> dict[str, int]:
    names = page.locator("#cell-heading dt").all_text_contents()
    numbers = page.locator("#cell-heading dd").all_text_contents()
    return dict(zip(names, map(int, numbers), strict=True))


def test_the_heatmap_prints_the_values_of_the_files(page: Page) -> None:
    # RA of xGeo = max(0, (accuracy - 1/4) / (.970 - 1/4)): English (6/8 - .25) / .72 = .69444,
    # German (5/8 - .25) / .72 = .52083, French (2/8 - .25) / .72 = 0; eight of eight gives 1.04167.
    for number in ("69.44", "52.08", "0.00", "104.17", "·"):
        expect(label(page, number)).to_be_visible()
    page.locator("#metric").get_by_text("en-CO").click()
    # German: 4 of its 5 right answers are right in English too; Hebrew has none: undefined.
    expect(label(page, "0.8000")).to_be_visible(timeout=SLOW)
    expect(label(page, "–")).to_be_visible()
    page.locator("#metric").get_by_text("accuracy").click()
    expect(label(page, "62.50")).to_be_visible(timeout=SLOW)


def test_a_cell_leads_to_a_question_in_ten_languages(page: Page) -> None:
    press(page, "52.08")
    expect(page.locator("#cell-heading h2")).to_have_text(re.compile(r"rowan.* · German"), timeout=SLOW)
    expect(page.locator("#cell-heading")).to_contain_text("52.08")
    # Right in both: 0 to 3; English only: 4 and 5; German only: 6; neither: 7.
    assert counts(page) == {"Both right": 4, "Only English right": 2, "Only German right": 1, "Both wrong": 1}

    rows = page.locator("#questions button")
    expect(rows).to_have_count(8)
    page.locator("#relation").get_by_text("Only English right").click()
    expect(rows).to_have_count(2, timeout=SLOW)
    expect(rows.first).to_contain_text("[de] where is town 4?")
    page.locator("#relation").get_by_text("Both wrong").click()
    expect(rows).to_have_count(1, timeout=SLOW)

    rows.first.click()
    cards = page.locator(".clika-card")
    expect(cards).to_have_count(10, timeout=SLOW)
    expect(cards.first).to_have_attribute("aria-label", "English")
    hebrew = page.locator('.clika-card[aria-label="Hebrew"]')
    expect(hebrew.locator(".clika-asked")).to_have_attribute("dir", "rtl")
    expect(hebrew.locator(".clika-asked")).to_have_attribute("lang", "he")
    assert hebrew.locator(".clika-asked").evaluate("node => getComputedStyle(node).direction") == "rtl"
    expect(hebrew.locator(".is-gold")).to_contain_text("✓ correct answer")
    expect(hebrew).to_contain_text("i <i>cannot</i> say")
    assert hebrew.locator("i").count() == 0


def test_the_picked_option_is_marked_with_words(page: Page) -> None:
    press(page, "52.08")
    rows = page.locator("#questions button")
    expect(rows).to_have_count(8, timeout=SLOW)
    rows.nth(4).click()
    german = page.locator('.clika-card[aria-label="German"]')
    # Question 4: the answer is A; German is wrong, so it names the option after it.
    expect(german.locator("li").nth(0)).to_contain_text("✓ correct answer", timeout=SLOW)
    expect(german.locator("li").nth(1)).to_contain_text("● picked")
    english = page.locator('.clika-card[aria-label="English"] li').nth(0)
    expect(english).to_contain_text("✓ correct answer")
    expect(english).to_contain_text("● picked")


def test_the_table_says_the_same_and_the_keyboard_opens_a_cell(page: Page) -> None:
    page.locator("#shape").get_by_text("Table").click()
    cell = page.get_by_role("button", name=re.compile(r"^rowan.*, German: 52\.08"))
    expect(cell).to_be_visible(timeout=SLOW)
    cell.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#cell-heading h2")).to_have_text(re.compile(r"rowan.* · German"), timeout=SLOW)
    question = page.locator("#questions button").first
    question.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".clika-card")).to_have_count(10, timeout=SLOW)


def test_markup_in_names_and_questions_is_shown_as_text(page: Page) -> None:
    page.locator("#shape").get_by_text("Table").click()
    expect(page.locator("#score-table th", has_text="<img src=x")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name=re.compile(r"onerror.*, English: 104\.17")).click()
    rows = page.locator("#questions button")
    expect(rows.nth(1)).to_contain_text("<b>bold</b>", timeout=SLOW)
    rows.nth(1).click()
    expect(page.locator(".clika-card").first).to_contain_text("<b>bold</b>", timeout=SLOW)
    expect(page.locator('.clika-card[aria-label="Polish"]')).to_contain_text("Not asked")
    assert page.locator("img[src='x'], .clika-card b, #questions b").count() == 0
    assert page.title() == "CLiKA"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_narrow_screen_scrolls_the_heatmap_and_not_the_page(
    browser: Browser, address: str, theme: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/?__theme={theme}")
    plot = page.locator("#heatmap .js-plotly-plot[data-listens]")
    plot.wait_for(timeout=SLOW)
    box = plot.bounding_box()
    assert box is not None
    assert box["height"] > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.mouse.move(box["x"] + 100, box["y"] + 60)
    page.mouse.wheel(400, 0)  # as a finger does
    page.wait_for_function("document.querySelector('#heatmap').scrollLeft > 300", timeout=SLOW)
    page.locator("#shape").get_by_text("Table").click()
    expect(page.locator(".clika-scores")).to_be_visible(timeout=SLOW)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_cells_fill_while_the_page_is_open_and_ra_without_a_reference_is_not_made_up(
    browser: Browser, tmp_path: Path
) -> None:
    with running_app(tmp_path) as opened:
        page = browser.new_page()
        page.goto(opened)
        expect(page.get_by_text("Nothing to show yet")).to_be_visible(timeout=SLOW)
        run = made_up_run("willow")
        seal_questions(tmp_path, made_up_questions())
        seal_predictions(tmp_path, run, predictions(run, {("0", "en"): 0, ("1", "en"): 0}), job="one")
        # Question k's answer is choice k: one of two is right.
        expect(label(page, "50.00")).to_be_visible(timeout=SLOW)
        seal_predictions(tmp_path, run, predictions(run, {("2", "en"): 2, ("3", "en"): 3}), job="two")
        expect(label(page, "75.00")).to_be_visible(timeout=SLOW)
        page.locator("#metric").get_by_text("RA", exact=True).click()
        expect(page.locator("#heatmap-note")).to_contain_text("this is plain accuracy", timeout=SLOW)
        expect(label(page, "75.00")).to_be_visible()
        page.close()


def test_one_press_asks_a_checkpoint_the_bundled_sample_and_the_heatmap_fills(
    browser: Browser, tmp_path: Path
) -> None:
    tiny_llama(tmp_path / "tiny-random")
    with running_app(tmp_path / "store") as opened:
        page = browser.new_page()
        page.goto(opened)
        model = page.locator("#evaluate-model textarea, #evaluate-model input").first
        model.fill("")
        page.locator("#evaluate-button").click()
        expect(page.locator(".toast-body")).to_contain_text("no model is named", timeout=SLOW)
        model.fill(str(tmp_path / "tiny-random"))
        page.locator("#evaluate-button").click()
        expect(page.locator("#evaluation-report")).to_contain_text("800 questions answered", timeout=2 * SLOW)
        expect(page.locator("#heatmap .ytick")).to_have_text(["tiny-random"], timeout=4 * SLOW)
        page.close()
