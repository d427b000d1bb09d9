"""A user's own questions in one file: CSV, JSONL or Parquet, a row for each question in each language.

    question_id,language,question,choices,answer[,dataset,kind,premise,origin]

``choices`` is a list; in a CSV cell it is a JSON list or is separated by ``|``. ``answer`` is the option's
letter, its 0-based index or its text: whichever of the three fits, and where two fit different options the
row is refused. Texts are kept in Unicode's composed form (NFC) without blanks around them. One fault and
nothing is taken; all faults are named, each with its row (in a CSV as a spreadsheet counts: the header is
row 1).
"""

import csv
import io
import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from clika.errors import DataError, UsageError
from clika.languages import ALL_LANGUAGES, language_code
from clika.records import DATASETS, LETTERS, OWN_DATASET, Kind, Question

FORMATS = (".csv", ".jsonl", ".parquet")
REQUIRED = ("question_id", "language", "question", "choices", "answer")
OPTIONAL = ("dataset", "kind", "premise", "origin")

_COLUMNS = (*REQUIRED, *OPTIONAL)
_TAKEN_NAMES = ("released", "sample")
_LINE_BREAKS = "\n\r\t"
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class OwnFile:
    """The questions of a file, or, where it has faults, none and a sentence for each fault."""

    questions: tuple[Question, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Read:
    place: str
    question: Question


class _FaultyValueError(Exception):
    """A value of a row is wrong; the text says which, the rule and the remedy."""


def own_collection(path: Path) -> str:
    """The collection that a file's questions are kept under where none is named: from the file's name."""
    name = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:60] or "questions"
    return f"own-{name}" if name in _TAKEN_NAMES else name


