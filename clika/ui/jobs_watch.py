"""How the jobs of a store stand, looked up once for all open pages."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clika.errors import UsageError
from clika.jobs.folder import Progress
from clika.jobs.queue import JobState, QueuedJob, queued_jobs, replicas_of
from clika.jobs.sentences import job_sentence

IN_HAND = (JobState.SUBMITTED, JobState.RUNNING, JobState.ENDING, JobState.QUEUED, JobState.PAUSED)
"""The states of jobs that still go on by themselves."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the page shows it; ``devices`` are those it runs on, or ran on last."""

    one: QueuedJob
    progress: Progress | None
    devices: tuple[str, ...]
    sentence: str

    @property
    def job_id(self) -> str:
        """The folder's name."""
        return self.one.job_id

    @property
    def answered(self) -> tuple[int, int] | None:
        """(questions answered, questions there are), those of earlier tries included; None before a word."""
        if self.progress is None:
            return None
        return self.progress.done + self.progress.kept, self.progress.total + self.progress.kept


def job_views(store: Path) -> tuple[JobView, ...]:
    """Every job: those in hand in the queue's order, then the others, the last submitted first."""
    views = [_view(one) for one in queued_jobs(store)]
    in_hand = [view for view in views if view.one.state in IN_HAND]
    others = [view for view in reversed(views) if view.one.state not in IN_HAND]
    return (*in_hand, *others)


def _view(one: QueuedJob) -> JobView:
    devices = dict.fromkeys(name for replica in replicas_of(one.folder) for name in replica.devices)
    return JobView(one, one.folder.progress(), tuple(devices), job_sentence(one, "press Resume to go on"))


class JobsWatch:
    """Reads the jobs' folders at most once in ``seconds``, however many pages ask."""

    def __init__(
        self, store: Path, seconds: float = 0.5, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.store = store
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()  # every page's timer ticks in a thread of its own
        self._looked_at = -seconds
        self._views: tuple[JobView, ...] = ()

    def jobs(self, at_once: bool = False) -> tuple[JobView, ...]:
        """How all jobs stand; ``at_once`` reads anew."""
        with self._lock:
            now = self._clock()
            if at_once or now - self._looked_at >= self._seconds:
                self._views = job_views(self.store)
                self._looked_at = self._clock()
            return self._views

    def job(self, job_id: object) -> JobView:
        """One job, read anew. Raises UsageError for an id that no job of the store has."""
        found = [view for view in self.jobs(at_once=True) if view.job_id == job_id]
        if not found:
            raise UsageError(f"no job {str(job_id)[:80]!r} in this store; choose one that is listed")
        return found[0]
