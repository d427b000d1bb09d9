"""Rows and columns of the heatmap as a person wants them: some models, some languages, a case study, differences.

It works on rows of scores, before they are drawn or written: page and files show the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clika.figures.score_grid import language_name
from clika.languages import ALL_LANGUAGES, ENGLISH, LANGUAGES
from clika.metrics.case_study import (
    OTHERS,
    OVER_ENGLISH,
    case_columns,
    case_study,
    difference,
    picked_columns,
)
from clika.records import LanguageScores
from clika.run_tags import RunTags

PARENT = "parent"
"""As a baseline: each row less the run that its tags name as its parent."""


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is wished of rows and columns; empty for all, for values of their own, for the order of names.

    ``baseline`` is a run or ``PARENT``. ``sort`` is a column, highest first; with a ``-`` before it lowest first.
    """

    models: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    study: str | None = None
    baseline: str | None = None
    sort: str = ""


AS_IT_IS = Arrangement()


@dataclass(frozen=True, slots=True)
class Arranged:
    """Rows in their order with their names, and how many questions stand behind each (run, column).

    ``less`` names what was subtracted.
    """

    rows: tuple[LanguageScores, ...]
    labels: Mapping[str, str]
    asked: Mapping[tuple[str, str], int]
    columns: tuple[str, ...]
    less: str | None = None
    sentences: tuple[str, ...] = ()


def checked_arrangement(wish: Arrangement, runs: Sequence[str], languages: Sequence[str]) -> Arrangement:
    """The wish, less what the store does not hold: an old link shows what is still there."""
    study = wish.study if wish.study in LANGUAGES and wish.study != ENGLISH else None
    kept = tuple(code for code in languages if code in wish.languages)
    columns = case_columns(study) if study else (kept or tuple(languages))
    return Arrangement(
        models=tuple(run for run in runs if run in wish.models),
        languages=kept,
        study=study,
        baseline=wish.baseline if wish.baseline == PARENT or wish.baseline in runs else None,
        sort=wish.sort if wish.sort.removeprefix("-") in columns else "",
    )


def arranged(
    rows: Sequence[LanguageScores],
    labels: Mapping[str, str],
    asked: Mapping[tuple[str, str], int],
    wish: Arrangement,
    tags: Mapping[str, RunTags],
) -> Arranged:
    """Rows and columns as wished. ``labels`` names every row, in the order of names; ``wish`` is a checked one."""
    sentences: list[str] = []
    languages = languages_of(rows)
    columns, counts = languages, dict(asked)
    by_run = {row.run: row for row in rows}
    wanted = list(wish.models or _families(labels, tags))
    if wish.study is not None:
        columns = case_columns(wish.study)
        by_run = {run: case_study(row, wish.study) for run, row in by_run.items()}
        counts |= _asked_of_columns(labels, asked, wish.study, languages)
        if not wish.models:
            wanted = _of_case(wanted, wish.study, tags)
        sentences.append(
            f"others: the unweighted mean over the languages except English and {language_name(wish.study)};"
            f" /en: the value over English's."
        )
    elif wish.languages:
        columns = tuple(code for code in languages if code in wish.languages)
        by_run = {run: picked_columns(row, columns) for run, row in by_run.items()}
    less = None
    if wish.baseline is not None:
        by_run, wanted, less = _less(by_run, wanted, labels, wish.baseline, tags)
        if wish.baseline == PARENT and not wanted:
            sentences.append("No run here has a parent here; name it under Tags of runs.")
        sentences.append("Intervals of differences take the two values as independent: rather too wide.")
    wanted = _sorted(wanted, by_run, wish.sort)
    return Arranged(
        tuple(by_run[run] for run in wanted if run in by_run),
        {run: labels[run] for run in wanted},
        counts,
        columns,
        less,
        tuple(sentences),
    )


