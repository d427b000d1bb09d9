"""The queue: what is wanted of each job, as files that any process may write and the supervisor acts on.

A request is one small file in the job's folder, so a page, a command line and a restart say the same thing in
the same way, and nothing is lost when nobody is there to act on it yet.
"""

import fcntl
import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from clika.errors import JobError, StoreError, UsageError
from clika.jobs.any_job import Job
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import JobFolder, job_folders
from clika.jobs.processes import Process, Replica
from clika.jobs.slurm_record import IN_SLURM, slurm_job
from clika.jobs.slurm_settings import SlurmSettings, write_launcher
from clika.json_text import parsed_json
from clika.records import is_one_line
from clika.shards import flush_folder, write_durably

VERSION = 1
WANTED = "wanted.json"
PROCESSES = "processes.json"
QUEUE_LOCK = "QUEUE.lock"
DELETED = "deleted"
LONGEST_NAME = 200


class Wanted(StrEnum):
    """What a person wants of a job."""

    RUN = "run"
    STOP = "stop"


class JobState(StrEnum):
    """How a job stands, told from its folder alone.

    ``submitted``: it is in Slurm's queue and no task of it runs, for the first time or again.
    ``paused``: there was no room on the disk, it goes on when there is. ``interrupted``: its processes are gone
    and left no word; what they sealed is kept.
    """

    QUEUED = "queued"
    SUBMITTED = "submitted"
    RUNNING = "running"
    ENDING = "ending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"


IN_WORK = (JobState.SUBMITTED, JobState.RUNNING, JobState.ENDING)
"""States of a job that somebody is at, or will be without being asked again."""


@dataclass(frozen=True, slots=True)
class Request:
    """``wanted.json``: what is wanted, the name people see, the place in the queue (smaller is sooner)."""

    wanted: Wanted
    name: str
    order: float
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job as the queue shows it. ``fault`` says why ``job`` is None: a specification that cannot be read."""

    folder: JobFolder
    request: Request
    state: JobState
    job: Job | None
    fault: str | None = None

    @property
    def job_id(self) -> str:
        """The folder's name."""
        return self.folder.path.name


def submitted(store: Path, job: Job, launcher: SlurmSettings | None = None) -> QueuedJob:
    """Put a job into the queue, behind the others; the same job again is the same folder and goes on.

    ``launcher`` None starts it on this machine. One that runs is left as it is. Raises StoreError where the store
    cannot be written.
    """
    folder = JobFolder.of(store.resolve(), job)
    with changing(store):
        if folder.path.exists() and queued_job(folder).state in IN_WORK:
            return queued_job(folder)
        folder.write_job(job)
        write_launcher(folder, launcher)
        _forget_workers(folder)
        known = request_of(folder)
        name = known.name if known is not None else job.name
        _write_request(folder, Request(Wanted.RUN, name, _last_order(store) + 1.0))
    return queued_job(folder)


def queued_jobs(store: Path) -> tuple[QueuedJob, ...]:
    """Every submitted job, in the queue's order."""
    found = [queued_job(folder) for folder in job_folders(store)]
    return tuple(sorted(found, key=lambda one: (one.request.order, one.job_id)))


def queued_job(folder: JobFolder) -> QueuedJob:
    """A job as it stands now."""
    try:
        job, fault = folder.job(), None
    except JobError as error:
        job, fault = None, str(error)
    request = request_of(folder)
    if request is None:  # written by an older version: it ran at once and has no place in the queue
        name = job.name if job is not None else folder.path.name
        request = Request(Wanted.RUN, name, 0.0)
        if not (folder.path / PROCESSES).exists() and folder.done() is None and folder.error() is None:
            return QueuedJob(folder, request, JobState.INTERRUPTED, job, fault)
    return QueuedJob(folder, request, _state(folder, request, fault), job, fault)


