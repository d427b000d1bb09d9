"""What a tuned model answered at a step, sealed: a folder a step within the job's, each with its own run.

    <job's folder>/measures/000957/run.json, manifest-measure.jsonl, shards/

The index takes them in like any other predictions. A step that is sealed is not asked again, so a training that was
killed and goes on adds what is missing.
"""

from collections.abc import Sequence
from pathlib import Path

from clika.errors import JobError, ShardError
from clika.records import Prediction, Run
from clika.shards import (
    ShardKind,
    mend_manifest,
    prediction_table,
    predictions_of,
    read_run,
    seal,
    set_aside,
    sound_tables,
    write_run,
)

MEASURES = "measures"
_WRITER = "measure"


def measure_folder(job: Path, step: int) -> Path:
    """Where a step's answers lie in a job's folder."""
    return job / MEASURES / f"{step:06d}"


def sealed_measure(folder: Path, run: Run) -> tuple[Prediction, ...]:
    """The answers that a step's folder vouches for; empty where it holds none that are sound.

    Raises JobError where it holds another run's: they would pass for this one's.
    """
    tables, _ = sound_tables(folder)
    try:
        held = read_run(folder)
    except ShardError:
        return ()
    if not tables or held is None:
        return ()
    if held.run != run.run:
        raise JobError(
            f"{folder} holds answers of run {held.run}, and this is run {run.run}: the model, the world or the"
            f" recipe has changed; start a job of its own"
        )
    return tuple(one for _, table in tables for one in predictions_of(run.run, table))


def seal_measure(folder: Path, run: Run, predictions: Sequence[Prediction]) -> None:
    """Seal all answers of a step in one shard, unless they are sealed.

    Raises JobError as ``sealed_measure`` does, and StoreFullError where there is no room.
    """
    if sealed_measure(folder, run):
        return
    write_run(folder, run)
    mend_manifest(folder, _WRITER)
    _, faults = sound_tables(folder)
    seal(folder, _WRITER, ShardKind.PREDICTIONS, prediction_table(predictions), set_aside(folder, faults))
