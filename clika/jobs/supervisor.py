"""Who looks after the jobs of a store: starts what waits, ends what is not wanted, finds what hangs.

One supervisor a store (``store/SUPERVISOR`` is locked by it); jobs are processes of their own and outlive it. What
it knows it reads from the jobs' folders at each look, so after a restart it takes living jobs up as they are.
"""

import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from clika.errors import ClikaError, JobError, StoreError, StoreFullError, StoreLockedError, UsageError
from clika.failpoints import Failpoint, reached
from clika.jobs.devices import Placement, device_kind, devices_here, placement
from clika.jobs.folder import JobFailure, JobFolder, job_folders
from clika.jobs.hung_watch import HungWatch
from clika.jobs.launcher import start_replicas
from clika.jobs.processes import Process, Replica, living_replicas, of_job, reap, send
from clika.jobs.queue import (
    IN_WORK,
    JobState,
    QueuedJob,
    changing,
    queued_job,
    queued_jobs,
    replicas_of,
    resume,
    running,
    write_replicas,
)
from clika.jobs.slurm import Slurm
from clika.jobs.slurm_jobs import SlurmJobs, SlurmPatience
from clika.jobs.slurm_record import slurm_job
from clika.jobs.slurm_settings import launcher_of
from clika.locks import lock_holder, taken_lock
from clika.shards import write_error

_logger = logging.getLogger(__name__)

