"""Links that restore the view, the way down to one question and on to the next, and the other views of the scores."""

import csv
import io
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.dashboard import running_app, running_browser
from tests.ui.dropdowns import choose
from tests.ui.results_store import fill_store

pytestmark = pytest.mark.browser
SLOW = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("store")
    fill_store(store)
    with running_app(store) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1440, "height": 900})
    opened.goto(address)
    opened.locator("#heatmap .js-plotly-plot[data-listens]").wait_for(timeout=SLOW)
    yield opened
    opened.close()


def press_cell(page: Page, model: str, language: str) -> None:
    page.locator("#shape").get_by_text("Table").click()
    page.get_by_role("button", name=re.compile(rf"^{model}, {language}: ")).click(timeout=SLOW)
    expect(page.locator("#cell-heading h2")).to_have_text(f"{model} · {language}", timeout=SLOW)


def test_a_link_restores_metric_scope_model_language_and_question_in_a_new_browser(
    page: Page, browser: Browser
) -> None:
    page.locator("#metric").get_by_text("en-CO").click()
    expect(page.locator("#heatmap-note")).to_contain_text("en-CO: of the questions", timeout=SLOW)
    choose(page.locator("#scope input").first, "xGeo")
    press_cell(page, "maple-7b", "Chinese")
    page.locator("#relation").get_by_text("Both right").click()
    rows = page.locator("#questions button")
    expect(page.locator("#questions")).not_to_contain_text("of 24", timeout=SLOW)
    rows.nth(1).click()
    expect(page.locator(".clika-card")).to_have_count(10, timeout=SLOW)
    asked = page.locator("#question h2").text_content() or ""
    page.wait_for_url(
        re.compile(
            r"tab=results.*metric=en-co&scope=xgeo.*model=run-maple-7b&language=zh&kind=both&question=xgeo%3A\d+"
        )
    )
    listed = page.locator("#questions table").text_content() or ""

    other = browser.new_context().new_page()
    other.goto(page.url)
    expect(other.locator("#question h2")).to_have_text(asked, timeout=SLOW)
    expect(other.locator("#cell-heading h2")).to_have_text("maple-7b · Chinese")
    expect(other.locator("#metric input[value='en-co']")).to_be_checked()
    expect(other.locator("#scope input").first).to_have_value("xGeo")
    expect(other.locator(".clika-scores")).to_be_visible()
    expect(other.locator("#questions table")).to_have_text(listed)  # around it Gradio says how long it took
    other.close()


def test_a_link_to_what_is_gone_shows_what_is_there(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(
        f"{address}/?tab=results&metric=<b>&scope=gone&model=gone&language=xx&question=a:b&sort=zz&runs=q,r"
    )
    page.locator("#heatmap .js-plotly-plot[data-listens]").wait_for(timeout=SLOW)
    expect(page.locator("#heatmap .ytick")).to_have_count(3)
    expect(page.locator("#cell")).to_be_hidden()
    expect(page.locator(".toast-body")).to_have_count(0)
    page.close()


def test_filters_keys_another_model_and_the_map_keep_the_place(page: Page) -> None:
    press_cell(page, "maple-7b", "German")
    rows = page.locator("#questions button")
    expect(page.locator("#questions")).to_contain_text("of 48", timeout=SLOW)
    page.locator("#question-search textarea, #question-search input").fill("XGEO-1? 位于")
    expect(rows).to_have_count(1, timeout=SLOW)
    expect(rows.first).to_contain_text("xGeo 1")
    page.locator("#question-search textarea, #question-search input").fill("")
    expect(rows).to_have_count(20, timeout=SLOW)
    choose(page.locator("#question-order input").first, "Most divisive for the chosen models")
    expect(page.locator("#questions thead")).to_contain_text("Models right", timeout=SLOW)
    choose(page.locator("#question-origin input").first, "Chinese")
    expect(page.locator("#questions")).to_contain_text("of 24", timeout=SLOW)

    rows.first.click()
    place = page.locator("#question-place")
    expect(place).to_have_text("1 of 24 in the list", timeout=SLOW)
    first = page.locator("#question h2").text_content() or ""
    page.locator("#question h2").click()
    page.keyboard.press("j")
    expect(place).to_have_text("2 of 24 in the list", timeout=SLOW)
    expect(page.locator("#question h2")).not_to_have_text(first)
    page.keyboard.press("k")
    expect(page.locator("#question h2")).to_have_text(first, timeout=SLOW)
    expect(page.locator("#question-before")).to_be_disabled()

    expect(page.locator(".clika-pinned .clika-card")).to_have_attribute("aria-label", "English")
    # the three or more shares of a card are a probability: they sum to 1
    shares = page.locator(".clika-pinned .clika-probability").all_text_contents()
    assert sum(float(share.removesuffix(" %")) for share in shares) == pytest.approx(100, abs=0.3)
    choose(page.locator("#question-model input").first, "rowan-13b")
    expect(page.locator("#question .clika-legend")).to_contain_text("picked by rowan-13b", timeout=SLOW)
    expect(place).to_have_text("1 of 24 in the list", timeout=SLOW)
    page.locator("#question-grouped").get_by_text("Group languages").click()
    expect(page.locator("#question section h3").first).to_be_visible(timeout=SLOW)
    expect(page.locator(".clika-card")).to_have_count(10)
    page.get_by_text("All models and languages").click()
    expect(page.locator("#question-map tbody tr")).to_have_count(3)
    page.locator("#question-map tbody tr").nth(1).locator("button").first.click()
    expect(page.locator("#question .clika-legend")).to_contain_text(
        "picked by maple-7b-chat-zh", timeout=SLOW
    )


def test_the_table_is_walked_with_arrows_and_sorted_by_its_heads(page: Page) -> None:
    page.locator("#shape").get_by_text("Table").click()
    page.get_by_role("button", name="English en").click(timeout=SLOW)
    expect(page.locator(".clika-scores th[aria-sort=descending]")).to_contain_text("English", timeout=SLOW)
    models = page.locator(".clika-scores tbody th")
    order = models.all_text_contents()
    page.get_by_role("button", name="English ↓ en").click()
    expect(page.locator(".clika-scores th[aria-sort=ascending]")).to_be_visible(timeout=SLOW)
    assert models.all_text_contents() == order[::-1]
    page.locator(".clika-scores tbody button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name=re.compile(rf"^{order[1]}, German: "))).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#cell-heading h2")).to_have_text(f"{order[1]} · German", timeout=SLOW)


