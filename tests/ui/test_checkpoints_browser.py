"""A real checkpoint and a real adapter uploaded by a browser, seen, asked beside their base, and compared."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from clika.checkpoints.quarantine import CHECKPOINTS, QUARANTINE
from clika.imports import store_questions
from tests.checkpoints.test_hostile_models import HARMLESS, HOSTILE, REFUSED, listening
from tests.checkpoints.uploads import zipped
from tests.models import tiny_llama
from tests.scoring.test_transformers_answers import adapter
from tests.stores import made_up_questions
from tests.ui.dashboard import running_app, running_browser
from tests.ui.dropdowns import choose

pytestmark = pytest.mark.browser

LONG = 240_000
"""Milliseconds for a checkpoint's inspection and for a job, each of which imports torch."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


def archive(folder: Path, into: Path) -> Path:
    into.write_bytes(zipped({path.name: path.read_bytes() for path in folder.iterdir()}))
    return into


def numbers(heatmap: Locator) -> list[float]:
    """What the cells show, row by row."""
    shown = heatmap.locator(".heatmap-label text").all_text_contents()
    return [float(text.replace("\N{MINUS SIGN}", "-")) for text in shown]


def add(page: Page, files: list[Path], base: str | None = None) -> None:
    page.locator("#checkpoint-files input[type=file]").set_input_files([str(path) for path in files])
    for path in files:
        expect(page.locator("#checkpoint-files")).to_contain_text(path.stem, timeout=LONG)
    if base is not None:
        choose(page.locator("#checkpoint-base input"), re.compile(base))
    page.locator("#checkpoint-add").click()


def test_a_checkpoint_and_an_adapter_are_uploaded_seen_and_asked_beside_their_base(
    browser: Browser, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    store_questions(store, "made-up", made_up_questions("xgeo", 3, ("en", "de")))
    tiny_llama(tmp_path / "larch")
    adapter(tmp_path / "taught", tmp_path / "larch", ["q_proj", "v_proj"])
    model, lora = (
        archive(tmp_path / "larch", tmp_path / "larch.zip"),
        archive(tmp_path / "taught", tmp_path / "taught.zip"),
    )
    (tmp_path / "hostile.zip").write_bytes(zipped({"../config.json": b"{}"}))
    with running_app(store) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/?tab=checkpoints")
        expect(page.locator("#checkpoint-card")).to_contain_text("No checkpoint yet", timeout=LONG)
        add(page, [tmp_path / "hostile.zip"])
        expect(page.locator("#checkpoint-said")).to_contain_text("[name-climbs]", timeout=LONG)
        expect(page.locator("#add-checkpoint").get_by_text("Error", exact=True)).to_have_count(0)
        page.reload()

        add(page, [model])
        card = page.locator("#checkpoint-card")
        expect(card).to_contain_text("LlamaForCausalLM", timeout=LONG)
        expect(card).to_contain_text("1,024 tokens")
        expect(page.locator("#checkpoint-evaluate")).to_be_disabled()
        add(page, [lora], "larch")
        expect(card).to_contain_text("LoRA adapter", timeout=LONG)
        expect(card).to_contain_text("larch-")
        expect(page.locator("#checkpoint-files")).not_to_contain_text("taught")
        assert not [path for path in (store / CHECKPOINTS / QUARANTINE).iterdir() if path.is_dir()]

        choose(page.locator("#checkpoint-source input"), "made-up")
        page.locator("#checkpoint-evaluate").click()
        pair = page.locator("#checkpoint-pair")
        expect(pair).to_contain_text("taught: ", timeout=LONG)
        link = pair.get_by_role("link", name="Which answers changed")
        expect(link).to_be_visible(timeout=LONG)
        expect(pair).to_contain_text(re.compile(r"taught: done.*larch: done", re.DOTALL))
        results = pair.get_by_role("link", name="The difference in Results").get_attribute("href")
        assert results is not None
        assert re.fullmatch(r"\?tab=results&collection=made-up&baseline=[0-9a-f-]+", results)
        link.click()
        expect(page.locator("#compared")).to_contain_text("English", timeout=LONG)
        expect(page.locator("#compared")).to_contain_text("taught")
        page.goto(f"{address}/{results}&metric=accuracy")
        # Taught less its base, which has a row of its own only without the baseline.
        heatmap = page.locator("#heatmap")
        rows = heatmap.locator(".ytick")
        expect(rows).to_have_text(["taught"], timeout=LONG)
        difference = numbers(heatmap)
        page.goto(f"{address}/?tab=results&collection=made-up&metric=accuracy")
        expect(rows).to_have_count(2, timeout=LONG)
        absolute = numbers(heatmap)
        one, other = absolute[:2], absolute[2:]
        ways = [[a - b for a, b in zip(*pair, strict=True)] for pair in ((one, other), (other, one))]
        assert any(difference == pytest.approx(way, abs=0.011) for way in ways), (difference, absolute)
        page.close()


@pytest.mark.long
def test_the_page_stays_up_under_hostile_models(browser: Browser, tmp_path: Path) -> None:
    """Each hostile model is uploaded to one page; afterwards that page still takes a sound one."""
    store, canary = tmp_path / "store", tmp_path / "canary"
    came: list[object] = []
    tiny_llama(tmp_path / "sound")
    outcomes = {}
    with listening(came) as port, running_app(store) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for name, (expected, spoil) in {**HOSTILE, "sound": (HARMLESS, lambda *_: None)}.items():
            folder = tmp_path / "hostile" / name
            shutil.copytree(tmp_path / "sound", folder)
            spoil(folder, str(canary), port)
            page.goto(f"{address}/?tab=checkpoints")
            expect(page.locator("#checkpoint-card")).to_be_visible(timeout=LONG)
            add(page, [archive(folder, tmp_path / f"{name}.zip")])
            said = page.locator(
                ".toast-body, #checkpoint-said", has_text=re.compile(r"\[[a-z-]+\]|is checked and added")
            )
            expect(said.first).to_be_visible(timeout=LONG)
            outcomes[name] = HARMLESS if "is checked and added" in said.first.inner_text() else REFUSED
            assert expected == HARMLESS or outcomes[name] == REFUSED, name
            assert httpx.get(f"{address}/config").status_code == 200
        page.close()
    assert outcomes["sound"] == HARMLESS
    assert not canary.exists()
    assert came == []


@pytest.mark.parametrize("width", [1440, 390])
def test_the_tab_fits_the_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    with running_app(tmp_path / "store") as address:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(f"{address}/?tab=checkpoints")
        expect(page.locator("#checkpoint-add")).to_be_visible(timeout=LONG)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        page.close()
