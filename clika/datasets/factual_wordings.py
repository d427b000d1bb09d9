"""How a question about a fact is asked in each language: the sample's sentences, or a user's own file.

    [sw]
    country = "Jiji la {city} liko katika nchi gani?"
    division = "…{city}…"
    born = "…{person}…"
    died = "…{person}…"
    year = "{year}"
    countries = ["Q924", "Q114"]      # optional: the main countries, as Wikidata's items

A sentence that nobody wrote is not invented: a language that the sample does not have needs all five.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from clika.datasets.sample_files import read_sample_files
from clika.errors import UsageError

_FIELDS = {"country": "city", "division": "city", "born": "person", "died": "person", "year": "year"}

MAIN_COUNTRIES: dict[str, tuple[str, ...]] = {
    "en": ("Q30", "Q145", "Q408", "Q664"),
    "de": ("Q183", "Q40"),
    "fr": ("Q142",),
    "it": ("Q38",),
    "pl": ("Q36",),
    "ru": ("Q159",),
    "ar": ("Q79", "Q851", "Q796", "Q1028", "Q262"),
    "he": ("Q801",),
    "ja": ("Q17",),
    "zh": ("Q148",),
}
"""Wikidata's items: countries that stand for one of the ten languages alone. Others are asked of Wikidata."""


@dataclass(frozen=True, slots=True)
class FactualWording:
    """One language's sentences, and its main countries where somebody named them (Wikidata's items).

    ``country`` and ``division`` hold ``{city}``, ``born`` and ``died`` hold ``{person}``; ``year`` is how an
    option writes a ``{year}``.
    """

    country: str
    division: str
    born: str
    died: str
    year: str
    countries: tuple[str, ...] = ()


def factual_wordings(languages: Sequence[str], file: Path | None) -> dict[str, FactualWording]:
    """The wording of each language. Raises UsageError for a language that has none, or a file at fault."""
    given = {} if file is None else _read(file)
    written = read_sample_files().written
    found = {}
    for language in languages:
        sentences = written[language].sentences if language in written else None
        table = given.get(language, {})
        values = {name: table.get(name, getattr(sentences, name, None)) for name in _FIELDS}
        missing = [name for name, value in values.items() if value is None]
        if missing:
            raise UsageError(
                f"no question sentences in {language!r} ({', '.join(missing)}); known are those in"
                f" {', '.join(written)}: write them under [{language}] in a TOML file and give it with --wordings"
            )
        countries = table.get("countries", MAIN_COUNTRIES.get(language, ()))
        texts = {name: _sentence(language, name, value) for name, value in values.items()}
        found[language] = FactualWording(**texts, countries=_countries(language, countries))
    return found


def _read(file: Path) -> Mapping[str, Mapping[str, object]]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); check --wordings") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: no TOML ({error}); mend it") from error
    known = {*_FIELDS, "countries"}
    for language, table in tables.items():
        if not isinstance(table, dict):
            raise UsageError(f"{file}: {language!r} stands outside a table; write it under [language]")
        for name in table.keys() - known:
            raise UsageError(f"{file}, [{language}]: unknown key {name!r}; known: {', '.join(sorted(known))}")
    return tables


def _sentence(language: str, name: str, value: object) -> str:
    wanted = {_FIELDS[name]}
    try:
        braces = {field for _, field, *_ in Formatter().parse(str(value)) if field is not None}
    except ValueError:
        braces = set()
    if not isinstance(value, str) or braces != wanted:
        raise UsageError(
            f"[{language}] {name} is {value!r}; it must be a text with {{{_FIELDS[name]}}} and no other"
        )
    return value


def _countries(language: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(re.fullmatch(r"Q[0-9]+", str(one)) for one in value):
        raise UsageError(f'[{language}] countries is {value!r}; write Wikidata\'s items, such as ["Q924"]')
    return tuple(map(str, value))
