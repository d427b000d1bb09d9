"""The Conductivity tab says of a tuning what its folder and the index hold, escapes it, and sends only what changed."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from clika.database.index import Index
from clika.errors import UsageError
from clika.jobs.conductivity_spec import ConductivityJob, side_effect_jobs
from clika.jobs.folder import JobFolder
from clika.jobs.queue import queued_jobs, submitted
from clika.languages import ENGLISH
from clika.metrics.conductivity import Reading
from clika.records import INVALID
from clika.settings import Settings
from clika.ui import tuning_markup
from clika.ui.adapter_file import adapter_archive
from clika.ui.conductivity_tab import ConductivityTab
from clika.ui.jobs_watch import JobsWatch, job_views
from clika.ui.side_effects import side_effects, side_effects_html
from clika.ui.store_watch import StoreWatch
from clika.ui.tuning_markup import languages_table, places_table
from clika.ui.tuning_panel import TuningPanel
from clika.ui.tuning_view import (
    Measured,
    PlaceFilter,
    PlacePage,
    PlaceRow,
    measured,
    measured_runs,
    place_page,
)
from clika.ui.tuning_watch import TuningWatch
from tests.scripted_worker import scripted_job
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions
from tests.ui.tuned_store import keep_look, keep_steps, small_form, tuned_job

HOSTILE = "<img src=x onerror=boom()>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tuning in German, whole, and in Hebrew, which learnt three quarters; a control of the same, begun."""
    store = tmp_path_factory.mktemp("tuned")
    plan = small_form(Path("owner/name"), languages=["de", "he"], name=HOSTILE).plan()
    for job, whole in zip(plan.jobs, (1.0, 0.75), strict=True):
        tuned_job(store, plan, job, whole)
    control = small_form(Path("owner/name"), control=True).plan()
    control.store_questions(store)
    keep_steps(submitted(store, control.jobs[0]).folder, control, 5)
    submitted(store, scripted_job())
    return store


@pytest.fixture(scope="module")
def index(store: Path) -> Iterator[Index]:
    with Index.open(store) as opened:
        assert opened.notices == ()
        yield opened


def tuning(store: Path, language: str, control: bool = False) -> tuple[JobFolder, ConductivityJob]:
    return next(
        (one.folder, one.job)
        for one in queued_jobs(store)
        if isinstance(one.job, ConductivityJob) and (one.job.language, one.job.control) == (language, control)
    )


def shown(index: Index, store: Path, language: str) -> Measured:
    folder, job = tuning(store, language)
    found = measured(index, job, measured_runs(folder.path))
    assert found is not None
    return found


def test_a_tunings_languages_are_one_row_each_with_gates_interval_and_the_untuned_floor(
    index: Index, store: Path
) -> None:
    german, hebrew = shown(index, store, "de").rows
    assert (german.language, hebrew.language) == ("de", "he")
    assert [row.language for row in shown(index, store, "he").rows] == ["de", "he"]
    assert german.step == hebrew.step == 54  # 18 steps an epoch
    assert german.floor is not None
    html = languages_table((german, hebrew), Reading.CHOSEN)
    xrr = german.found[Reading.CHOSEN].xrr
    assert german.found[Reading.CHOSEN].gates.established
    assert (xrr.english, xrr.chance) == (10, 0.2)
    assert f'<td class="clika-number">{xrr.both / 10 - 0.2:.4f}</td>' in html
    assert f'<td class="clika-number">{xrr.low:.4f} to {xrr.high:.4f}</td>' in html
    assert f"({hebrew.found[Reading.CHOSEN].xrr.value:.4f})" in html  # its gates do not hold
    assert "Hebrew: not established, not over 90 %: English, taught half" in html
    assert "German: not established" not in html


def test_the_curve_has_every_look_from_the_untuned_model_on(index: Index, store: Path) -> None:
    found = shown(index, store, "de")
    assert [point.step for point in found.curves[Reading.CHOSEN]] == [0, 18, 54]
    assert found.last.settings["step"] == "54"


def test_places_are_listed_by_how_they_were_answered(index: Index, store: Path) -> None:
    found = shown(index, store, "de")
    places = found.found(Reading.CHOSEN).places
    totals = {wanted: place_page(index, found, Reading.CHOSEN, wanted, 0).total for wanted in PlaceFilter}
    right = sum(place.here == place.answer_index for place in places)
    assert totals[PlaceFilter.ALL] == len(places) == 10
    assert (totals[PlaceFilter.BOTH], totals[PlaceFilter.ENGLISH_ONLY]) == (right, 10 - right)
    assert totals[PlaceFilter.OTHER] == 10 - right
    assert totals[PlaceFilter.SAME_WRONG] == 0
    first = place_page(index, found, Reading.CHOSEN, PlaceFilter.ALL, 0).rows[0]
    assert first.asked[ENGLISH].startswith("Which continent is ")
    assert first.asked["de"].startswith("Auf welchem Kontinent")
    assert first.wrote[ENGLISH] is not None
    assert place_page(index, found, Reading.CHOSEN, PlaceFilter.ALL, 8).rows[0].chosen == places[8]


