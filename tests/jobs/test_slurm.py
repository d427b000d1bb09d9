"""Jobs in a real Slurm of one machine: submitted, shared, ended, put back, taken up again, refused."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clika.cli import main
from clika.jobs.folder import JobFolder
from clika.jobs.processes import of_job
from clika.jobs.queue import JobState, QueuedJob, cancel, queued_job, queued_jobs, resume, submitted
from clika.jobs.slurm import Slurm
from clika.jobs.slurm_jobs import SlurmPatience
from clika.jobs.slurm_record import SlurmJob, slurm_job
from clika.jobs.slurm_settings import ArrayOver, SlurmSettings
from clika.jobs.supervisor import Patience, Supervisor
from tests.jobs.looking import looked_until, looked_until_state, table
from tests.jobs.slurm_here import SlurmHere, slurm_here
from tests.models import tiny_llama
from tests.scripted_worker import scripted_job
from tests.stores import made_up_questions, seal_questions

pytestmark = pytest.mark.slurm

COUNT = 40  # questions, in three languages
SETTINGS = SlurmSettings(partition="main", time="10:00")
QUICK = SlurmPatience(between_polls=0.3, first_beat=60.0, between_beats=3.0)


@pytest.fixture(scope="module")
def here() -> Iterator[SlurmHere]:
    with slurm_here() as slurm:
        yield slurm


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path / "store", made_up_questions(count=COUNT))
    return tmp_path / "store"


def scripted_command(folder: JobFolder, failpoints: str) -> list[str]:
    return [sys.executable, "-m", "tests.scripted_worker", str(folder.path)]


def supervisor_of(here: SlurmHere, store: Path, patience: SlurmPatience = QUICK) -> Supervisor:
    environment = {**here.environment, "SECRET": "made-up"}
    return Supervisor(
        store,
        environment,
        devices=("cpu",),
        patience=Patience(room=0, slurm=patience),
        slurm=Slurm(environment, scripted_command),
    )


def there(one: QueuedJob) -> SlurmJob:
    found = slurm_job(one.folder)
    assert found is not None
    return found


def state_of(one: QueuedJob) -> Callable[[], JobState]:
    return lambda: queued_job(one.folder).state


def answering(supervisor: Supervisor, one: QueuedJob, tasks: int = 1) -> None:
    """Wait until so many tasks of a job have sealed something."""
    looked_until(supervisor, lambda: len(list(one.folder.path.glob("manifest-*"))) >= tasks)


def whole(store: Path, one: QueuedJob) -> None:
    """Every question answered, once (``table`` fails on a second time), and the end says so."""
    assert len(table(store)) == 3 * COUNT, one.folder.log_tail()
    assert one.folder.done() is not None


@pytest.fixture(scope="module")
def limited(here: SlurmHere, tmp_path_factory: pytest.TempPathFactory) -> tuple[QueuedJob, str]:
    """A job whose work takes longer than its time limit of a minute, begun before the other tests' jobs."""
    store = tmp_path_factory.mktemp("limited") / "store"
    seal_questions(store, made_up_questions(count=COUNT))
    settings = replace(SETTINGS, time="1", seconds_to_end=30, requeues=3)
    one = submitted(store, scripted_job(0.3), settings)  # 120 answers at 0.3 s: 36 s, told within 30
    supervisor_of(here, store).look()
    return one, there(one).number


@pytest.mark.usefixtures("limited")
def test_two_tasks_share_the_questions_and_none_is_answered_twice(here: SlurmHere, store: Path) -> None:
    one = submitted(store, scripted_job(0.02, replicas=2), SETTINGS)
    assert one.state is JobState.QUEUED
    supervisor = supervisor_of(here, store)
    supervisor.look()
    assert queued_job(one.folder).state is JobState.SUBMITTED
    looked_until(supervisor, lambda: state_of(one)() is JobState.RUNNING)
    assert of_job(one.folder.path) == []  # nothing that counts as a process of this machine
    answering(supervisor, one, tasks=2)
    done = looked_until_state(supervisor, one, JobState.DONE)
    whole(store, done)
    progress = done.folder.progress()
    assert progress is not None
    assert (progress.done, progress.total) == (3 * COUNT, 3 * COUNT)
    assert "questions answered" in done.folder.log_tail()


