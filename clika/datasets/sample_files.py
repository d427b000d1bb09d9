"""The bundled sample's files, read and checked: facts, and what is written about them in each language.

    assets/sample/cities.json, people.json     which city lies where, who lived when
    assets/sample/languages/<code>.json        everything that is written in one language

Whoever adds a language writes one file. What is missing in it, or too much, is refused by its name.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from string import Formatter
from typing import Literal

from clika.datasets.options import LATEST_DEATH, SHORTEST_LIFE
from clika.errors import DataError
from clika.languages import ENGLISH, LANGUAGES

SAMPLE = Path(__file__).resolve().parents[2] / "assets" / "sample"

Asked = Literal["country", "division"]

_BRACES = {
    "country": {"city"},
    "division": {"city"},
    "born": {"person"},
    "died": {"person"},
    "year": {"year"},
}
_PARTS = {"cause": 3, "effect": 3, "concept": 6}
_SHOWN = 8
_NAMED = ("countries", "divisions", "cities", "people")


@dataclass(frozen=True, slots=True)
class Place:
    """A country or a first-level administrative division; ``names`` by language code."""

    place_id: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class City:
    """A city, where it lies, and which of the two the sample asks for.

    ``origin`` is the language of the country that it stands for; ``names`` are by language code.
    """

    city_id: str
    names: Mapping[str, str]
    division: Place
    country: Place
    origin: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Person:
    """A person with undisputed years (CE) of birth and death; ``origin`` is the language of the country."""

    person_id: str
    names: Mapping[str, str]
    origin: str
    born: int
    died: int


@dataclass(frozen=True, slots=True)
class Sentences:
    """One language's question sentences.

    ``country`` and ``division`` hold ``{city}``, ``born`` and ``died`` hold ``{person}``; ``year`` is how an
    option writes a ``{year}``.
    """

    cause: str
    effect: str
    country: str
    division: str
    born: str
    died: str
    year: str


@dataclass(frozen=True, slots=True)
class Written:
    """What is written in one language, names aside.

    ``cause`` and ``effect`` are (premise, right, wrong) by id, ``concept`` is (question, right, four wrong).
    """

    sentences: Sentences
    cause: Mapping[str, tuple[str, ...]]
    effect: Mapping[str, tuple[str, ...]]
    concept: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """A whole folder. ``written`` is by language code, in the order of LANGUAGES.

    ``regions`` are countries that stand beside each other as options, ``divisions`` those of one country.
    """

    written: Mapping[str, Written]
    regions: tuple[tuple[Place, ...], ...]
    divisions: tuple[tuple[Place, ...], ...]
    cities: tuple[City, ...]
    people: tuple[Person, ...]


def read_sample_files(folder: Path = SAMPLE) -> SampleFiles:
    """Read a folder of this layout. Raises DataError where a file is not what it should be."""
    cities_file, people_file = folder / "cities.json", folder / "people.json"
    geography = _table(cities_file, "", _json(cities_file), ("regions", "divisions", "cities"))
    regions = _groups(cities_file, "regions", geography["regions"])
    inside = _groups(cities_file, "divisions", geography["divisions"])
    city_rows = _rows(cities_file, geography["cities"], ("city", "division", "origin", "asked"))
    person_rows = _rows(people_file, _json(people_file), ("person", "origin", "born", "died"))
    ids = {
        "countries": _once(cities_file, [country for region in regions.values() for country in region]),
        "divisions": _once(cities_file, [division for held in inside.values() for division in held]),
        "cities": _once(cities_file, [str(row["city"]) for row in city_rows]),
        "people": _once(people_file, [str(row["person"]) for row in person_rows]),
    }
    for country in inside:
        if country not in ids["countries"]:
            raise DataError(f"{cities_file}: {country!r} has divisions but is in no region; add it to one")
    tables = _language_tables(folder / "languages")
    written = {code: _written(path, table) for code, (path, table) in tables.items()}
    for section in _PARTS:
        known = tuple(getattr(written[ENGLISH], section))
        for code, (path, _) in tables.items():
            _same_ids(path, section, getattr(written[code], section), known)
    names = {section: _names(tables, section, ids[section]) for section in _NAMED}
    countries = {place: Place(place, names["countries"][place]) for place in ids["countries"]}
    divisions = {place: Place(place, names["divisions"][place]) for place in ids["divisions"]}
    country_of = {division: countries[country] for country, held in inside.items() for division in held}
    return SampleFiles(
        written=written,
        regions=tuple(tuple(countries[place] for place in region) for region in regions.values()),
        divisions=tuple(tuple(divisions[place] for place in held) for held in inside.values()),
        cities=tuple(_city(cities_file, row, names["cities"], divisions, country_of) for row in city_rows),
        people=tuple(_person(people_file, row, names["people"]) for row in person_rows),
    )


def _json(path: Path) -> object:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        _once(path, [key for key, _ in pairs])
        return dict(pairs)

    try:
        return json.loads(path.read_bytes(), object_pairs_hook=unique)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}); get the sample's folder again"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: not JSON in UTF-8 ({error}); mend this place") from error


def _once(path: Path, ids: Sequence[str]) -> tuple[str, ...]:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise DataError(f"{path}: {twice[0]!r} stands twice; leave one")
    return tuple(ids)


def _same_ids(path: Path, where: str, found: Iterable[str], wanted: Sequence[str]) -> None:
    found = list(found)
    missing = [name for name in wanted if name not in found]
    unknown = [name for name in found if name not in wanted]
    if missing or unknown:
        faults = [
            f"{what} {', '.join(names)}"
            for what, names in (("lacks", missing), ("has unknown", unknown))
            if names
        ]
        raise DataError(
            f"{path}: {where or 'the file'} {' and '.join(faults)}; it must name these and no others:"
            f" {', '.join(wanted[:_SHOWN])}{', …' if len(wanted) > _SHOWN else ''}"
        )


def _table(path: Path, where: str, value: object, wanted: Sequence[str] | None = None) -> dict[str, object]:
    if not isinstance(value, dict):
        raise DataError(f"{path}: {where or 'the file'} must be an object {{…}}; it is {str(value)[:40]!r}")
    if wanted is not None:
        _same_ids(path, where, value, wanted)
    return value


def _texts(path: Path, where: str, value: object, count: int | None = None) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text.strip() for text in value):
        raise DataError(f"{path}: {where} must be a list of texts, none empty; it is {str(value)[:40]!r}")
    if count is not None and len(value) != count:
        raise DataError(f"{path}: {where} has {len(value)} texts; it must have {count}")
    return tuple(value)


def _groups(path: Path, where: str, value: object) -> dict[str, tuple[str, ...]]:
    return {name: _texts(path, name, ids) for name, ids in _table(path, where, value).items()}


def _rows(path: Path, value: object, wanted: Sequence[str]) -> list[dict[str, object]]:
    if not isinstance(value, list):
        raise DataError(f"{path}: the rows must be a list […]; they are {str(value)[:40]!r}")
    return [_table(path, f"row {number}", row, wanted) for number, row in enumerate(value, 1)]


def _language_tables(folder: Path) -> dict[str, tuple[Path, dict[str, object]]]:
    paths = {path.stem: path for path in sorted(folder.glob("*.json"))}
    for code, path in paths.items():
        if code not in LANGUAGES:
            raise DataError(f"{path}: no language has the code {code!r}; add it to clika/languages.py first")
    if ENGLISH not in paths:
        raise DataError(
            f"{folder}: no {ENGLISH}.json, which says what every language must name; get it again"
        )
    sections = ("sentences", *_PARTS, *_NAMED)
    return {
        code: (paths[code], _table(paths[code], "", _json(paths[code]), sections))
        for code in LANGUAGES
        if code in paths
    }


def _written(path: Path, table: Mapping[str, object]) -> Written:
    names = tuple(field.name for field in fields(Sentences))
    given = _table(path, "sentences", table["sentences"], names)
    sentences = dict(zip(names, _texts(path, "sentences", [given[name] for name in names]), strict=True))
    for name, sentence in sentences.items():
        try:
            held = [field for _, field, _, _ in Formatter().parse(sentence) if field is not None]
        except ValueError:
            held = ["?"]
        if sorted(held) != sorted(_BRACES.get(name, ())):
            wanted = " ".join(f"{{{field}}}" for field in _BRACES.get(name, ())) or "nothing"
            raise DataError(
                f"{path}: sentence {name!r} is {sentence!r}; it must hold {wanted} in braces, once"
            )
    asks = {
        section: {
            name: _texts(path, f"{section} {name!r}", parts, count)
            for name, parts in _table(path, section, table[section]).items()
        }
        for section, count in _PARTS.items()
    }
    return Written(Sentences(**sentences), **asks)


def _names(
    tables: Mapping[str, tuple[Path, Mapping[str, object]]], section: str, ids: Sequence[str]
) -> dict[str, dict[str, str]]:
    """id -> language -> name; two ids of a section may not share a name in a language."""
    names: dict[str, dict[str, str]] = {name: {} for name in ids}
    for code, (path, table) in tables.items():
        given = _table(path, section, table[section], ids)
        _once(path, _texts(path, section, list(given.values())))
        for name, text in given.items():
            names[name][code] = str(text)
    return names


def _language(path: Path, code: object) -> str:
    if code not in LANGUAGES:
        raise DataError(f"{path}: origin {code!r} is no language; known: {', '.join(LANGUAGES)}")
    return str(code)


def _city(
    path: Path,
    row: Mapping[str, object],
    names: Mapping[str, Mapping[str, str]],
    divisions: Mapping[str, Place],
    country_of: Mapping[str, Place],
) -> City:
    city, division, asked = str(row["city"]), str(row["division"]), row["asked"]
    if division not in divisions:
        raise DataError(f"{path}: {city!r} lies in {division!r}, which no country has; add it to a country")
    if asked not in ("country", "division"):
        raise DataError(f"{path}: {city!r} asks for {asked!r}; ask for 'country' or 'division'")
    return City(
        city_id=city,
        names=names[city],
        division=divisions[division],
        country=country_of[division],
        origin=_language(path, row["origin"]),
        asked="country" if asked == "country" else "division",
    )


def _person(path: Path, row: Mapping[str, object], names: Mapping[str, Mapping[str, str]]) -> Person:
    person, born, died = str(row["person"]), row["born"], row["died"]
    if not isinstance(born, int) or not isinstance(died, int) or born < 1:
        raise DataError(f"{path}: {person!r} has years {born!r} and {died!r}; give whole numbers from 1 on")
    if not born + SHORTEST_LIFE <= died <= LATEST_DEATH:
        raise DataError(
            f"{path}: {person!r} lived from {born} to {died}; the sample takes who lived {SHORTEST_LIFE} years or"
            f" more and died in {LATEST_DEATH} or before, so that wrong years are possible ones"
        )
    return Person(person, names[person], _language(path, row["origin"]), born, died)
