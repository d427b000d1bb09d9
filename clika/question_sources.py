"""Where a command takes its questions from: a folder or file given, the bundled sample, or the store."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.database.index import Index
from clika.database.queries import chosen_collection
from clika.datasets.own_file import FORMATS, own_collection, read_own_file
from clika.datasets.release import read_questions
from clika.datasets.sample import SAMPLE_COLLECTION, sample_questions
from clika.errors import ConflictError, DataError, UsageError
from clika.imports import store_questions
from clika.languages import ALL_LANGUAGES, language_codes
from clika.prompts.templates import Template
from clika.records import DATASETS, Question
from clika.shards import questions_of, sound_tables


@dataclass(frozen=True, slots=True)
class QuestionSource:
    """Questions, the collection they belong to, and what a person should know of them (``sentences``)."""

    collection: str
    questions: tuple[Question, ...]
    sentences: tuple[str, ...] = ()
    stored: bool = False


def question_source(store: Path, data: Path | None, collection: str | None) -> QuestionSource:
    """The questions that ``--data`` and ``--collection`` name; nothing is stored.

    Raises UsageError where they contradict each other or the store leaves open which is meant, and DataError,
    whose sentences name every fault, for a file or folder that cannot be taken.
    """
    if collection == SAMPLE_COLLECTION:
        if data is not None:
            raise UsageError(
                f"collection {SAMPLE_COLLECTION!r} is the bundled one; keep the questions of {str(data)!r} under"
                " another --collection NAME, or leave --data out"
            )
        return sample_source()
    if data is None:
        with Index.open(store) as index:
            return stored_source(store, chosen_collection(index, collection, DATASETS))
    if data.is_dir() or data.suffix.lower() not in FORMATS:
        collection = collection or "released"
        released, sentences = read_questions(data, collection)
        return QuestionSource(collection, tuple(released), tuple(sentences))
    collection = collection or own_collection(data)
    own = read_own_file(data, collection)
    if own.faults:
        faults = "\n  ".join(own.faults)
        raise DataError(
            f"{data}: nothing was taken (faults: {len(own.faults)}); mend it and give it again\n  {faults}"
        )
    return QuestionSource(collection, own.questions)


def sample_source() -> QuestionSource:
    """The bundled questions."""
    return QuestionSource(SAMPLE_COLLECTION, sample_questions())


def stored_source(store: Path, collection: str) -> QuestionSource:
    """The questions of a collection that the store holds."""
    tables, _ = sound_tables(store / "collections" / collection)
    questions = tuple(question for _, table in tables for question in questions_of(table))
    return QuestionSource(collection, questions, stored=True)


def fitting_template(questions: Sequence[Question], datasets: Sequence[str]) -> Template:
    """``released`` where every question of these data sets has its source's own text, else ``english``."""
    asked = [question for question in questions if question.dataset in datasets]
    sourced = all(question.source_prompt is not None for question in asked)
    return Template.RELEASED if sourced else Template.ENGLISH


def keep_questions(store: Path, source: QuestionSource) -> None:
    """Store the questions of a source that are not stored yet. Raises ConflictError for other texts of the same."""
    if source.stored:
        return
    try:
        store_questions(store, source.collection, source.questions)
    except ConflictError as error:
        if source.collection != SAMPLE_COLLECTION:
            raise
        raise ConflictError(
            f"{store} holds the bundled sample of another version of this program, with answers to its"
            " questions; give another store with --store"
        ) from error


def wanted_languages(wanted: str, available: Sequence[Question]) -> tuple[str, ...]:
    """The codes in a comma-separated list; ``all`` are LANGUAGES and what else there are questions in."""
    codes = language_codes(wanted)
    if wanted.strip().lower() != "all":
        return codes
    held = {question.language for question in available}
    return tuple(code for code in ALL_LANGUAGES if code in codes or code in held)


def wanted_datasets(wanted: str | None, available: Sequence[Question]) -> tuple[str, ...]:
    """The names in a comma-separated list, or all there are. Raises UsageError for one that is not there."""
    known = {question.dataset for question in available}
    if wanted is None:
        return tuple(sorted(known))
    names = tuple(dict.fromkeys(name.strip() for name in wanted.split(",") if name.strip()))
    for name in names:
        if name not in known:
            raise UsageError(f"no data set {name!r} in this collection; it holds: {', '.join(sorted(known))}")
    if not names:
        raise UsageError(f"no data set in {wanted!r}; this collection holds: {', '.join(sorted(known))}")
    return names
