"""Two runs side by side: what differs in their settings, and which of their answers changed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clika.database.index import Index
from clika.database.queries import RunSummary, answer_matrices, collections, run_summaries
from clika.database.question_texts import question_texts
from clika.errors import UsageError
from clika.languages import ALL_LANGUAGES
from clika.metrics.answer_changes import AnswerChanges, Change, LanguageChange, answer_changes, summed_changes
from clika.records import NOT_ASKED, UNPARSEABLE, AnswerMatrix, Outcome, Run
from clika.ui.run_labels import run_labels

CHANGED_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting in which two runs differ, in words; a dash where a run has none."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class ChangedQuestion:
    """A question whose answer changed in one language; picks are 0-based, None where no option was named."""

    dataset: str
    question_id: str
    text: str
    gold: int
    first_pick: int | None
    second_pick: int | None
    first_outcome: Outcome
    second_outcome: Outcome


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """One page of the questions that changed, and how many there are in all."""

    total: int
    rows: tuple[ChangedQuestion, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """From ``first`` to ``second``, with the labels that tell them apart."""

    first: Run
    second: Run
    labels: Mapping[str, str]
    differences: tuple[Difference, ...]
    by_language: tuple[LanguageChange, ...]
    changes: tuple[AnswerChanges, ...]
    matrices: Mapping[tuple[str, str], AnswerMatrix]

    @property
    def collection(self) -> str:
        """That both were asked."""
        return self.first.collection


def all_runs(index: Index) -> dict[str, list[RunSummary]]:
    """Collection -> its runs, by model name."""
    return {name: list(run_summaries(index, name)) for name in collections(index)}


def run_choices(index: Index) -> list[tuple[str, str]]:
    """(label, run) of every run of the store; the collection is named where there are several."""
    runs = all_runs(index)
    several = sum(bool(summaries) for summaries in runs.values()) > 1
    return [
        (f"{label} · {collection}" if several else label, run)
        for collection, summaries in runs.items()
        for run, label in run_labels([summary.run for summary in summaries]).items()
    ]


def comparison(index: Index, first: object, second: object) -> Comparison:
    """Two runs of the store, finished or not. Raises UsageError for runs that are not there or not comparable."""
    runs = {summary.run.run: summary for listed in all_runs(index).values() for summary in listed}
    for wanted in (first, second):
        if not isinstance(wanted, str) or wanted not in runs:
            raise UsageError(f"no run {wanted!r} in this store; choose one of those offered")
    before, after = runs[str(first)], runs[str(second)]
    if first == second:
        raise UsageError(f"{before.run.model.name} and itself; choose two runs")
    if before.run.collection != after.run.collection:
        raise UsageError(
            f"{before.run.model.name} answers collection {before.run.collection!r} and {after.run.model.name}"
            f" {after.run.collection!r}; choose two runs over one collection"
        )
    collection = before.run.collection
    matrices = {
        (one.run, one.dataset): one
        for one in answer_matrices(index, collection, [before.run.run, after.run.run])
    }
    shared = [name for name in before.datasets if name in after.datasets]
    changes = tuple(
        answer_changes(matrices[before.run.run, name], matrices[after.run.run, name]) for name in shared
    )
    return Comparison(
        before.run,
        after.run,
        run_labels([summary.run for summary in runs.values() if summary.run.collection == collection]),
        _differences(before, after, list(matrices.values())),
        _in_order(summed_changes(changes)),
        changes,
        matrices,
    )


def changed_questions(
    index: Index, found: Comparison, language: str, change: Change, offset: int = 0
) -> ChangedPage:
    """A page of the questions that changed so in a language, data set by data set."""
    keys = [(one.dataset, name) for one in found.changes for name in one.changed(language, change)]
    shown = keys[offset : offset + CHANGED_A_PAGE]
    texts = question_texts(index, found.collection, language, shown)
    rows = []
    for dataset, question_id in shown:
        first, second = (found.matrices[run.run, dataset] for run in (found.first, found.second))
        place, column = first.languages.index(language), first.question_ids.index(question_id)
        picks = [int(matrix.chosen[place, column]) for matrix in (first, second)]
        before, after = (pick if pick >= 0 else None for pick in picks)
        outcomes = [Outcome.UNPARSEABLE if pick == UNPARSEABLE else Outcome.ANSWERED for pick in picks]
        text, gold = texts.get((dataset, question_id), ""), int(first.answers[column])
        rows.append(ChangedQuestion(dataset, question_id, text, gold, before, after, *outcomes))
    return ChangedPage(len(keys), tuple(rows))


def _differences(
    before: RunSummary, after: RunSummary, matrices: list[AnswerMatrix]
) -> tuple[Difference, ...]:
    first, second = (_settings(summary, matrices) for summary in (before, after))
    return tuple(
        Difference(name, first.get(name, "–"), second.get(name, "–"))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    )


def _settings(summary: RunSummary, matrices: list[AnswerMatrix]) -> dict[str, str]:
    """All that a run is made of and what it was asked, in words; what it has not is left out."""
    run = summary.run
    mine = [matrix for matrix in matrices if matrix.run == run.run]
    asked = {
        code
        for matrix in mine
        for code, row in zip(matrix.languages, matrix.chosen, strict=True)
        if np.any(row != NOT_ASKED)
    }
    values = {
        "Model": run.model.name,
        "Checkpoint": run.model.base,
        "Revision": run.model.revision,
        "Adapter": run.model.adapter,
        "Number format": run.model.dtype,
        "Content": run.model.fingerprint[:16] if run.model.fingerprint else None,
        "Template": run.template,
        "Scoring rule": str(run.rule),
        **{name.replace("_", " ").capitalize(): value for name, value in sorted(run.settings.items())},
        "Data sets": ", ".join(summary.datasets),
        "Languages": ", ".join(code for code in ALL_LANGUAGES if code in asked),
        "Answers": f"{summary.predictions:,}",
    }
    return {name: value for name, value in values.items() if value}


def _in_order(changes: tuple[LanguageChange, ...]) -> tuple[LanguageChange, ...]:
    known = list(ALL_LANGUAGES)
    return tuple(
        sorted(changes, key=lambda one: known.index(one.language) if one.language in known else len(known))
    )
