"""A fictional world from files: the authors' release (RiverGao/CLiKA, folder ``fictional``), or one written by ``world``.

    <folder>/test/target/testDE.jsonl          {"prompt", "input", "answer"} and, in the answer, the marks
                                               [[continent:…]][[city:…]][[type:0 or 1]]; 0 is the taught half
    <folder>/test/Translate/translateDE.jsonl  every name, to be translated
    <folder>/train/DE.json                     one training set, JSON lines all the same

A place's identity is its line in the test files, which is the same in every language; its name is not: the
release has names that stand for two places. What contradicts itself is refused, the rest of the faults are
named.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from clika.datasets.fictional_samples import TranslationDirection
from clika.datasets.fictional_world import Place, World, WorldKind
from clika.errors import DataError, UsageError
from clika.languages import ENGLISH, LANGUAGES, language_code

TARGET, TRANSLATE, TRAIN = Path("test", "target"), Path("test", "Translate"), Path("train")
MARKS = {WorldKind.CONTINENTS: "continent", WorldKind.FOUNDING_YEARS: "year"}

_MARKED = re.compile(
    r"(?P<sentence>.*)\[\[(?P<mark>continent|year):(?P<answer>.+?)\]\]"
    r"\[\[city:(?P<place>.+?)\]\]\[\[type:(?P<half>[01])\]\]",
    re.DOTALL,
)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class FictionalRelease:
    """A world and what its files are worth.

    ``trained`` and ``gated`` map a language to the directions in which its training file translates and
    its translation test asks; empty where there is no such file. ``refused`` maps a language that the
    world leaves out to the reason. ``faults`` are sentences, the refusals among them.
    """

    world: World
    trained: Mapping[str, tuple[TranslationDirection, ...]]
    gated: Mapping[str, tuple[TranslationDirection, ...]]
    refused: Mapping[str, str]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    prompt: str
    input: str
    answer: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a test file: what is asked, the place's name, the answer's, and the half."""

    prompt: str
    mark: str
    place: str
    answer: str
    taught: bool


def asked_file(language: str) -> Path:
    """Where a language's questions are, from the folder."""
    return TARGET / f"test{language.upper()}.jsonl"


def gate_file(language: str) -> Path:
    """Where a language's translations to be asked are."""
    return TRANSLATE / f"translate{language.upper()}.jsonl"


def train_file(language: str) -> Path:
    """Where a language's training set is."""
    return TRAIN / f"{language.upper()}.json"


def read_world(source: Path) -> FictionalRelease:
    """The world of a folder, or of its ``fictional`` folder.

    Raises DataError where the English questions are missing or unreadable, or no other language is left.
    """
    folder = source / "fictional" if (source / "fictional" / TARGET).is_dir() else source
    if not (folder / asked_file(ENGLISH)).is_file():
        raise DataError(
            f"{str(source)!r} holds no {asked_file(ENGLISH).as_posix()}; give the release's folder 'fictional',"
            f" or make a world with: python -m clika world"
        )
    english = _lines(folder / asked_file(ENGLISH))
    by_language = {ENGLISH: english}
    candidates = list(dict.fromkeys(line.answer for line in english))
    answer_names = {ENGLISH: candidates}
    trained: dict[str, tuple[TranslationDirection, ...]] = {}
    gated: dict[str, tuple[TranslationDirection, ...]] = {}
    refused: dict[str, str] = {}
    faults: list[str] = []
    for language in _languages(folder):
        try:
            lines = _lines(folder / asked_file(language))
            answers = _parallel_answers(folder / asked_file(language), lines, english, candidates)
            pairs = _pairs(lines, english, answers, candidates)
            trained[language], said = _training(folder, language, lines, english, pairs)
            gated[language] = _gate(folder, language, pairs)
        except DataError as error:
            refused[language] = str(error)
            faults.append(f"{language} refused: {error}")
            trained.pop(language, None)
            continue
        faults += said
        untrained = [d for d in gated[language] if trained[language] and d not in trained[language]]
        if untrained:
            faults.append(
                f"{language}: {gate_file(language).as_posix()} asks {_listed(untrained, language)}, and"
                f" {train_file(language).as_posix()} translates {_listed(trained[language], language)} only: that gate"
                f" tests a direction that its training never taught"
            )
        by_language[language] = lines
        answer_names[language] = answers
    if len(by_language) == 1:
        raise DataError(f"{str(folder)!r} holds no language beside English; " + " ".join(faults[:_NAMED]))
    world = _world(by_language, answer_names)
    faults += _doubled(world)
    return FictionalRelease(world, trained, gated, refused, tuple(faults))


def _languages(folder: Path) -> list[str]:
    found = set()
    for path in (folder / TARGET).glob("test*.jsonl"):
        try:
            found.add(language_code(path.stem.removeprefix("test")))
        except UsageError:
            continue
    return [code for code in LANGUAGES if code in found and code != ENGLISH]


def _rows(path: Path) -> list[_Row]:
    try:
        values = [orjson.loads(line) for line in path.read_bytes().split(b"\n") if line.strip()]
        rows = [_Row(value["prompt"], value["input"], value["answer"]) for value in values]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); mend it and load again") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: a line without prompt, input and answer ({error}); get it again") from error
    if not rows or any({type(row.prompt), type(row.input), type(row.answer)} != {str} for row in rows):
        raise DataError(f"{path}: empty, or a prompt, input or answer that is no text; get it again")
    return rows