def test_a_case_study_differences_and_the_other_figures(page: Page) -> None:
    page.get_by_text("Models, languages, case study, differences, order").click()
    choose(page.locator("#study input").first, "Chinese (zh)")
    ticks = page.locator("#heatmap .xtick")
    expect(ticks).to_have_text(
        ["Englishen", "Chinesezh", "Chinese/en", "othersmean", "others/en"], timeout=SLOW
    )
    choose(page.locator("#baseline input").first, "maple-7b")
    expect(page.locator("#heatmap .ytick")).to_have_text(["maple-7b-chat-zh", "rowan-13b"], timeout=SLOW)
    expect(page.locator("#heatmap .heatmap-label text").first).to_have_text(re.compile(r"^[+−]\d"))
    page.wait_for_url(re.compile("study=zh&baseline=run-maple-7b"))
    choose(page.locator("#study input").first, "None: all languages")
    choose(page.locator("#baseline input").first, "Absolute values")
    page.locator("#models-shown").get_by_text("rowan-13b").click()
    expect(page.locator("#heatmap .ytick")).to_have_text(["rowan-13b"], timeout=SLOW)
    page.locator("#shape").get_by_text("Bars").click()
    expect(page.locator("#heatmap .barlayer .point")).to_have_count(10, timeout=SLOW)
    expect(page.locator("#heatmap .errorbar")).to_have_count(10)
    page.locator("#shape").get_by_text("Basic against factual").click()
    expect(page.locator("#heatmap .scatterlayer .point")).to_have_count(10, timeout=SLOW)
    box = page.locator("#heatmap .scatterlayer .point").nth(3).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#cell-heading h2")).to_have_text("rowan-13b · Italian", timeout=SLOW)
    page.locator("#shape").get_by_text("en-CO against XRR").click()
    expect(page.locator("#heatmap-note")).to_contain_text("tuned on a fictional world yet", timeout=SLOW)


