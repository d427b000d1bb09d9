"""A real tiny model: killed at the failpoints, under its launcher, and with its folder failing or gone."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clika.failpoints import Failpoint
from clika.jobs.folder import job_folders
from clika.jobs.processes import of_job
from clika.jobs.queue import JobState, queued_job, submitted
from clika.jobs.spec import EvaluationJob
from clika.records import Prediction
from clika.workers.evaluate import JobFolder
from tests.faults.laboratory import ROUNDING, Laboratory, told
from tests.faults.nursery import ROOT, Nursery
from tests.stores import LANGUAGES

PRELOADED = (
    "torch",
    "transformers",
    "accelerate",
    "clika.scoring.transformers_scorer",
    "clika.scoring.checkpoint",
)
POINTS = (
    Failpoint.JOB_LOADED,
    Failpoint.CHUNK_CLAIMED,
    Failpoint.WRITE_FLUSHED,
    Failpoint.SEAL_SHARD_WRITTEN,
    Failpoint.SEAL_LINE_TORN,
    Failpoint.SEAL_DONE,
    Failpoint.JOB_ALL_SEALED,
)


def made_checkpoint(folder: Path) -> Path:
    """A tiny Llama with weights of its own, made by a process that keeps torch out of this one."""
    code = "import sys, pathlib; from tests.models import tiny_llama; tiny_llama(pathlib.Path(sys.argv[1]))"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return folder


def model_job(checkpoint: Path, **changes: object) -> EvaluationJob:
    """Asks the made-up questions of the checkpoint on the CPU."""
    values: dict[str, object] = {
        "model": str(checkpoint),
        "name": "tiny",
        "collection": "made-up",
        "datasets": ("xgeo",),
        "languages": LANGUAGES,
        "device": "cpu",
        "batch_tokens": 400,
    }
    return EvaluationJob(**{**values, **changes})  # type: ignore[arg-type]


@contextmanager
def _torch_nursery(laboratory: Laboratory) -> Iterator[None]:
    """The laboratory's processes come from a parent that has imported torch too."""
    plain = laboratory.nursery
    laboratory.nursery, process = Nursery.opened(laboratory.scratch / "torch-nursery", PRELOADED)
    try:
        yield
    finally:
        laboratory.judged_kills()
        for pid in laboratory.nursery.living():
            os.kill(pid, signal.SIGKILL)
        process.terminate()
        process.wait()
        laboratory.nursery = plain


def strain_models(laboratory: Laboratory, kills: int, launched: int) -> None:
    """``kills`` at failpoints of forked workers, ``launched`` under accelerate's own launcher, folders that fail."""
    checkpoint = made_checkpoint(laboratory.scratch / "checkpoint")
    with _torch_nursery(laboratory):
        store = laboratory.store()
        whole = laboratory.finished(store, submitted(store, model_job(checkpoint)), judged=False, real=True)
        assert len(whole) == len(laboratory.expected)
        before = laboratory.tally.kills
        number = 0
        while laboratory.tally.kills - before < kills and number < 3 * kills:
            point = POINTS[number % len(POINTS)]
            armed = f"{point}={('kill', 'term')[number // len(POINTS) % 2]}"
            number += 1
            with told(laboratory, f"model {armed}"):
                _killed(laboratory, checkpoint, whole, armed, number)
        _failing_folders(laboratory, checkpoint, whole)
    for number in range(launched):
        with told(laboratory, f"launched {number}"):
            _launched(laboratory, checkpoint, whole, ("launcher", "worker")[number % 2])


def _killed(
    laboratory: Laboratory, checkpoint: Path, whole: list[Prediction], armed: str, number: int
) -> None:
    store = laboratory.store()
    one = submitted(store, model_job(checkpoint, replicas=1 + number % 2))
    first = laboratory.owner(store, worker_failpoints=armed, ends=["done", "failed"], real=True)
    laboratory.until(lambda: laboratory.over(first), "the end of the armed owner")
    # Nothing was sealed before the model was loaded: the batches are the undisturbed run's.
    same_batches = armed.startswith(Failpoint.JOB_LOADED)
    laboratory.finished(
        store, one, expected=whole, tolerance=0.0 if same_batches else ROUNDING, replicas=1, real=True
    )
    laboratory.discard(store)


