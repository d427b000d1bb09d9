"""Evaluations that a person started from the page: they go into the queue and outlive page and program."""

from dataclasses import replace
from pathlib import Path

from clika.jobs.folder import JobFolder
from clika.jobs.queue import JobState, queued_job, submitted
from clika.languages import ALL_LANGUAGES
from clika.question_sources import keep_questions, question_source, sample_source
from clika.settings import Settings
from clika.ui.new_run import NewRun, checkpoints

SMALL_MODEL = "HuggingFaceTB/SmolLM2-135M"


class Evaluations:
    """Puts jobs into the queue and says how the newest of them is doing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._newest: JobFolder | None = None

    def start(self, model: str, data: str) -> None:
        """Ask a checkpoint a few questions in all languages: a release folder's, or the bundled ones without one.

        Raises UsageError for a model that cannot be one, and what reading the folder raises.
        """
        folder = (data or "").strip()
        form = NewRun(models=model)
        checkpoints(model)  # before a folder is read
        store = self._settings.store
        source = question_source(store, Path(folder).expanduser(), None) if folder else sample_source()
        spoken = {question.language for question in source.questions}
        job, *_ = replace(form, languages=[code for code in ALL_LANGUAGES if code in spoken]).jobs(source)
        keep_questions(store, source)
        self._newest = submitted(store, job).folder

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
