"""A checkpoint asked beside the base that it descends from: two jobs over the same questions, and the way to compare."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from clika.checkpoints.cards import Card
from clika.checkpoints.registry import Registry
from clika.errors import UsageError
from clika.jobs.folder import JobFolder
from clika.jobs.queue import JobState, queued_job
from clika.jobs.sentences import job_sentence
from clika.jobs.spec import EvaluationJob
from clika.languages import ALL_LANGUAGES
from clika.question_sources import QuestionSource, fitting_template
from clika.ui import markup

QUICK_QUESTIONS = 20


def pair_of_jobs(
    registry: Registry, card: Card, source: QuestionSource, whole: bool
) -> tuple[EvaluationJob, EvaluationJob]:
    """(the checkpoint's job, its base's), alike in everything but the model.

    Raises UsageError where no base of it is registered.
    """
    base = registry.baseline(card)
    if base is None:
        raise UsageError(
            f"no base of {card.id} is registered; add the model that it was made from, named as its files say"
            f" ({card.claimed_base or 'they say nothing'})"
        )
    return _job(registry, card, source, whole), _job(registry, base, source, whole)


def _job(registry: Registry, card: Card, source: QuestionSource, whole: bool) -> EvaluationJob:
    found = registry.resolved(card.id)
    if found is None:
        raise UsageError(f"{card.id} is gone; add it again")
    model, adapter, name = found
    datasets = tuple(sorted({question.dataset for question in source.questions}))
    held = {question.language for question in source.questions}
    return EvaluationJob(
        model=model,
        name=name,
        collection=source.collection,
        datasets=datasets,
        languages=tuple(code for code in ALL_LANGUAGES if code in held),
        limit=None if whole else QUICK_QUESTIONS,
        template=str(fitting_template(source.questions, datasets)),
        adapter=adapter,
    )


@dataclass(frozen=True, slots=True)
class PairLook:
    """How a pair of jobs stands."""

    html: markup.Html
    over: bool


def pair_look(store: Path, job_ids: object) -> PairLook:
    """The two jobs' sentences, and where both are done the links to their difference.

    ``job_ids`` is (the checkpoint's, its base's), as a browser sends it: what names no two jobs shows nothing.
    """
    if not isinstance(job_ids, list) or len(job_ids) != 2 or not all(isinstance(one, str) for one in job_ids):
        return PairLook(markup.NOTHING, True)
    folders = [JobFolder(store / "jobs" / Path(one).name) for one in job_ids]
    if not all((folder.path / "job.json").is_file() for folder in folders):
        return PairLook(markup.NOTHING, True)
    jobs = [queued_job(folder) for folder in folders]
    lines = [
        markup.paragraph(f"{one.request.name}: {one.state}. {job_sentence(one, 'resume it in the tab Runs')}")
        for one in jobs
    ]
    ends = [folder.done() for folder in folders]
    if not all(one.state is JobState.DONE for one in jobs) or ends[0] is None or ends[1] is None:
        waiting = (JobState.QUEUED, JobState.SUBMITTED, JobState.RUNNING, JobState.ENDING)
        return PairLook(markup.joined(lines), not any(one.state in waiting for one in jobs))
    job = jobs[0].job
    collection = job.collection if isinstance(job, EvaluationJob) else ""
    shown = {"tab": "results", "collection": collection, "baseline": ends[1].run}
    compared = {"tab": "runs", "compare": ends[1].run, "with": ends[0].run}
    links = markup.tag(
        "p",
        markup.tag("a", markup.text("The difference in Results"), href=f"?{urlencode(shown)}"),
        markup.text(" · "),
        markup.tag("a", markup.text("Which answers changed"), href=f"?{urlencode(compared)}"),
    )
    return PairLook(markup.joined([*lines, links]), True)
