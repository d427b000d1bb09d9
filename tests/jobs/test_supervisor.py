"""The supervisor with real processes: what is started, retried, ended, taken up and paused."""

import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import psutil
import pytest

from clika.errors import StoreLockedError
from clika.jobs.processes import of_job
from clika.jobs.queue import JobState, QueuedJob, cancel, queued_job, replicas_of, resume, running, submitted
from clika.jobs.supervisor import Supervisor, supervised
from tests.jobs.looking import (
    IMPATIENT,
    looked_until,
    looked_until_state,
    scripted_supervisor,
    table,
    waited_until,
)
from tests.scripted_worker import LAUNCHER, scripted_job, start_scripted
from tests.stores import made_up_questions, seal_questions

COUNT = 60  # questions, in three languages


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path / "store", made_up_questions(count=COUNT))
    return tmp_path / "store"


def answering(store: Path, supervisor: object, one: QueuedJob) -> None:
    """Wait until a job has sealed something."""
    looked_until(supervisor, lambda: any(one.folder.path.glob("manifest-*")))  # type: ignore[arg-type]


def test_a_queue_is_worked_off_in_order_one_job_a_device(store: Path) -> None:
    jobs = [submitted(store, scripted_job(name=name, limit=limit)) for name, limit in (("a", 3), ("b", None))]
    supervisor = scripted_supervisor(store)
    supervisor.look()
    assert [queued_job(one.folder).state for one in jobs] == [JobState.RUNNING, JobState.QUEUED]
    ends = [looked_until_state(supervisor, one, JobState.DONE).folder.done() for one in jobs]
    assert [(end.answered, end.kept) for end in ends if end] == [(9, 0), (3 * COUNT - 9, 9)]
    assert len(table(store)) == 3 * COUNT


def test_small_jobs_run_side_by_side_and_do_not_overtake_one_that_waits(store: Path) -> None:
    wanted = (("a", 1), ("b", 1), ("whole", 0), ("c", 1))
    jobs = [submitted(store, scripted_job(0.02, name=name, cores=cores)) for name, cores in wanted]
    supervisor = scripted_supervisor(store)
    with mock.patch("clika.jobs.devices.cores_here", return_value=3):
        supervisor.look()
        assert [queued_job(one.folder).state for one in jobs] == [
            *(JobState.RUNNING, JobState.RUNNING), *(JobState.QUEUED, JobState.QUEUED),
        ]  # fmt: skip
        assert [replicas_of(one.folder)[0].devices for one in jobs[:2]] == [("core:0",), ("core:1",)]
        looked_until_state(supervisor, jobs[2], JobState.DONE)
        assert queued_job(jobs[0].folder).state is queued_job(jobs[1].folder).state is JobState.DONE
        looked_until_state(supervisor, jobs[3], JobState.DONE)


def test_replicas_share_the_questions_and_none_is_answered_twice(store: Path) -> None:
    one = submitted(store, scripted_job(0.002, replicas=4))
    supervisor = scripted_supervisor(store)
    looked_until_state(supervisor, one, JobState.DONE)
    assert len(table(store)) == 3 * COUNT
    progress = one.folder.progress()
    assert progress is not None
    assert (progress.done, progress.total) == (3 * COUNT, 3 * COUNT)
    assert {code: done for code, (done, _) in progress.languages.items()} == dict.fromkeys(
        ("en", "de", "he"), COUNT
    )


def test_what_a_killed_replica_had_is_taken_over_by_the_others(store: Path) -> None:
    one = submitted(store, scripted_job(0.03, replicas=2))
    supervisor = scripted_supervisor(store)
    answering(store, supervisor, one)
    os.kill(replicas_of(one.folder)[0].process.pid, signal.SIGKILL)
    looked_until_state(supervisor, one, JobState.DONE)
    assert len(table(store)) == 3 * COUNT


def test_a_job_that_dies_is_started_once_more_and_then_left_with_its_reason(store: Path) -> None:
    one = submitted(store, scripted_job())
    supervisor = scripted_supervisor(store, failpoints="chunk.claimed=kill")
    failed = looked_until_state(supervisor, one, JobState.FAILED)
    error = failed.folder.error()
    assert error is not None
    assert "ended without a word twice" in error.sentence
    resume(store, failed)
    looked_until_state(scripted_supervisor(store), one, JobState.DONE)
    assert len(table(store)) == 3 * COUNT


