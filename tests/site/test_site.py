"""A site is opened from the disk: it shows what the store holds, as text, and needs nothing from anywhere."""

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree
from typing import Any
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, Page, expect

from clika.cli import main
from clika.database.index import Index
from clika.errors import UsageError
from clika.records import Kind, ModelRef, Question, Run, ScoringRule
from clika.site.folder import MARK, write_site
from tests.hostile import HOSTILE
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions
from tests.ui.dashboard import running_browser

SLOW = 30_000


def content(site: Path, name: str) -> Any:
    """What a data file hands over."""
    script = (site / "data" / f"{name}.js").read_text("utf-8")
    found = re.fullmatch(rf'clikaData\("{re.escape(name)}",JSON\.parse\((.*)\)\);\n', script, re.DOTALL)
    assert found, script[:100]
    return json.loads(json.loads(found[1]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models over 24 questions: larch knows all in English and the even ones in German; rowan cannot say."""
    store, output = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("made") / "site"
    seal_questions(store, made_up_questions(count=24))
    larch, rowan = made_up_run("larch"), made_up_run("rowan")
    right = {(str(n), "en"): n % 4 for n in range(24)}
    german = {(str(n), "de"): n % 4 if n % 2 == 0 else (n + 1) % 4 for n in range(24)}
    seal_predictions(store, larch, predictions(larch, {**right, **german}), job="larch")
    seal_predictions(store, rowan, predictions(rowan, dict.fromkeys(right)), job="rowan")
    assert main(["site", "--output", str(output), "--store", str(store)]) == 0
    return output


def test_scores_answers_and_questions_are_what_the_store_holds(site: Path) -> None:
    scores = content(site, "0-scores-accuracy-xgeo")
    larch, rowan = scores["cells"]
    assert scores["labels"] == ["larch", "rowan"]
    assert [cell[1] for cell in larch] == ["100.00", "50.00", "·"]  # 24 and 12 of 24; Hebrew was not run
    assert [cell[1] for cell in rowan] == ["0.00", "·", "·"]
    answers = content(site, "0-answers-xgeo")
    assert answers["runs"][made_up_run("larch").run] == {"en": "abcd" * 6, "de": "acca" * 6}
    assert answers["runs"][made_up_run("rowan").run] == {"en": "-" * 24}
    questions = content(site, "0-questions-xgeo")
    assert [one["id"] for one in questions] == answers["ids"]
    assert questions[1]["texts"]["de"][1] == "xgeo question 1 in de?"
    assert questions[1]["gold"] == 1


def test_a_site_is_written_again_and_other_folders_are_left_alone(site: Path, tmp_path: Path) -> None:
    (site / "data" / "old.js").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with Index.open(site.parent / "none") as empty, pytest.raises(UsageError, match="holds no answers"):
        write_site(empty, tmp_path / "site")
    assert not (tmp_path / "site").exists()
    seal_questions(tmp_path / "store", made_up_questions())
    run = made_up_run()
    seal_predictions(tmp_path / "store", run, predictions(run, {("0", "en"): 0}))
    with Index.open(tmp_path / "store") as index:
        with pytest.raises(UsageError, match="holds other files"):
            write_site(index, tmp_path / "mine")
        with pytest.raises(UsageError, match="is a file"):
            write_site(index, tmp_path / "mine" / "thesis.tex")
        with pytest.raises(UsageError, match="no answers over collection 'x'; known: made-up"):
            write_site(index, tmp_path / "site", "x")
        (tmp_path / "site").mkdir()
        first = write_site(index, tmp_path / "site")
        (tmp_path / "site" / "data" / "old.js").touch()
        assert write_site(index, tmp_path / "site") == first
    assert (first.runs, first.heatmaps) == (1, 2)  # en-CO and accuracy of xGeo
    assert not (tmp_path / "site" / "data" / "old.js").exists()
    assert (tmp_path / "site" / MARK).exists()
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_nothing_is_fetched_from_elsewhere_and_the_first_view_is_small(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["site.css", "data:,", "plotly.js", "site.js"]
    assert "http" not in (site / "site.js").read_text()
    assert "url(" not in (site / "site.css").read_text()
    own = sum((site / name).stat().st_size for name in ("index.html", "site.js", "site.css"))
    assert own < 60_000  # beside Plotly and one heatmap's file


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


def opened(browser: Browser, address: str, **options: Any) -> Page:
    """A page that fails the test by what goes wrong in it."""
    page = browser.new_context(
        viewport=options.pop("viewport", {"width": 1440, "height": 900}), **options
    ).new_page()
    page.on("pageerror", lambda error: pytest.fail(f"in the page: {error}"))
    page.goto(address)
    return page


@pytest.mark.browser
def test_from_the_disk_a_cell_leads_to_its_questions_and_the_link_restores_them(
    browser: Browser, site: Path
) -> None:
    page = opened(browser, f"{(site / 'index.html').as_uri()}#m=accuracy")
    expect(page.locator("#plot .ytick")).to_have_text(["larch", "rowan"], timeout=SLOW)
    cell = page.locator("#plot .nsewdrag").bounding_box()
    assert cell is not None
    page.mouse.click(
        cell["x"] + cell["width"] / 2, cell["y"] + cell["height"] / 4
    )  # the middle column, first row
    section = page.locator("#cell")
    expect(section).to_contain_text("larch · German", timeout=SLOW)
    expect(section.locator("tbody tr")).to_have_count(20)
    expect(section).to_contain_text("Questions 1 to 20 of 24")
    section.get_by_role("button", name="Later").click()
    expect(section.locator("tbody tr")).to_have_count(4)
    section.locator("#relation").select_option("english")
    expect(section).to_contain_text("Questions 1 to 12 of 12")  # the odd ones: right in English alone
    section.locator("tbody button").first.click()
    cards = page.locator("#question .clika-card")
    expect(cards).to_have_count(3, timeout=SLOW)
    expect(cards.nth(1)).to_contain_text("✗ Wrong")
    expect(cards.nth(2).locator(".clika-asked")).to_have_attribute("dir", "rtl")
    expect(cards.nth(2)).to_contain_text("Not asked in this language")
    other = opened(browser, page.url)
    expect(other.locator("#question .clika-card")).to_have_count(3, timeout=SLOW)
    expect(other.locator("#cell")).to_contain_text("Questions 1 to 12 of 12")
    other.context.close()
    page.context.close()


@pytest.mark.browser
def test_a_static_host_is_asked_for_data_when_they_are_looked_at(browser: Browser, site: Path) -> None:
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(urlparse(request.url).path))
        page.goto(f"http://127.0.0.1:{server.server_port}/#m=accuracy&t=table")
        expect(page.locator("#score-table tbody tr")).to_have_count(2, timeout=SLOW)
        assert sorted(one for one in loaded if one.startswith("/data/")) == [
            "/data/0-scores-accuracy-xgeo.js"
        ]
        page.locator("#score-table button").first.press("Enter")
        expect(page.locator("#cell tbody tr")).to_have_count(20, timeout=SLOW)
        assert {"/data/0-questions-xgeo.js", "/data/0-answers-xgeo.js"} <= set(loaded)
        page.close()
        server.shutdown()


@pytest.mark.browser
def test_a_data_file_that_is_missing_is_said(browser: Browser, site: Path, tmp_path: Path) -> None:
    copytree(site, tmp_path / "site")
    (tmp_path / "site" / "data" / "0-answers-xgeo.js").unlink()
    page = browser.new_page()
    page.goto(f"{(tmp_path / 'site' / 'index.html').as_uri()}#m=accuracy&t=table")
    page.locator("#score-table button").first.press("Enter")
    expect(page.locator("#fault")).to_contain_text("data/0-answers-xgeo.js cannot be loaded", timeout=SLOW)
    expect(page.locator("#score-table tbody tr")).to_have_count(2)
    page.close()


@pytest.mark.browser
def test_the_table_is_walked_by_keyboard(browser: Browser, site: Path) -> None:
    page = opened(browser, f"{(site / 'index.html').as_uri()}#m=accuracy&t=table")
    button = page.get_by_role("button", name=re.compile("^larch, German: 50.00"))
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#cell")).to_contain_text("larch · German", timeout=SLOW)
    expect(page.locator("#score-table button[aria-pressed=true]")).to_have_count(1)
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_texts_are_shown_as_text_on_a_narrow_screen(
    browser: Browser, tmp_path: Path, scheme: str
) -> None:
    store = tmp_path / "store"
    texts = HOSTILE * 2
    asked = [
        Question("made-up", "xcopa", texts[n], language, Kind.CAUSE, texts[n + 1], texts[n + 2],
                 (texts[n + 3], texts[n + 4] + "."), 0, texts[n + 5])
        for n in range(len(HOSTILE))
        for language in ("en", "ar")
    ]  # fmt: skip
    seal_questions(store, asked)
    for n, name in enumerate(HOSTILE):
        run = Run(f"run-{n}", ModelRef(name, "made-up"), "made-up", "english", ScoringRule.LETTER)
        chosen = {(one.question_id, one.language): n % 2 for one in asked}
        seal_predictions(store, run, predictions(run, chosen, "xcopa"), job=f"job-{n}")
    with Index.open(store) as index:
        write_site(index, tmp_path / "site")
    page = opened(
        browser, f"{(tmp_path / 'site' / 'index.html').as_uri()}#m=accuracy",
        viewport={"width": 390, "height": 844}, color_scheme=scheme,
    )  # fmt: skip
    expect(page.locator("#plot .ytick")).to_have_count(20, timeout=SLOW)
    page.locator("#shape").select_option("table")
    names = page.locator("#score-table tbody th")
    expect(names).to_have_count(20)
    assert sorted(names.all_text_contents()) == sorted(HOSTILE)
    page.locator("#score-table button").first.press("Enter")
    rows = page.locator("#cell tbody button")
    expect(rows).to_have_count(20, timeout=SLOW)
    for n in range(20):
        rows.nth(n).click()
        expect(page.locator("#question .clika-asked").first).to_have_text(texts[n + 2], timeout=SLOW)
        expect(page.locator("#question .clika-premise").first).to_have_text(texts[n + 1])
    assert page.title() == "CLiKA"
    assert (
        page.locator("img, iframe, svg[onload], #question b, #question script, #score-table i").count() == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
