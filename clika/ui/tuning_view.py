"""What the store holds of a tuning's looks: curves over its steps, its languages side by side, place after place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from clika.conductivity.sealed_measures import MEASURES
from clika.database.index import Index
from clika.database.queries import answer_matrices, parallel_question, prediction_rows, run_summaries
from clika.database.question_texts import question_texts
from clika.errors import ShardError
from clika.jobs.conductivity_spec import ConductivityJob
from clika.languages import ENGLISH, LANGUAGES
from clika.metrics.conductivity import (
    LANGUAGE,
    READ_SETS,
    STEP,
    Conduction,
    CurvePoint,
    PlaceOutcome,
    Reading,
    conduction,
    curve,
    is_conductivity,
    tuning_key,
)
from clika.records import AnswerMatrix, Run
from clika.shards import read_run

PLACES_A_PAGE = 20


class PlaceFilter(StrEnum):
    """Which held-out places are listed."""

    ALL = "all"
    BOTH = "right in both"
    ENGLISH_ONLY = "right in English alone"
    SAME_WRONG = "the same wrong answer"
    OTHER = "another answer"


@dataclass(frozen=True, slots=True)
class LanguageRow:
    """One language of a tuning, by its run of the greatest step. ``floor`` is the untuned model's, None where unasked."""

    language: str
    step: int
    found: Mapping[Reading, Conduction]
    floor: Mapping[Reading, Conduction] | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One job's looks so far. ``curves`` and ``runs`` are by step; ``rows`` are all languages of the same tuning."""

    language: str
    collection: str
    runs: tuple[Run, ...]
    curves: Mapping[Reading, tuple[CurvePoint, ...]]
    rows: tuple[LanguageRow, ...]

    @property
    def last(self) -> Run:
        """The run of the last look."""
        return self.runs[-1]

    def found(self, reading: Reading) -> Conduction:
        """What the last look gave."""
        return self.curves[reading][-1].conduction


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A held-out place as it was asked and answered in English and in X.

    ``asked`` maps each of the two to the question, ``wrote`` to the answer as written (None after NaN logits).
    """

    asked: Mapping[str, str]
    chosen: PlaceOutcome
    written: PlaceOutcome | None
    wrote: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class PlacePage:
    """One page of places, how many there are in all, and the candidates' names by language."""

    total: int
    rows: tuple[PlaceRow, ...]
    candidates: Mapping[str, tuple[str, ...]]


def measured_runs(folder: Path) -> tuple[Run, ...]:
    """The runs of a job's looks by step, as their folders say; one that cannot be read is left out."""
    found = []
    for place in sorted((folder / MEASURES).glob("*")):
        try:
            run = read_run(place)
        except ShardError:  # the index says what is wrong with it
            continue
        if run is not None and is_conductivity(run):
            found.append(run)
    return tuple(found)


def measured(index: Index, job: ConductivityJob, runs: Sequence[Run]) -> Measured | None:
    """What the index holds of a job's looks; None before the first."""
    key = ("measured", job.job_id, tuple(run.run for run in runs))
    return index.remembered(key, lambda: _measured(index, job, runs)) if runs else None


def _measured(index: Index, job: ConductivityJob, runs: Sequence[Run]) -> Measured | None:
    stored = [summary.run for summary in run_summaries(index, job.collection)]
    ours = tuning_key(runs[0])
    siblings = [run for run in stored if is_conductivity(run) and tuning_key(run) == ours]
    matrices = answer_matrices(index, job.collection, sorted(run.run for run in siblings))
    curves = {reading: curve(matrices, runs, runs[0], job.language, reading) for reading in Reading}
    steps = {point.run for point in curves[Reading.CHOSEN]}
    if not steps:
        return None
    rows = [_language_row(code, siblings, matrices) for code in LANGUAGES]
    return Measured(
        job.language,
        job.collection,
        tuple(run for run in runs if run.run in steps),
        curves,
        tuple(row for row in rows if row is not None),
    )


def _language_row(language: str, runs: Sequence[Run], matrices: Sequence[AnswerMatrix]) -> LanguageRow | None:
    asked = {matrix.run for matrix in matrices}
    by_step = {
        int(run.settings[STEP]): run
        for run in runs
        if run.settings[LANGUAGE] == language and run.run in asked
    }
    if not by_step:
        return None

    def found(run: Run) -> dict[Reading, Conduction]:
        mine = [matrix for matrix in matrices if matrix.run == run.run]
        return {reading: conduction(mine, language, reading) for reading in Reading}

    last = max(by_step)
    floor = found(by_step[0]) if 0 in by_step and last else None
    return LanguageRow(language, last, found(by_step[last]), floor)


def place_page(
    index: Index, shown: Measured, reading: Reading, wanted: PlaceFilter, offset: int
) -> PlacePage:
    """The held-out places of the last look that are of a kind by one reading, a page at a time, in the world's order."""
    kept = [place for place in shown.found(reading).places if _is_wanted(place, wanted)]
    page = kept[offset : offset + PLACES_A_PAGE]
    chosen = {place.place_id: place for place in shown.found(Reading.CHOSEN).places}
    written = {place.place_id: place for place in shown.found(Reading.WRITTEN).places}
    held_out, held_out_written = READ_SETS[Reading.CHOSEN][0], READ_SETS[Reading.WRITTEN][0]
    languages = (ENGLISH, shown.language)
    keys = [(str(held_out), place.place_id) for place in page]
    texts = {code: question_texts(index, shown.collection, code, keys) for code in languages}
    wrote = {
        (row.prediction.question_id, row.prediction.language): row.prediction.raw_text
        for row in prediction_rows(index, shown.collection, [shown.last.run], str(held_out_written))
    }
    rows = tuple(
        PlaceRow(
            {code: texts[code].get((str(held_out), place.place_id), "") for code in languages},
            chosen[place.place_id],
            written.get(place.place_id),
            {code: wrote.get((place.place_id, code)) for code in languages},
        )
        for place in page
        if place.place_id in chosen
    )
    return PlacePage(len(kept), rows, candidates(index, shown))


def candidates(index: Index, shown: Measured) -> dict[str, tuple[str, ...]]:
    """The candidates' names in English and in X."""
    places = shown.found(Reading.CHOSEN).places
    if not places:
        return {ENGLISH: (), shown.language: ()}
    held_out = str(READ_SETS[Reading.CHOSEN][0])
    asked = parallel_question(index, shown.collection, held_out, places[0].place_id)
    return {one.language: one.choices for one in asked if one.language in (ENGLISH, shown.language)}


def _is_wanted(place: PlaceOutcome, wanted: PlaceFilter) -> bool:
    english, here = (answer == place.answer_index for answer in (place.english, place.here))
    return {
        PlaceFilter.ALL: True,
        PlaceFilter.BOTH: english and here,
        PlaceFilter.ENGLISH_ONLY: english and not here,
        PlaceFilter.SAME_WRONG: place.carried and not english,
        PlaceFilter.OTHER: not place.carried,
    }[wanted]
