"""Fictional worlds: places on continents (two hops) or cities with founding years (one hop), from a seed.

What is taught of them exists nowhere else, so no answer can come from anywhere but the teaching. One seed,
style and size give one world on every machine and in every version of Python; another seed gives a fresh
world. In a world of two hops the answer has a name in each language; a founding year is the same in all,
which leaves only the city's name to be carried across.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from clika.datasets import names_described
from clika.datasets.fictional_names import Draws, NameRegister, name_key
from clika.datasets.names_coined import coined_names
from clika.errors import UsageError
from clika.languages import LANGUAGES

FIRST_YEAR, YEARS = 1001, 999
"""Founding years are drawn from 1001 to 1999: four digits that Italian gives one article."""
MOST_NAMES = 20_000

_STREAM = "clika fictional world 1"


class WorldKind(StrEnum):
    """What a place is asked for: the continent it lies on, or the year it was founded in."""

    CONTINENTS = "continents"
    FOUNDING_YEARS = "founding_years"


class NameStyle(StrEnum):
    """``coined``: syllables without meaning. ``described``: adjective + landform, by each grammar."""

    COINED = "coined"
    DESCRIBED = "described"


@dataclass(frozen=True, slots=True)
class WorldShape:
    """How much there is of a world: all that the number of its samples depends on.

    ``candidates`` is the number of possible answers, ``taught`` that of the places whose answer a
    language X is taught too; the other places are held out.
    """

    kind: WorldKind
    candidates: int
    places: int
    taught: int

    @property
    def names(self) -> int:
        """How many names are translated: the places', and the continents'; a year needs no translation."""
        return self.places + (self.candidates if self.kind is WorldKind.CONTINENTS else 0)

    @property
    def chance(self) -> float:
        """p, the share that guessing gets right: 1 / candidates."""
        return 1 / self.candidates


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What a world is made from; the defaults are the paper's sizes.

    ``places`` is the number on each continent (in a one-hop world the cities founded in each year) and
    ``taught`` the number of them that X is taught, half of them where it is None. Raises UsageError for
    sizes that make no world, and for described names in a one-hop world: nobody founded a valley.
    """

    seed: int
    continents: int = 20
    places: int = 20
    taught: int | None = None
    style: NameStyle = NameStyle.COINED
    kind: WorldKind = WorldKind.CONTINENTS

    def __post_init__(self) -> None:
        for name, size in (("continents", self.continents), ("places", self.places)):
            if size < 2:
                raise UsageError(f"{size} {name}: a world has at least 2; give more")
        if not 1 <= self.taught_each < self.places:
            raise UsageError(
                f"{self.taught} of {self.places} places taught: at least 1 must be taught and 1 held out"
            )
        if self.shape.names > MOST_NAMES:
            raise UsageError(f"{self.shape.names} names: a world has at most {MOST_NAMES}; make it smaller")
        if self.kind is WorldKind.FOUNDING_YEARS:
            if self.style is not NameStyle.COINED:
                raise UsageError(
                    f"style {str(self.style)!r} in a one-hop world: described names are landforms, which"
                    f" nobody founded; use style 'coined'"
                )
            if self.continents > YEARS:
                raise UsageError(f"{self.continents} founding years: there are {YEARS}; give fewer")
        elif self.style is NameStyle.DESCRIBED:
            for name, wanted, most in (
                ("continents", self.continents, names_described.CONTINENTS),
                ("places in all", self.continents * self.places, names_described.PLACES),
            ):
                if wanted > most:
                    raise UsageError(
                        f"{wanted} {name}: described names are enough for {most}; give fewer, or style 'coined'"
                    )

    @property
    def taught_each(self) -> int:
        """How many places of each continent X is taught."""
        return self.places // 2 if self.taught is None else self.taught

    @property
    def shape(self) -> WorldShape:
        """The world's shape, known before it is made."""
        return WorldShape(
            self.kind, self.continents, self.continents * self.places, self.continents * self.taught_each
        )


@dataclass(frozen=True, slots=True)
class Place:
    """``place_id`` is the same in every language; ``names`` maps language to name.

    ``answer_index`` is the 0-based candidate that is true of it. ``taught`` places are asked about in X
    during the tuning, the others are held out.
    """

    place_id: str
    names: Mapping[str, str]
    answer_index: int
    taught: bool


@dataclass(frozen=True, slots=True)
class World:
    """Candidates (continents' names, or years, by language) and the places they are true of."""

    kind: WorldKind
    languages: tuple[str, ...]
    candidates: tuple[Mapping[str, str], ...]
    places: tuple[Place, ...]

    @property
    def shape(self) -> WorldShape:
        """How much there is of it."""
        taught = sum(place.taught for place in self.places)
        return WorldShape(self.kind, len(self.candidates), len(self.places), taught)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that change with any name, answer or half."""
        made_of = {
            "kind": str(self.kind),
            "languages": self.languages,
            "candidates": [dict(names) for names in self.candidates],
            "places": [[p.place_id, dict(p.names), p.answer_index, p.taught] for p in self.places],
        }
        canonical = json.dumps(made_of, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def ambiguous(self, language: str) -> frozenset[str]:
        """The ids of the places whose name in ``language`` stands for another place too.

        No world made here has any; the authors' has. Such a name cannot be asked about.
        """
        keys = [name_key(place.names[language]) for place in self.places]
        counts = Counter(keys)
        return frozenset(p.place_id for p, key in zip(self.places, keys, strict=True) if counts[key] > 1)


def made_world(settings: WorldSettings, taken: frozenset[str] = frozenset()) -> World:
    """The world of these settings, the same everywhere.

    ``taken`` are names that no place may have (real places, in any language). A place's id is its number
    in the order continent by continent; the first ``taught`` places of each continent are the taught half.
    Raises UsageError where ``taken`` leaves too few described names.
    """
    draws = Draws(f"{_STREAM}/{settings.kind}/{settings.style}/{settings.seed}")
    register = NameRegister(taken)
    shape = settings.shape
    if settings.kind is WorldKind.FOUNDING_YEARS:
        candidates = [
            dict.fromkeys(LANGUAGES, str(FIRST_YEAR + year)) for year in draws.sample(YEARS, shape.candidates)
        ]
    else:
        candidates = _free_names(draws, register, settings.style, shape.candidates, continents=True)
    names = _free_names(draws, register, settings.style, shape.places, continents=False)
    places = tuple(
        Place(str(number), own, number // settings.places, number % settings.places < settings.taught_each)
        for number, own in enumerate(names)
    )
    return World(settings.kind, tuple(LANGUAGES), tuple(candidates), places)


def _free_names(
    draws: Draws, register: NameRegister, style: NameStyle, count: int, continents: bool
) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    if style is NameStyle.COINED:
        while len(found) < count:
            names = coined_names(draws)
            if register.accepts(names, continents):
                found.append(names)
        return found
    named = names_described.continent_names if continents else names_described.place_names
    most = names_described.CONTINENTS if continents else names_described.PLACES
    for number in draws.sample(most, most):
        names = named(number)
        if len(found) < count and register.accepts(names, continents):
            found.append(names)
    if len(found) < count:
        raise UsageError(
            f"{count} described names: only {len(found)} of {most} are free of the names taken; make the"
            f" world smaller, or use style 'coined'"
        )
    return found
