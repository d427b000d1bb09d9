"""The queue as files: what a request changes, what is refused, and what a restart finds."""

from functools import partial
from pathlib import Path

import psutil
import pytest

from clika.errors import UsageError
from clika.jobs.folder import JobEnd, JobFailure, JobFolder
from clika.jobs.processes import Process, Replica
from clika.jobs.queue import (
    JobState,
    cancel,
    delete,
    found_job,
    move_first,
    queued_job,
    queued_jobs,
    rename,
    replicas_of,
    resume,
    submitted,
    write_replicas,
)
from tests.scripted_worker import scripted_job


def test_jobs_wait_in_the_order_of_their_submission_and_one_can_be_put_first(tmp_path: Path) -> None:
    first, second, third = (submitted(tmp_path, scripted_job(name=name)) for name in ("a", "b", "c"))
    assert [one.request.name for one in queued_jobs(tmp_path)] == ["a", "b", "c"]
    move_first(tmp_path, third)
    assert [one.job_id for one in queued_jobs(tmp_path)] == [third.job_id, first.job_id, second.job_id]


def test_the_same_specification_is_the_same_job_whatever_it_runs_on(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job())
    again = submitted(tmp_path, scripted_job(replicas=4, batch_tokens=100, gpus_per_replica=2))
    assert again.job_id == one.job_id
    assert again.job is not None
    assert again.job.replicas == 4
    assert len(queued_jobs(tmp_path)) == 1


def test_a_state_is_told_from_the_folder_alone(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job())
    assert one.state is JobState.QUEUED
    write_replicas(one.folder, [])
    assert queued_job(one.folder).state is JobState.INTERRUPTED
    one.folder.write_error(JobFailure("ModelError", "no model"), replica=3)
    assert queued_job(one.folder).state is JobState.FAILED
    one.folder.write_error(JobFailure("StoreFullError", "no room"))
    assert queued_job(one.folder).state is JobState.PAUSED
    assert cancel(tmp_path, one).state is JobState.CANCELLED
    assert resume(tmp_path, queued_job(one.folder)).state is JobState.QUEUED
    one.folder.write_done(JobEnd(1, 2, 0, "run"))
    assert queued_job(one.folder).state is JobState.DONE
    with pytest.raises(UsageError, match="is done"):
        cancel(tmp_path, queued_job(one.folder))


def test_a_job_is_found_by_id_beginning_or_name_and_by_nothing_that_is_two(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job(name="same"))
    other = submitted(tmp_path, scripted_job(name="other"))
    assert found_job(tmp_path, one.job_id[:12]).job_id == one.job_id
    assert found_job(tmp_path, "other").job_id == other.job_id
    rename(tmp_path, other, "same")
    with pytest.raises(UsageError, match="'same' is 2 jobs"):
        found_job(tmp_path, "same")
    with pytest.raises(UsageError, match="no job 'nowhere'"):
        found_job(tmp_path, "nowhere")
    with pytest.raises(UsageError, match="1 to 200 characters, on one line"):
        rename(tmp_path, one, "  ")


def test_a_renamed_job_keeps_its_name_when_it_is_submitted_again(tmp_path: Path) -> None:
    one = rename(tmp_path, submitted(tmp_path, scripted_job()), "mine")
    assert submitted(tmp_path, scripted_job()).request.name == "mine"
    assert queued_job(one.folder).request.name == "mine"


def test_a_deleted_job_is_out_of_the_store_and_not_destroyed(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job())
    place = delete(tmp_path, one)
    assert queued_jobs(tmp_path) == ()
    assert (place / "job.json").exists()
    assert place.parent == tmp_path / "deleted"


def test_what_was_seen_before_a_job_began_ended_or_went_is_not_acted_on(tmp_path: Path) -> None:
    seen = submitted(tmp_path, scripted_job())
    here = Replica(Process.of(psutil.Process()), ("cpu",))
    write_replicas(seen.folder, [here])
    assert seen.state is JobState.QUEUED  # as a page that was drawn before still says
    for act in (delete, resume, move_first):
        with pytest.raises(UsageError, match="is running"):
            act(tmp_path, seen)
    assert replicas_of(seen.folder) == (here,)
    write_replicas(seen.folder, [])
    seen.folder.write_done(JobEnd(1, 2, 0, "run"))
    with pytest.raises(UsageError, match="is done"):
        cancel(tmp_path, seen)
    delete(tmp_path, seen)
    for gone in (delete, resume, move_first, cancel, partial(rename, name="other")):
        with pytest.raises(UsageError, match="it was deleted; submit it again"):
            gone(tmp_path, seen)
    assert not seen.folder.path.exists()


def test_a_damaged_request_is_no_end_and_a_damaged_specification_has_a_sentence(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job())
    (one.folder.path / "wanted.json").write_text("{")
    assert queued_job(one.folder).state is JobState.INTERRUPTED
    assert resume(tmp_path, queued_job(one.folder)).state is JobState.QUEUED
    (one.folder.path / "job.json").write_text("{")
    damaged = queued_job(one.folder)
    assert (damaged.state, damaged.job) == (JobState.FAILED, None)
    assert "submit the job again" in (damaged.fault or "")


NESTED, HALF = '{"a":' * 20_000, '{"version": 1, "wanted": "run", "name": "\\ud800", "order": 1}'


@pytest.mark.parametrize("content", [NESTED, HALF])
@pytest.mark.parametrize(
    "name", ["job.json", "wanted.json", "done.json", "processes.json", "progress-0.json", "error-0.json"]
)
def test_a_file_of_one_job_that_cannot_be_read_keeps_nobody_from_the_others(
    tmp_path: Path, name: str, content: str
) -> None:
    good, bad = (submitted(tmp_path, scripted_job(name=one)) for one in ("good", "bad"))
    (bad.folder.path / name).write_text(content)
    found = {one.job_id: one for one in queued_jobs(tmp_path)}
    assert found[good.job_id].state is JobState.QUEUED
    for one in found.values():
        one.request.name.encode()
        one.folder.progress()


def test_a_name_that_would_break_a_line_is_refused(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job())
    for name in ("a\nb", "\x1b[31mred", ""):
        with pytest.raises(UsageError, match="1 to 200 characters, on one line"):
            rename(tmp_path, one, name)
    # Persian and a joined emoji with what holds them together, Chinese with its wide space
    for name in ("\u0645\u06cc\u200c\u062e\u0648", "\u6a21\u578b\u3000\u4e00", "\U0001f469\u200d\U0001f52c"):
        assert rename(tmp_path, one, name).request.name == name


def test_a_job_of_an_earlier_version_is_one_to_resume(tmp_path: Path) -> None:
    folder = JobFolder.of(tmp_path, scripted_job())
    folder.write_job(scripted_job())
    assert [one.state for one in queued_jobs(tmp_path)] == [JobState.INTERRUPTED]
    assert folder.job().replicas == 1
