"""The launcher with real workers: progress, the end, the cause of a failure, what a worker may know."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from clika.jobs.folder import JobFolder, Progress
from clika.jobs.launcher import failure, run_evaluation, start_evaluation
from clika.jobs.spec import EvaluationJob
from clika.workers.evaluate import evaluate
from tests.models import tiny_llama
from tests.stores import made_up_questions, seal_questions

JOB = EvaluationJob("model", "tiny", "made-up", ("xgeo",), ("en", "de", "he"), device="cpu")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path / "store", made_up_questions())
    return tmp_path / "store"


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


def test_a_small_limit_then_all_asks_only_the_rest(store: Path, tmp_path: Path) -> None:
    job = replace(JOB, model=str(tiny_llama(tmp_path / "model")))
    small = JobFolder.of(store, replace(job, limit=3))
    small.write_job(replace(job, limit=3))
    first = evaluate(small)
    assert (first.answered, first.kept) == (9, 0)
    seen: list[Progress] = []
    second = run_evaluation(store, job, seen.append, environment())  # in a process of its own
    assert (second.answered, second.kept, second.run) == (3, 9, first.run)
    assert (seen[-1].done, seen[-1].total, seen[-1].kept) == (3, 3, 9)


@pytest.mark.parametrize("local", [True, False])
def test_a_token_reaches_a_worker_only_for_a_model_of_the_hub(
    store: Path, tmp_path: Path, local: bool
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    job = replace(JOB, model=str(model if local else tmp_path / "nowhere"))
    given = {**environment(), "HF_TOKEN": "made-up", "SECRET": "made-up"}
    _, worker = start_evaluation(store, job, given)
    with worker:
        known = b""
        while not known and worker.poll() is None:  # empty between fork and exec
            known = Path(f"/proc/{worker.pid}/environ").read_bytes()
        worker.kill()
    assert b"SECRET" not in known
    assert (b"HF_TOKEN" in known, b"HF_HUB_OFFLINE" in known) == (not local, local)


def test_a_worker_that_broke_without_a_reason_is_explained_by_its_log(store: Path) -> None:
    folder = JobFolder.of(store, JOB)
    folder.write_job(JOB)
    folder.log.write_text("Traceback\nMemoryError: no room\n\n")
    assert "status 1 before it was done (MemoryError: no room)" in failure(folder, 1)
    assert "signal 9" in failure(folder, -9)