def test_hebrew_stands_right_to_left_with_its_candidates(index: Index, store: Path) -> None:
    found = shown(index, store, "he")
    page = place_page(index, found, Reading.WRITTEN, PlaceFilter.ALL, 0)
    html = places_table(page, 0, "he")
    assert html.count('<span lang="he" dir="rtl">') == 10
    assert "Asked in Hebrew" in html
    assert page.candidates["he"][0] in html


def test_whatever_a_model_wrote_or_is_called_is_shown_as_text(index: Index, store: Path) -> None:
    found = shown(index, store, "de")
    page = place_page(index, found, Reading.CHOSEN, PlaceFilter.ALL, 0)
    row = page.rows[0]
    nothing = replace(row.chosen, here=INVALID)
    rows = (
        replace(row, asked=dict.fromkeys(row.asked, HOSTILE), wrote={ENGLISH: HOSTILE, "de": None}),
        PlaceRow(row.asked, nothing, None, {}),
    )
    hostile = PlacePage(2, rows, dict.fromkeys((ENGLISH, "de"), (HOSTILE,) * 5))
    html = places_table(hostile, 0, "de")
    html += tuning_markup.tunings_table(job_views(store), "")
    folder, job = tuning(store, "de")
    view = next(view for view in job_views(store) if view.job_id == folder.path.name)
    html += tuning_markup.tuning_heading(view, job, ())
    html += tuning_markup.adapter_html(HOSTILE, HOSTILE, whole=False)
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=boom()&gt;") >= 8
    assert "chose nothing: NaN logits" in html
    assert "wrote nothing: NaN logits" in html


@pytest.fixture
def panel(index: Index, store: Path) -> TuningPanel:
    with gr.Blocks() as page:
        watch, jobs = StoreWatch(index, 0.0), JobsWatch(store, 0.0)
        return TuningPanel(index, watch, jobs, TuningWatch(), page)


def part(panel: TuningPanel, updates: list[object], component: object) -> object:
    return updates[panel.looks.index(component)]  # type: ignore[arg-type]


def test_a_second_look_sends_only_what_changed(panel: TuningPanel, store: Path) -> None:
    folder, _ = tuning(store, "de", control=True)
    plan = small_form(Path("owner/name"), control=True).plan()
    given = (folder.path.name, "chosen", "all", 0, False)
    first = panel.look((), *given)
    assert "step 5 of 63" in str(part(panel, first, panel.heading))  # 650 samples: 21 steps an epoch
    again = panel.look(first[0], *given)  # type: ignore[arg-type]
    assert all(update == gr.skip() for update in again[1:])
    keep_look(folder, plan, "de", 0, 0.0)
    later = panel.look(first[0], *given)  # type: ignore[arg-type]
    assert part(panel, later, panel.learning) == gr.skip()
    assert part(panel, later, panel.gates) != gr.skip()
    assert "Places 1 to 10 of 10" in str(part(panel, later, panel.places))
    dark = panel.look(later[0], *given[:4], True)  # type: ignore[arg-type]
    assert part(panel, dark, panel.gates) != gr.skip()
    assert part(panel, dark, panel.rows) == gr.skip()


def test_pages_turn_and_whatever_is_not_offered_becomes_the_first(panel: TuningPanel, store: Path) -> None:
    folder, _ = tuning(store, "de")
    seen = panel.choose(folder.path.name)
    assert seen[:2] == [folder.path.name, 0]
    assert panel._turning(1)((), folder.path.name, "chosen", "all", 0, False)[0] == 20
    assert panel._turning(-1)((), folder.path.name, "chosen", "all", 20, False)[0] == 0
    assert panel._turning(0)((), folder.path.name, "chosen", "right in both", 40, False)[0] == 0
    odd = panel.look((), folder.path.name, ["<b>"], {"x": 1}, -3, "yes")
    assert "Places 1 to 10 of 10" in str(part(panel, odd, panel.places))
    assert panel.choose("../../etc")[0] == ""


