"""The one thing that a visitor of a page that only shows may start: a bundled model asked the bundled sample.

Everybody shares one quota. The questions are asked in two orders of their options, so that the answers are a run of
their own beside those that the page already shows.
"""

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.errors import UsageError
from clika.jobs.folder import JobFolder
from clika.jobs.queue import IN_WORK, JobState, QueuedJob, delete, queued_job, queued_jobs, submitted
from clika.jobs.spec import EvaluationJob
from clika.languages import LANGUAGES
from clika.question_sources import keep_questions, sample_source, wanted_datasets
from clika.ui.store_watch import StoreWatch

AN_HOUR = 12
QUESTIONS = 20
_WAITS = (*IN_WORK, JobState.QUEUED)


@dataclass(frozen=True, slots=True)
class LiveModel:
    """A bundled model: its folder, what is planted in it, and how it was taught and so has to be asked."""

    name: str
    folder: Path
    summary: str
    template: str = "english"
    demonstrations: int = 0
    rule: str = "letter"


class LiveRuns:
    """Starts live runs, one at a time and at most ``an_hour`` of them in any hour."""

    def __init__(
        self,
        store: Path,
        watch: StoreWatch,
        models: Sequence[LiveModel],
        an_hour: int = AN_HOUR,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.models = tuple(models)
        self._store = store
        self._watch = watch
        self._an_hour = an_hour
        self._clock = clock
        self._begun: deque[float] = deque()
        self._lock = threading.Lock()  # visitors press at once, each in a thread of its own

    def start(self, name: object) -> QueuedJob:
        """Queue a live run; the last one of the same model goes. One that waits or runs already is returned.

        Raises UsageError for a model that is none of these, another live run in hand, and a quota that is used up.
        """
        model = next((one for one in self.models if one.name == name), None)
        if model is None:
            known = ", ".join(one.name for one in self.models) or "none"
            raise UsageError(f"no model {name!r} to run live; known: {known}")
        with self._lock:
            job = live_job(model)
            folder = JobFolder.of(self._store.resolve(), job)
            in_hand = [one for one in queued_jobs(self._store) if one.state in _WAITS]
            for one in in_hand:
                if one.job_id == job.job_id:
                    return one
            if in_hand:
                raise UsageError(
                    f"{in_hand[0].request.name} is {in_hand[0].state}; try again when it is done"
                )
            self._take()
            if folder.path.exists():
                shutil.rmtree(delete(self._store, queued_job(folder)))
                self._watch.look(at_once=True)  # its answers leave the index before the new ones come
            keep_questions(self._store, sample_source())
            return submitted(self._store, job)

    def _take(self) -> None:
        now = self._clock()
        while self._begun and now - self._begun[0] >= 3600:
            self._begun.popleft()
        if len(self._begun) >= self._an_hour:
            minutes = round((3600 - (now - self._begun[0])) / 60)
            raise UsageError(
                f"{self._an_hour} live runs in the last hour, and no more are given; try again in"
                f" {max(1, minutes)} minutes, or duplicate the Space"
            )
        self._begun.append(now)


def live_job(model: LiveModel) -> EvaluationJob:
    """What a live run asks."""
    return EvaluationJob(
        model=str(model.folder),
        name=f"{model.name}, live",
        collection=sample_source().collection,
        datasets=wanted_datasets(None, sample_source().questions),
        languages=tuple(LANGUAGES),
        limit=QUESTIONS,
        template=model.template,
        rule=model.rule,
        device="cpu",
        demonstrations=model.demonstrations,
        permutations=2,
    )
