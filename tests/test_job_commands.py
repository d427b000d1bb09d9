"""``python -m clika jobs …`` as a person types it, alone and beside a running dashboard."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clika.jobs.queue import JobState, cancel, found_job, running
from tests.jobs.looking import waited_until
from tests.models import tiny_llama
from tests.stores import made_up_questions, seal_questions
from tests.ui.dashboard import running_app

COMMAND = [sys.executable, "-m", "clika"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path / "store", made_up_questions())
    return tmp_path / "store"


def clika(store: Path, *arguments: str, status: int = 0) -> str:
    """What a command says; it must end with ``status``, and no one may see a stack trace."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**os.environ, "CLIKA_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


def states(store: Path) -> dict[str, str]:
    """Name -> state."""
    return {one["name"]: one["state"] for one in json.loads(clika(store, "jobs", "list", "--format", "json"))}


def queued(store: Path, checkpoint: Path, name: str, *options: str) -> None:
    said = clika(store, "evaluate", "--model", str(checkpoint), "--name", name, "--queue", *options)
    assert "queued" in said


def test_a_queue_is_filled_ordered_worked_off_and_tidied(store: Path, checkpoint: Path) -> None:
    queued(store, checkpoint, "first", "--limit", "1")
    queued(store, checkpoint, "second", "--limit", "2")
    assert "nobody looks after" in clika(
        store, "evaluate", "--model", str(checkpoint), "--name", "x", "--queue"
    )
    clika(store, "jobs", "cancel", "x")
    clika(store, "jobs", "first", "second")
    clika(store, "jobs", "rename", "first", "renamed")
    assert list(states(store).items()) == [("second", "queued"), ("renamed", "queued"), ("x", "cancelled")]
    said = clika(store, "jobs", "run", status=1)  # one of them was cancelled and is not done
    assert said.index("second: 6 questions answered") < said.index("renamed: 0 questions answered, 3 were")
    shown = clika(store, "jobs", "show", "second")
    assert "en: 2 of 2 answered" in shown
    assert "replicas: 1" in shown
    assert "second" in clika(store, "jobs", "list")
    clika(store, "jobs", "resume", "x", "--replicas", "2")
    assert "x: 6 questions answered, 6 were" in clika(store, "jobs", "run")
    assert "out of the store" in clika(store, "jobs", "delete", "x")
    assert states(store) == {"second": "done", "renamed": "done"}
    assert "no job 'x'" in clika(store, "jobs", "show", "x", status=2)
    assert "is done" in clika(store, "jobs", "cancel", "second", status=2)


def test_a_job_that_fails_says_why_and_can_be_tried_again(
    store: Path, checkpoint: Path, tmp_path: Path
) -> None:
    lost = shutil.copytree(checkpoint, tmp_path / "lost")
    queued(store, lost, "broken")
    (lost / "config.json").unlink()  # after it was looked at
    assert "broken: " in clika(store, "jobs", "run", status=1)
    assert states(store) == {"broken": "failed"}
    assert "config.json" in clika(store, "jobs", "show", "broken")
    assert "queued" in clika(store, "jobs", "retry", "broken")


def test_a_folder_without_a_tokenizer_becomes_no_job(store: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text("{}")
    assert "no tokenizer" in clika(store, "evaluate", "--model", str(bare), "--queue", status=1)
    assert states(store) == {}


def test_interrupting_a_waiting_command_ends_its_job_and_the_same_command_goes_on(
    store: Path, checkpoint: Path
) -> None:
    command = [*COMMAND, "evaluate", "--model", str(checkpoint), "--store", str(store)]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    waited_until(lambda: any((store / "jobs").glob("*/heartbeat-0")) or waiting.poll() is not None)
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate()
    assert waiting.returncode == 1
    assert "interrupted; what was sealed is kept" in said
    one = found_job(store, "tiny")
    assert (one.state, running(one.folder)) == (JobState.CANCELLED, False)
    assert "12 questions answered" in clika(store, "evaluate", "--model", str(checkpoint))


@pytest.fixture
def beside_dashboard(store: Path) -> Iterator[Path]:
    with running_app(store):
        yield store


def test_every_command_works_while_the_dashboard_runs(
    beside_dashboard: Path, checkpoint: Path, tmp_path: Path
) -> None:
    store = beside_dashboard
    said = clika(store, "evaluate", "--model", str(checkpoint), "--limit", "2")
    assert "6 questions answered" in said  # by the dashboard's own supervisor
    queued(store, checkpoint, "later")
    waited_until(lambda: states(store)["later"] == "done")
    assert "accuracy" not in clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo")
    assert "xgeo question 0 in en?" in clika(store, "answers", "--dataset", "xgeo", "--question", "0")
    exported = tmp_path / "out.jsonl"
    assert "12 predictions" in clika(store, "export", "--output", str(exported))
    assert "are as they were sealed, 0 are not" in clika(store, "verify")
    assert "nothing is refused" in clika(store, "preflight", "--model", str(checkpoint), "--quick")
    assert "is in use by process" in clika(store, "rebuild", status=1)
    assert "looked after by process" in clika(store, "jobs", "run", status=1)
    assert "later" in clika(store, "jobs", "show", "later")
    clika(store, "jobs", "rename", "later", "renamed")
    clika(store, "jobs", "delete", "renamed")
    assert set(states(store)) == {"tiny"}
    world = tmp_path / "world"
    clika(store, "world", "--seed", "1", "--output", str(world), "--continents", "3", "--places", "2")


def test_closing_the_dashboard_ends_no_job_and_the_next_one_takes_it_up(
    store: Path, checkpoint: Path
) -> None:
    with running_app(store):
        queued(store, checkpoint, "long")
        waited_until(lambda: any((store / "jobs").glob("*/heartbeat-0")))
    one = found_job(store, "long")
    assert one.state in (JobState.RUNNING, JobState.DONE)
    with running_app(store):
        waited_until(lambda: found_job(store, "long").state is JobState.DONE)
    end = one.folder.done()
    assert end is not None
    assert end.answered == 12


def test_a_job_cancelled_by_hand_in_another_process_ends(store: Path, checkpoint: Path) -> None:
    with running_app(store):
        queued(store, checkpoint, "long")
        waited_until(lambda: any((store / "jobs").glob("*/heartbeat-0")))
        one = found_job(store, "long")
        if one.state is not JobState.DONE:
            cancel(store, one)
        waited_until(lambda: found_job(store, "long").state in (JobState.CANCELLED, JobState.DONE))
