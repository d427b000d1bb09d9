"""Where faults are tried: a scratch folder, a nursery of processes, and the oracle that judges what is left.

The oracle is one: after a fault and a restart the table of predictions equals the undisturbed run's row for row,
read from the shards and from the index, and no process of the job lives half a minute after.
"""

import contextlib
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clika.errors import ShardError
from clika.jobs.folder import JobFolder
from clika.jobs.queue import JobState, QueuedJob, queued_job, resume, submitted
from clika.jobs.spec import EvaluationJob
from clika.records import Prediction
from clika.shards import predictions_of, read_run, sound_tables
from tests.faults.nursery import Ended, Nursery, gone
from tests.scripted_worker import scripted_job
from tests.stores import LANGUAGES, made_up_questions, seal_questions

QUESTIONS = 12
LIMIT_SECONDS = 60.0
ORPHAN_SECONDS = 30.0
ROUNDING = 1e-4


class FaultError(AssertionError):
    """The program did not come to its end: what was waited for did not happen."""


@dataclass
class Tally:
    """What was done to the program, and what became of its predictions."""

    kills: int = 0
    points: dict[str, int] = field(default_factory=dict)
    disk_full: int = 0
    flipped: int = 0
    truncated: int = 0
    databases: int = 0
    lost: int = 0
    duplicated: int = 0
    changed: int = 0
    orphans: int = 0
    failures: list[str] = field(default_factory=list)

    def sound(self) -> bool:
        """Whether nothing was lost, duplicated, changed, left over or out of order."""
        return not (self.lost or self.duplicated or self.changed or self.orphans or self.failures)


def difference(
    expected: Sequence[Prediction], found: Sequence[Prediction], tolerance: float = 0.0
) -> tuple[int, int, int]:
    """How many predictions are lost, stand twice or more, and are changed; scores may differ by ``tolerance``."""
    whole = {(row.run, row.dataset, row.question_id, row.language): row for row in expected}
    seen: dict[tuple[str, str, str, str], Prediction] = {}
    duplicated = changed = 0
    for row in found:
        key = (row.run, row.dataset, row.question_id, row.language)
        duplicated += key in seen
        seen[key] = row
        changed += key not in whole or not _same(whole[key], row, tolerance)
    return len(whole.keys() - seen.keys()), duplicated, changed


def _same(one: Prediction, other: Prediction, tolerance: float) -> bool:
    if tolerance == 0.0:
        return one == other
    return (
        (one.outcome, one.chosen_index, one.raw_text) == (other.outcome, other.chosen_index, other.raw_text)
        and one.scores.keys() == other.scores.keys()
        and all(
            abs(mine - theirs) <= tolerance
            for rule, scores in one.scores.items()
            for mine, theirs in zip(scores, other.scores[rule], strict=True)
        )
    )


def sealed_rows(store: Path) -> list[Prediction]:
    """What the sealed shards of all jobs hold, a key that stands twice twice."""
    rows: list[Prediction] = []
    for folder in sorted((store / "jobs").iterdir()):
        try:
            run = read_run(folder)
        except ShardError:
            continue
        for _, table in sound_tables(folder)[0] if run is not None else ():
            rows += predictions_of(run.run if run is not None else "", table)
    return rows


