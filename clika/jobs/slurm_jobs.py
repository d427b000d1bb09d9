"""The supervisor's part for the jobs of a store that are in Slurm: it has no processes of theirs, only Slurm's word
and what their workers write into the folder.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clika.errors import JobError, SlurmUnreachableError
from clika.jobs.folder import JobFolder
from clika.jobs.hung_watch import HungWatch
from clika.jobs.queue import JobState, QueuedJob
from clika.jobs.slurm import Slurm, look_into_slurm
from clika.jobs.slurm_record import SlurmJob, slurm_job, write_slurm_job
from clika.jobs.slurm_settings import SlurmSettings, launcher_of
from clika.jobs.spec import EvaluationJob

_logger = logging.getLogger(__name__)

AFTER_AN_ACT = 1.0


@dataclass(frozen=True, slots=True)
class SlurmPatience:
    """Seconds: between questions to Slurm; from a task's start to its first beat, and without a changed one (NFS
    may show it a minute late); for one that beats and gets nothing done; until an end is asked for again.
    """

    between_polls: float = 10.0
    first_beat: float = 900.0
    between_beats: float = 300.0
    without_answer: float = 3600.0
    to_end: float = 120.0


class SlurmJobs:
    """Submits, polls, ends, and finds tasks that hang."""

    def __init__(self, slurm: Slurm, clock: Callable[[], float], patience: SlurmPatience) -> None:
        self._slurm = slurm
        self._clock = clock
        self._patience = patience
        self._poll_at = self._submit_at = clock()
        # What stands there at first may be what a task left before it was put back.
        self._watch = HungWatch(
            patience.first_beat, patience.between_beats, patience.without_answer, beats_may_be_old=True
        )
        self._hung: set[tuple[str, int]] = set()
        self._ended: dict[str, float] = {}

    def poll(self, folders: Sequence[JobFolder]) -> None:
        """Ask how the jobs are, all at once and not too often."""
        now = self._clock()
        if now >= self._poll_at:
            self._poll_at = now + self._patience.between_polls
            look_into_slurm(folders, self._slurm)

    def start(self, one: QueuedJob, settings: SlurmSettings) -> None:
        """Put a job into Slurm's queue; it stays in ours while Slurm does not answer.

        Raises JobError, UsageError or StoreError where it cannot be.
        """
        if one.state is not JobState.QUEUED or one.job is None or self._clock() < self._submit_at:
            return
        if not isinstance(one.job, EvaluationJob):
            raise JobError(
                "only an evaluation goes to Slurm; run this job here, or inside an allocation of Slurm's"
            )
        try:
            there = self._slurm.found(
                one.folder
            )  # put there by one that died before it could write that down
            if there is None:
                one.folder.begin()
                there = self._slurm.submit(one.folder, one.job, settings)
        except SlurmUnreachableError as error:
            _logger.warning("%s; %s waits", error, one.job_id)
            self._submit_at = self._clock() + self._patience.between_polls
            return
        write_slurm_job(one.folder, there)
        self._acted()

    def attend(self, one: QueuedJob) -> None:
        """Do what follows from how a job is that was put into Slurm and is not over."""
        there = slurm_job(one.folder)
        if there is None:
            return
        try:
            if one.state is JobState.ENDING:
                self._end(there, lambda: self._slurm.cancel(there))
            elif one.state is JobState.DONE and there.waiting:  # the others left nothing for them to do
                self._end(there, lambda: self._slurm.cancel(there, waiting_only=True))
            elif one.state is JobState.RUNNING:
                self._find_hung(one.folder, there)
        except SlurmUnreachableError as error:
            _logger.warning("%s", error)

    def ended_by_others(self, folder: JobFolder) -> JobError | None:
        """What to say of a job whose tasks somebody cancelled without CLiKA; None where nobody did."""
        there = slurm_job(folder)
        ours = self._ended.keys() | {number for number, _ in self._hung}
        if there is None or not there.cancelled or there.number in ours:
            return None
        return JobError(
            f"{there.sentence()}: somebody ended it in Slurm; what is sealed is kept: 'jobs resume"
            f" {folder.path.name}' goes on"
        )

    def _end(self, there: SlurmJob, end: Callable[[], None]) -> None:
        now = self._clock()
        if now - self._ended.get(there.number, -self._patience.to_end) >= self._patience.to_end:
            end()
            self._ended[there.number] = now
            self._acted()

    def _find_hung(self, folder: JobFolder, there: SlurmJob) -> None:
        """Put a task that shows no life back into the queue, once; end it the second time. Others go on with its work."""
        for task, state in there.tasks.items():
            key = there.number, task
            if state != "RUNNING":
                self._watch.forget(*key)
                continue
            fault = self._watch.fault(key, folder.heartbeat(task), self._clock())
            if fault is None:
                continue
            again = key not in self._hung and _may_requeue(folder)
            _logger.warning(
                "task %d of %s has %s and is %s",
                task,
                folder.path.name,
                fault,
                "put back into Slurm's queue" if again else "ended",
            )
            self._hung.add(key)
            self._watch.forget(*key)
            if again:
                self._slurm.requeue(there, task)
            else:
                self._slurm.cancel_task(there, task)
            self._acted()

    def _acted(self) -> None:
        """Look soon what came of it."""
        self._poll_at = min(self._poll_at, self._clock() + min(AFTER_AN_ACT, self._patience.between_polls))


def _may_requeue(folder: JobFolder) -> bool:
    settings = launcher_of(folder)
    return settings is not None and settings.requeues > 0
