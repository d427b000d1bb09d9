"""The authors' release (RiverGao/CLiKA): its questions in ten languages and its models' answers.

    <root>/x_csqa/ZH_trans/<model>_res_bf16_add_simple_example.jsonl   x_copa, x_geo, x_name likewise

A line holds ``input`` (the whole prompt), ``res`` (what the model wrote), ``label`` (the gold letter) and
``uuid``, which alone is an item's identity across languages. xCSQA comes in no other form than these
prompts, so every question is read off an ``input``; what else a folder holds (``test.jsonl``,
``*_geo_data.jsonl``) only adds the origin. A file that is not what its place says is named and left out
whole: half a file would shift scores without a word.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson

from clika.errors import DataError, UsageError
from clika.languages import ALL_LANGUAGES, language_code
from clika.records import LETTERS, UNPARSEABLE, Kind, Question, is_one_line

FOLDERS = {"x_csqa": "xcsqa", "x_copa": "xcopa", "x_geo": "xgeo", "x_name": "xpeo"}
DEMONSTRATED = "_bf16_add_simple_example"
"""The file names' ending for answers to the prompt with one demonstration: template ``released``."""

_ANSWER_FILE = re.compile(r"(?P<model>.+)_res(?P<variant>(?:_.*)?)\.jsonl")
_NAMED = 5
_Parts = tuple[str | None, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's answers to one data set in one language, in the file's order.

    ``chosen`` is (items,) int8: the 0-based choice or UNPARSEABLE; ``texts`` are the answers as written.
    """

    dataset: str
    language: str
    question_ids: tuple[str, ...]
    chosen: npt.NDArray[np.int8]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelAnswers:
    """All answers of one model in one variant (the file name's part after ``_res``)."""

    model: str
    variant: str
    answers: tuple[Answers, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What a release folder holds: parallel questions, answers, what was left and why, what is wrong.

    ``notes`` are about what was taken as it stands.
    """

    questions: tuple[Question, ...]
    models: tuple[ModelAnswers, ...]
    files_read: int
    left: tuple[tuple[Path, str], ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    model: str
    variant: str
    ids: tuple[str, ...]
    inputs: tuple[str, ...]
    labels: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Said:
    """What the files agree on for an item; ``demonstrated`` says that the prompt has the demonstration."""

    prompt: str
    label: str
    demonstrated: bool


class _LeftError(Exception):
    """The file is none of ours; the text says why."""


def chosen_letter(text: str, choices: int) -> int:
    """The authors' rule: without surrounding blanks, the first character, if it is one of the letters.

    Returns the 0-based choice or UNPARSEABLE. Latin letters alone: Cyrillic А is another character.
    """
    first = text.strip()[:1]
    place = LETTERS[:choices].find(first) if first else -1
    return place if place >= 0 else UNPARSEABLE


def read_release(source: Path, collection: str) -> Release:
    """Read a release folder once. Raises DataError where it holds no data set's folder."""
    folders = {name: source / name for name in FOLDERS if (source / name).is_dir()}
    if not folders:
        raise DataError(
            f"{str(source)!r} holds none of {', '.join(FOLDERS)}; give the folder that holds them"
        )
    questions: list[Question] = []
    models: dict[tuple[str, str], list[Answers]] = {}
    left: list[tuple[Path, str]] = []
    faults: list[str] = []
    notes: list[str] = []
    files_read = 0
    interned: dict[str, str] = {}
    for name, folder in folders.items():
        by_language: dict[str, dict[str, Question]] = {}
        for language, place in _language_folders(folder, faults):
            files = list(_files(place, left, faults, interned))
            trusted, found = _agreed_questions(files, collection, FOLDERS[name], language, faults)
            if not found:
                continue
            by_language[language] = _with_origins(found, place, faults)
            for file in trusted:
                if file.model == "":
                    continue
                files_read += 1
                if len(file.ids) < len(found):
                    faults.append(
                        f"{file.path}: {len(file.ids)} of {len(found)} questions; they are kept, the"
                        f" others count as not asked"
                    )
                models.setdefault((file.model, file.variant), []).append(
                    _answers(file, FOLDERS[name], language, found)
                )
        questions.extend(_parallel(FOLDERS[name], by_language, faults, notes))
    known = {(question.dataset, question.question_id) for question in questions}
    kept = tuple(
        ModelAnswers(model, variant, tuple(_known_only(answers, known) for answers in parts))
        for (model, variant), parts in sorted(models.items())
    )
    return Release(tuple(questions), kept, files_read, tuple(left), tuple(faults), tuple(notes))


def read_questions(source: Path, collection: str) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """The questions of a release folder, and a sentence for each fault found on the way."""
    release = read_release(source, collection)
    if not release.questions:
        raise DataError(f"{str(source)!r} holds no readable question; " + " ".join(release.faults[:_NAMED]))
    return release.questions, (*release.faults, *release.notes)


def _language_folders(folder: Path, faults: list[str]) -> list[tuple[str, Path]]:
    places: dict[str, Path] = {}
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        try:
            language = language_code(place.name)
        except UsageError as error:
            faults.append(f"{place}: left out: {error}")
            continue
        if language in places:
            faults.append(f"{place}: left out: {places[language].name} holds {language!r} already")
            continue
        places[language] = place
    return [(code, places[code]) for code in ALL_LANGUAGES if code in places]


def _files(
    place: Path, left: list[tuple[Path, str]], faults: list[str], interned: dict[str, str]
) -> Iterator[_File]:
    """The answer files of one language that can be read whole; ``generate_input.jsonl`` is model ''."""
    for path in sorted(place.glob("*.jsonl")):
        if not is_one_line(path.name):
            faults.append(f"{str(path)!a}: left out: its name is not one line of UTF-8; rename it")
            continue
        match = _ANSWER_FILE.fullmatch(path.name)
        if match is None and path.name != "generate_input.jsonl":
            continue
        model, variant = (match["model"], match["variant"]) if match else ("", "")
        try:
            yield _read_file(path, model, variant, interned)
        except _LeftError as reason:
            left.append((path, str(reason)))
        except DataError as error:
            faults.append(str(error))


def _read_file(path: Path, model: str, variant: str, interned: dict[str, str]) -> _File:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); mend it and import again") from error
    rows = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            if number == 1 and not _meant_as_rows(line):
                raise _LeftError("not JSON lines") from error
            marked = number == 1 and line.startswith(_MARKS)
            remedy = "save it as UTF-8 without a byte order mark" if marked else "get it again"
            raise DataError(
                f"{path}, line {number}: not JSON ({error}); the whole file is left out, {remedy}"
            ) from error
    if not rows:
        raise DataError(f"{path}: empty; get it again")
    if not isinstance(rows[0], dict):
        raise _LeftError("its lines are not objects")
    if "uuid" not in rows[0]:
        raise _LeftError("no uuid: its answers cannot be tied to questions")
    if {*map(type, rows)} != {dict}:
        raise DataError(f"{path}: a line that is no object; the whole file is left out, get it again")
    try:
        uuids = [row["uuid"] for row in rows]
        inputs = tuple([row["input"] for row in rows])
        labels = tuple([row["label"] for row in rows])
        written = [row["res"] for row in rows]
    except KeyError as error:
        raise DataError(
            f"{path}: a line without {error}; the whole file is left out, get it again"
        ) from error
    if not {*map(type, uuids)} <= {int, str}:
        raise DataError(
            f"{path}: every uuid must be a number or a text; the whole file is left out, get it again"
        )
    if {*map(type, inputs), *map(type, labels), *map(type, written)} != {str}:
        raise DataError(
            f"{path}: input, label and res must be text; the whole file is left out, get it again"
        )
    ids = tuple(map(str, uuids))
    texts = tuple([interned.setdefault(text, text) for text in written])
    if len(set(ids)) != len(ids):
        twice = next(i for i, count in Counter(ids).items() if count > 1)
        raise DataError(
            f"{path}: uuid {twice!r} stands twice; the whole file is left out, take one of the lines out"
        )
    return _File(path, model, variant, ids, inputs, labels, texts)


_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks: of UTF-8 and UTF-16."""


def _meant_as_rows(line: bytes) -> bool:
    """Whether a first line that is not JSON began as a row: it was cut, or it is in another encoding."""
    return line.startswith((b'{"', *_MARKS))


def _agreed_questions(
    files: list[_File], collection: str, dataset: str, language: str, faults: list[str]
) -> tuple[list[_File], dict[str, Question]]:
    """The questions that the files of one language agree on, and the files that agree.

    Files with the demonstration vote on each item's prompt and label; where there is none, the other files
    vote. A file that contradicts the majority is named and left out (a file in the wrong folder contradicts
    all others). Where no majority exists, every file that holds the item is named and left out.
    """
    strangers = _strangers(files)
    for file in strangers:
        faults.append(
            f"{file.path}: none of its {len(file.ids)} items is in the other files; misplaced, so the whole"
            f" file is left out"
        )
    files = [file for file in files if not any(file is one for one in strangers)]
    voters = [file for file in files if file.variant == DEMONSTRATED and file.model]
    others = [file for file in files if not any(file is one for one in voters)]
    if not voters:
        voters = [file for file in others if file.model] or others
        others = [file for file in others if not any(file is one for one in voters)]
    agreed = _agreement(voters, others)
    questions: dict[str, Question] = {}
    for item, said in agreed.items():
        if said is None:
            continue
        question = _question(said.prompt, said.label, collection, dataset, item, language)
        if question is None:
            faults.append(
                f"{voters[0].path.parent}: item {item}: its prompt and label {said.label!r} are not a lettered"
                f" question; the item is left out"
            )
        else:
            questions[item] = question if said.demonstrated else replace(question, source_prompt=None)
    trusted = []
    for file in files:
        alike = voters[0].variant == DEMONSTRATED and any(file is one for one in voters)
        wrong = _contradiction(file, agreed, prompts=alike)
        if wrong is None:
            trusted.append(file)
        else:
            faults.append(f"{file.path}: {wrong}; misplaced or altered, so the whole file is left out")
    return trusted, questions


def _strangers(files: list[_File]) -> list[_File]:
    """The files that share no item with any other, where others share theirs."""
    holders = Counter(item for file in files for item in file.ids)
    if max(holders.values(), default=0) < 2:
        return []
    return [file for file in files if all(holders[item] == 1 for item in file.ids)]


def _agreement(voters: list[_File], others: list[_File]) -> dict[str, _Said | None]:
    """What each item of the voters says; None where they contradict each other without a majority.

    The others (prompts without the demonstration) are asked only where the voters are not of one mind, or
    where a single voter has nobody beside it.
    """
    first: dict[str, tuple[str, str]] = {}
    split = len(voters) == 1
    for file in voters:
        for item, text, label in zip(file.ids, file.inputs, file.labels, strict=True):
            said = first.setdefault(item, (text, label))
            split = split or said != (text, label)
    demonstrated = bool(voters) and voters[0].variant == DEMONSTRATED
    if not split:
        return {item: _Said(text, label, demonstrated) for item, (text, label) in first.items()}
    parsed: dict[str, _Parts | None] = {}
    votes: dict[str, Counter[tuple[_Parts | None, str]]] = {}
    prompts: dict[str, Counter[tuple[str, str]]] = {}
    for file in (*voters, *others):
        voter = any(file is one for one in voters)
        for item, text, label in zip(file.ids, file.inputs, file.labels, strict=True):
            if item not in first:
                continue
            if text not in parsed:
                parsed[text] = _parts(text)
            votes.setdefault(item, Counter())[parsed[text], label] += 1
            if voter:
                prompts.setdefault(item, Counter())[text, label] += 1
    agreed: dict[str, _Said | None] = {}
    for item, count in votes.items():
        ranked = count.most_common(2)
        tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
        kept = [said for said, _ in prompts[item].most_common() if (parsed[said[0]], said[1]) == ranked[0][0]]
        agreed[item] = _Said(*kept[0], demonstrated) if kept and not tied else None
    return agreed


def _contradiction(file: _File, agreed: dict[str, _Said | None], prompts: bool) -> str | None:
    for item, text, label in zip(file.ids, file.inputs, file.labels, strict=True):
        if item not in agreed:
            return f"item {item} is in none of the other files"
        said = agreed[item]
        if said is None:
            return f"item {item} is not the same in the other files, and no majority says which is right"
        if label != said.label:
            return f"item {item} has label {label!r} where the other files have {said.label!r}"
        if text != said.prompt and (prompts or _parts(text) != _parts(said.prompt)):
            return f"item {item} asks something else than the other files"
    return None


def _parts(text: str) -> _Parts | None:
    """(premise, question, choices) of a prompt, read from its end; None if it has no lettered options."""
    body, end, tail = text.rpartition("\nAnswer:")
    if not end or tail.strip():
        return None
    start = body.rfind("\nA. ")
    if start < 0:
        return None
    choices: list[str] = []
    for line in body[start + 1 :].split("\n"):
        mark = f"{LETTERS[len(choices)]}. " if len(choices) < len(LETTERS) else None
        if mark is not None and line.startswith(mark):
            choices.append(line[len(mark) :])
        elif choices:
            choices[-1] += f"\n{line}"
    above = body[:start].split("\n")
    question = above[-1].removeprefix("Question:")
    premise = None
    if len(above) > 1 and above[-2].startswith("Premise:"):
        premise = above[-2].removeprefix("Premise:")
    return premise, question, tuple(choices)


def _question(
    text: str, label: str, collection: str, dataset: str, item: str, language: str
) -> Question | None:
    parts = _parts(text)
    if parts is None or len(parts[2]) < 2 or len(label) != 1:
        return None
    premise, question, choices = parts
    answer = LETTERS[: len(choices)].find(label)
    if answer < 0:
        return None
    kind = Kind.CHOICE
    if premise is not None:
        kind = Kind.CAUSE if "cause" in question.lower() else Kind.EFFECT
    return Question(collection, dataset, item, language, kind, premise, question, choices, answer, None, text)


def _with_origins(found: dict[str, Question], place: Path, faults: list[str]) -> dict[str, Question]:
    """The same questions with the origin language that the data files of the folder give."""
    origins: dict[str, str] = {}
    for path in sorted([*place.glob("*_geo_data.jsonl"), *place.glob("*_name_data*.jsonl")]):
        try:
            rows = [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
            origins.update({str(row["id"]): language_code(row["original_lang"]) for row in rows})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
            faults.append(f"{path}: origins not read ({error}); the questions stand without them")
    return {item: replace(question, origin=origins.get(item)) for item, question in found.items()}


def _answers(file: _File, dataset: str, language: str, found: dict[str, Question]) -> Answers:
    memory: dict[tuple[str, int], int] = {}
    ids, chosen, texts = [], [], []
    for item, text in zip(file.ids, file.texts, strict=True):
        question = found.get(item)
        if question is None:
            continue
        key = (text, len(question.choices))
        place = memory.get(key)
        if place is None:
            place = memory[key] = chosen_letter(*key)
        ids.append(question.question_id)
        chosen.append(place)
        texts.append(text)
    return Answers(dataset, language, tuple(ids), np.array(chosen, np.int8), tuple(texts))


def _parallel(
    dataset: str, by_language: dict[str, dict[str, Question]], faults: list[str], notes: list[str]
) -> list[Question]:
    """The questions that every language present holds alike; the others are named and refused."""
    missing: dict[tuple[str, ...], list[str]] = {}
    unlike: dict[tuple[str, ...], list[str]] = {}
    turned: dict[tuple[str, ...], list[str]] = {}
    kept: list[str] = []
    items = dict.fromkeys(item for questions in by_language.values() for item in questions)
    for item in items:
        absent = tuple(code for code, questions in by_language.items() if item not in questions)
        if absent:
            missing.setdefault(absent, []).append(item)
            continue
        shapes = {
            code: (len(questions[item].choices), questions[item].answer_index)
            for code, questions in by_language.items()
        }
        usual = Counter(shapes.values()).most_common(1)[0][0]
        odd = tuple(code for code, shape in shapes.items() if shape != usual)
        if odd:
            unlike.setdefault(odd, []).append(item)
        else:
            kept.append(item)
            kinds = {code: questions[item].kind for code, questions in by_language.items()}
            asked = Counter(kinds.values()).most_common(1)[0][0]
            other = tuple(code for code, kind in kinds.items() if kind != asked)
            if other:
                turned.setdefault(other, []).append(item)
    for absent, names in missing.items():
        faults.append(f"{dataset}: {_listed(names)} not in {', '.join(absent)}: refused in every language")
    for odd, names in unlike.items():
        faults.append(
            f"{dataset}: {_listed(names)} with other choices or another answer in {', '.join(odd)}:"
            f" refused in every language"
        )
    for other, names in turned.items():  # the paper's scores count them
        notes.append(
            f"{dataset}: {_listed(names)} in {', '.join(other)} with the effect for the cause, or the cause for the"
            f" effect: kept as released"
        )
    return [questions[item] for questions in by_language.values() for item in kept]


def _listed(items: list[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return f"{'items' if len(items) > 1 else 'item'} {', '.join(items[:_NAMED])}{more}"


def _known_only(answers: Answers, known: set[tuple[str, str]]) -> Answers:
    keep = [(answers.dataset, item) in known for item in answers.question_ids]
    if all(keep):
        return answers
    return Answers(
        answers.dataset,
        answers.language,
        tuple(item for item, kept in zip(answers.question_ids, keep, strict=True) if kept),
        answers.chosen[np.array(keep, np.bool_)],
        tuple(text for text, kept in zip(answers.texts, keep, strict=True) if kept),
    )
