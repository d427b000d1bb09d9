"""What a process of the fault suite is: worker, owner (an app without its page), command, reader of the index.

Each function here is what a forked child does; the first argument is what it is armed with. All of them run the
program's own code; waiting times are shorter and shards smaller than a person's job has them.
"""

import hashlib
import json
import logging
import math
import os
import pickle
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

import clika.jobs.supervisor as supervision
import clika.workers.answers as answers_module
import clika.workers.claims as claims_module
import clika.workers.evaluate as worker_module
import clika.workers.lifeline as lifeline_module
from clika.cli import main as command_line
from clika.database.index import Index
from clika.database.queries import collections, prediction_rows
from clika.errors import ClikaError
from clika.failpoints import VARIABLE, arm
from clika.jobs.devices import Placement
from clika.jobs.folder import JobFolder
from clika.jobs.processes import Process, start
from clika.jobs.queue import queued_jobs
from clika.jobs.spec import EvaluationJob
from clika.jobs.supervisor import Patience, Supervisor
from clika.records import Outcome, Prediction, Prompt, ScoringRule
from clika.scoring.scorer import Scored
from clika.scoring.scripted import ScriptedScorer
from tests.faults.nursery import ROOT, Nursery

QUICK = Patience(to_end=2.0, first_beat=60.0, between_beats=2.0, room=512 << 10, between_resumes=0.3)
ROWS_A_SHARD = 6
QUESTIONS_A_CHUNK = 8


class DigestScorer(ScriptedScorer):
    """Log-probabilities from the digest of each question's text: every answer differs from every other.

    Takes ``seconds`` for an answer.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(lambda question: 0)
        self._seconds = seconds

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        for index, prompt in enumerate(prompts):
            if self._seconds:
                time.sleep(self._seconds)
            digest = hashlib.sha256(prompt.text.encode()).digest()
            weights = [digest[place] + 1 for place in range(prompt.choices_scored)]
            scores = tuple(math.log(weight / (sum(weights) + 1)) for weight in weights)
            chosen = max(range(len(scores)), key=scores.__getitem__)
            mass = sum(weights) / (sum(weights) + 1)
            yield Scored(index, Outcome.ANSWERED, chosen, {ScoringRule.LETTER: scores}, mass)


def load(job: EvaluationJob) -> DigestScorer:
    """The job's model is ``scripted:SECONDS``."""
    return DigestScorer(float(job.model.partition(":")[2]))


def _quicken() -> None:
    answers_module.SEAL_EVERY_ROWS = ROWS_A_SHARD
    answers_module.CHUNK_QUESTIONS = QUESTIONS_A_CHUNK
    claims_module.TRY_AGAIN_SECONDS = worker_module.TRY_AGAIN_SECONDS = 0.02
    lifeline_module.BEAT_SECONDS = 0.2
    supervision.LOOK_EVERY_SECONDS = 0.04


def worker(failpoints: str, folder: str, replica: int, real: bool = False) -> int:
    """One replica, with a real model or without."""
    _quicken()
    armed = ["--failpoints", failpoints] if failpoints else []
    loader = worker_module.load_scorer if real else load
    return worker_module.main([folder, "--replica", str(replica), *armed], loader)


def start_by(
    nursery: Nursery, armed_replicas: Sequence[int] | None, real: bool
) -> Callable[[JobFolder, Placement, Mapping[str, str]], tuple[Process, ...]]:
    """What ``start_replicas`` does, with workers of the nursery; only ``armed_replicas`` are armed."""

    def begin(folder: JobFolder, placed: Placement, environment: Mapping[str, str]) -> tuple[Process, ...]:
        started = []
        for number in range(len(placed.replicas)):
            armed = armed_replicas is None or number in armed_replicas
            pid = nursery.started(
                "worker",
                {"folder": str(folder.path), "replica": number, "real": real},
                folder.log,
                environment[VARIABLE] if armed else "",
                folder.path,
            )
            try:
                started.append(Process.of(psutil.Process(pid)))
            except psutil.NoSuchProcess:  # it was that quick
                started.append(Process(pid, "ended"))
        return tuple(started)

    return begin


