"""Described names: an adjective and a landform, put together as each language does it.

A place's name is the subject of every sentence it stands in, so it is made in the nominative, with the
article where the language's own place names have one ("das Stille Tal", "la vallée Silencieuse"). A
continent's name stands beside the word continent and has no article ("auf dem Kontinent Stille Welt"); German
then puts the adjective's ending on the adjective itself ("Stilles Königreich").
"""

from clika.datasets.described_words import ADJECTIVES, LANDFORMS, REALMS, Adjective, Gender, Noun
from clika.languages import LANGUAGES

_LANGUAGES_WITH_GENDER = ("de", "fr", "it", "pl", "ru", "ar", "he")

PLACES = len(ADJECTIVES) * len(LANDFORMS)
"""How many places can have a name of their own."""
CONTINENTS = len(ADJECTIVES) * len(REALMS)
"""How many continents can."""


def place_names(number: int) -> dict[str, str]:
    """Language -> the name of the ``number``th (0-based, below PLACES) place."""
    adjective, noun = ADJECTIVES[number // len(LANDFORMS)], LANDFORMS[number % len(LANDFORMS)]
    return _ordered(adjective, noun) | {
        "de": _joined(noun.german, adjective.german),
        "fr": f"{noun.french} {_french(adjective.french, _gender(noun, 'fr'))}",
        "it": f"{noun.italian} {_italian(adjective.italian, _gender(noun, 'it'))}",
        "ru": f"{_russian(adjective.russian, _gender(noun, 'ru'))} {noun.russian}",
    }


def continent_names(number: int) -> dict[str, str]:
    """Language -> the name of the ``number``th (0-based, below CONTINENTS) continent."""
    adjective, noun = ADJECTIVES[number // len(REALMS)], REALMS[number % len(REALMS)]
    return _ordered(adjective, noun) | {
        "de": f"{_german_strong(adjective.german, _gender(noun, 'de'))} {_bare(noun.german)}",
        "fr": f"{_bare(noun.french).capitalize()} {_french(adjective.french, _gender(noun, 'fr')).lower()}",
        "it": f"{_bare(noun.italian)} {_italian(adjective.italian, _gender(noun, 'it'))}",
        "ru": f"{_russian(adjective.russian, _gender(noun, 'ru'))} {noun.russian.capitalize()}",
    }


def _ordered(adjective: Adjective, noun: Noun) -> dict[str, str]:
    """All languages in LANGUAGES' order, with the names of those that name a place and a continent alike."""
    feminine = _gender(noun, "he") is Gender.FEMININE
    return dict.fromkeys(LANGUAGES, "") | {
        "en": f"{adjective.english} {noun.english}",
        "pl": f"{_polish(adjective.polish, _gender(noun, 'pl'))} {noun.polish}",
        "ar": f"{noun.arabic} {_arabic(adjective.arabic, _gender(noun, 'ar'))}",
        "he": f"{noun.hebrew} {adjective.hebrew_feminine if feminine else adjective.hebrew}",
        "ja": adjective.japanese + noun.japanese,
        "zh": adjective.chinese + noun.chinese,
    }


def _gender(noun: Noun, language: str) -> Gender:
    return Gender(noun.genders[_LANGUAGES_WITH_GENDER.index(language)])


def _joined(noun_with_article: str, adjective: str) -> str:
    """German: the adjective between article and noun. After the article it ends in -e in every gender."""
    article, noun = noun_with_article.split(" ")
    return f"{article} {adjective} {noun}"


def _bare(noun_with_article: str) -> str:
    return noun_with_article.replace("'", " ").rpartition(" ")[2]


def _german_strong(weak: str, gender: Gender) -> str:
    return weak + {Gender.MASCULINE: "r", Gender.FEMININE: "", Gender.NEUTER: "s"}[gender]


def _french(masculine: str, gender: Gender) -> str:
    if gender is not Gender.FEMININE or masculine.endswith("e"):
        return masculine
    for ending, feminine in (("eux", "euse"), ("eur", "euse"), ("er", "ère"), ("el", "elle"), ("et", "ette")):
        if masculine.endswith(ending):
            return masculine.removesuffix(ending) + feminine
    return masculine + "e"


def _italian(masculine: str, gender: Gender) -> str:
    return masculine[:-1] + "a" if gender is Gender.FEMININE and masculine.endswith("o") else masculine


def _polish(masculine: str, gender: Gender) -> str:
    if gender is Gender.MASCULINE:
        return masculine
    if gender is Gender.FEMININE:
        return masculine[:-1] + "a"
    return masculine[:-1] + ("ie" if masculine.endswith("i") else "e")


def _russian(masculine: str, gender: Gender) -> str:
    if gender is Gender.MASCULINE:
        return masculine
    stem, ending = masculine[:-2], masculine[-2:]
    if ending in ("ый", "ой") or stem[-1] in "гкх":
        endings = ("ая", "ое")
    elif stem[-1] in "шщжч":
        endings = ("ая", "ее")
    else:
        endings = ("яя", "ее")
    return stem + endings[gender is Gender.NEUTER]


def _arabic(masculine: str, gender: Gender) -> str:
    return masculine + "ة" if gender is Gender.FEMININE else masculine
