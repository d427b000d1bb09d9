"""Evaluations that a person started from the page: they belong to the server and outlive the page."""

import subprocess
import threading
from pathlib import Path

from clika.datasets.release import read_questions
from clika.errors import UsageError
from clika.imports import store_questions
from clika.jobs.folder import JobFolder
from clika.jobs.launcher import failure, start_evaluation
from clika.jobs.spec import EvaluationJob
from clika.languages import LANGUAGES
from clika.settings import Settings

SMALL_MODEL = "HuggingFaceTB/SmolLM2-135M"
QUESTIONS_A_DATASET = 20
COLLECTION = "released"


class Evaluations:
    """Starts workers, one at a time, and says how they are doing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()  # two visitors may press the button at once
        self._started: list[tuple[EvaluationJob, JobFolder, subprocess.Popen[bytes]]] = []

    def start(self, model: str, data: str) -> None:
        """Ask a checkpoint a few questions of a release folder in all languages it has.

        Raises UsageError where a field is empty or a worker is busy, and what reading the folder raises.
        """
        if not model or not model.strip():
            raise UsageError("no model is named; write a checkpoint's folder or a Hub id such as owner/name")
        if not data or not data.strip():
            raise UsageError("no folder is named; write the path of a release's folder, such as ../CLiKA")
        place = Path(model.strip()).expanduser()
        with self._lock:
            if any(worker.poll() is None for _, _, worker in self._started):
                raise UsageError("a model is being evaluated; wait until it is done, then start the next")
            questions, _ = read_questions(Path(data.strip()).expanduser(), COLLECTION)
            store_questions(self._settings.store, COLLECTION, questions)
            spoken = {question.language for question in questions}
            sourced = all(question.source_prompt is not None for question in questions)
            job = EvaluationJob(
                model=str(place.resolve()) if place.is_dir() else model.strip(),
                name=place.name,
                collection=COLLECTION,
                datasets=tuple(sorted({question.dataset for question in questions})),
                languages=tuple(code for code in LANGUAGES if code in spoken),
                limit=QUESTIONS_A_DATASET,
                template="released" if sourced else "english",
            )
            folder, worker = start_evaluation(self._settings.store, job, Settings.environment())
            self._started.append((job, folder, worker))

    def sentences(self) -> tuple[str, ...]:
        """How the newest evaluation is doing; nothing where there is none."""
        if not self._started:
            return ()
        job, folder, worker = self._started[-1]
        status = worker.poll()
        end = folder.done()
        if status is None:
            progress = folder.progress()
            if progress is None:
                return (f"{job.name}: loading the model.",)
            return (f"{job.name}: {progress.done} of {progress.total} questions answered.",)
        if status == 0 and end is not None:
            return (f"{job.name}: {end.sentence()}.",)
        return (f"{job.name}: {failure(folder, status)}",)