def _state(folder: JobFolder, request: Request, fault: str | None) -> JobState:
    there = slurm_job(folder)
    # Tasks of Slurm that have not begun, or not ended, take nothing from what is done.
    if running(folder) and (there is None or folder.done() is None):
        if request.wanted is Wanted.STOP:
            return JobState.ENDING
        return JobState.RUNNING if there is None or there.running else JobState.SUBMITTED
    if folder.done() is not None:
        return JobState.DONE
    if request.wanted is Wanted.STOP:
        return JobState.CANCELLED
    failure = folder.error()
    if failure is not None:
        return JobState.PAUSED if failure.kind == "StoreFullError" else JobState.FAILED
    if fault is not None:
        return JobState.FAILED
    begun = (folder.path / PROCESSES).exists() or there is not None
    return JobState.INTERRUPTED if begun else JobState.QUEUED


def found_job(store: Path, wanted: str) -> QueuedJob:
    """The job of that id, the only one whose id begins so, or the only one of that name.

    Raises UsageError where there is none or more than one.
    """
    jobs = queued_jobs(store)
    same = [one for one in jobs if one.job_id == wanted]
    same = same or [one for one in jobs if wanted and one.job_id.startswith(wanted)]
    same = same or [one for one in jobs if one.request.name == wanted]
    if len(same) == 1:
        return same[0]
    if same:
        raise UsageError(
            f"{wanted!r} is {len(same)} jobs: {', '.join(one.job_id for one in same)}; give one id"
        )
    known = ", ".join(one.job_id for one in jobs) or "none"
    raise UsageError(f"no job {wanted!r} in {str(store)!r}; known: {known}")


def cancel(store: Path, one: QueuedJob) -> QueuedJob:
    """Want a job to stop; what is sealed stays. Raises UsageError for one that is done, or gone."""
    with _changing(store, one) as now:
        if now.state is JobState.DONE:
            raise UsageError(f"{one.job_id} is done; there is nothing to cancel")
        _write_request(one.folder, replace(now.request, wanted=Wanted.STOP))
    return queued_job(one.folder)


def resume(store: Path, one: QueuedJob, replicas: int | None = None) -> QueuedJob:
    """Want a job to go on from what is sealed, behind the others, with another number of replicas perhaps.

    Raises UsageError for one that runs or is gone, JobError for one whose specification cannot be read.
    """
    with _changing(store, one) as now:
        if now.state in IN_WORK:
            raise UsageError(f"{one.job_id} is {now.state}; wait until it has ended, or cancel it")
        job = one.folder.job()
        if replicas is not None:
            if isinstance(job, ConductivityJob):
                job = replace(job, processes=replicas)
            else:
                job = replace(job, replicas=replicas)
        one.folder.write_job(job)
        _forget_workers(one.folder)
        _write_request(one.folder, replace(now.request, wanted=Wanted.RUN, order=_last_order(store) + 1.0))
    return queued_job(one.folder)


def rename(store: Path, one: QueuedJob, name: str) -> QueuedJob:
    """Give a job another name for people. Raises UsageError for an empty or too long one, or a job that is gone."""
    if not name.strip() or len(name) > LONGEST_NAME or not is_one_line(name.strip()):
        raise UsageError(
            f"name {name[:LONGEST_NAME]!r}; a name has 1 to {LONGEST_NAME} characters, on one line"
        )
    with _changing(store, one) as now:
        _write_request(one.folder, replace(now.request, name=name.strip()))
    return queued_job(one.folder)


def move_first(store: Path, one: QueuedJob) -> QueuedJob:
    """Put a job before all others in the queue. Raises UsageError for one that does not wait."""
    with _changing(store, one) as now:
        if now.state is not JobState.QUEUED:
            raise UsageError(f"{one.job_id} is {now.state}; only a queued job has a place in the queue")
        first = min(other.request.order for other in queued_jobs(store))
        _write_request(one.folder, replace(now.request, order=first - 1.0))
    return queued_job(one.folder)