def test_a_cancelled_job_seals_leaves_slurm_and_goes_on_with_another_number_of_tasks(
    here: SlurmHere, store: Path
) -> None:
    one = submitted(store, scripted_job(0.05, replicas=2), SETTINGS)
    supervisor = supervisor_of(here, store)
    answering(supervisor, one, tasks=2)
    first = there(one)
    cancel(store, one)
    looked_until_state(supervisor, one, JobState.CANCELLED)
    assert here.said("squeue", "--noheader", f"--jobs={first.number}") == ""
    assert one.folder.log_tail().count("stopped; what was answered is sealed") == 2
    assert {there(one).tasks[0], there(one).tasks[1]} <= {"CANCELLED", "FAILED"}
    kept = table(store)
    assert 0 < len(kept) < 3 * COUNT
    resume(store, queued_job(one.folder), replicas=3)
    done = looked_until_state(supervisor, one, JobState.DONE)
    assert there(one).number != first.number
    assert len(there(one).tasks) == 3
    whole(store, done)
    assert [row for row in table(store) if row in kept] == kept


def test_what_a_killed_task_had_is_taken_over_and_a_lone_one_is_put_in_once_more(
    here: SlurmHere, store: Path
) -> None:
    one = submitted(store, scripted_job(0.03, replicas=2), SETTINGS)
    supervisor = supervisor_of(here, store)
    answering(supervisor, one, tasks=2)
    for pid in here.processes(there(one).number, 0):
        os.kill(pid, signal.SIGKILL)
    whole(store, looked_until_state(supervisor, one, JobState.DONE))
    alone = submitted(store, scripted_job(0.03, name="alone", rule="letter_variants"), SETTINGS)
    answering(supervisor, alone)
    before = there(alone)
    for pid in here.processes(before.number, 0):
        os.kill(pid, signal.SIGKILL)
    done = looked_until_state(supervisor, alone, JobState.DONE)
    assert there(done).number != before.number
    assert len(table(store)) == 2 * 3 * COUNT


def test_a_new_supervisor_takes_up_what_is_in_slurm_written_down_or_not(here: SlurmHere, store: Path) -> None:
    one = submitted(store, scripted_job(0.03), SETTINGS)
    answering(supervisor_of(here, store), one)
    first = there(one)
    (one.folder.path / "slurm.json").unlink()  # as if killed between sbatch and record
    assert queued_job(one.folder).state is JobState.QUEUED
    later = supervisor_of(here, store)
    later.look()
    assert there(one).number == first.number
    assert queued_job(one.folder).state is JobState.RUNNING
    whole(store, looked_until_state(supervisor_of(here, store), one, JobState.DONE))


def test_a_stopped_task_is_put_back_once_and_its_work_done_again(here: SlurmHere, store: Path) -> None:
    one = submitted(store, scripted_job(0.03), SETTINGS)
    supervisor = supervisor_of(here, store)
    answering(supervisor, one)
    number = there(one).number
    for pid in here.processes(number, 0):
        os.kill(pid, signal.SIGSTOP)
    looked_until(supervisor, lambda: state_of(one)() is JobState.SUBMITTED)
    whole(store, looked_until_state(supervisor, one, JobState.DONE))
    assert there(one).number == number


def test_what_somebody_ends_in_slurm_is_not_started_again_unasked(here: SlurmHere, store: Path) -> None:
    one = submitted(store, scripted_job(0.05), SETTINGS)
    supervisor = supervisor_of(here, store)
    answering(supervisor, one)
    here.said("scancel", there(one).number)
    failed = looked_until_state(supervisor, one, JobState.FAILED)
    error = failed.folder.error()
    assert error is not None
    assert "somebody ended it in Slurm" in error.sentence


def test_what_waits_in_slurm_is_withdrawn_when_the_others_have_done_it(here: SlurmHere, store: Path) -> None:
    settings = replace(SETTINGS, cpus=8)  # all that the node has: one task at a time
    one = submitted(store, scripted_job(0.0, replicas=3), settings)
    supervisor = supervisor_of(here, store)
    looked_until(supervisor, lambda: one.folder.done() is not None)
    looked_until(supervisor, lambda: not there(one).active)
    assert queued_job(one.folder).state is JobState.DONE
    whole(store, one)


