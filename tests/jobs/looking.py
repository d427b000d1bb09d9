"""A supervisor over scripted workers, and waiting for what it should bring about."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from clika.failpoints import VARIABLE
from clika.jobs.queue import JobState, QueuedJob, queued_job
from clika.jobs.supervisor import Patience, Supervisor
from clika.records import Prediction
from clika.shards import predictions_of, read_run, sound_tables
from tests.scripted_worker import start_scripted

IMPATIENT = Patience(to_end=1.0, first_beat=60.0, between_beats=2.0, room=0, between_resumes=0.5)
LIMIT_SECONDS = 120.0
"""After so long a test that waits has failed; none of them waits so long where the program is right."""


def scripted_supervisor(
    store: Path, failpoints: str = "", patience: Patience = IMPATIENT, devices: tuple[str, ...] = ("cpu",)
) -> Supervisor:
    environment = {"PATH": os.environ["PATH"], VARIABLE: failpoints}
    return Supervisor(store, environment, devices=devices, patience=patience, start=start_scripted)


def waited_until(reached: Callable[[], bool], meanwhile: Callable[[], None] = lambda: None) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LIMIT_SECONDS
    while not reached():
        assert time.monotonic() < end, "what the test waits for did not come"
        meanwhile()
        time.sleep(0.02)


def looked_until(supervisor: Supervisor, reached: Callable[[], bool]) -> None:
    """Let a supervisor look until something is so."""
    waited_until(reached, supervisor.look)


def looked_until_state(supervisor: Supervisor, one: QueuedJob, *states: JobState) -> QueuedJob:
    looked_until(supervisor, lambda: queued_job(one.folder).state in states)
    return queued_job(one.folder)


def table(store: Path) -> list[Prediction]:
    """All sound predictions of a store, in one order; a key that stands twice is a fault."""
    rows = []
    for folder in sorted((store / "jobs").iterdir()):
        run = read_run(folder)
        for _, sealed in sound_tables(folder)[0] if run is not None else ():
            rows += predictions_of(run.run if run else "", sealed)
    keys = [(row.run, row.dataset, row.question_id, row.language) for row in rows]
    assert len(keys) == len(set(keys)), "an answer is stored twice"
    return sorted(rows, key=lambda row: (row.run, row.dataset, row.question_id, row.language))