def delete(store: Path, one: QueuedJob) -> Path:
    """Take a job and its answers out of the store: its folder goes to ``deleted/``, which is returned.

    Raises UsageError for one that runs or is gone. Nothing else ever empties ``deleted/``.
    """
    with _changing(store, one) as now:
        if now.state in IN_WORK:
            raise UsageError(f"{one.job_id} is {now.state}; cancel it first")
        place = store / DELETED
        place.mkdir(exist_ok=True)
        target = place / f"{one.job_id}-{time.strftime('%Y%m%d-%H%M%S')}"
        if target.exists():
            raise UsageError(f"{target} exists already; try again in a second")
        shutil.move(one.folder.path, target)
        flush_folder(place)
    return target


@contextmanager
def _changing(store: Path, one: QueuedJob) -> Iterator[QueuedJob]:
    """A job as it stands now, which nobody changes meanwhile. Raises UsageError for one that was deleted."""
    with changing(store):
        if not one.folder.path.is_dir():
            raise UsageError(f"{one.job_id} is no longer among the jobs: it was deleted; submit it again")
        yield queued_job(one.folder)


@contextmanager
def changing(store: Path) -> Iterator[None]:
    """One change at a time: a request is read, changed and written. Raises StoreError where nothing can be."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = os.open(store / QUEUE_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(
            f"store {str(store)!r} cannot be written ({error.strerror}), and a job is changed by writing; mend the"
            " disk, or give another with --store"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _last_order(store: Path) -> float:
    orders = [request.order for request in map(request_of, job_folders(store)) if request is not None]
    return max(orders, default=0.0)


def request_of(folder: JobFolder) -> Request | None:
    """What is wanted of a job; None where nobody said, or where it cannot be read (resuming writes it anew)."""
    try:
        values = parsed_json((folder.path / WANTED).read_bytes())
        request = Request(Wanted(values["wanted"]), str(values["name"]), float(values["order"]))
        sound = math.isfinite(request.order) and values["version"] == VERSION
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return request if sound else None


def _write_request(folder: JobFolder, request: Request) -> None:
    write_durably(folder.path / WANTED, json.dumps(asdict(request), ensure_ascii=False).encode())


def write_replicas(folder: JobFolder, replicas: Sequence[Replica]) -> None:
    """Record who is at a job, for whoever takes it up after a restart."""
    values = {"version": VERSION, "replicas": [asdict(one) for one in replicas]}
    write_durably(folder.path / PROCESSES, json.dumps(values).encode())


def replicas_of(folder: JobFolder) -> tuple[Replica, ...]:
    """Who was started on a job last, alive or not; empty where nobody was, or the record cannot be read."""
    try:
        values = parsed_json((folder.path / PROCESSES).read_bytes())
        return tuple(
            _replica(one["process"], one["devices"], one.get("number", place))
            for place, one in enumerate(values["replicas"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def _forget_workers(folder: JobFolder) -> None:
    """Nobody is at a job: it waits."""
    for name in (PROCESSES, IN_SLURM):
        (folder.path / name).unlink(missing_ok=True)


def _replica(process: dict[str, object], devices: list[object], number: object) -> Replica:
    """Raises ValueError for a number that no process or no replica can have."""
    pid, started = process["pid"], process["started"]
    if type(pid) is not int or not 0 < pid < 1 << 31:
        raise ValueError(f"no process number: {pid!r}")
    if type(number) is not int or number < 0:
        raise ValueError(f"no number of a replica: {number!r}")
    return Replica(Process(pid, str(started)), tuple(str(name) for name in devices), number)


def running(folder: JobFolder) -> bool:
    """Whether any process that was started on a job lives, or any task of it waits or runs in Slurm."""
    there = slurm_job(folder)
    return any(one.process.alive for one in replicas_of(folder)) or (there is not None and there.active)
