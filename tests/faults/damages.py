"""Flipped and truncated files of a store: shards, manifests, and every small file beside them.

A damaged file must crash neither page nor supervisor; what it takes to mend it is what the program's own
sentences say: run the same job again, import the questions again.
"""

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path

import clika.workers.answers as answers_module
from clika.cli import main as command_line
from clika.database.index import Index
from clika.database.queries import prediction_rows
from clika.imports import store_questions
from clika.jobs.devices import Placement
from clika.jobs.folder import JobFolder
from clika.jobs.processes import Process
from clika.jobs.queue import queued_job, submitted
from clika.jobs.supervisor import Supervisor
from clika.shards import manifest_entries
from clika.ui.store_watch import StoreWatch
from clika.workers.evaluate import evaluate
from tests.faults.laboratory import QUESTIONS, Laboratory, difference, job, sealed_rows, told
from tests.faults.roles import QUESTIONS_A_CHUNK, ROWS_A_SHARD, load
from tests.stores import made_up_questions

ROUNDS_A_STORE = 40
SMALL_FILES = ("*.json", "heartbeat-*", "job.log", "accelerate.yaml")


def damage_stores(laboratory: Laboratory, flips: int, cuts: int) -> None:
    """Damage files of a finished job, a few at a time, and let the program mend them, again and again."""
    answers_module.SEAL_EVERY_ROWS = ROWS_A_SHARD
    answers_module.CHUNK_QUESTIONS = QUESTIONS_A_CHUNK
    left = {"flip": flips, "cut": cuts}
    while any(left.values()):
        store = laboratory.store()
        one = submitted(store, job(replicas=2))
        laboratory.finished(store, one, judged=False)
        with Index.open(store) as index:
            watch = StoreWatch(index, seconds=0.0)
            for _ in range(ROUNDS_A_STORE):
                if not any(left.values()):
                    break
                _round(laboratory, store, index, watch, left)
        laboratory.discard(store)


def _round(
    laboratory: Laboratory, store: Path, index: Index, watch: StoreWatch, left: dict[str, int]
) -> None:
    damaged = []
    for _ in range(laboratory.random.choice((1, 1, 2, 4, 8, 12))):
        kind = laboratory.random.choice([name for name, count in left.items() for _ in range(count)] or [""])
        if not kind:
            break
        path = _target(laboratory, store)
        if damage(laboratory, path, kind):
            left[kind] -= 1
            damaged.append(f"{kind} {path.relative_to(store)}")
            if kind == "flip":
                laboratory.tally.flipped += 1
            else:
                laboratory.tally.truncated += 1
    what = ", ".join(damaged)
    with told(laboratory, what):
        try:
            _mended(laboratory, store, index, watch)
        except Exception as error:
            raise OSError(f"{what}: {type(error).__name__}: {error}") from error
    found = [sealed_rows(store), _rows(index)]
    with Index.open(store) as other:  # the lock is taken: this one reads all shards anew
        assert not other.owner
        found.append(_rows(other))
        alarms = (*index.notices, *other.notices)
    for rows in found:
        lost, duplicated, changed = difference(laboratory.expected, rows)
        laboratory.tally.lost += lost
        laboratory.tally.duplicated += duplicated
        laboratory.tally.changed += changed
        if lost or duplicated or changed:
            laboratory.tally.failures.append(
                f"{what}: {lost} lost, {duplicated} duplicated, {changed} changed"
            )
    for sentence in alarms:
        laboratory.tally.failures.append(f"{what}: an alarm is left: {sentence}")


def _rows(index: Index) -> list[object]:
    return [row.prediction for row in prediction_rows(index, "made-up")]


def _target(laboratory: Laboratory, store: Path) -> Path:
    """A file that counts, drawn so that shards come most often."""
    (job_folder,) = (path.parent for path in store.glob("jobs/*/job.json"))
    collection = store / "collections/made-up"
    kind = laboratory.random.random()
    if kind < 0.7:
        entries, _ = manifest_entries(job_folder)
        files = [job_folder / "shards" / entry.file for entry in entries]
    elif kind < 0.82:
        files = list(job_folder.glob("manifest-*.jsonl"))
    elif kind < 0.94:
        files = [path for pattern in SMALL_FILES for path in job_folder.glob(pattern)]
    elif kind < 0.97:
        files = list(collection.glob("manifest-*.jsonl"))
    else:
        files = [collection / "shards" / entry.file for entry in manifest_entries(collection)[0]]
    return laboratory.random.choice([path for path in files if path.exists()] or [job_folder / "job.json"])


def damage(laboratory: Laboratory, path: Path, kind: str) -> bool:
    """Flip bits or cut; False where there was nothing to damage."""
    content = bytearray(path.read_bytes())
    if not content:
        return False
    draw = laboratory.random
    if kind == "cut":
        path.write_bytes(content[: draw.choice((0, draw.randrange(len(content)), len(content) - 1))])
        return True
    for _ in range(draw.choice((1, 1, 1, 2, 16))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    return True


def _mended(laboratory: Laboratory, store: Path, index: Index, watch: StoreWatch) -> None:
    """What page and supervisor do meanwhile, and what a person does after."""
    watch.look()
    for arguments in (["jobs", "list"], ["jobs", "list", "--format", "json"], ["jobs", "show", _id(store)]):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            status = command_line([*arguments, "--store", str(store)])
        if status == 70 or "Traceback" in output.getvalue():
            raise OSError(f"{arguments}: {output.getvalue()}")
    Supervisor(store, {}, devices=("cpu",), start=_nobody).look()
    store_questions(store, "made-up", made_up_questions(count=QUESTIONS))
    one = submitted(store, job(replicas=2))
    evaluate(one.folder, load)
    if queued_job(one.folder).state != "done":
        raise OSError(f"{one.job_id} stands at {queued_job(one.folder).state}")
    watch.look()


def _id(store: Path) -> str:
    return next(store.glob("jobs/*/shards")).parent.name


def _nobody(folder: JobFolder, placed: Placement, environment: Mapping[str, str]) -> tuple[Process, ...]:
    """In place of workers: this process answers itself."""
    return tuple(Process(1, "nobody") for _ in placed.replicas)
