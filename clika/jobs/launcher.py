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
_LOG_TAIL = 4096  # bytes
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
    if end is not None:  # the last thing a worker writes, so whatever ended it later took nothing
        return end
    raise JobError(f"{job.name}: {failure(folder, status)}")


def failure(folder: JobFolder, status: int) -> str:
    """Why a worker that ended with ``status`` (negative: a signal) did not finish, for a person."""
    reason = folder.error()
    if reason is not None:
        return reason
    if status < 0:  # a killed worker had no time to log why
        how, last = f"signal {-status}", ""
    else:
        how, last = f"status {status}", _last_line(folder.log)
    return (
        f"its worker ended with {how} before it was done{f' ({last})' if last else ''};"
        f" what it sealed is kept, the same command goes on; its log is {folder.log}"
    )


def _last_line(log: Path) -> str:
    """The last line of a log that is not blank; empty where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL))
            lines = file.read().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _tell(folder: JobFolder, on_progress: Callable[[Progress], None]) -> None:
    progress = folder.progress()
    if progress is not None:
        on_progress(progress)