def languages_of(rows: Sequence[LanguageScores]) -> tuple[str, ...]:
    """The languages that any row was scored in, in the order of ALL_LANGUAGES."""
    seen = {code for row in rows for code in row.languages}
    return (*(code for code in ALL_LANGUAGES if code in seen), *sorted(seen - set(ALL_LANGUAGES)))


def _families(labels: Mapping[str, str], tags: Mapping[str, RunTags]) -> list[str]:
    """All rows, each one's descendants directly after it where tags name a parent."""
    children: dict[str, list[str]] = {}
    for run in labels:
        parent = tags[run].parent if run in tags else None
        children.setdefault(parent if parent is not None and parent in labels else "", []).append(run)
    order: list[str] = []
    waiting = list(reversed(children.get("", [])))
    while waiting:
        run = waiting.pop()
        order.append(run)
        waiting.extend(reversed(children.get(run, [])))
    return order + [run for run in labels if run not in order]  # runs that name each other as parents


def _of_case(runs: Sequence[str], language: str, tags: Mapping[str, RunTags]) -> list[str]:
    """The runs tuned on a language and those they came from; all of them where no tag names the language."""
    tuned = {run for run in runs if run in tags and language in tags[run].tuned_on}
    parents = {parent for run in tuned if (parent := tags[run].parent) is not None}
    return [run for run in runs if run in tuned | parents] or list(runs)


def _asked_of_columns(
    labels: Mapping[str, str], asked: Mapping[tuple[str, str], int], study: str, languages: Sequence[str]
) -> dict[tuple[str, str], int]:
    """How many questions stand behind the columns that are no languages."""
    others = [code for code in languages if code not in (ENGLISH, study)]
    found: dict[tuple[str, str], int] = {}
    for run in labels:
        behind = sum(asked.get((run, code), 0) for code in others)
        found[run, f"{study}{OVER_ENGLISH}"] = asked.get((run, study), 0)
        found[run, OTHERS] = found[run, f"{OTHERS}{OVER_ENGLISH}"] = behind
    return found


def _less(
    by_run: Mapping[str, LanguageScores],
    wanted: Sequence[str],
    labels: Mapping[str, str],
    baseline: str,
    tags: Mapping[str, RunTags],
) -> tuple[dict[str, LanguageScores], list[str], str]:
    """Rows less their baselines; a row without one, and the baseline itself, is left out."""
    made: dict[str, LanguageScores] = {}
    for run in wanted:
        other = baseline if baseline != PARENT else (tags[run].parent if run in tags else None)
        if other is None or other == run or other not in labels:
            continue
        row, theirs = by_run.get(run), by_run.get(other)
        if row is not None and theirs is not None:
            made[run] = difference(row, theirs)
    return (
        made,
        [run for run in wanted if run in made],
        "its parent" if baseline == PARENT else labels[baseline],
    )


def _sorted(runs: Sequence[str], by_run: Mapping[str, LanguageScores], sort: str) -> list[str]:
    """By a column's value, what has none last; as they are where no column is named."""
    column, lowest = sort.removeprefix("-"), sort.startswith("-")
    if not column:
        return list(runs)

    def place(run: str) -> tuple[bool, float]:
        row = by_run.get(run)
        value = np.nan
        if row is not None and column in row.languages:
            value = float(row.values[row.languages.index(column)])
        return bool(np.isnan(value)), value if lowest else -value

    return sorted(runs, key=place)


def renamed(rows: Arranged) -> tuple[LanguageScores, ...]:
    """The rows for a file: what is a difference says so in its scope."""
    if rows.less is None:
        return rows.rows
    return tuple(replace(row, scope=f"{row.scope}, less {rows.less}") for row in rows.rows)


def sort_choices(columns: Sequence[str]) -> list[tuple[str, str]]:
    """Label and value of every order of rows."""
    choices = [("Name", "")]
    for column in columns:
        name = language_name(column)
        choices += [(f"{name}, highest first", column), (f"{name}, lowest first", f"-{column}")]
    return choices
