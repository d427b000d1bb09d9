"""Tunes one model on the samples of a task: one process of a group that accelerate launched, or the only one.

    accelerate launch --num_processes N -m clika.workers.train FOLDER

FOLDER holds ``task.json``. The first process writes ``learning_curve.jsonl`` there and, last of all, ``tuned.json``;
the adapter or model lies where the task says. Killed at any moment the next launch goes on, and ends with the same
weights on the same device.
"""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from clika.errors import ClikaError, JobError
from clika.failpoints import arm
from clika.jobs.folder import JobFailure, JobFolder
from clika.jobs.learning_curve import LearningCurve
from clika.records import TrainingPoint
from clika.redaction import redacting_handler
from clika.shards import write_durably, write_error
from clika.training.task import TrainingTask
from clika.workers.lifeline import Lifeline, die_with_parent

if TYPE_CHECKING:
    from clika.training.tuning import Tuned

logger = logging.getLogger(__name__)

TASK = "task.json"
END = "tuned.json"


class Stopping:
    """Whether SIGTERM came: the step that is being done is finished and saved first."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        return self._asked

    def catch(self) -> None:
        """Take SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def no_look(model: Any, step: int) -> bool:
    """Nobody looks at the model on the way."""
    return False


def train(
    task: TrainingTask,
    curve_folder: Path,
    look: Callable[[Any, int], bool] = no_look,
    stopping: Callable[[], bool] = lambda: False,
    told: Callable[[TrainingPoint], None] = lambda one: None,
) -> "Tuned":
    """Do the task on every process of the group; the first adds each step to the curve in ``curve_folder``.

    It tells each to ``told`` too.
    ``look`` is called with the model, in evaluation mode, and the steps done: see TrainingTask.look_at; True ends the
    tuning. Raises as ``clika.training.tuning.tune`` does, and StoreError where nothing can be written.
    """
    from clika.training.tuning import tune

    curve: list[LearningCurve] = []

    def point(one: TrainingPoint) -> None:
        if not curve:
            curve.append(LearningCurve(curve_folder))
        curve[0].add(one)
        told(one)

    try:
        return tune(task, point, look, stopping)
    except OSError as error:
        raise write_error(task.output, error) from error
    finally:
        for one in curve:
            one.close()


def write_task(folder: Path, task: TrainingTask) -> None:
    """Put a task where the worker finds it."""
    write_durably(folder / TASK, task.to_json().encode())


def _task(folder: Path) -> TrainingTask:
    path = folder / TASK
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"{path} cannot be read ({error}); submit the task again") from error
    return TrainingTask.from_json(text)


def main(arguments: Sequence[str]) -> int:
    """Be one process of the task in a folder; returns 0 when it is done, 1 with the reason when it cannot be.

    SIGTERM ends it with 143 after the step is done and saved.
    """
    parser = argparse.ArgumentParser(prog="clika.workers.train")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--failpoints", default="")
    options = parser.parse_args(arguments)
    folder = JobFolder(options.folder.resolve())
    logging.basicConfig(
        level=logging.INFO, handlers=[redacting_handler(f"%(asctime)s {folder.path.name} %(message)s")]
    )
    stopping = Stopping()
    stopping.catch()
    rank = 0
    try:
        arm(options.failpoints)
        task = _task(folder.path)
        rank = _rank(task)
        lifeline = Lifeline(folder, rank)
        with lifeline.held():
            done = train(task, folder.path, stopping=stopping, told=lambda point: lifeline.did("training"))
        if not done.finished:
            logger.info("stopped after step %d; what was learned is on disk", done.steps)
            return 143
        if rank == 0:
            values = {**asdict(done), "folder": str(done.folder)}
            write_durably(folder.path / END, json.dumps({"version": 1, **values}).encode())
    except ClikaError as error:
        logger.error("%s", error)
        _leave_word(folder, error, rank)
        return 1
    logger.info("%d steps; %s", done.steps, done.folder)
    return 0


def _rank(task: TrainingTask) -> int:
    """Which of the group this process is."""
    from clika.training.ranks import Ranks

    return Ranks(task.device).rank


def _leave_word(folder: JobFolder, error: ClikaError, rank: int) -> None:
    try:
        folder.write_error(JobFailure(type(error).__name__, str(error)), rank)
    except ClikaError as refused:  # a full disk: whoever looks after the job sees that there is no room
        logger.error("%s", refused)


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main(sys.argv[1:]))
