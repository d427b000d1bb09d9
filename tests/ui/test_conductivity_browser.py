"""From the form of the Conductivity tab to a finished tuning, down to a held-out place and the adapter's file."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import JobEnd
from clika.jobs.queue import queued_jobs
from tests.jobs.looking import waited_until
from tests.models import tiny_llama
from tests.ui.dashboard import running_app, running_browser
from tests.ui.dropdowns import choose
from tests.ui.tuned_store import keep_adapter, keep_look, keep_steps, small_form, tuned_job

pytestmark = [pytest.mark.browser, pytest.mark.long]

SLOW = 60_000
HOSTILE = "<img src=x onerror=document.title='taken'>{{constructor}}‮=1+1"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


def number(page: Page, name: str, value: int) -> None:
    page.locator(f"#conductivity-{name} input").fill(str(value))


def test_a_tuning_goes_from_the_form_to_its_places_and_its_adapter(browser: Browser, tmp_path: Path) -> None:
    store, model = tmp_path / "store", tiny_llama(tmp_path / "larch")
    with running_app(store) as address:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/?tab=conductivity")
        estimate = page.locator("#tuning-estimate")
        expect(page.locator("#tunings")).to_contain_text("No model has been tuned", timeout=SLOW)
        page.locator("#conductivity-model input").fill("/no/such/folder")
        page.keyboard.press("Tab")
        expect(estimate).to_contain_text("no folder '/no/such/folder'", timeout=SLOW)
        page.locator("#conductivity-model input").fill(str(model))
        page.keyboard.press("Tab")
        expect(estimate).to_contain_text("10,200 samples", timeout=SLOW)  # the paper's
        expect(estimate).to_contain_text("957 of 32 samples, 3 epochs")
        expect(estimate).to_contain_text("weights × 4 bytes")
        page.locator("#conductivity-advanced button").first.click()
        number(page, "continents", 5)
        number(page, "places", 4)
        number(page, "rank", 4)
        page.locator("#conductivity-languages").get_by_text("Hebrew").click()
        expect(estimate).to_contain_text("= 550 samples, an epoch; each of 2 languages", timeout=SLOW)
        # No machine has so many GPUs: the jobs are put down and nobody begins them.
        number(page, "processes", 64)
        choose(page.get_by_label("Device", exact=True), "cuda")
        expect(page.locator("#tuning-command")).to_contain_text("--device cuda", timeout=SLOW)
        page.locator("#tuning-queue").click()
        expect(page.locator("#tunings button")).to_have_count(2, timeout=SLOW)
        expect(page.locator("#tuning-heading")).to_contain_text("larch · German", timeout=SLOW)
        page.wait_for_url(re.compile("tab=conductivity.*job=conductivity-"), timeout=SLOW)

        # What a worker would leave there, bit by bit: the page follows.
        waited_until(lambda: len(queued_jobs(store)) == 2)
        german, hebrew = (one.job for one in queued_jobs(store))
        assert isinstance(german, ConductivityJob)
        assert isinstance(hebrew, ConductivityJob)
        form = small_form(model, languages=["de", "he"], device="cuda", processes=64)
        plan = form.plan()
        assert plan.jobs == (german, hebrew)
        folder = queued_jobs(store)[0].folder
        keep_look(folder, plan, "de", 0, 0.0)
        keep_steps(folder, plan, 10)
        expect(page.locator("#tuning-heading")).to_contain_text("step 10 of 54", timeout=SLOW)
        expect(page.locator("#tuning-learning .js-plotly-plot")).to_be_visible(timeout=SLOW)
        expect(page.locator("#tuning-languages tbody tr")).to_have_count(1, timeout=SLOW)
        expect(page.locator("#tuning-languages")).to_contain_text("not established")
        (folder.path / "learning_curve.jsonl").unlink()
        keep_steps(folder, plan, 54)
        run = keep_look(folder, plan, "de", 54, 1.0)
        weights = keep_adapter(folder)
        folder.write_done(JobEnd(100, 0, 0, run.run, summary="XRR in de is measured"))
        tuned_job(store, plan, hebrew, whole=0.75)

        expect(page.locator("#tuning-heading")).to_contain_text("XRR in de is measured", timeout=SLOW)
        expect(page.locator("#tuning-gates .legend")).to_contain_text("English, held-out half", timeout=SLOW)
        expect(page.locator("#tuning-xrr")).to_contain_text("untuned", timeout=SLOW)
        rows = page.locator("#tuning-languages tbody tr")
        expect(rows).to_have_count(2, timeout=SLOW)
        expect(rows.first).to_contain_text(re.compile(r"German0\.\d{4}"))
        expect(rows.last).to_contain_text(re.compile(r"Hebrew\(0\.\d{4}\)"))
        expect(page.locator("#tuning-languages")).to_contain_text("Hebrew: not established, not over 90 %")
        expect(page.locator("#tuning-confusion .xtick")).to_have_count(5, timeout=SLOW)
        expect(page.locator("#places tbody tr")).to_have_count(10, timeout=SLOW)
        page.locator("#place-filter").get_by_text("right in English alone").click()
        expect(page.locator("#places")).to_contain_text(
            re.compile(r"Places 1 to [1-5] of [1-5]\."), timeout=SLOW
        )
        expect(page.locator("#places tbody tr").first).to_contain_text("✗ another")
        with page.expect_download(timeout=SLOW) as download:
            page.locator("#adapter-button").click()
        assert download.value.suggested_filename == f"{folder.path.name}-adapter.zip"
        with zipfile.ZipFile(download.value.path()) as archive:
            assert archive.read(f"{folder.path.name}/adapter_model.safetensors") == weights
        expect(page.locator("#tuned")).to_contain_text(f"--adapter {folder.path}/tuning/tuned")

        # Another browser sees the same by the address alone; the other language is a press away.
        other = browser.new_context().new_page()
        other.goto(page.url)
        expect(other.locator("#tuning-heading")).to_contain_text("larch · German", timeout=SLOW)
        hebrew_row = other.locator("#tunings tr", has_text="Hebrew").locator("button")
        hebrew_row.focus()
        other.keyboard.press("Enter")
        expect(other.locator("#tuning-heading")).to_contain_text("larch · Hebrew", timeout=SLOW)
        expect(other.locator("#places [lang='he'][dir='rtl']").first).to_be_visible(timeout=SLOW)
        other.wait_for_url(re.compile(hebrew.job_id), timeout=SLOW)
        other.context.close()

        # From Runs the form asks for it again, and what a tuning counts are steps.
        page.get_by_role("tab", name="Runs").click()
        page.locator("#jobs tr", has_text=german.job_id).locator("button").click()
        expect(page.locator("#job-heading")).to_contain_text("54 of 54 steps", timeout=SLOW)
        page.locator("#job-again").click()
        expect(page.locator("#tuning-command")).to_contain_text("--languages de --world 0", timeout=SLOW)
        page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_are_text_and_the_tab_does_not_scroll_sideways_on_a_narrow_screen(
    browser: Browser, tmp_path: Path, theme: str
) -> None:
    plan = small_form(Path("owner/name"), languages=["ar"], name=HOSTILE).plan()
    folder = tuned_job(tmp_path, plan, plan.jobs[0])
    with running_app(tmp_path) as address:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{address}/?tab=conductivity&job={folder.path.name}&__theme={theme}")
        expect(page.locator("#tuning-heading")).to_contain_text("onerror=document.title", timeout=SLOW)
        expect(page.locator("#places tbody tr")).to_have_count(10, timeout=SLOW)
        expect(page.locator("#tuning-confusion .js-plotly-plot")).to_be_visible(timeout=SLOW)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("img[src='x']").count() == 0
        assert page.title() == "CLiKA"
        assert faults == []
        page.close()
