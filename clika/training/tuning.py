"""A task from beginning to end: load, go on where a killed process stopped, teach, and save what was learned."""

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clika.errors import JobError
from clika.records import TrainingPoint, TrainingRecord
from clika.scoring.checkpoint import checkpoint_folder
from clika.scoring.fingerprint import content_fingerprint
from clika.training.adapter import adapter_note, save_tuned
from clika.training.learner import Learner, learner
from clika.training.loop import Look, Loop, Watching
from clika.training.ranks import Ranks
from clika.training.saved_state import SavedState
from clika.training.task import TrainingTask

_logger = logging.getLogger(__name__)

TUNED = "tuned"
STATE = "state"


@dataclass(frozen=True, slots=True)
class Tuned:
    """What came of a task: the folder of the adapter or model, the steps taken, and how.

    ``finished`` is False where the tuning was stopped for now; its state is on disk and there is no folder.
    """

    folder: Path
    steps: int
    finished: bool
    record: TrainingRecord


def tune(
    task: TrainingTask,
    point: Callable[[TrainingPoint], None] = lambda point: None,
    look: Look = lambda model, step: False,
    stopping: Callable[[], bool] = lambda: False,
) -> Tuned:
    """Do the task, or the rest of it; a task that is done is not done again.

    Called on every process of a group. ``point`` is told each step on the first; ``look`` is called on all of them at
    the task's steps and at the end, and again after a kill where its step was not yet saved. Raises UsageError for a
    device that is not there, ModelError for a model that cannot learn this way, JobError where the output folder is
    another task's, OSError where there is no room.
    """
    ranks = Ranks(task.device)
    folder, base, revision = checkpoint_folder(task.model)
    fingerprint = ranks.told(content_fingerprint(folder) if ranks.first else None)
    digest = task.digest(fingerprint)
    done = _done(task, digest)
    if done is not None:
        return done
    ready = learner(task, folder, ranks)
    parts = (ranks.rank, ranks.count) if ready.sharded else (0, 1)
    state = SavedState(task.output / STATE, *parts)
    loop = Loop(ready, task.recipe, ranks, state, digest, task.save_seconds)
    loop.resume()
    watching = Watching(point, look, frozenset(task.look_at), stopping)
    finished = loop.run(watching)
    record = _record(ready, loop, ranks)
    ready.loss.close()
    if finished:
        weights = ranks.whole_weights(ready.network) if ready.sharded else None
        if ranks.first:
            note = {
                "name": task.name,
                "base": base,
                "base_revision": revision,
                "base_fingerprint": fingerprint,
                "task_digest": digest,
                "steps": loop.standing.step,
                "recipe": asdict(task.recipe),
                "record": asdict(record),
            }
            save_tuned(task.output / TUNED, ready.model, ready.tokenizer, note, weights)
            shutil.rmtree(task.output / STATE, ignore_errors=True)
        ranks.wait()
    return Tuned(task.output / TUNED, loop.standing.step, finished, record)


def _done(task: TrainingTask, digest: str) -> Tuned | None:
    """What an earlier process made of this very task; None where none did."""
    note: dict[str, Any] | None = adapter_note(task.output / TUNED)
    if note is None:
        return None
    if note["task_digest"] != digest:
        raise JobError(
            f"{task.output / TUNED} was made by another model, recipe or other samples; give a folder of its own"
        )
    values = note["record"]
    lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Tuned(task.output / TUNED, note["steps"], True, TrainingRecord(**{**values, **lists}))


def _record(ready: Learner, loop: Loop, ranks: Ranks) -> TrainingRecord:
    record = TrainingRecord(
        device=str(ranks.device),
        processes=ranks.count,
        sharded=ready.sharded,
        learning_weights=ready.learning,
        targets=ready.targets.names,
        adapted_layers=ready.targets.count,
        left_out=ready.targets.left_out,
        prefix_length=ready.prefix_length,
        exact_prefix=ready.exact_prefix,
        packed_rows=ready.packed_rows,
        shared_branches=ready.shared_branches,
        trimmed_last_layer=ready.loss.trims,
        micro_batch_tokens=loop.standing.micro_batch_tokens,
        memory_halvings=loop.standing.memory_halvings,
        prepacked_layers=ready.prepacked_layers,
        resumed_at=loop.standing.resumed_at,
    )
    _logger.info("%s", json.dumps(asdict(record)))
    return record
