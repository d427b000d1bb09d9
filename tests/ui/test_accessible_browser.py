"""axe finds nothing to object to on any tab, light and dark; and the way down is walked by keyboard alone."""

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.dashboard import running_app, running_browser
from tests.ui.results_store import fill_store

pytestmark = pytest.mark.browser
SLOW = 30_000
VIOLATIONS = """async () => (await axe.run(document)).violations.map(
  (one) => `${one.id}: ${one.nodes.map((node) => node.target.join(' ')).join(', ')}`)"""
QUESTION = "view=Table&scope=basic&model=run-maple-7b&language=he&question=xcsqa:3"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("store")
    fill_store(store, count=8)
    with running_app(store) as opened:
        yield opened


def violations(page: Page) -> list[str]:
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text("utf-8"))
    found: list[str] = page.evaluate(VIOLATIONS)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_on_any_tab(browser: Browser, address: str, theme: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    found: dict[str, list[str]] = {}
    page.goto(f"{address}/?__theme={theme}")
    page.locator("#heatmap .js-plotly-plot[data-listens]").wait_for(timeout=SLOW)
    for panel in ("Models, languages, case study, differences, order", "Export", "Tags of runs"):
        page.get_by_text(panel, exact=True).click()
    expect(page.locator("#tags-said")).to_contain_text("No run is tagged yet", timeout=SLOW)
    found["heatmap"] = violations(page)
    page.goto(f"{address}/?{QUESTION}&grouped=yes&__theme={theme}")
    expect(page.locator(".clika-card")).to_have_count(10, timeout=SLOW)
    page.get_by_text("All models and languages").click()
    expect(page.locator(".clika-map")).to_be_visible()
    found["question"] = violations(page)
    for name in page.get_by_role("tab").all_text_contents()[1:]:
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        page.get_by_role("tabpanel").locator("visible=true").first.wait_for(timeout=SLOW)
        found[name] = violations(page)
    assert {name: found[name] for name in found if found[name]} == {}
    page.close()


def test_the_way_down_is_walked_without_a_mouse(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    page.locator("#heatmap .js-plotly-plot[data-listens]").wait_for(timeout=SLOW)
    page.locator("#shape input").first.focus()
    page.keyboard.press("Tab")  # each of Gradio's radio buttons is a stop
    page.keyboard.press("Space")
    cells = page.locator(".clika-scores tbody button")
    expect(cells).to_have_count(30, timeout=SLOW)

    def tab_to(inside: str) -> None:
        for _ in range(60):
            if page.evaluate("inside => document.activeElement.matches(inside)", inside):
                return
            page.keyboard.press("Tab")
        pytest.fail(f"the Tab key does not reach {inside}")

    tab_to(".clika-scores tbody button")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#cell-heading h2")).to_contain_text("English", timeout=SLOW)
    expect(cells.nth(10)).to_be_focused()  # what is pressed keeps the focus
    tab_to("#questions button")
    page.keyboard.press("Enter")
    expect(page.locator(".clika-card")).to_have_count(10, timeout=SLOW)
    expect(page.locator("#question h2")).to_be_focused(timeout=SLOW)
    page.keyboard.press("j")
    expect(page.locator("#question-place")).to_contain_text("2 of", timeout=SLOW)
    tab_to("#question-map button, #question-all button")
    page.close()
