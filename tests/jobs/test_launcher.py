"""The launcher with real workers under accelerate: progress, the end, replicas, what a worker may know."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from clika.jobs.devices import Placement
from clika.jobs.folder import JobFolder, Progress
from clika.jobs.launcher import replica_command, replica_environment, start_replicas
from clika.jobs.processes import of_job
from clika.jobs.queue import JobState, QueuedJob, submitted
from clika.jobs.spec import EvaluationJob
from clika.jobs.supervisor import followed
from clika.records import Prediction
from clika.workers.evaluate import evaluate
from tests.jobs.looking import table, waited_until
from tests.models import tiny_llama
from tests.stores import made_up_questions, seal_questions

JOB = EvaluationJob("model", "tiny", "made-up", ("xgeo",), ("en", "de", "he"), device="cpu")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path / "store", made_up_questions())
    return tmp_path / "store"


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def done(store: Path, job: EvaluationJob, on_look: Callable[[QueuedJob], None] = lambda _: None) -> QueuedJob:
    one = followed(store, submitted(store, job).job_id, environment(), on_look)
    assert one.state is JobState.DONE, one.folder.log_tail()
    return one


def test_a_small_limit_then_all_asks_only_the_rest(store: Path, tmp_path: Path) -> None:
    job = replace(JOB, model=str(tiny_llama(tmp_path / "model")))
    small = JobFolder.of(store, replace(job, limit=3))
    small.write_job(replace(job, limit=3))
    first = evaluate(small)
    assert (first.answered, first.kept) == (9, 0)
    seen: list[Progress | None] = []
    second = done(store, job, lambda one: seen.append(one.folder.progress())).folder.done()
    assert second is not None
    assert (second.answered, second.kept, second.run) == (3, 9, first.run)
    last = seen[-1]
    assert last is not None
    assert (last.done, last.total, last.kept) == (3, 3, 9)


@pytest.mark.parametrize("replicas", [2, pytest.param(4, marks=pytest.mark.long)])
def test_replicas_give_the_keys_and_choices_of_one(tmp_path: Path, replicas: int) -> None:
    model = str(tiny_llama(tmp_path / "model"))
    questions = [
        replace(question, text=question.text + " and more" * (int(question.question_id) % 6))
        for question in made_up_questions(count=40)
    ]
    tables: dict[int, list[Prediction]] = {}
    for number in (1, replicas):
        store = tmp_path / f"store{number}"
        seal_questions(store, questions)
        one = done(store, replace(JOB, model=model, replicas=number, batch_tokens=300))
        tables[number] = table(store)
        assert one.folder.progress() is not None
    assert [(r.question_id, r.language, r.chosen_index) for r in tables[replicas]] == [
        (r.question_id, r.language, r.chosen_index) for r in tables[1]
    ]
    for mine, theirs in zip(tables[replicas], tables[1], strict=True):
        for rule, scores in theirs.scores.items():
            assert mine.scores[rule] == pytest.approx(scores, abs=1e-4)


@pytest.mark.parametrize("local", [True, False])
def test_a_token_reaches_a_worker_only_for_a_model_of_the_hub(
    store: Path, tmp_path: Path, local: bool
) -> None:
    (tmp_path / "model").mkdir()
    job = replace(JOB, model=str(tmp_path / ("model" if local else "nowhere")))
    folder = JobFolder.of(store, job)
    folder.write_job(job)
    given = {**environment(), "HF_TOKEN": "made-up", "SECRET": "made-up"}
    (process,) = start_replicas(folder, Placement((("cpu",),)), given)
    known = b""

    def read() -> bool:
        nonlocal known
        known = Path(f"/proc/{process.pid}/environ").read_bytes()  # empty between fork and exec
        return bool(known)

    waited_until(read)
    os.kill(process.pid, 9)
    assert b"SECRET" not in known
    assert (b"HF_TOKEN" in known, b"HF_HUB_OFFLINE" in known) == (not local, local)


def test_a_replica_sees_its_own_gpus_and_its_share_of_the_cores(store: Path) -> None:
    job = replace(JOB, device="cuda", replicas=2, gpus_per_replica=2)
    given = replica_environment(job, ("cuda:2", "cuda:3"), 2, environment())
    assert given["CUDA_VISIBLE_DEVICES"] == "2,3"
    assert int(given["OMP_NUM_THREADS"]) == max(1, len(os.sched_getaffinity(0)) // 2)
    assert replica_environment(job, ("cpu",), 2, {"OMP_NUM_THREADS": "7"})["OMP_NUM_THREADS"] == "7"
    assert replica_environment(job, ("cpu",), 1, {})["CUDA_VISIBLE_DEVICES"] == ""
    assert replica_environment(replace(JOB, cores=1), ("core:0",), 1, {})["OMP_NUM_THREADS"] == "1"
    command = replica_command(JobFolder.of(store, job), 1)
    assert command[command.index("--module") + 1 :] == [
        "clika.workers.evaluate", str(JobFolder.of(store, job).path), "--replica", "1",
    ]  # fmt: skip


def test_two_runs_are_bit_identical_and_another_budget_moves_no_choice(tmp_path: Path) -> None:
    model = str(tiny_llama(tmp_path / "model"))
    tables = []
    for name, budget in (("one", 8192), ("same", 8192), ("other", 150)):
        seal_questions(tmp_path / name, made_up_questions(count=30))
        folder = JobFolder.of(tmp_path / name, replace(JOB, model=model, batch_tokens=budget))
        folder.write_job(replace(JOB, model=model, batch_tokens=budget))
        evaluate(folder)
        tables.append(table(tmp_path / name))
    assert tables[0] == tables[1]
    assert [row.chosen_index for row in tables[0]] == [row.chosen_index for row in tables[2]]


def test_a_worker_whose_launcher_is_killed_seals_and_ends(tmp_path: Path) -> None:
    seal_questions(tmp_path / "store", made_up_questions(count=1000))
    job = replace(JOB, model=str(tiny_llama(tmp_path / "model")), batch_tokens=200)
    folder = JobFolder.of(tmp_path / "store", job)
    folder.write_job(job)
    (launcher,) = start_replicas(folder, Placement((("cpu",),)), environment())
    waited_until(lambda: " asking " in (folder.heartbeat(0) or "") or not launcher.alive)
    (worker,) = [one for one in of_job(folder.path) if one != launcher]
    os.kill(launcher.pid, 9)
    waited_until(lambda: not worker.alive)
    assert of_job(folder.path) == []
    assert folder.done() is None
    assert "stopped; what was answered is sealed" in folder.log_tail()