def test_another_kind_of_job_or_none_is_a_sentence(panel: TuningPanel, store: Path) -> None:
    evaluation = next(one for one in queued_jobs(store) if not isinstance(one.job, ConductivityJob))
    for job in (evaluation.job_id, "../../etc", None):
        with pytest.raises(gr.Error, match=r"choose one that is listed|press one of the table"):
            panel._pack(job)  # type: ignore[arg-type]
    begun, _ = tuning(store, "de", control=True)
    with pytest.raises(gr.Error, match="has no adapter"):
        panel._pack(begun.path.name)


def test_an_adapter_is_a_zip_of_its_folder_and_the_same_one_the_same_bytes(
    store: Path, tmp_path: Path
) -> None:
    folder, _ = tuning(store, "he")
    packed = adapter_archive(folder, tmp_path / "a")
    assert packed.read_bytes() == adapter_archive(folder, tmp_path / "b").read_bytes()
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        name = folder.path.name
        assert archive.namelist() == [f"{name}/adapter_config.json", f"{name}/adapter_model.safetensors"]
        assert archive.read(archive.namelist()[1]) == bytes(range(256)) * 8
    with pytest.raises(UsageError, match="no adapter"):
        adapter_archive(tuning(store, "de", control=True)[0], tmp_path)


def test_what_a_tuning_cost_elsewhere_stands_beside_it(tmp_path: Path) -> None:
    questions = made_up_questions()
    seal_questions(tmp_path, questions)
    plan = small_form(Path("owner/name"), name=HOSTILE, side_effects="made-up").plan()
    (job,) = plan.jobs
    folder = tuned_job(tmp_path, plan, job)
    tuned = folder.tuned
    assert tuned is not None
    asked = side_effect_jobs(job, tuned, True, questions)
    for one in asked:
        submitted(tmp_path, one)

    def shown() -> str:
        views = job_views(tmp_path)
        view = next(view for view in views if view.job_id == job.job_id)
        with Index.open(tmp_path) as index:
            return side_effects_html(side_effects(index, view, job, views), job.language)

    assert "The model as it was: queued. Tuned: queued." in shown()
    right = {(one.question_id, one.language): one.answer_index for one in questions}
    wrong = {("0", "en"): 1, ("0", "de"): 1, ("1", "de"): 0}
    for one, chosen in zip(asked, (right, {**right, **wrong}), strict=True):
        run = made_up_run(one.name)
        seal_predictions(tmp_path, run, predictions(run, chosen), job=one.job_id)
    html = shown()
    # English 4 and 3 of 4, German 4 and 2 of 4, the others (Hebrew) 4 and 4 of 4
    cells = re.findall(r'<td class="clika-number">([^<]*)</td>', html)
    assert cells == ["100.00", "75.00", "-25.00", "100.00", "50.00", "-50.00", "100.00", "100.00", "+0.00"]
    assert "xGeo, accuracy" in html
    assert f"?tab=runs&amp;compare={made_up_run(asked[0].name).run}" in html
    assert side_effects_html(None, "de") == ""


def test_a_refused_form_queues_nothing_and_a_whole_one_a_job_a_language(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index, gr.Blocks() as page:
        jobs = JobsWatch(tmp_path, 0.0)
        tab = ConductivityTab(index, Settings(tmp_path), StoreWatch(index), jobs, ("cpu",), page)
        form = small_form(Path("owner/name"), languages=["de", "zh"])

        def values(**changes: object) -> list[object]:
            wanted = replace(form, **changes)  # type: ignore[arg-type]
            return [getattr(wanted, name) for name in type(form).__slots__]

        with pytest.raises(gr.Error, match="&lt;b&gt;bold"):
            tab._queue(False, *values(model="<b>bold</b>"))
        with pytest.raises(gr.Error, match="no collection"):
            tab._queue(False, *values(side_effects="nosuch"))
        assert "&lt;b&gt;bold" in str(tab.look(*values(model="<b>bold</b>"))[0])
        assert "Name a model" in str(tab.look(*values(model=None))[0])
        assert queued_jobs(tmp_path) == ()
        said, command = tab.look(*values())
        assert "250 translations + 200 English relations + 100 taught relations = 550 samples" in str(said)
        assert "each of 2 languages" in str(said)
        assert "--languages de,zh" in str(command)
        tab._queue(False, *values())
        queued = queued_jobs(tmp_path)
        assert [one.job.language for one in queued if isinstance(one.job, ConductivityJob)] == ["de", "zh"]
        assert len(list((tmp_path / "collections").iterdir())) == 1
        (job,) = [one.job for one in queued[:1]]
        assert isinstance(job, ConductivityJob)
        again = dict(zip(type(form).__slots__, tab.filled(job), strict=True))
        assert (again["languages"], again["continents"]) == (["de"], 5)