class Laboratory:
    """One scratch folder and its nursery; a context manager by ``Laboratory.opened``."""

    def __init__(self, scratch: Path, nursery: Nursery, seed: int) -> None:
        self.scratch, self.nursery = scratch, nursery
        self.random = random.Random(seed)
        self.tally = Tally()
        self.expected: list[Prediction] = []
        self._number = 0
        self._ended: list[Ended] = []
        self._template = scratch / "template"
        seal_questions(self._template, made_up_questions(count=QUESTIONS))

    @classmethod
    @contextmanager
    def opened(cls, seed: int, modules: Sequence[str] = ()) -> Iterator["Laboratory"]:
        """In memory where the system has such a folder: a kill does not depend on the disk."""
        memory = Path("/dev/shm")
        with tempfile.TemporaryDirectory(
            prefix="clika-faults-", dir=memory if memory.is_dir() else None
        ) as scratch:
            nursery, process = Nursery.opened(Path(scratch) / "nursery", modules)
            laboratory = cls(Path(scratch), nursery, seed)
            try:
                store = laboratory.store()
                one = submitted(store, scripted_job())
                laboratory.expected = laboratory.finished(store, one, judged=False)
                assert len(laboratory.expected) == QUESTIONS * len(LANGUAGES)
                yield laboratory
            finally:
                for pid in nursery.living():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.terminate()
                process.wait()

    def store(self, place: Path | None = None) -> Path:
        """A new store that holds the questions and nothing else."""
        self._number += 1
        store = place or self.scratch / f"store{self._number}"
        shutil.copytree(self._template, store, dirs_exist_ok=place is not None)
        return store

    def log(self, store: Path) -> Path:
        """Where the owners of a store write to."""
        return self.scratch / f"{store.name}.log"

    def owner(self, store: Path, failpoints: str = "", **changes: object) -> int:
        """Start an owner of a store; returns its process."""
        values: dict[str, object] = {
            "store": str(store),
            "nursery": str(self.nursery.address),
            "answers": str(self.answers(store)),
            **changes,
        }
        return self.nursery.started("owner", values, self.log(store), failpoints)

    def answers(self, store: Path) -> Path:
        """Where an owner or a reader writes what its index holds."""
        return self.scratch / f"{store.name}.answers"

    def until(self, reached: Callable[[], bool], what: str, seconds: float = LIMIT_SECONDS) -> None:
        """Wait. Raises FaultError where it does not come."""
        end = time.monotonic() + seconds
        while not reached():
            if time.monotonic() > end:
                raise FaultError(f"{what} did not come in {seconds:.0f} s")
            time.sleep(0.01)

    def over(self, pid: int) -> bool:
        """Whether a process has ended."""
        return gone(pid, 0.02)

    def judged_kills(self) -> int:
        """Count the processes that their failpoints have ended since the last time."""
        count = 0
        for one in self.nursery.ended():
            if one.killed_at_its_point:
                point = one.failpoints.partition("=")[0]
                self.tally.points[point] = self.tally.points.get(point, 0) + 1
                count += 1
            elif one.status in (70, -signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):
                self.tally.failures.append(f"a {one.role} ended with {one.status} ({one.failpoints})")
        self.tally.kills += count
        return count

    def finished(
        self,
        store: Path,
        one: QueuedJob,
        judged: bool = True,
        expected: Sequence[Prediction] | None = None,
        tolerance: float = 0.0,
        replicas: int | None = None,
        **changes: object,
    ) -> list[Prediction]:
        """Restart: a new owner takes a store up, the job is resumed where that takes a person, and judged."""
        self.answers(store).unlink(missing_ok=True)
        pid = self.owner(store, **changes)
        standing = (JobState.FAILED, JobState.INTERRUPTED, JobState.CANCELLED)

        def resumed() -> bool:
            now = queued_job(one.folder)
            if now.state in standing:
                resume(store, now, replicas)
            return self.over(pid)

        self.until(resumed, f"the end of {store.name}")
        if not self.answers(store).exists():
            raise FaultError(f"the owner of {store.name} died: {self.log(store).read_text()[-600:]}")
        if judged:
            self.judge(store, one.folder, expected, tolerance)
        return self.indexed(store)[0]

    def indexed(self, store: Path) -> tuple[list[Prediction], tuple[str, ...], bool]:
        """What the last owner or reader wrote: rows, notices, and whether it owned the store."""
        held: tuple[list[Prediction], tuple[str, ...], bool] = pickle.loads(self.answers(store).read_bytes())
        return held

    def judge(
        self,
        store: Path,
        folder: JobFolder | None,
        expected: Sequence[Prediction] | None = None,
        tolerance: float = 0.0,
    ) -> None:
        """The oracle."""
        whole = self.expected if expected is None else expected
        for found in (sealed_rows(store), self.indexed(store)[0]):
            lost, duplicated, changed = difference(whole, found, tolerance)
            self.tally.lost += lost
            self.tally.duplicated += duplicated
            self.tally.changed += changed
        if folder is not None:
            end = time.monotonic() + ORPHAN_SECONDS
            while (living := self._of_job(folder)) and time.monotonic() < end:
                time.sleep(0.02)
            self.tally.orphans += len(living)
        for sentence in self.indexed(store)[1]:
            if "no prediction is lost" not in sentence:
                self.tally.failures.append(f"{store.name}: an alarm is left: {sentence}")

    def _of_job(self, folder: JobFolder) -> list[int]:
        from clika.jobs.processes import of_job

        return [one.pid for one in of_job(folder.path)]

    def discard(self, store: Path) -> None:
        """Remove a store that was judged."""
        shutil.rmtree(store, ignore_errors=True)
        self.log(store).unlink(missing_ok=True)
        self.answers(store).unlink(missing_ok=True)


@contextmanager
def told(laboratory: Laboratory, what: str) -> Iterator[None]:
    """A case that does not come to its end is a failure of the program, and the suite goes on."""
    before = (laboratory.tally.lost, laboratory.tally.duplicated, laboratory.tally.changed)
    try:
        yield
    except (FaultError, ShardError, OSError) as error:
        laboratory.tally.failures.append(f"{what}: {type(error).__name__}: {error}")
        print(f"FAILED {what}: {error}", file=sys.stderr, flush=True)
    else:
        if (laboratory.tally.lost, laboratory.tally.duplicated, laboratory.tally.changed) != before:
            print(f"WRONG {what}", file=sys.stderr, flush=True)
    laboratory.judged_kills()


def job(seconds: float = 0.0, **changes: object) -> EvaluationJob:
    """The suite's job: its answers do not depend on how long they take."""
    return scripted_job(seconds, **changes)


def filesystem(place: Path, megabytes: int) -> bool:
    """Mount a small file system of memory; False where this process may not."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