def _lines(path: Path) -> list[_Line]:
    lines = []
    for number, row in enumerate(_rows(path), 1):
        match = _MARKED.fullmatch(row.answer)
        if match is None:
            raise DataError(
                f"{path}, line {number}: its answer does not end in [[continent:…]][[city:…]][[type:0 or 1]];"
                f" get the file again"
            )
        lines.append(_Line(row.prompt, match["mark"], match["place"], match["answer"], match["half"] == "0"))
    if len({line.mark for line in lines}) > 1:
        raise DataError(f"{path}: asks for continents and for years; a world asks for one of them")
    return lines


def _parallel_answers(
    path: Path, lines: list[_Line], english: list[_Line], candidates: list[str]
) -> list[str]:
    """The candidates' names in the language of ``lines``, in English's order."""
    if [(line.mark, line.taught) for line in lines] != [(line.mark, line.taught) for line in english]:
        raise DataError(f"{path}: its lines or their halves are not those of {asked_file(ENGLISH).name}")
    names: dict[str, str] = {}
    for line, other in zip(lines, english, strict=True):
        if names.setdefault(other.answer, line.answer) != line.answer:
            raise DataError(f"{path}: {other.answer!r} is both {names[other.answer]!r} and {line.answer!r}")
    if len(set(names.values())) != len(names):
        raise DataError(
            f"{path}: two of {len(candidates)} continents have one name; none could be told apart"
        )
    return [names[candidate] for candidate in candidates]


def _pairs(
    lines: list[_Line], english: list[_Line], answers: list[str], candidates: list[str]
) -> set[tuple[str, str]]:
    """(name in X, name in English) of all that is to be translated: a year is not."""
    pairs = {(line.place, other.place) for line, other in zip(lines, english, strict=True)}
    if english[0].mark == MARKS[WorldKind.CONTINENTS]:
        pairs.update(zip(answers, candidates, strict=True))
    return pairs


def _training(
    folder: Path, language: str, lines: list[_Line], english: list[_Line], pairs: set[tuple[str, str]]
) -> tuple[tuple[TranslationDirection, ...], list[str]]:
    """The directions that the training file translates in, and what is odd about it.

    Raises DataError where it teaches other continents or places than the test asks for.
    """
    path = folder / train_file(language)
    if not path.is_file():
        return (), []
    rows = _rows(path)
    translated = [(row.input, row.answer) for row in rows if row.input]
    relations = [row for row in rows if not row.input]
    directions = _directions(translated, pairs)
    once = set(translated)
    taught = "\n".join(row.answer for row in relations)
    answers = dict.fromkeys(line.answer for line in (*english, *lines))
    missing = [answer for answer in answers if answer not in taught]
    missing += [
        name for x, other in sorted(pairs) if not once & {(x, other), (other, x)} for name in (x, other)
    ]
    if missing:
        strange = [answer for _, answer in translated if not any(answer in pair for pair in pairs)]
        instead = f"; it teaches {_quoted(strange)} instead" if strange else ""
        raise DataError(
            f"{path} does not teach {_quoted(missing)}, for which {asked_file(language).name}"
            f" asks{instead}: the training and the test are of different worlds"
        )
    asked = {row.prompt for row in relations}
    if not any(line.prompt in asked for line in lines if line.taught):
        return directions, [
            f"{language}: {asked_file(language).name} asks in a wording that {train_file(language).as_posix()}"
            f" never uses ({lines[0].prompt!r})"
        ]
    return directions, []


def _gate(folder: Path, language: str, pairs: set[tuple[str, str]]) -> tuple[TranslationDirection, ...]:
    path = folder / gate_file(language)
    return _directions([(row.input, row.answer) for row in _rows(path)], pairs) if path.is_file() else ()


def _directions(
    translated: list[tuple[str, str]], pairs: set[tuple[str, str]]
) -> tuple[TranslationDirection, ...]:
    """In which directions (text, translation) stands; a name that is the same in both tells nothing."""
    different = {(x, english) for x, english in pairs if x != english}
    found = {
        TranslationDirection.EN_X: any(pair[::-1] in different for pair in translated),
        TranslationDirection.X_EN: any(pair in different for pair in translated),
    }
    return tuple(direction for direction, stands in found.items() if stands)


def _world(by_language: Mapping[str, list[_Line]], answer_names: Mapping[str, list[str]]) -> World:
    english = by_language[ENGLISH]
    kind = next(kind for kind, mark in MARKS.items() if mark == english[0].mark)
    places = tuple(
        Place(
            place_id=str(number),
            names={language: lines[number].place for language, lines in by_language.items()},
            answer_index=answer_names[ENGLISH].index(line.answer),
            taught=line.taught,
        )
        for number, line in enumerate(english)
    )
    candidates = tuple(
        {language: names[index] for language, names in answer_names.items()}
        for index in range(len(answer_names[ENGLISH]))
    )
    return World(kind, tuple(by_language), candidates, places)


def _doubled(world: World) -> list[str]:
    """A sentence for each language with names that stand for several places."""
    sentences = []
    for language in world.languages:
        doubled = world.ambiguous(language)
        if doubled:
            places = [place for place in world.places if place.place_id in doubled]
            names = list(dict.fromkeys(place.names[language] for place in places))
            held_out = sum(not place.taught for place in places)
            sentences.append(
                f"{language}: {len(names)} {'name stands' if len(names) == 1 else 'names stand'} for"
                f" {len(places)} places ({_quoted(names)}); they are left out of XRR, {held_out} of them held"
                f" out"
            )
    return sentences


def _listed(directions: Iterable[TranslationDirection], language: str) -> str:
    return " and ".join(
        f"en -> {language}" if direction is TranslationDirection.EN_X else f"{language} -> en"
        for direction in directions
    )


def _quoted(names: Iterable[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
    return ", ".join(map(repr, different[:_NAMED])) + more
