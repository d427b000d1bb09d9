"""What a first visitor is told above the heatmap: how the demonstration stands, and three sentences with their questions.

The questions are found in the store's answers. It stands there as long as the store holds the demonstration alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import gradio as gr

from clika.database.index import Index
from clika.database.queries import answer_matrices, answered_collections, run_summaries
from clika.datasets.sample import SAMPLE_COLLECTION
from clika.demo import Demo, progress_sentence
from clika.figures.score_grid import METRIC_NAMES, language_name
from clika.jobs.folder import JobFolder, job_folders
from clika.jobs.queue import JobState, QueuedJob, queued_job
from clika.languages import ENGLISH
from clika.metrics.conductivity import final_runs
from clika.metrics.telling_questions import (
    TellingQuestion,
    carried_across,
    same_wrong_answer,
    wrong_elsewhere,
)
from clika.records import LEVEL_DATASETS, AnswerMatrix, FictionalSet, Level, Metric, Run
from clika.ui.listeners import LOOK, spoken
from clika.ui.markup import NOTHING, Html, joined, notices, tag, text
from clika.ui.store_watch import StoreWatch

_MOST_NAMED = 3
_MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class GuidedLook:
    """For each level the question that shows it, where the answers hold one yet, and the runs' names by id."""

    performance: TellingQuestion | None
    consistency: TellingQuestion | None
    conductivity: TellingQuestion | None
    world: str | None
    names: dict[str, str]


class GuidedLookPart:
    """The part of the page, drawn into the open Blocks; ``connect`` lets it follow the store."""

    def __init__(self, index: Index, store: Path, watch: StoreWatch, shown: Demo) -> None:
        self._index, self._store, self._watch = index, store, watch
        self._jobs = tuple(job.job_id for job in shown.jobs)
        self._taught = shown.taught_in_english
        self._seen = gr.State("")
        self._html = gr.HTML(visible=False, apply_default_css=False, elem_id="guided-look")

    def connect(self, page: gr.Blocks, timer: gr.Timer) -> None:
        """Look at the start and at every tick."""
        page.load(self._look, self._seen, [self._seen, self._html], **LOOK)
        timer.tick(self._look, self._seen, [self._seen, self._html], **LOOK)

    @spoken
    def _look(self, seen: str) -> list[Any]:
        """What is to be said now; nothing is sent where that is what the page shows."""
        content = self.content()
        if content == seen:
            return [gr.skip(), gr.skip()]
        return [content, gr.update(value=content, visible=bool(content))]

    @property
    def waits(self) -> bool:
        """Whether the first of the demonstration's models is not done yet: RA has no reference before it."""
        jobs = self._queued()
        return bool(jobs) and jobs[0].state in (JobState.QUEUED, JobState.RUNNING)

    def _queued(self) -> list[QueuedJob]:
        """The demonstration's jobs, as they stand; none where the store holds others too."""
        there = {folder.path.name for folder in job_folders(self._store)}
        if not there <= set(self._jobs):
            return []
        return [queued_job(JobFolder(self._store / "jobs" / name)) for name in self._jobs if name in there]

    def content(self) -> Html:
        """Progress while there is some, and the guided look; nothing where the store holds other jobs too."""
        jobs = self._queued()
        if not jobs:
            return NOTHING
        self._watch.look()
        going = progress_sentence(jobs)
        look = self._index.remembered(("guided look",), lambda: guided_look(self._index, self._taught))
        return joined([notices([going] if going else []), guided_look_html(look)])


def guided_look(index: Index, taught: Mapping[str, frozenset[str]]) -> GuidedLook | None:
    """What there is to be shown; None while the bundled sample has no answers.

    ``taught``: a model's name -> what it was taught in English: there it knows, where another may guess.
    """
    collections = answered_collections(index)
    if SAMPLE_COLLECTION not in collections:
        return None
    facts: Sequence[AnswerMatrix] = answer_matrices(
        index, SAMPLE_COLLECTION, datasets=LEVEL_DATASETS[Level.FACTUAL]
    )
    runs = [summary.run for summary in run_summaries(index, SAMPLE_COLLECTION)]
    names = {run.run: run.model.name for run in runs}
    conducted, world = None, None
    for collection in collections:
        summaries = [summary.run for summary in run_summaries(index, collection)]
        found = _conducted(index, collection, summaries)
        if found is not None:
            conducted, world = found, collection
            runs += summaries
            break
    # A model that forgot its English tells nothing of what is known there: what is right may be luck.
    facts = [one for one in facts if _mostly_right_in_english(one)] or facts
    return GuidedLook(
        _telling(facts, lambda one: wrong_elsewhere(one, taught.get(names[one.run]))),
        _telling(facts, same_wrong_answer),
        conducted,
        world,
        names | {run.run: run.model.name for run in runs},
    )