def test_a_stopped_replica_is_found_and_its_work_done_again(store: Path) -> None:
    one = submitted(store, scripted_job(0.03))
    supervisor = scripted_supervisor(store)
    answering(store, supervisor, one)
    (replica,) = replicas_of(one.folder)
    os.kill(replica.process.pid, signal.SIGSTOP)
    looked_until(supervisor, lambda: not replica.process.alive)
    looked_until_state(supervisor, one, JobState.DONE)
    assert len(table(store)) == 3 * COUNT


def test_cancel_ends_every_process_and_keeps_what_was_sealed(store: Path) -> None:
    one = submitted(store, scripted_job(0.03, replicas=2))
    supervisor = scripted_supervisor(store)
    answering(store, supervisor, one)
    cancel(store, one)
    looked_until_state(supervisor, one, JobState.CANCELLED)
    looked_until(supervisor, lambda: not of_job(one.folder.path))
    kept = table(store)
    assert 0 < len(kept) < 3 * COUNT
    resume(store, queued_job(one.folder), replicas=1)
    looked_until_state(supervisor, one, JobState.DONE)
    whole = table(store)
    assert len(whole) == 3 * COUNT
    assert [row for row in whole if row in kept] == kept


def test_cancel_ends_a_stopped_process_too(store: Path) -> None:
    one = submitted(store, scripted_job(0.03))
    supervisor = scripted_supervisor(store, patience=replace(IMPATIENT, between_beats=1000.0))
    answering(store, supervisor, one)
    os.kill(replicas_of(one.folder)[0].process.pid, signal.SIGSTOP)
    cancel(store, one)
    looked_until_state(supervisor, one, JobState.CANCELLED)
    assert of_job(one.folder.path) == []


def test_a_new_supervisor_takes_a_living_job_up_and_offers_a_dead_one(store: Path) -> None:
    one = submitted(store, scripted_job(0.03))
    answering(store, scripted_supervisor(store), one)
    after_restart = scripted_supervisor(store)
    after_restart.look()
    assert queued_job(one.folder).state is JobState.RUNNING
    looked_until_state(after_restart, one, JobState.DONE)
    other = submitted(store, scripted_job(0.03, name="other", rule="letter_variants"))
    answering(store, scripted_supervisor(store), other)
    os.kill(replicas_of(other.folder)[0].process.pid, signal.SIGKILL)
    waited_until(lambda: not running(other.folder))
    later = scripted_supervisor(store)
    looked_until_state(later, other, JobState.INTERRUPTED)
    later.look()
    assert queued_job(other.folder).state is JobState.INTERRUPTED
    resume(store, queued_job(other.folder))
    looked_until_state(later, other, JobState.DONE)
    assert len(table(store)) == 2 * 3 * COUNT


def test_processes_that_nobody_wrote_down_are_taken_up_and_not_started_twice(store: Path) -> None:
    one = submitted(store, scripted_job(0.03))
    answering(store, scripted_supervisor(store), one)
    (one.folder.path / "processes.json").unlink()  # as if killed between start and record
    assert queued_job(one.folder).state is JobState.QUEUED
    later = scripted_supervisor(store)
    later.look()
    assert queued_job(one.folder).state is JobState.RUNNING
    looked_until_state(later, one, JobState.DONE)
    assert len(table(store)) == 3 * COUNT