def test_the_command_line_waits_for_a_real_checkpoint_in_slurm(
    here: SlurmHere, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)
    model = tiny_llama(tmp_path / "model")
    command = ["evaluate", "--store", str(store), "--model", str(model), "--limit", "2", "--device", "cpu"]
    asked = ["--collection", "made-up", "--languages", "en,de", "--template", "english"]
    slurm = ["--launcher", "slurm", "--partition", "main", "--time", "00:10:00", "--cpus", "1"]
    assert main([*command, *asked, *slurm]) == 0
    (one,) = queued_jobs(store)
    assert one.state is JobState.DONE
    assert len(table(store)) == 2 * 2
    assert main(["jobs", "show", one.job_id, "--store", str(store)]) == 0


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (replace(SETTINGS, partition="nowhere"), "invalid partition specified: nowhere"),
        (replace(SETTINGS, constraint="none&such"), "Invalid feature specification"),
    ],
)
def test_what_slurm_refuses_fails_with_slurms_own_sentence(
    here: SlurmHere, store: Path, settings: SlurmSettings, word: str
) -> None:
    one = submitted(store, scripted_job(), settings)
    supervisor_of(here, store).look()
    failed = queued_job(one.folder)
    error = failed.folder.error()
    assert failed.state is JobState.FAILED
    assert error is not None
    assert word in error.sentence


def test_a_job_waits_in_our_queue_while_slurm_does_not_answer(
    here: SlurmHere, store: Path, tmp_path: Path
) -> None:
    nowhere = tmp_path / "slurm.conf"
    text = here.configuration.read_text()
    port = next(line for line in text.splitlines() if line.startswith("SlurmctldPort="))
    nowhere.write_text(text.replace(port, "SlurmctldPort=1") + "MessageTimeout=2\nSlurmctldTimeout=2\n")
    one = submitted(store, scripted_job(), SETTINGS)
    away = SlurmHere(nowhere)
    supervisor_of(away, store).look()
    assert queued_job(one.folder).state is JobState.QUEUED
    whole(store, looked_until_state(supervisor_of(here, store), one, JobState.DONE))


def test_no_name_or_path_becomes_shell_code(here: SlurmHere, tmp_path: Path) -> None:
    store = tmp_path / "a b'c\"%d$(touch pwned);`touch pwned`\n#SBATCH --array=0-9" / "store"
    seal_questions(store, made_up_questions(count=COUNT))
    job = scripted_job(name="$(touch pwned)\n; touch pwned", model="scripted:0.0")
    one = submitted(store, job, SETTINGS)
    done = looked_until_state(supervisor_of(here, store), one, JobState.DONE, JobState.FAILED)
    assert done.folder.error() is None
    whole(store, done)
    assert list(there(one).tasks) == [0]
    assert [*tmp_path.rglob("pwned"), *Path.cwd().glob("pwned")] == []
    assert (one.folder.path / "slurm-0.log").exists()


def test_a_task_gets_the_gpus_that_slurm_gives_it_and_begins_with_its_language(
    here: SlurmHere, store: Path
) -> None:
    settings = replace(SETTINGS, array=ArrayOver.LANGUAGES, cpus=2)
    job = settings.fitted(scripted_job(0.05, device="cuda", gpus_per_replica=1))
    assert job.replicas == len(job.languages) == 3
    one = submitted(store, job, settings)
    supervisor = supervisor_of(here, store)
    answering(supervisor, one, tasks=2)  # two GPUs: the third task waits
    workers = [
        given
        for task in (0, 1)
        for given in here.processes(there(one).number, task).values()
        if "OMP_NUM_THREADS" in given  # the script's own environment has it not
    ]
    assert sorted(given["CUDA_VISIBLE_DEVICES"] for given in workers) == ["0", "1"]
    assert [given["OMP_NUM_THREADS"] for given in workers] == ["2", "2"]
    assert not any("SECRET" in given for given in workers)
    for task, code in ((0, "en"), (1, "de")):
        line = (one.folder.path / f"manifest-replica{task}.jsonl").read_text().splitlines()[0]
        assert json.loads(line)["first_key"] == f"xgeo/0/{code}"
    whole(store, looked_until_state(supervisor, one, JobState.DONE))


def test_a_time_limit_seals_and_puts_the_task_back_and_it_goes_on(
    here: SlurmHere, limited: tuple[QueuedJob, str]
) -> None:
    one, number = limited
    store = one.folder.store
    done = looked_until_state(supervisor_of(here, store), one, JobState.DONE)
    assert there(done).number == number
    assert int(here.said("scontrol", "show", "job", there(done).number).partition("Restarts=")[2][0]) >= 1
    assert "stopped; what was answered is sealed" in done.folder.log_tail()
    whole(store, done)
