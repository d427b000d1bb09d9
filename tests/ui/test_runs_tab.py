"""The Runs tab shows what the jobs' folders say, writes what is wanted there, and sends only what changed."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest

from clika.jobs.folder import JobEnd, JobFailure, Progress
from clika.jobs.queue import JobState, QueuedJob, cancel, queued_job, submitted
from clika.ui import job_markup
from clika.ui.job_markup import SIGNS, duration
from clika.ui.jobs_watch import JobsWatch, job_views
from clika.ui.runs_tab import RunsTab, job_detail
from tests.scripted_worker import scripted_job

HOSTILE = "<img src=x onerror=boom()>"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[RunsTab]:
    with gr.Blocks():
        yield RunsTab(tmp_path, JobsWatch(tmp_path, seconds=0.0))


@pytest.fixture
def one(tmp_path: Path) -> QueuedJob:
    return submitted(tmp_path, scripted_job())


def part(tab: RunsTab, updates: list[object], component: object) -> object:
    return updates[tab.looks.index(component)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(41, "41 s"), (400, "7 min"), (4_000, "1 h 7 min"), (100_000, "1 d 4 h")],  # 66.7 min; 27.8 h
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_jobs_in_hand_stand_first_in_the_queues_order_and_the_rest_newest_first(tmp_path: Path) -> None:
    for name in ("old", "older", "next", "after"):
        made = submitted(tmp_path, scripted_job(name=name))
        if name in ("old", "older"):
            made.folder.write_done(JobEnd(1, 0, 0, "run"))
    assert [view.one.request.name for view in job_views(tmp_path)] == ["next", "after", "older", "old"]


def test_a_hostile_name_is_shown_as_text_wherever_it_stands(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job(name=HOSTILE, collection=HOSTILE.replace("/", "")))
    one.folder.log.write_text(f"{HOSTILE}\n</pre>")
    one.folder.write_error(JobFailure("ModelError", HOSTILE))
    (view,) = job_views(tmp_path)
    detail = job_detail(view)
    shown = job_markup.jobs_table([view], "") + detail.heading + detail.settings + detail.log
    assert (
        shown.count("&lt;img src=x onerror=boom()&gt;") == 5
    )  # table, heading, its sentence, collection, log
    assert "<img" not in shown
    assert "&lt;/pre&gt;" in detail.log


def test_progress_says_answered_rate_and_remaining_time_by_language(one: QueuedJob, tmp_path: Path) -> None:
    one.folder.write_progress(
        Progress(30, 120, kept=10, rate=0.5, languages={"en": (20, 60), "de": (10, 60)})
    )
    (view,) = job_views(tmp_path)
    assert view.answered == (40, 130)  # 30 + 10 kept of 120 + 10
    assert "20 of 60" in job_markup.job_languages(view)
    assert "10 more were answered before" in job_markup.job_languages(view)
    assert "40 of 130" in job_markup.jobs_table([view], "")
    assert job_markup.rate(view) == "0.5 a second"


def test_all_jobs_stand_in_one_table_by_model_and_language(tmp_path: Path) -> None:
    for name, languages in (
        (HOSTILE, {"de": (30, 60), "en": (60, 60)}),
        ("larch", {"en": (1, 3), "xx": (0, 0)}),
    ):
        made = submitted(tmp_path, scripted_job(name=name))
        made.folder.write_progress(Progress(1, 2, languages=languages))
    submitted(tmp_path, scripted_job(name="waits"))
    table = str(job_markup.languages_table(job_views(tmp_path)))
    rows = [re.sub("<[^>]*>", " ", row).split() for row in table.split("<tr>")[1:]]
    assert rows[0] == ["Job", "en", "de", "xx"]
    assert rows[1][-4:] == ["✓", "50", "%", "–"]  # 60 of 60; 30 of 60; not asked
    assert rows[2] == ["larch", "33", "%", "–", "–"]  # 1 of 3
    assert "<img" not in table
    assert job_markup.languages_table([]) == ""


def test_only_what_fits_a_state_can_be_pressed(one: QueuedJob, tmp_path: Path) -> None:
    queued = job_detail(job_views(tmp_path)[0])
    assert (queued.can_cancel, queued.can_resume, queued.can_move, queued.can_delete) == (
        True,
        False,
        True,
        True,
    )
    one.folder.write_error(JobFailure("ModelError", "no model"))
    failed = job_detail(job_views(tmp_path)[0])
    assert (failed.can_cancel, failed.can_resume, failed.can_move) == (True, True, False)
    one.folder.write_done(JobEnd(1, 0, 0, "run"))
    done = job_detail(job_views(tmp_path)[0])
    assert (done.can_cancel, done.can_resume, done.can_delete) == (False, False, True)


def test_a_second_look_sends_only_what_changed(tab: RunsTab, one: QueuedJob) -> None:
    first = tab.look(one.job_id)
    again = tab.look(one.job_id, first[0])  # type: ignore[arg-type]
    assert again[0] == first[0]
    assert all(update == gr.skip() for update in again[1:])
    one.folder.write_progress(Progress(1, 2))
    later = tab.look(one.job_id, first[0])  # type: ignore[arg-type]
    assert "1 of 2" in str(part(tab, later, tab.table))
    assert part(tab, later, tab.settings) == gr.skip()


def test_cancel_resume_and_rename_are_written_into_the_jobs_folder(tab: RunsTab, one: QueuedJob) -> None:
    tab._acting(cancel)(one.job_id)
    assert queued_job(one.folder).state is JobState.CANCELLED
    tab._resume(one.job_id, "3")
    resumed = queued_job(one.folder)
    assert (resumed.state, resumed.job and resumed.job.replicas) == (JobState.QUEUED, 3)
    tab._rename(one.job_id, "other name")
    assert queued_job(one.folder).request.name == "other name"
    with pytest.raises(gr.Error, match="1 to 200 characters, on one line"):
        tab._rename(one.job_id, " ")


def test_delete_asks_first_and_then_takes_the_job_out(tab: RunsTab, one: QueuedJob, tmp_path: Path) -> None:
    sentence, asked = tab._ask(one.job_id)
    assert "Delete scripted?" in str(sentence)
    assert one.folder.path.exists()
    assert asked == gr.update(visible=True)
    tab._delete(one.job_id)
    assert not one.folder.path.exists()
    assert list((tmp_path / "deleted").iterdir())


def test_a_job_that_is_gone_is_a_sentence_and_not_a_fault(tab: RunsTab, one: QueuedJob) -> None:
    shutil.rmtree(one.folder.path)
    with pytest.raises(gr.Error, match="in this store; choose one that is listed"):
        tab._rename(one.job_id, "name")
    with pytest.raises(gr.Error, match="choose one that is listed"):
        tab._acting(lambda store, job: None)("../../etc")
    assert part(tab, tab.look(one.job_id), tab.panel) == gr.update(visible=False)


def test_a_damaged_end_is_no_end_and_the_table_still_shows_the_job(tab: RunsTab, one: QueuedJob) -> None:
    (one.folder.path / "done.json").write_text("{")
    shown = str(part(tab, tab.look(""), tab.table))
    assert one.request.name in shown
    assert "done" not in shown.lower().partition("<tbody>")[2]


def test_every_state_that_a_job_can_be_in_has_a_sign() -> None:
    assert set(SIGNS) == set(JobState)