def read_own_file(path: Path, collection: str) -> OwnFile:
    """Read a file of questions. Raises UsageError where it is no file of these formats."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"{path.name!r} is no file of questions; its name must end in {', '.join(FORMATS)}")
    if not path.is_file():
        raise UsageError(f"no file {str(path)!r}; check the path")
    faults: list[str] = []
    readers = {".csv": _csv_rows, ".jsonl": _json_rows, ".parquet": _parquet_rows}
    read = []
    try:
        for row in readers[suffix](path, faults):
            found = _read(row, collection, faults)
            if found is not None:
                read.append(found)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); mend it and try again"
        ) from error
    every_row = not faults
    _check_keys(read, faults)
    _check_alike(read, faults)
    if every_row:  # a question is not missing where its row only could not be read
        _check_missing(read, faults)
    if not read and not faults:
        faults.append("no row with a question; write one, or give another file")
    if faults:
        return OwnFile((), tuple(f"{path.name}, {fault}" for fault in faults))
    return OwnFile(tuple(found.question for found in read), ())


def _decoded(path: Path, faults: list[str]) -> str | None:
    """The file's text without a byte order mark; None, and a fault a line, where it is not UTF-8."""
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        faults.append("line 1: UTF-16; save the file as UTF-8")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        for number, line in enumerate(data.split(b"\n"), 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                faults.append(
                    f"line {number}: byte 0x{line[error.start]:02x} after {line[: error.start].decode()[-20:]!r} is"
                    " not UTF-8; save the file as UTF-8"
                )
        return None


def _csv_rows(path: Path, faults: list[str]) -> Iterator[_Row]:
    text = _decoded(path, faults)
    if not text:
        return
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(lines, 1):
            if number == 1:
                header = [cell.strip() for cell in cells]
                if not _known_columns("row 1", header, faults):
                    return
            elif len(cells) == len(header):
                yield _Row(f"row {number}", dict(zip(header, cells, strict=True)))
            elif any(cell.strip() for cell in cells):
                faults.append(
                    f"row {number}: {len(cells)} cells where the header has {len(header)}; put a text that"
                    f" holds {delimiter!r} in double quotes, and write the cells that are missing"
                )
    except csv.Error as error:
        faults.append(
            f"row {number + 1}: no CSV ({error}); close every double quote and double those inside a text."
            " What follows was not read"
        )


def _json_rows(path: Path, faults: list[str]) -> Iterator[_Row]:
    text = _decoded(path, faults)
    for number, line in enumerate((text or "").split("\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            pairs = json.loads(line, object_pairs_hook=list)
        except (ValueError, RecursionError) as error:
            faults.append(f"{place}: no JSON ({error}); write one object {{…}} a line")
            continue
        if not isinstance(pairs, list) or not line.lstrip().startswith("{"):
            faults.append(f"{place}: {line.strip()[:40]!r} is no object; write one object {{…}} a line")
            continue
        if _known_columns(place, [key for key, _ in pairs], faults):
            yield _Row(place, dict(pairs))


def _parquet_rows(path: Path, faults: list[str]) -> Iterator[_Row]:
    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowException, ValueError, OSError) as error:
        faults.append(f"the whole file: no Parquet that can be read ({str(error)[:80]}); write it anew")
        return
    if _known_columns("its columns", table.column_names, faults):
        for number, values in enumerate(table.to_pylist(), 1):
            yield _Row(f"row {number}", values)


def _known_columns(place: str, names: Sequence[str], faults: list[str]) -> bool:
    """Whether the names are the columns wanted; a fault for each that is not."""
    before = len(faults)
    for name, count in Counter(names).items():
        if name not in _COLUMNS:
            faults.append(
                f"{place}: unknown column {name!r}; known: {', '.join(_COLUMNS)}; rename or remove it"
            )
        elif count > 1:
            faults.append(f"{place}: column {name!r} stands {count} times; leave one")
    for name in REQUIRED:
        if name not in names:
            faults.append(f"{place}: no column {name!r}; needed are {', '.join(REQUIRED)}; add it")
    return len(faults) == before


def _read(row: _Row, collection: str, faults: list[str]) -> _Read | None:
    """The row's question; None, and a fault for each value that is wrong."""
    before = len(faults)

    def told(value: Callable[[], _Value], instead: _Value) -> _Value:
        try:
            return value()
        except (_FaultyValueError, UsageError) as fault:
            faults.append(f"{row.place}: {fault}")
            return instead

    question_id = told(lambda: _needed(row, "question_id"), "")
    language = told(lambda: language_code(_needed(row, "language")), "")
    text = told(lambda: _needed(row, "question"), "")
    choices = told(lambda: _choices(row), tuple[str, ...]())
    answer = told(lambda: _answer(row, choices), 0) if choices else 0
    dataset = told(lambda: _one_of(row, "dataset", DATASETS), None) or OWN_DATASET
    kind = Kind(told(lambda: _one_of(row, "kind", tuple(Kind)), None) or Kind.CHOICE)
    premise = told(lambda: _text(row, "premise"), None)
    origin = told(lambda: _text(row, "origin"), None)
    if origin is not None:
        origin = told(lambda: language_code(str(origin)), None)
    if len(faults) == before:
        told(lambda: _check_kind(kind, premise, choices), None)
    if len(faults) > before:
        return None
    asked = Question(
        collection=collection,
        dataset=dataset,
        question_id=question_id,
        language=language,
        kind=kind,
        premise=premise,
        text=text,
        choices=choices,
        answer_index=answer,
        origin=origin,
    )
    return _Read(row.place, asked)


def _text(row: _Row, name: str) -> str | None:
    """The row's value of a column, tidied; None where there is none."""
    value = row.values.get(name)
    return None if value is None else _tidy(name, value) or None


def _needed(row: _Row, name: str) -> str:
    text = _text(row, name)
    if text is None:
        raise _FaultyValueError(f"{name} is empty; write it")
    return text


def _tidy(name: str, value: object) -> str:
    """A text or whole number in NFC, without blanks around it."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _FaultyValueError(f"{name} is {str(value)[:40]!r}; it must be a text; put it in double quotes")
    text = unicodedata.normalize("NFC", str(value)).strip()
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cs") and letter not in _LINE_BREAKS:
            raise _FaultyValueError(
                f"{name} holds the character U+{ord(letter):04X}, which is no text; take it out"
            )
    return text


def _one_of(row: _Row, name: str, known: Sequence[str]) -> str | None:
    text = _text(row, name)
    if text is not None and text not in known:
        raise _FaultyValueError(
            f"{name} is {text!r}; known: {', '.join(known)}; write one, or leave it empty"
        )
    return text


def _choices(row: _Row) -> tuple[str, ...]:
    value = row.values.get("choices")
    if isinstance(value, str) and value.strip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise _FaultyValueError(
                f"choices begin with '[' but are no JSON list ({error}); mend it, or separate them by |"
            ) from error
    elif isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, list):
        raise _FaultyValueError(f"choices are {str(value)[:40]!r}; write a list, or a text separated by |")
    choices = tuple(_tidy("a choice", choice) for choice in value)
    if not 2 <= len(choices) <= len(LETTERS):
        raise _FaultyValueError(
            f"{len(choices)} choices; a question has 2 to {len(LETTERS)}: in a text they are separated by |"
        )
    for place, choice in enumerate(choices):
        if not choice:
            raise _FaultyValueError(f"choice {LETTERS[place]} is empty; every choice needs a text")
        if choice in choices[:place]:
            raise _FaultyValueError(
                f"choices {LETTERS[choices.index(choice)]} and {LETTERS[place]} are both {choice!r}; write another"
            )
    return choices


def _answer(row: _Row, choices: Sequence[str]) -> int:
    """The 0-based place that the answer names as a letter, as an index or as the option's text."""
    answer = _needed(row, "answer")
    readings = {
        "letter": LETTERS[: len(choices)].find(answer.upper()) if len(answer) == 1 else -1,
        "index": int(answer) if re.fullmatch("[0-9]{1,2}", answer) and int(answer) < len(choices) else -1,
        "text": choices.index(answer) if answer in choices else -1,
    }
    found = {name: place for name, place in readings.items() if place >= 0}
    if not found:
        raise _FaultyValueError(
            f"answer {answer!r} is no letter A to {LETTERS[len(choices) - 1]}, no index 0 to {len(choices) - 1}"
            " (counted from 0) and none of the choices' texts; write one of these"
        )
    if len(set(found.values())) > 1:
        named = ", ".join(f"as {name} it is {choices[place]!r}" for name, place in found.items())
        raise _FaultyValueError(
            f"answer {answer!r} has two meanings: {named}; write it in another of the ways"
        )
    return next(iter(found.values()))


def _check_kind(kind: Kind, premise: str | None, choices: Sequence[str]) -> None:
    if kind is Kind.CHOICE and premise is not None:
        raise _FaultyValueError(
            "a premise needs kind 'cause' or 'effect'; write it, or put it into the question"
        )
    if kind is not Kind.CHOICE and premise is None:
        raise _FaultyValueError(f"kind {kind.value!r} needs a premise; write it, or kind 'choice'")
    if kind is not Kind.CHOICE and len(choices) != 2:
        raise _FaultyValueError(
            f"kind {kind.value!r} has 2 choices, not {len(choices)}; or write kind 'choice'"
        )


def _check_keys(read: Sequence[_Read], faults: list[str]) -> None:
    """A question may stand once in a language."""
    places: dict[tuple[str, str, str], str] = {}
    for found in read:
        question = found.question
        key = question.dataset, question.question_id, question.language
        if key in places:
            faults.append(
                f"{found.place}: {question.dataset} {question.question_id!r} stands in {question.language} already"
                f" ({places[key]}); leave one, or give it another question_id"
            )
        places.setdefault(key, found.place)


def _check_alike(read: Sequence[_Read], faults: list[str]) -> None:
    """A question has as many choices, the same answer, kind and origin in all its languages."""
    firsts: dict[tuple[str, str], _Read] = {}
    for found in read:
        question = found.question
        first = firsts.setdefault((question.dataset, question.question_id), found)
        pairs = zip(_shape(first.question).items(), _shape(question).values(), strict=True)
        for (name, wanted), given in pairs:
            if given != wanted:
                faults.append(
                    f"{found.place}: {question.dataset} {question.question_id!r} has {name} {given} in"
                    f" {question.language} and {wanted} in {first.question.language} ({first.place}); make them"
                    " the same"
                )


def _check_missing(read: Sequence[_Read], faults: list[str]) -> None:
    """A question stands in every language that its data set is in."""
    spoken: dict[str, set[str]] = defaultdict(set)
    places: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for found in read:
        question = found.question
        spoken[question.dataset].add(question.language)
        places[question.dataset, question.question_id][question.language] = found.place
    for (dataset, question_id), by_language in places.items():
        missing = [code for code in ALL_LANGUAGES if code in spoken[dataset] - by_language.keys()]
        if missing:
            faults.append(
                f"{next(iter(by_language.values()))}: {dataset} {question_id!r} is missing in {', '.join(missing)},"
                f" where others of {dataset} are; add it there, or take it out of all languages"
            )


def _shape(question: Question) -> dict[str, object]:
    """What must be the same in all languages."""
    return {
        "number of choices": len(question.choices),
        "answer": f"{LETTERS[question.answer_index]} (index {question.answer_index})",
        "kind": question.kind.value,
        "origin": question.origin or "none",
    }