def test_launchers_that_nobody_wrote_down_are_taken_up_with_their_devices(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    both = ("cuda:0", "cuda:1", "cpu")
    start = partial(start_scripted, launcher=LAUNCHER)
    calm = replace(IMPATIENT, between_beats=60.0)
    one = submitted(store, scripted_job(0.03, device="cuda", replicas=2))
    first = Supervisor(store, os.environ, devices=both, patience=calm, start=start)
    looked_until(first, lambda: one.folder.beating() == 2)
    written = replicas_of(one.folder)
    assert [(replica.number, replica.devices) for replica in written] == [(0, ("cuda:0",)), (1, ("cuda:1",))]
    (one.folder.path / "processes.json").unlink()
    # Their workers beat for them: a launcher taken for a worker of its own would be silent for too long at once.
    later = Supervisor(store, os.environ, devices=both, patience=replace(calm, first_beat=0.2), start=start)
    later.look()
    assert replicas_of(one.folder) == written
    looked_until_state(later, one, JobState.DONE)
    assert "is ended" not in caplog.text
    assert len(table(store)) == 3 * COUNT


def test_no_room_pauses_a_job_and_it_goes_on_when_there_is_some(store: Path) -> None:
    one = submitted(store, scripted_job(0.001))
    nowhere = replace(IMPATIENT, room=1 << 62)
    full = scripted_supervisor(store, failpoints="write.written=full@2", patience=nowhere)
    paused = looked_until_state(full, one, JobState.PAUSED)
    error = paused.folder.error()
    assert error is not None
    assert "make room" in error.sentence
    waiting = scripted_supervisor(store, patience=nowhere)
    waiting.look()
    assert queued_job(one.folder).state is JobState.PAUSED
    looked_until_state(scripted_supervisor(store), one, JobState.DONE)
    assert len(table(store)) == 3 * COUNT


def test_a_clock_that_is_set_does_not_make_a_living_job_dead(store: Path) -> None:
    one = submitted(store, scripted_job(0.03))
    supervisor = scripted_supervisor(store)
    answering(store, supervisor, one)
    for path in one.folder.path.glob("heartbeat-*"):
        os.utime(path, (0, 0))
    looked_until_state(supervisor, one, JobState.DONE)
    assert "is ended" not in one.folder.log_tail()


def test_one_supervisor_a_store(store: Path) -> None:
    supervisor = scripted_supervisor(store)
    assert not supervised(store)
    with supervisor.holding():
        assert supervised(store)
        with (
            pytest.raises(StoreLockedError, match=f"looked after by process {os.getpid()}"),
            scripted_supervisor(store).holding(),
        ):
            pass
    assert not supervised(store)


def test_a_second_job_of_the_same_run_waits_for_its_turn(store: Path) -> None:
    both = ("cuda:0", "cuda:1", "cpu")
    jobs = [submitted(store, scripted_job(0.005, name=name, device="cuda")) for name in ("a", "b")]
    supervisor = scripted_supervisor(store, devices=both)
    supervisor.look()
    assert [queued_job(one.folder).state for one in jobs] == [JobState.RUNNING] * 2
    ends = [looked_until_state(supervisor, one, JobState.DONE).folder.done() for one in jobs]
    assert sorted(end.answered for end in ends if end) == [0, 3 * COUNT]
    assert len(table(store)) == 3 * COUNT


def test_no_process_is_left_when_a_worker_loses_its_launcher(store: Path) -> None:
    one = submitted(store, scripted_job(0.03))
    supervisor = scripted_supervisor(store)
    answering(store, supervisor, one)
    (replica,) = replicas_of(one.folder)
    children = psutil.Process(replica.process.pid).children(recursive=True)
    os.kill(replica.process.pid, signal.SIGKILL)
    looked_until(supervisor, lambda: not any(child.is_running() for child in children))
    looked_until_state(supervisor, one, JobState.DONE)


def test_four_replicas_that_were_killed_are_gone_on_with_by_one(store: Path, tmp_path: Path) -> None:
    seal_questions(tmp_path / "whole", made_up_questions(count=COUNT))
    undisturbed = submitted(tmp_path / "whole", scripted_job())
    looked_until_state(scripted_supervisor(tmp_path / "whole"), undisturbed, JobState.DONE)
    one = submitted(store, scripted_job(0.08, replicas=4))
    answering(store, scripted_supervisor(store), one)
    for process in of_job(one.folder.path):
        os.kill(process.pid, signal.SIGKILL)
    waited_until(lambda: not running(one.folder))
    resume(store, queued_job(one.folder), replicas=1)
    done = looked_until_state(scripted_supervisor(store), one, JobState.DONE)
    end = done.folder.done()
    assert end is not None
    assert 0 < end.kept < 3 * COUNT, "the four had sealed some, and not all"
    assert table(store) == table(tmp_path / "whole")
