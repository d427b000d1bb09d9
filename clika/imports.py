"""The way of the authors' answers into a store: read once, sealed as shards, safe to repeat.

Questions go to ``collections/<collection>/``, each model's answers to a job folder of their own. What is
stored already is recognised and left; what contradicts it is named and not written.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa

from clika.datasets.release import DEMONSTRATED, ModelAnswers, read_release
from clika.errors import ConflictError, StoreError, StoreLockedError, UsageError
from clika.records import UNPARSEABLE, ModelRef, Outcome, Question, Run, ScoringRule, run_id
from clika.shards import (
    PREDICTION_SCHEMA,
    Fault,
    ShardEntry,
    ShardKind,
    is_recorded,
    mend_manifest,
    question_table,
    questions_of,
    seal,
    set_aside,
    shard_bytes,
    sound_tables,
    withdraw,
    write_run,
    writers,
)

WRITER = "import"
_PATIENCE_SECONDS, _TRY_AGAIN_SECONDS = 60.0, 0.1
"""Questions alone are sealed in a moment: whoever has some waits for whoever is at it."""
_COLLECTION = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import read, wrote, knew already and left, what was wrong, and what was taken as it stands."""

    files_read: int
    runs: int
    questions_new: int
    answers_new: int
    answers_already: int
    unparseable: int
    left: tuple[tuple[Path, str], ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """What a person reads; the faults are told apart from these."""
        lines = [
            f"{self.files_read} files of {self.runs} models read: {self.answers_new} answers are new,"
            f" {self.answers_already} were stored already; {self.questions_new} questions are new.",
            f"{self.unparseable} of these answers name none of their letters; they are kept as unparseable"
            f" and count as wrong.",
        ]
        lines += [f"left: {path}: {reason}" for path, reason in self.left]
        return (*lines, *self.notes)


def import_release(source: Path, store: Path, collection: str = "released") -> ImportReport:
    """Take a release folder into a store. Nothing stored is changed; a second call writes nothing.

    Raises UsageError for a collection's name that cannot be one, DataError where the folder is none,
    ConflictError where its questions differ from those stored under the same collection (nothing is
    written then), StoreLockedError while another import runs.
    """
    _check_name(collection)
    if not source.is_dir():
        raise UsageError(
            f"no folder {str(source)!r}; give the folder that holds x_csqa, x_copa, x_geo, x_name"
        )
    release = read_release(source, collection)
    with _importing(store):
        questions_new = _sealed_questions(store, collection, release.questions)
        new = already = unparseable = 0
        faults = list(release.faults)
        for model in release.models:
            wrote, known, odd = _sealed_answers(store, collection, model, faults)
            new, already, unparseable = new + wrote, already + known, unparseable + odd
    return ImportReport(
        files_read=release.files_read,
        runs=len(release.models),
        questions_new=questions_new,
        answers_new=new,
        answers_already=already,
        unparseable=unparseable,
        left=release.left,
        faults=tuple(faults),
        notes=release.notes,
    )


def store_questions(store: Path, collection: str, questions: Sequence[Question]) -> int:
    """Seal the questions of a collection that the store does not hold yet; returns how many.

    Raises as ``import_release`` does.
    """
    _check_name(collection)
    with _importing(store, patience=_PATIENCE_SECONDS):
        return _sealed_questions(store, collection, questions)


def _check_name(collection: str) -> None:
    if not _COLLECTION.fullmatch(collection):
        raise UsageError(
            f"{collection!r} cannot name a collection; use a-z, 0-9, - and _, at most 64 characters"
        )


@contextmanager
def _importing(store: Path, patience: float = 0.0) -> Iterator[None]:
    """One import at a time: two would seal the same answers twice. Waits ``patience`` seconds for its turn."""
    until = time.monotonic() + patience
    try:
        store.mkdir(parents=True, exist_ok=True)
        lock = os.open(store / "IMPORT.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StoreError(f"store {str(store)!r} cannot be used ({error.strerror})") from error
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise StoreLockedError(
                        f"another import into {str(store)!r} is running; wait until it ends and try again"
                    ) from error
            time.sleep(_TRY_AGAIN_SECONDS)
        yield
    finally:
        os.close(lock)


def _sealed_questions(store: Path, collection: str, questions: Sequence[Question]) -> int:
    folder = store / "collections" / collection
    tables, faults = _mended(folder)
    stored = {
        (question.dataset, question.question_id, question.language): question
        for _, table in tables
        for question in questions_of(table)
    }
    new = []
    for question in questions:
        known = stored.get((question.dataset, question.question_id, question.language))
        if known is None:
            new.append(question)
        elif _content(known) != _content(question):
            raise ConflictError(
                f"collection {collection!r} holds another text for {question.dataset}"
                f" {question.question_id} in {question.language}; nothing was written; keep these under"
                f" another name with --collection NAME"
            )
    if new:
        superseded = set_aside(folder, faults)
        seal(folder, WRITER, ShardKind.QUESTIONS, question_table(new), superseded)
    return len(new)


def _mended(folder: Path) -> tuple[list[tuple[ShardEntry, pa.Table]], list[Fault]]:
    """What is sound in a folder, and the damaged shards; damaged manifest lines are taken out.

    Who imports is alone. A damaged line may have said that others are superseded: where both ends of such a
    shard stand in sound ones it is taken back again.
    """
    for writer in sorted(writers(folder)):
        mend_manifest(folder, writer)
    tables, faults = sound_tables(folder)
    if not faults:
        return tables, faults
    stored = {"/".join(key) for _, table in tables for key in _keys(table)}
    redone = [
        fault
        for fault in faults
        if fault.entry is not None and {fault.entry.first_key, fault.entry.last_key} <= stored
    ]
    if redone:
        withdraw(folder, WRITER, set_aside(folder, redone))
    return tables, [fault for fault in faults if fault not in redone]


def _content(question: Question) -> tuple[object, ...]:
    return question.kind, question.premise, question.text, question.choices, question.answer_index


def _run(model: ModelAnswers, collection: str) -> Run:
    demonstrated = model.variant == DEMONSTRATED
    dtype = "bfloat16" if "_bf16" in model.variant else None
    named = model.variant in ("", DEMONSTRATED)
    name = model.model if named else f"{model.model} ({model.variant.strip('_')})"
    reference = ModelRef(name=name, base=f"released:{model.model}", dtype=dtype)
    template = "released" if demonstrated else "released_zero_shot"
    settings = {} if named else {"variant": model.variant}
    rule = ScoringRule.FIRST_CHARACTER
    identity = run_id(reference, collection, template, rule, settings)
    return Run(identity, reference, collection, template, rule, settings)


def _sealed_answers(
    store: Path, collection: str, model: ModelAnswers, faults: list[str]
) -> tuple[int, int, int]:
    """Seal a model's answers; returns how many are new, were there, and are unparseable."""
    run = _run(model, collection)
    folder = store / "jobs" / f"import-{run.run}"
    table = _answer_table(model)
    odd = int(sum((part.chosen == UNPARSEABLE).sum() for part in model.answers))
    if table.num_rows == 0:
        return 0, 0, odd
    content = shard_bytes(ShardKind.PREDICTIONS, table)
    tables, damaged = _mended(folder)
    digest = sha256(content).hexdigest()
    if any(entry.sha256 == digest for entry, _ in tables):
        if not is_recorded(folder, run):
            write_run(folder, run)
        return 0, table.num_rows, odd
    new, contradicted = _unstored(table, [sealed for _, sealed in tables])
    if contradicted:
        faults.append(
            f"{run.model.name}: {len(contradicted)} answers differ from those stored, the first is"
            f" {contradicted[0]}; the stored ones stay, import the others with --collection NAME"
        )
    if not is_recorded(folder, run):
        write_run(folder, run)
    if new.num_rows:
        superseded = set_aside(folder, damaged)
        seal(
            folder,
            WRITER,
            ShardKind.PREDICTIONS,
            new,
            superseded,
            content if new.num_rows == table.num_rows else None,
        )
    return new.num_rows, table.num_rows - new.num_rows, odd


def _unstored(table: pa.Table, sealed: Sequence[pa.Table]) -> tuple[pa.Table, list[str]]:
    """The rows whose keys no sealed table holds, and the keys that one holds with another text."""
    if not sealed:
        return table, []
    stored = {key: text for known in sealed for key, text in zip(_keys(known), _texts(known), strict=True)}
    keep = []
    contradicted = []
    for key, text in zip(_keys(table), _texts(table), strict=True):
        keep.append(key not in stored)
        if key in stored and stored[key] != text:
            contradicted.append("/".join(key))
    return table.filter(pa.array(keep)), contradicted


def _keys(table: pa.Table) -> Iterator[tuple[str, str, str]]:
    columns = [table.column(name).to_pylist() for name in ("dataset", "question_id", "language")]
    return zip(*columns, strict=True)


def _texts(table: pa.Table) -> list[str]:
    return list(table.column("raw_text").to_pylist())


def _answer_table(model: ModelAnswers) -> pa.Table:
    """A model's answers as rows of PREDICTION_SCHEMA: Arrow columns, no Python object a row."""
    rows = sum(len(part.question_ids) for part in model.answers)
    columns = {field.name: pa.nulls(rows, field.type) for field in PREDICTION_SCHEMA}
    lengths = [len(part.question_ids) for part in model.answers]
    chosen = np.concatenate([part.chosen for part in model.answers])
    parsed = chosen != UNPARSEABLE
    columns["dataset"] = _repeated([part.dataset for part in model.answers], lengths)
    columns["language"] = _repeated([part.language for part in model.answers], lengths)
    columns["question_id"] = pa.array([item for part in model.answers for item in part.question_ids])
    columns["outcome"] = pa.DictionaryArray.from_arrays(
        pa.array(np.where(parsed, 0, 1).astype(np.int32)),
        pa.array([str(Outcome.ANSWERED), str(Outcome.UNPARSEABLE)]),
    )
    columns["chosen_index"] = pa.array(chosen, pa.int8(), mask=~parsed)
    columns["raw_text"] = pa.array([text for part in model.answers for text in part.texts], pa.string())
    return pa.table(columns, schema=PREDICTION_SCHEMA)


def _repeated(names: list[str], lengths: list[int]) -> pa.DictionaryArray:
    distinct = list(dict.fromkeys(names))
    codes = np.repeat([distinct.index(name) for name in names], lengths).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(distinct))
