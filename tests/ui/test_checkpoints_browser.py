"""A real checkpoint and a real adapter uploaded by a browser, seen, asked beside their base, and compared."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from clika.checkpoints.quarantine import CHECKPOINTS, QUARANTINE
from clika.imports import store_questions
from tests.checkpoints.uploads import zipped
from tests.models import tiny_llama
from tests.scoring.test_transformers_answers import adapter
from tests.stores import made_up_questions
from tests.ui.dashboard import running_app, running_browser

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


def add(page: Page, files: list[Path], base: str | None = None) -> None:
    page.locator("#checkpoint-files input[type=file]").set_input_files([str(path) for path in files])
    for path in files:
        expect(page.locator("#checkpoint-files")).to_contain_text(path.stem, timeout=LONG)
    if base is not None:
        page.locator("#checkpoint-base input").click()
        page.get_by_role("option", name=re.compile(base)).click()
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
        expect(page.locator(".toast-body").first).to_contain_text("[name-climbs]", timeout=LONG)
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

        page.locator("#checkpoint-source input").click()
        page.get_by_role("option", name="made-up").click()
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
        page.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_tab_fits_the_screen(browser: Browser, tmp_path: Path, width: int) -> None:
    with running_app(tmp_path / "store") as address:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto(f"{address}/?tab=checkpoints")
        expect(page.locator("#checkpoint-add")).to_be_visible(timeout=LONG)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        page.close()