def start_preloaded(
    preload: Mapping[str, str],
) -> Callable[[JobFolder, Placement, Mapping[str, str]], tuple[Process, ...]]:
    """Workers that are not forked, in an environment with a library loaded before all others."""

    def begin(folder: JobFolder, placed: Placement, environment: Mapping[str, str]) -> tuple[Process, ...]:
        return tuple(
            start(
                [
                    *(sys.executable, "-m", "tests.faults.roles", "worker"),
                    json.dumps({"folder": str(folder.path), "replica": number}),
                ],
                {"PATH": environment["PATH"], "PYTHONPATH": str(ROOT), **preload},
                folder.log,
                folder.path,
                ROOT,
                devices,
                number,
            )
            for number, devices in enumerate(placed.replicas)
        )

    return begin


def owner(
    failpoints: str,
    store: str,
    nursery: str,
    answers: str,
    ends: Sequence[str] = ("done",),
    worker_failpoints: str = "",
    armed_replicas: Sequence[int] | None = None,
    real: bool = False,
    preload: str = "",
) -> int:
    """Own index and queue of a store as the app does; leaves when every job stands at one of ``ends``.

    Before it leaves it writes what the index holds to ``answers``.
    """
    _quicken()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s owner %(message)s")
    arm(failpoints)
    place = Path(store)
    supervisor = Supervisor(
        place,
        {"PATH": os.environ["PATH"], VARIABLE: worker_failpoints},
        devices=("cpu",),
        patience=QUICK,
        start=start_preloaded(json.loads(preload))
        if preload
        else start_by(Nursery(Path(nursery)), armed_replicas, real),
    )
    over = threading.Event()
    with Index.open(place) as index:
        looking = threading.Thread(target=supervisor.run_when_free, args=(over,), daemon=True)
        looking.start()
        said: tuple[str, ...] = ()
        while True:
            standing = [str(one.state) for one in queued_jobs(place)]
            index.refresh()
            if index.notices != said:
                said = index.notices
                print("notices:", json.dumps(said), flush=True)
            if standing and all(state in ends for state in standing) and not _waits_for_room(said):
                break
            time.sleep(0.03)
        over.set()
        looking.join()
        _write_answers(index, answers)
    return 0


def _waits_for_room(notices: Sequence[str]) -> bool:
    return any("there is no room" in sentence for sentence in notices)


def reader(failpoints: str, store: str, answers: str) -> int:
    """Open the index once, take in what is new, and write what it holds."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s reader %(message)s")
    arm(failpoints)
    try:
        with Index.open(Path(store)) as index:
            _write_answers(index, answers)
    except ClikaError as error:
        print("refused:", error, flush=True)
        return 1
    return 0


def _write_answers(index: Index, answers: str) -> None:
    rows = [row.prediction for name in collections(index) for row in prediction_rows(index, name)]
    held: tuple[list[Prediction], tuple[str, ...], bool] = (rows, index.notices, index.owner)
    temporary = Path(f"{answers}.tmp")
    temporary.write_bytes(pickle.dumps(held))
    temporary.replace(answers)


def command(failpoints: str, arguments: Sequence[str]) -> int:
    """``python -m clika`` with arguments."""
    _quicken()
    os.environ[VARIABLE] = failpoints
    return command_line(list(arguments))


def main() -> int:
    """``python -m tests.faults.roles ROLE JSON``: a role as a process that was not forked."""
    if "LD_PRELOAD" in os.environ:  # libfaketime 0.9.10 refuses Python's own way to sleep
        time.sleep = lambda seconds: select.select([], [], [], seconds) and None
    status: int = globals()[sys.argv[1]]("", **json.loads(sys.argv[2]))
    return status


if __name__ == "__main__":
    sys.exit(main())