def _failing_folders(laboratory: Laboratory, checkpoint: Path, whole: list[Prediction]) -> None:
    """Gone before the start, gone under the work, cut weights, a cut configuration; then whole again."""
    aside = laboratory.scratch / "checkpoint-aside"
    weights, configuration = checkpoint / "model.safetensors", checkpoint / "config.json"

    def gone() -> None:
        checkpoint.rename(aside)

    def back() -> None:
        aside.rename(checkpoint)

    contents = {path: path.read_bytes() for path in (weights, configuration)}

    def cut(path: Path) -> None:
        path.write_bytes(contents[path][: len(contents[path]) // 2])

    faults = {
        "gone": (gone, back),
        "weights cut": (lambda: cut(weights), lambda: weights.write_bytes(contents[weights])),
        "configuration cut": (
            lambda: cut(configuration),
            lambda: configuration.write_bytes(contents[configuration]),
        ),
    }
    for name, (harm, mend) in faults.items():
        with told(laboratory, f"model folder {name}"):
            store = laboratory.store()
            one = submitted(store, model_job(checkpoint))
            harm()
            try:
                pid = laboratory.owner(store, ends=["failed"], real=True)
                laboratory.until(lambda pid=pid: laboratory.over(pid), "the failure")
            finally:
                mend()
            failed = queued_job(one.folder)
            error = failed.folder.error()
            if failed.state is not JobState.FAILED or error is None or str(checkpoint) not in error.sentence:
                laboratory.tally.failures.append(f"model folder {name}: {failed.state}, {error}")
            laboratory.finished(store, one, expected=whole, real=True)
            laboratory.discard(store)
    with told(laboratory, "model folder gone under the work"):
        store = laboratory.store()
        one = submitted(store, model_job(checkpoint))
        pid = laboratory.owner(store, worker_failpoints="seal.done=kill", ends=["done", "failed"], real=True)
        laboratory.until(lambda: any(one.folder.path.glob("manifest-*")), "the first shard")
        shutil.copytree(checkpoint, aside)
        shutil.rmtree(checkpoint)
        laboratory.until(lambda: laboratory.over(pid), "the failure")
        aside.rename(checkpoint)
        laboratory.finished(store, one, expected=whole, tolerance=ROUNDING, real=True)
        laboratory.discard(store)


def _launched(laboratory: Laboratory, checkpoint: Path, whole: list[Prediction], whom: str) -> None:
    """The real command with accelerate's launcher; the launcher or its worker is killed, the command goes on."""
    store = laboratory.store()
    command = [
        *(sys.executable, "-m", "clika", "evaluate", "--model", str(checkpoint), "--store", str(store)),
        *("--name", "tiny", "--batch-tokens", "400", "--device", "cpu"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with laboratory.log(store).open("ab") as log:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    laboratory.until(lambda: any(store.glob("jobs/*/run.json")), "the start of the work")
    (folder,) = job_folders(store)
    living = sorted(of_job(folder.path), key=lambda one: one.pid)
    victim = living[0] if whom == "launcher" else living[-1]
    os.kill(victim.pid, signal.SIGKILL)
    laboratory.tally.kills += 1
    laboratory.tally.points[whom] = laboratory.tally.points.get(whom, 0) + 1
    laboratory.until(lambda: child.poll() is not None, "the end of the command")
    if child.returncode != 0:
        raise OSError(
            f"the command ended with {child.returncode}: {laboratory.log(store).read_text()[-400:]}"
        )
    _read(laboratory, store)
    laboratory.judge(store, JobFolder(folder.path), whole, ROUNDING)
    laboratory.discard(store)


def _read(laboratory: Laboratory, store: Path) -> None:
    arguments: dict[str, object] = {"store": str(store), "answers": str(laboratory.answers(store))}
    pid = laboratory.nursery.started("reader", json.loads(json.dumps(arguments)), laboratory.log(store))
    laboratory.until(lambda: laboratory.over(pid), "the end of a reader")
