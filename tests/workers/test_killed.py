"""A real checkpoint, the real command, a real kill -9: the same table as an undisturbed run."""

import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from clika.jobs.folder import JobFolder, job_folders
from clika.jobs.processes import of_job, send
from clika.jobs.spec import EvaluationJob
from clika.records import Prediction
from clika.shards import predictions_of, read_run, sound_tables
from clika.workers.evaluate import evaluate
from tests.models import tiny_llama
from tests.stores import made_up_questions, seal_questions


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    tiny_llama(folder)
    return folder


def command(checkpoint: Path, store: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "clika", "evaluate", "--model", str(checkpoint), "--store", str(store)),
        *("--batch-tokens", "400", "--device", "cpu"),
    ]


def table(store: Path) -> list[Prediction]:
    rows = []
    for folder in (store / "jobs").iterdir():
        run = read_run(folder)
        for _, sealed in sound_tables(folder)[0] if run else ():
            rows += predictions_of(run.run if run else "", sealed)
    return sorted(rows, key=lambda row: (row.dataset, row.question_id, row.language))


def test_killed_and_started_again_it_ends_like_an_undisturbed_run(checkpoint: Path, tmp_path: Path) -> None:
    for name in ("whole", "killed"):
        seal_questions(tmp_path / name, made_up_questions(count=60))
    job = EvaluationJob(
        str(checkpoint), "tiny", "made-up", ("xgeo",), ("en", "de", "he"), device="cpu", batch_tokens=400
    )
    undisturbed = JobFolder.of(tmp_path / "whole", job)
    undisturbed.write_job(job)
    evaluate(undisturbed)
    whole = table(tmp_path / "whole")
    assert len(whole) == 180
    for sign in ("run.json", "manifest-replica0.jsonl"):
        child = subprocess.Popen(
            command(checkpoint, tmp_path / "killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while child.poll() is None and not list((tmp_path / "killed/jobs").glob(f"*/{sign}")):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=0.01)
        child.kill()  # first: it would start the workers once more
        child.wait()
        (folder,) = job_folders(tmp_path / "killed")
        while living := of_job(folder.path):
            send(living, signal.SIGKILL)
    subprocess.run(command(checkpoint, tmp_path / "killed"), check=True, stdout=subprocess.DEVNULL)
    killed = table(tmp_path / "killed")
    assert [(r.question_id, r.language, r.chosen_index) for r in killed] == [
        (r.question_id, r.language, r.chosen_index) for r in whole
    ]
    for mine, theirs in zip(killed, whole, strict=True):
        for rule, scores in theirs.scores.items():
            assert mine.scores[rule] == pytest.approx(scores, abs=1e-4)


def test_a_missing_model_ends_with_a_sentence_and_status_1(tmp_path: Path) -> None:
    seal_questions(tmp_path / "store", made_up_questions())
    done = subprocess.run(
        command(tmp_path / "nowhere", tmp_path / "store"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr
