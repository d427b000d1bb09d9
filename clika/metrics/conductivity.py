"""What a tuned model carries across, from its answers about a fictional world: XRR, gates, places, confusion.

The same functions read the answers of a run as it goes and those that the index holds, so a curve, a table and
a page cannot disagree. A run is one model at one step of one tuning, about one language X.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from clika.errors import UsageError
from clika.languages import ENGLISH, LANGUAGES
from clika.metrics.cross_retrieval import CrossRetrieval, cross_retrieval, cross_retrieval_of
from clika.metrics.gates import GateReport, gate_share
from clika.records import (
    INVALID,
    NOT_ASKED,
    AnswerMatrix,
    FictionalSet,
    Gate,
    LanguageScores,
    Metric,
    Outcome,
    Prediction,
    Question,
    Run,
)

LANGUAGE, STEP = "language", "step"
"""The settings by which runs of one tuning differ: X, and how many optimiser steps were taken."""


class Reading(StrEnum):
    """How answers about places are read: chosen among the candidates, or written freely."""

    CHOSEN = "chosen"
    WRITTEN = "written"


READ_SETS: dict[Reading, tuple[FictionalSet, FictionalSet, FictionalSet]] = {
    Reading.CHOSEN: (FictionalSet.HELD_OUT, FictionalSet.TAUGHT, FictionalSet.TRANSLATION),
    Reading.WRITTEN: (FictionalSet.HELD_OUT_WRITTEN, FictionalSet.TAUGHT_WRITTEN, FictionalSet.TRANSLATION),
}
"""Held-out half, taught half and translations of each reading; a translation is always written."""


@dataclass(frozen=True, slots=True)
class PlaceOutcome:
    """A held-out place: the right candidate and what was answered, asked in English and in X.

    Answers are 0-based candidates, or UNPARSEABLE (-1), INVALID (-3).
    """

    place_id: str
    answer_index: int
    english: int
    here: int

    @property
    def carried(self) -> bool:
        """Whether X's answer is the English answer's translation, be it right or wrong."""
        return self.english == self.here and self.english >= 0


@dataclass(frozen=True, slots=True)
class Conduction:
    """One reading of one run.

    ``english`` and ``here`` are the shares (0 to 1, NaN where nothing was asked) of the held-out half right in
    English and in X. ``confusion`` is (candidates, candidates) int64: of the places of the candidate in the
    row, how many X answered with the one in the column; other answers stand in neither.
    """

    reading: Reading
    xrr: CrossRetrieval
    gates: GateReport
    english: float
    here: float
    places: tuple[PlaceOutcome, ...]
    confusion: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ConductivityMeasure:
    """All that one asking of a tuned model gave: both readings, and the places left out.

    ``left_out`` are the ids of the places whose name stands for two places.
    """

    language: str
    chosen: Conduction
    written: Conduction
    left_out: tuple[str, ...]


def matrices_of(
    run: str, questions: Sequence[Question], predictions: Sequence[Prediction]
) -> tuple[AnswerMatrix, ...]:
    """The answers as the index would give them, a matrix a data set, without an index.

    What has no prediction is NOT_ASKED.
    """
    codes = {Outcome.UNPARSEABLE: -1, Outcome.INVALID: INVALID}
    made = []
    for dataset in dict.fromkeys(question.dataset for question in questions):
        mine = {(q.question_id, q.language): q for q in questions if q.dataset == dataset}
        ids = tuple(dict.fromkeys(question_id for question_id, _ in mine))
        languages = tuple(code for code in LANGUAGES if any(code == language for _, language in mine))
        first = {question_id: question for (question_id, _), question in reversed(mine.items())}
        chosen = np.full((len(languages), len(ids)), NOT_ASKED, np.int8)
        places = {question_id: place for place, question_id in enumerate(ids)}
        for prediction in predictions:
            if prediction.dataset == dataset:
                row, column = languages.index(prediction.language), places[prediction.question_id]
                picked = prediction.chosen_index
                chosen[row, column] = codes[prediction.outcome] if picked is None else picked
        made.append(
            AnswerMatrix(
                run,
                dataset,
                languages,
                ids,
                chosen,
                np.array([first[question_id].answer_index for question_id in ids], np.int8),
                np.array([len(first[question_id].choices) for question_id in ids], np.int8),
            )
        )
    return tuple(made)


def conduction(matrices: Sequence[AnswerMatrix], language: str, reading: Reading) -> Conduction:
    """One reading of one run's answers, given as ``matrices_of`` or the index gives them.

    Raises UsageError where the held-out half was not asked this way.
    """
    by_set = {matrix.dataset: matrix for matrix in matrices}
    held_out = READ_SETS[reading][0]
    matrix = by_set.get(held_out)
    if matrix is None or language not in matrix.languages:
        raise UsageError(f"no answers to {held_out!s} in {language!r}; ask the held-out half first")
    count = int(matrix.choices.max(initial=0))
    shares = {code: gate_share(Gate.TAUGHT, [matrix], code).share for code in (ENGLISH, language)}
    english, here = (_row(matrix, code) for code in (ENGLISH, language))
    compared = (english != NOT_ASKED) & (here != NOT_ASKED)
    confusion = np.zeros((count, count), np.int64)
    answered = here >= 0
    np.add.at(confusion, (matrix.answers[answered].astype(np.int64), here[answered].astype(np.int64)), 1)
    return Conduction(
        reading,
        cross_retrieval(matrix, language),
        gate_report(matrices, language, reading),
        shares[ENGLISH],
        shares[language],
        tuple(
            PlaceOutcome(matrix.question_ids[n], int(matrix.answers[n]), int(english[n]), int(here[n]))
            for n in np.flatnonzero(compared)
        ),
        confusion,
    )


def gate_report(matrices: Sequence[AnswerMatrix], language: str, reading: Reading) -> GateReport:
    """The four gates of one run; what was not asked does not hold."""
    by_set = {matrix.dataset: matrix for matrix in matrices}
    held_out, taught, translation = ([by_set[name]] if name in by_set else [] for name in READ_SETS[reading])
    return GateReport(
        (
            gate_share(Gate.TRANSLATION, translation, language),
            gate_share(Gate.ENGLISH_TAUGHT, taught, ENGLISH),
            gate_share(Gate.ENGLISH_HELD_OUT, held_out, ENGLISH),
            gate_share(Gate.TAUGHT, taught, language),
        )
    )


def conductivity_measure(
    matrices: Sequence[AnswerMatrix], language: str, left_out: tuple[str, ...] = ()
) -> ConductivityMeasure:
    """Both readings of one run's answers. Raises UsageError as ``conduction`` does."""
    return ConductivityMeasure(
        language,
        conduction(matrices, language, Reading.CHOSEN),
        conduction(matrices, language, Reading.WRITTEN),
        left_out,
    )


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a tuning had carried across after ``step`` optimiser steps; step 0 is the untuned model: the floor."""

    step: int
    run: str
    conduction: Conduction


def curve(
    matrices: Sequence[AnswerMatrix], runs: Sequence[Run], tuning: Run, language: str, reading: Reading
) -> tuple[CurvePoint, ...]:
    """XRR and gates over the steps of one tuning in one language; ``tuning`` is any of its runs."""
    points = []
    for run in runs:
        if not is_conductivity(run) or tuning_key(run) != tuning_key(tuning):
            continue
        mine = [matrix for matrix in matrices if matrix.run == run.run]
        if run.settings[LANGUAGE] == language and mine:
            points.append(CurvePoint(int(run.settings[STEP]), run.run, conduction(mine, language, reading)))
    return tuple(sorted(points, key=lambda point: point.step))


def tuning_of(run: Run) -> Run:
    """A run without the language and the step: what the runs of one row of XRR have in common."""
    settings = {name: value for name, value in run.settings.items() if name not in (LANGUAGE, STEP)}
    return Run(run.run, run.model, run.collection, run.template, run.rule, settings)


def is_conductivity(run: Run) -> bool:
    """Whether a run is a model at a step of a tuning; others may have been asked about a world too."""
    return run.settings.get(LANGUAGE) in LANGUAGES and run.settings.get(STEP, "").isdecimal()


def final_runs(runs: Sequence[Run]) -> dict[str, dict[str, Run]]:
    """For each tuning its runs of the greatest step: the first one's id -> language -> run."""
    found: dict[tuple[object, ...], dict[str, Run]] = {}
    for run in filter(is_conductivity, runs):
        of_tuning = found.setdefault(tuning_key(run), {})
        other = of_tuning.get(run.settings[LANGUAGE])
        if other is None or int(run.settings[STEP]) > int(other.settings[STEP]):
            of_tuning[run.settings[LANGUAGE]] = run
    return {next(iter(of_tuning.values())).run: of_tuning for of_tuning in found.values()}


def tuning_key(run: Run) -> tuple[object, ...]:
    """What the runs of one tuning have in common. Not the adapter, which is another one for each language."""
    model = (run.model.fingerprint or run.model.base, run.model.dtype)
    return (*model, run.collection, run.template, tuple(sorted(tuning_of(run).settings.items())))


def conductivity_scores(
    matrices: Sequence[AnswerMatrix], runs: Sequence[Run], reading: Reading
) -> tuple[LanguageScores, ...]:
    """XRR, a row a tuning, each language from its run of the greatest step; English has no column.

    A row goes by the id of one of its runs; ``sources`` names each language's. ``n`` is |C_en|.
    """
    by_run: dict[str, list[AnswerMatrix]] = {}
    for matrix in matrices:
        by_run.setdefault(matrix.run, []).append(matrix)
    rows = []
    for name, of_tuning in final_runs([run for run in runs if run.run in by_run]).items():
        languages = tuple(code for code in LANGUAGES if code in of_tuning)
        sources = {code: of_tuning[code].run for code in languages}
        held_out = READ_SETS[reading][0]
        found = []
        for code in languages:
            mine = [matrix for matrix in by_run[sources[code]] if matrix.dataset == held_out]
            found.append(cross_retrieval(mine[0], code) if mine else cross_retrieval_of(0, 0, math.nan))
        gates = {code: gate_report(by_run[sources[code]], code, reading).failed for code in languages}
        rows.append(
            LanguageScores(
                name,
                Metric.XRR,
                str(held_out),
                languages,
                np.array([one.value for one in found]),
                np.array([one.low for one in found]),
                np.array([one.high for one in found]),
                np.array([one.english for one in found], np.int64),
                sources,
                {code: failed for code, failed in gates.items() if failed},
            )
        )
    return tuple(rows)


def _row(matrix: AnswerMatrix, language: str) -> npt.NDArray[np.int8]:
    """The answers in a language; NOT_ASKED throughout where the matrix does not hold it."""
    if language in matrix.languages:
        return np.asarray(matrix.chosen[matrix.languages.index(language)])
    return np.full(len(matrix.question_ids), NOT_ASKED, np.int8)
