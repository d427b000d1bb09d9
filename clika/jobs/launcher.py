"""Starts a job's worker as a process of its own and watches the folder until it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from clika.errors import JobError
from clika.jobs.folder import JobEnd, JobFolder, Progress
from clika.jobs.spec import EvaluationJob

_PASSED_ON = (
    "CUDA_VISIBLE_DEVICES",
    "HF_ENDPOINT",
    "HF_HOME",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PATH",
    "TMPDIR",
)
_LOOK_EVERY = 0.25  # seconds
_PACKAGE = Path(__file__).resolve().parents[2]


def start_evaluation(
    store: Path, job: EvaluationJob, environment: dict[str, str]
) -> tuple[JobFolder, "subprocess.Popen[bytes]"]:
    """Start a job's worker in a session of its own, which outlives the caller; returns at once.

    ``environment`` is the caller's; the worker gets only what it needs of it, and no token unless the
    model has to come from the Hub. It resumes what an earlier try left.
    """
    folder = JobFolder.of(store.resolve(), job)
    folder.write_job(job)
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    passed["PYTHONPATH"] = str(_PACKAGE)
    if Path(job.model).is_dir():
        passed["HF_HUB_OFFLINE"] = "1"
    elif "HF_TOKEN" in environment:
        passed["HF_TOKEN"] = environment["HF_TOKEN"]
    with folder.log.open("ab") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "clika.workers.evaluate", str(folder.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=passed,
            cwd=_PACKAGE,
            start_new_session=True,
        )
    return folder, worker


def run_evaluation(
    store: Path,
    job: EvaluationJob,
    on_progress: Callable[[Progress], None],
    environment: dict[str, str],
) -> JobEnd:
    """Do a job to its end; returns how it ended.

    An interruption (Ctrl-C) ends the worker, which seals what it has. Raises JobError with the worker's
    reason.
    """
    folder, worker = start_evaluation(store, job, environment)
    try:
        while True:
            try:
                status = worker.wait(timeout=_LOOK_EVERY)
                break
            except subprocess.TimeoutExpired:
                _tell(folder, on_progress)
    except KeyboardInterrupt:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait()
        raise
    _tell(folder, on_progress)
    end = folder.done()
    if status == 0 and end is not None:
        return end
    raise JobError(f"{job.name}: {failure(folder, status)}")


def failure(folder: JobFolder, status: int) -> str:
    """Why a worker that ended with ``status`` (negative: a signal) did not finish, for a person."""
    reason = folder.error()
    if reason is not None:
        return reason
    how = f"signal {-status}" if status < 0 else f"status {status}"
    return (
        f"its worker ended with {how} before it was done; what it sealed is kept, the same command goes on;"
        f" its log is {folder.log}"
    )


def _tell(folder: JobFolder, on_progress: Callable[[Progress], None]) -> None:
    progress = folder.progress()
    if progress is not None:
        on_progress(progress)