def kept(page: Page, button: str) -> tuple[str, bytes]:
    """Name and content of the file that a button gives."""
    with page.expect_download(timeout=SLOW) as waiting:
        page.locator(button).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_every_export_opens_and_says_what_the_page_shows(browser: Browser, address: str) -> None:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    page = context.new_page()
    page.goto(
        f"{address}/?study=zh&runs=run-maple-7b,run-rowan-13b&model=run-maple-7b&language=zh&question=xgeo:3"
    )
    labels = page.locator("#heatmap .heatmap-label text")
    expect(page.locator("#heatmap .ytick")).to_have_count(2, timeout=SLOW)
    printed = {number for number in labels.all_text_contents() if number}
    page.get_by_text("Export", exact=True).click()
    name, text = kept(page, "#export-csv")
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert name == "clika-released-ra-factual.csv"
    assert {row["language"] for row in rows} == {"en", "zh", "zh/en", "others", "others/en"}
    assert {f"{float(row['value']) * 100:.2f}" for row in rows} == printed
    _, text = kept(page, "#export-latex")
    assert all(number in text.decode() for number in printed | {r"\toprule", r"\bottomrule", "maple-7b"})
    _, text = kept(page, "#export-json")
    assert {(row["model"], row["metric"], row["scope"]) for row in json.loads(text)} == {
        ("maple-7b", "ra", "factual"),
        ("rowan-13b", "ra", "factual"),
    }
    name, text = kept(page, "#export-html")
    assert name.endswith(".html")
    figure = context.new_page()
    figure.set_content(text.decode())
    expect(figure.locator(".ytick")).to_have_text(["maple-7b", "rowan-13b"], timeout=SLOW)
    expect(figure.locator(".gtitle")).to_have_text("RA, Factual")
    figure.close()
    name, image = kept(page, "#export-png")
    assert (name, image[:8]) == ("clika-released-ra-factual.png", b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(image[16:20], "big") == 2400  # twice 1,200 pixels
    _, image = kept(page, "#export-svg")
    assert b"<svg" in image
    assert b"maple-7b" in image
    name, text = kept(page, "#question-json")
    asked = json.loads(text)
    assert (name, len(asked), len(asked[0]["predictions"])) == ("xgeo-3.json", 10, 3)
    page.locator("#question-copy").click()
    expect(page.locator(".toast-body")).to_contain_text("clipboard", timeout=SLOW)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "tab=results" in copied
    assert "question=xgeo%3A3" in copied
    page.locator("#shape").get_by_text("en-CO against XRR").click()
    expect(page.locator("#heatmap-note")).to_contain_text("fictional world yet", timeout=SLOW)
    page.locator("#export-png").click()
    expect(page.locator(".toast-body").last).to_contain_text("there is no figure to keep", timeout=SLOW)
    context.close()


def test_tags_are_kept_and_make_the_case_study(page: Page) -> None:
    page.get_by_text("Tags of runs").click()
    expect(page.locator("#tags-said")).to_contain_text("No run is tagged yet", timeout=SLOW)
    choose(page.locator("#tags-run input").first, "maple-7b-chat-zh")
    choose(page.locator("#tags-parent input").first, "maple-7b")
    page.locator("#tags-tuning").get_by_text("Tuned", exact=True).click()
    page.locator("#tags-languages").get_by_text("Chinese").click()
    page.locator("#tags-save").click()
    expect(page.locator("#tags-said")).to_contain_text("tuned, tuned on Chinese, from maple-7b", timeout=SLOW)
    page.get_by_text("Models, languages, case study, differences, order").click()
    choose(page.locator("#study input").first, "Chinese (zh)")
    expect(page.locator("#heatmap .ytick")).to_have_text(["maple-7b", "maple-7b-chat-zh"], timeout=SLOW)
    choose(page.locator("#baseline input").first, "Each row's parent")
    expect(page.locator("#heatmap .ytick")).to_have_text(["maple-7b-chat-zh"], timeout=SLOW)


def test_a_link_to_a_question_leads_there_and_one_to_what_is_gone_says_so(
    browser: Browser, address: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{address}/?scope=xgeo&model=run-maple-7b&language=zh&from=20&question=xgeo:23")
    expect(page.locator("#question h2")).to_be_in_viewport(timeout=SLOW)
    expect(page.locator("#questions button")).to_have_count(4, timeout=SLOW)  # the second page of 24
    for gone, said in (
        ("collection=nope", "collection 'nope', of which this store has no answers"),
        ("model=run-oak&language=zh", "run 'run-oak' in 'zh'"),
        ("question=xgeo:nope", "question 'nope' of 'xgeo'"),
    ):
        page.goto(f"{address}/?{gone}")
        expect(page.locator("#results-notices")).to_contain_text(said, timeout=SLOW)
    page.close()


def test_back_leads_to_the_tab_the_cell_and_the_question_before(page: Page) -> None:
    press_cell(page, "maple-7b", "German")
    page.locator("#questions button").first.click()
    expect(page.locator("#question h2")).to_be_visible(timeout=SLOW)
    page.wait_for_url(re.compile("question="))
    page.get_by_role("tab", name="About").click()
    page.wait_for_url(re.compile("tab=about"))
    page.go_back()
    expect(page.locator("#question h2")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("tab", name="Results")).to_have_attribute("aria-selected", "true")
    # What was there goes first: until then it is the page before that is looked at.
    page.go_back()
    expect(page.locator("#question h2")).to_have_count(0, timeout=SLOW)
    expect(page.locator("#cell-heading h2")).to_have_text("maple-7b · German", timeout=SLOW)
    page.go_back()
    expect(page.locator("#cell-heading h2")).to_have_count(0, timeout=SLOW)
    expect(page.locator(".clika-scores")).to_be_visible(timeout=SLOW)
    page.go_forward()
    expect(page.locator("#cell-heading h2")).to_have_text("maple-7b · German", timeout=SLOW)
