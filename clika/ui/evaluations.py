"""Evaluations that a person started from the page: they go into the queue and outlive page and program."""

from pathlib import Path

from clika.datasets.release import read_questions
from clika.errors import UsageError
from clika.imports import store_questions
from clika.jobs.folder import JobFolder
from clika.jobs.queue import JobState, queued_job, submitted
from clika.jobs.spec import EvaluationJob
from clika.languages import LANGUAGES
from clika.settings import Settings

SMALL_MODEL = "HuggingFaceTB/SmolLM2-135M"
QUESTIONS_A_DATASET = 20
COLLECTION = "released"


class Evaluations:
    """Puts jobs into the queue and says how the newest of them is doing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._newest: JobFolder | None = None

    def start(self, model: str, data: str) -> None:
        """Ask a checkpoint a few questions of a release folder in all languages it has.

        Raises UsageError where a field is empty, and what reading the folder raises.
        """
        if not model or not model.strip():
            raise UsageError("no model is named; write a checkpoint's folder or a Hub id such as owner/name")
        if not data or not data.strip():
            raise UsageError("no folder is named; write the path of a release's folder, such as ../CLiKA")
        place = Path(model.strip()).expanduser()
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
        self._newest = submitted(self._settings.store, job).folder

    def sentences(self) -> tuple[str, ...]:
        """How the newest evaluation is doing; nothing where there is none."""
        if self._newest is None:
            return ()
        one = queued_job(self._newest)
        name, progress, end, failure = (
            one.request.name,
            one.folder.progress(),
            one.folder.done(),
            one.folder.error(),
        )
        if one.state is JobState.DONE and end is not None:
            return (f"{name}: {end.sentence()}.",)
        if failure is not None:
            return (f"{name}: {failure.sentence}",)
        if progress is not None:
            return (f"{name}: {progress.done} of {progress.total} questions answered.",)
        if one.state is JobState.RUNNING:
            return (f"{name}: loading the model.",)
        return (f"{name}: {one.state}.",)