def _mostly_right_in_english(matrix: AnswerMatrix) -> bool:
    if ENGLISH not in matrix.languages:
        return False
    right = matrix.chosen[matrix.languages.index(ENGLISH)] == matrix.answers
    return bool(right.mean() > _MOSTLY)


def _telling(
    matrices: Sequence[AnswerMatrix], found_in: Callable[[AnswerMatrix], TellingQuestion | None]
) -> TellingQuestion | None:
    found: Iterable[TellingQuestion] = filter(None, map(found_in, matrices))
    return max(found, key=lambda one: len(one.languages), default=None)


def _conducted(index: Index, collection: str, runs: Sequence[Run]) -> TellingQuestion | None:
    """A held-out place that a tuned model answers in a language that was not taught it."""
    held_out = str(FictionalSet.HELD_OUT)
    finals = {run.run: code for of_tuning in final_runs(runs).values() for code, run in of_tuning.items()}
    if not finals:
        return None
    best: tuple[int, TellingQuestion] | None = None
    for matrix in answer_matrices(index, collection, list(finals), (held_out,)):
        found = carried_across(matrix, finals[matrix.run])
        right = (matrix.chosen == matrix.answers).all(axis=0).sum()
        if found is not None and (best is None or right > best[0]):
            best = int(right), found
    return None if best is None else best[1]


def guided_look_html(look: GuidedLook | None) -> Html:
    """Three sentences with their links; nothing for None."""
    if look is None:
        return joined([])
    known, alike, carried = look.performance, look.consistency, look.conductivity
    first = tag(
        "p",
        text(
            "What you see was computed on this machine a moment ago: small models that were taught some facts in some"
            " languages, down; languages across; and in a cell how much the model knows there ("
        ),
        _heatmap(Metric.RA, SAMPLE_COLLECTION, Level.FACTUAL),
        text("). "),
        *_link(
            known,
            SAMPLE_COLLECTION,
            Metric.RA,
            lambda one: (
                f"A fact that {look.names[one.run]} knows in English and not in {_others(one.languages)}"
            ),
        ),
    )
    second = tag(
        "p",
        _heatmap(Metric.EN_CO, SAMPLE_COLLECTION, Level.FACTUAL),
        text(" says how much of that it knows in English too, and mistakes can agree as well. "),
        *_link(
            alike,
            SAMPLE_COLLECTION,
            Metric.EN_CO,
            lambda one: f"The same wrong option in {len(one.languages)} languages ({_listed(one.languages)})",
        ),
    )
    third = tag(
        "p",
        _heatmap(Metric.XRR, look.world, FictionalSet.HELD_OUT),
        text(
            " asks whether knowledge travels: of what is taught in English alone, how much is answered elsewhere. "
        ),
        *_link(
            carried,
            look.world,
            Metric.XRR,
            lambda one: (
                f"A made-up place learnt in English and answered in {language_name(one.languages[-1])}"
            ),
        ),
    )
    return tag("section", first, second, third, class_="clika-guide", aria_label="What you see")


def _heatmap(metric: Metric, collection: str | None, scope: Level | FictionalSet) -> Html:
    """The metric's name, an address of this page where there is a collection to show it of."""
    name = text(METRIC_NAMES[metric])
    return name if collection is None else tag("a", name, href=_address(collection, metric, str(scope)))


def _address(collection: str, metric: Metric, scope: str, **question: str) -> str:
    query = {"tab": "results", "collection": collection, "metric": str(metric), "scope": scope}
    return f"?{urlencode(query | question)}"


def _link(
    question: TellingQuestion | None,
    collection: str | None,
    metric: Metric,
    said: Callable[[TellingQuestion], str],
) -> tuple[Html, ...]:
    """An address of this page that opens the question; nothing where there is none yet."""
    if question is None or collection is None:
        return ()
    address = _address(
        collection,
        metric,
        question.dataset,
        model=question.run,
        language=question.languages[-1],
        question=f"{question.dataset}:{question.question_id}",
    )
    return (tag("a", text(f"{said(question)} →"), href=address),)


def _others(codes: Sequence[str]) -> str:
    return language_name(codes[0]) if len(codes) == 1 else f"{len(codes)} other languages"


def _listed(codes: Sequence[str]) -> str:
    names = [language_name(code) for code in codes[:_MOST_NAMED]]
    more = len(codes) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