LOCK = "SUPERVISOR"
StartReplicas = Callable[[JobFolder, Placement, Mapping[str, str]], tuple[Process, ...]]
LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a supervisor waits (seconds) and how much room (bytes) it wants before a job goes on.

    ``to_end``: from SIGTERM to SIGKILL. ``first_beat``: from the start of a replica to its first beat.
    ``between_beats``: without a change a replica hangs. ``without_answer``: beats alone, no answer and no step done.
    """

    to_end: float = 15.0
    first_beat: float = 600.0
    between_beats: float = 60.0
    without_answer: float = 3600.0
    room: int = 64 << 20
    between_resumes: float = 30.0
    slurm: SlurmPatience = field(default_factory=SlurmPatience)


@dataclass(slots=True)
class _Watched:
    """What one supervisor has seen of a job since it began to look after it."""

    seen_alive: bool = False
    retries: int = 0
    ending_since: float | None = None
    cleared: bool = False
    paused_since: float | None = None


class Supervisor:
    """Looks after a store's jobs, or after ``only`` one of them; ``look`` is one round of it."""

    def __init__(
        self,
        store: Path,
        environment: Mapping[str, str],
        *,
        devices: Sequence[str] | None = None,
        patience: Patience | None = None,
        only: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        start: StartReplicas = start_replicas,
        slurm: Slurm | None = None,
    ) -> None:
        self.store = store.resolve()
        self.devices = tuple(devices if devices is not None else devices_here(environment))
        self._environment = environment
        self._patience = patience or Patience()
        self._only = only
        self._clock = clock
        self._start_replicas = start
        self._watched: dict[str, _Watched] = {}
        limits = self._patience
        self._hung = HungWatch(limits.first_beat, limits.between_beats, limits.without_answer)
        self._slurm = SlurmJobs(slurm or Slurm(environment), clock, self._patience.slurm)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Be the supervisor of the store. Raises StoreLockedError where another process is, StoreError where none can."""
        try:
            self.store.mkdir(parents=True, exist_ok=True)
            lock = taken_lock(self.store / LOCK)
        except OSError as error:
            raise StoreError(
                f"the jobs of {str(self.store)!r} cannot be looked after, since nothing can be written there"
                f" ({error.strerror}); mend the disk, or give another with --store"
            ) from error
        if lock is None:
            raise StoreLockedError(
                f"the jobs of {str(self.store)!r} are looked after by process {lock_holder(self.store / LOCK)};"
                f" it takes up what is queued"
            )
        try:
            yield
        finally:
            os.close(lock)

    def run(self, over: threading.Event) -> None:
        """Look again and again until ``over``; jobs that run go on without it."""
        while not over.is_set():
            try:
                self.look()
            except (ClikaError, OSError) as error:  # a full or vanished disk: the next round may find it back
                _logger.error("%s", error)
            over.wait(LOOK_EVERY_SECONDS)

    def run_when_free(self, over: threading.Event) -> None:
        """``run``, as soon as no other process looks after the store."""
        while not over.is_set():
            try:
                with self.holding():
                    self.run(over)
            except (StoreError, OSError):  # a full disk has no room for the lock's file either
                over.wait(LOOK_EVERY_SECONDS)

    def look(self) -> None:
        """One round: see how every job is, do what follows, start what can start."""
        reap()
        self._slurm.poll([one for one in job_folders(self.store) if self._only in (None, one.path.name)])
        jobs = [one for one in queued_jobs(self.store) if self._only in (None, one.job_id)]
        for one in jobs:
            with _told(one):
                self._attend(one)
        awaited: set[str] = set()
        for one in jobs:
            if queued_job(one.folder).state is JobState.QUEUED:
                with _told(one):
                    self._start(one.folder, awaited)

    def attending(self, one: QueuedJob) -> bool:
        """Whether a job that lost its processes is not given up: the last of them are awaited, or it is tried again."""
        return one.state is JobState.INTERRUPTED and self._watched[one.job_id].seen_alive

    def _attend(self, one: QueuedJob) -> None:
        watched = self._watched.setdefault(one.job_id, _Watched())
        if slurm_job(one.folder) is not None and one.state in (*IN_WORK, JobState.DONE):
            watched.seen_alive = True
            self._slurm.attend(one)
        elif one.state is JobState.RUNNING:
            watched.seen_alive = True
            watched.ending_since = None
            self._end_hung(one.folder)
        elif one.state is JobState.ENDING:
            self._end(one.folder, watched)
        elif one.state is JobState.CANCELLED and not watched.cleared:
            self._clear(one.folder, watched)  # what lost its parent on the way
        elif one.state is JobState.INTERRUPTED and watched.seen_alive:
            self._died(one, watched)
        elif one.state is JobState.PAUSED:
            self._resume_with_room(one, watched)

    def _end_hung(self, folder: JobFolder) -> None:
        """End the replicas that hang; the others take over what they had."""
        job_id = folder.path.name
        watching = [(one.number, one) for one in replicas_of(folder)]
        group = folder.beating()
        if len(watching) == 1 and watching[0][0] == 0 and group > 1:
            # One launcher, whose group is several processes: each beats.
            watching = [(number, watching[0][1]) for number in range(group)]
        for number, replica in watching:
            if not replica.process.alive:
                continue
            fault = self._hung.fault((job_id, number), folder.heartbeat(number), self._clock())
            if fault is not None:
                _logger.warning("replica %d of %s has %s and is ended", number, job_id, fault)
                _end_tree(replica.process)
                self._hung.forget(job_id, number)

    def _end(self, folder: JobFolder, watched: _Watched) -> None:
        reached(Failpoint.CANCEL_ASKED)
        now = self._clock()
        living = of_job(folder.path) or [one.process for one in replicas_of(folder)]
        if watched.ending_since is None:
            watched.ending_since = now
            send(living, signal.SIGTERM)
            send(living, signal.SIGCONT)  # a stopped process takes no signal but this one
            reached(Failpoint.CANCEL_TERMINATED)
        elif now - watched.ending_since > self._patience.to_end:
            send(living, signal.SIGKILL)

    def _clear(self, folder: JobFolder, watched: _Watched) -> None:
        """End what is left of a cancelled job, once: looking through all processes is not free."""
        living = of_job(folder.path)
        now = self._clock()
        watched.ending_since = now if watched.ending_since is None else watched.ending_since
        if living and now - watched.ending_since > self._patience.to_end:
            send(living, signal.SIGKILL)
        watched.cleared = not living

    def _died(self, one: QueuedJob, watched: _Watched) -> None:
        """All processes of a job are gone and left no word: room first, then one more try."""
        watched.seen_alive = False
        living = of_job(one.folder.path)
        if living:  # a worker whose launcher was killed; the kernel has told it to seal and go
            watched.seen_alive = True
            if watched.ending_since is None:
                watched.ending_since = self._clock()
            elif self._clock() - watched.ending_since > self._patience.to_end:
                send(living, signal.SIGKILL)
            return
        watched.ending_since = None
        ended = self._slurm.ended_by_others(one.folder)
        if ended is not None:
            _leave_failure(one.folder, ended)
            return
        if self._free() < self._patience.room:
            # Where not even that can be written the job stays as it is, and the next look tries again.
            watched.seen_alive = not _leave_failure(
                one.folder, StoreFullError(_no_room(self.store, self._free()))
            )
            return
        if watched.retries:
            there = slurm_job(one.folder)
            tail = _last_line(one.folder) if there is None else there.sentence()
            cause = f" ({tail})" if tail else ""
            sentence = (
                f"its workers ended without a word twice{cause}; what they sealed is kept: look into"
                f" {one.folder.log} and resume it"
            )
            _leave_failure(one.folder, JobError(sentence))
            return
        watched.retries += 1
        _logger.warning("%s died and is started once more", one.job_id)
        resume(self.store, one)

    def _resume_with_room(self, one: QueuedJob, watched: _Watched) -> None:
        now = self._clock()
        if watched.paused_since is None:
            watched.paused_since = now
        elif (
            now - watched.paused_since > self._patience.between_resumes
            and self._free() >= self._patience.room
        ):
            watched.paused_since = None
            _logger.info("there is room again: %s goes on", one.job_id)
            resume(self.store, one)

    def _free(self) -> int:
        return shutil.disk_usage(self.store).free

    def _start(self, folder: JobFolder, awaited: set[str]) -> None:
        """Start a queued job where its devices are free; a job that cannot run here is told so.

        ``awaited`` are the kinds of device that an earlier job waits for, this one's too where it has to wait: nobody
        overtakes, or a job that needs many devices would wait for ever.
        """
        try:
            settings = launcher_of(folder)
            if settings is not None:
                self._slurm.start(queued_job(folder), settings)
                return
        except (JobError, UsageError, StoreError, OSError) as error:
            _leave_failure(folder, error if isinstance(error, ClikaError) else JobError(str(error)))
            return
        with changing(self.store):
            one = queued_job(folder)
            if one.state is not JobState.QUEUED or one.job is None:
                return
            orphans = living_replicas(folder.path)
            if orphans:  # started by a supervisor that died before it could write that down
                write_replicas(folder, orphans)
                return
            try:
                placed = placement(one.job, self.devices, self._taken())
            except (JobError, UsageError) as error:
                _leave_failure(folder, error)
                return
            kind = device_kind(one.job, self.devices)
            if placed is None or kind in awaited:
                awaited.add(kind)
                return
            try:
                folder.begin()
                processes = self._start_replicas(folder, placed, self._environment)
            except (StoreError, OSError) as error:
                refused = error if isinstance(error, StoreError) else write_error(folder.path, error)
                _leave_failure(folder, refused)
                return
            write_replicas(
                folder,
                [
                    Replica(process, devices, number)
                    for number, (process, devices) in enumerate(zip(processes, placed.replicas, strict=True))
                ],
            )
            watched = self._watched.setdefault(one.job_id, _Watched())
            self._hung.forget(one.job_id)
            watched.ending_since = None
            watched.cleared = False
            watched.seen_alive = True

    def _taken(self) -> set[str]:
        """The devices of every job that runs, whoever started it."""
        return {
            name
            for one in queued_jobs(self.store)
            if running(one.folder)
            for replica in replicas_of(one.folder)
            for name in replica.devices
        }


def _end_tree(process: Process) -> None:
    """Kill a launcher and all that it started; its session is found while it lives."""
    tree: list[Process] = []
    try:
        root = psutil.Process(process.pid)
        tree = [Process.of(child) for child in root.children(recursive=True)]
    except psutil.NoSuchProcess:
        pass
    send([process, *tree], signal.SIGKILL)


@contextmanager
def _told(one: QueuedJob) -> Iterator[None]:
    """What goes wrong with one job is told, and keeps nobody from the others."""
    try:
        yield
    except (ClikaError, OSError) as error:
        _logger.error("%s: %s", one.job_id, error)


def _leave_failure(folder: JobFolder, error: ClikaError) -> bool:
    """Whether it could be written."""
    try:
        folder.write_error(JobFailure(type(error).__name__, str(error)))
    except StoreError as refused:
        _logger.error("%s", refused)
        return False
    return True


def _no_room(store: Path, free: int) -> str:
    return (
        f"{str(store)!r} has {free / 2**20:.0f} MiB left and the job cannot write its answers; make room, then"
        f" it goes on by itself: what is sealed is kept"
    )


def _last_line(folder: JobFolder) -> str:
    lines = [line.strip() for line in folder.log_tail().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def supervised(store: Path) -> bool:
    """Whether some process looks after a store's jobs."""
    try:
        descriptor = taken_lock(store / LOCK)
    except OSError:
        return False
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def followed(
    store: Path,
    job_id: str,
    environment: Mapping[str, str],
    on_look: Callable[[QueuedJob], None],
    patience: Patience | None = None,
) -> QueuedJob:
    """Wait until a job has ended, however; returns how it stands then.

    Looks after this one job itself where nobody looks after the store. An interruption (Ctrl-C) then ends the
    job, which seals what it has; where another process looks after it, it goes on there.
    """
    folder = JobFolder(store.resolve() / "jobs" / job_id)
    over = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.PAUSED, JobState.INTERRUPTED)
    supervisor = Supervisor(store, environment, only=job_id, patience=patience)
    while True:
        try:
            with supervisor.holding():
                return _looked_after(supervisor, folder, on_look, over)
        except StoreLockedError:
            one = queued_job(folder)
            on_look(one)
            if one.state in over:
                return one
            time.sleep(LOOK_EVERY_SECONDS)


def _looked_after(
    supervisor: Supervisor,
    folder: JobFolder,
    on_look: Callable[[QueuedJob], None],
    over: Sequence[JobState],
) -> QueuedJob:
    try:
        while True:
            supervisor.look()
            one = queued_job(folder)
            on_look(one)
            if one.state in over:
                supervisor.look()  # what died without a word is tried once more, or told why not
                one = queued_job(folder)
                if one.state in over and not supervisor.attending(one):
                    return one
            time.sleep(LOOK_EVERY_SECONDS / 2)
    except KeyboardInterrupt:
        _end_now(supervisor, folder)
        raise


def _end_now(supervisor: Supervisor, folder: JobFolder) -> None:
    from clika.jobs.queue import cancel

    cancel(supervisor.store, queued_job(folder))
    while running(folder):
        supervisor.look()
        time.sleep(LOOK_EVERY_SECONDS / 2)
