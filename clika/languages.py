"""The languages that questions are asked in: the one place where a language is added.

``LANGUAGES`` keeps the order in which the paper's tables and our heatmaps show them.
"""

from dataclasses import dataclass
from enum import StrEnum

from clika.errors import UsageError


class Direction(StrEnum):
    """Writing direction, as HTML's ``dir`` attribute spells it."""

    LEFT_TO_RIGHT = "ltr"
    RIGHT_TO_LEFT = "rtl"


@dataclass(frozen=True, slots=True)
class Language:
    """One language: ISO 639-1 code, English name, its own name, family, direction, other spellings."""

    code: str
    name: str
    own_name: str
    family: str
    direction: Direction = Direction.LEFT_TO_RIGHT
    aliases: tuple[str, ...] = ()


_RTL = Direction.RIGHT_TO_LEFT

LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("en", "English", "English", "Germanic", aliases=("eng", "english")),
        Language("de", "German", "Deutsch", "Germanic", aliases=("deu", "ger", "german")),
        Language("fr", "French", "français", "Romance", aliases=("fra", "fre", "french")),
        Language("it", "Italian", "italiano", "Romance", aliases=("ita", "italian")),
        Language("pl", "Polish", "polski", "Slavic", aliases=("pol", "polish")),
        Language("ru", "Russian", "русский", "Slavic", aliases=("rus", "russian")),
        Language("ar", "Arabic", "العربية", "Semitic", _RTL, ("ara", "arabic")),
        Language("he", "Hebrew", "עברית", "Semitic", _RTL, ("heb", "iw", "hebrew")),
        Language("ja", "Japanese", "日本語", "Japonic", aliases=("jpn", "jap", "jp", "japanese")),
        Language("zh", "Chinese", "中文", "Sinitic", aliases=("zho", "chi", "cn", "zh-cn", "chinese")),
    )
}

ENGLISH = "en"

_BY_SPELLING = {
    spelling: language.code
    for language in LANGUAGES.values()
    for spelling in (language.code, *language.aliases)
}


def language_code(spelling: str) -> str:
    """The code of a language however a person or a folder spells it: ``ZH_trans`` and ``Zh`` give ``zh``.

    Raises UsageError for a spelling that no language has.
    """
    folded = spelling.strip().lower().removesuffix("_trans")
    code = _BY_SPELLING.get(folded)
    if code is None:
        raise UsageError(f"unknown language {spelling!r}; known: {', '.join(sorted(LANGUAGES))}")
    return code


def language_codes(spellings: str) -> tuple[str, ...]:
    """The codes of a comma-separated list, or of ``all``, in the order of LANGUAGES, each once.

    Raises UsageError for an unknown or an empty list.
    """
    if spellings.strip().lower() == "all":
        return tuple(LANGUAGES)
    wanted = {language_code(part) for part in spellings.split(",") if part.strip()}
    if not wanted:
        raise UsageError(f"no language in {spellings!r}; give 'all' or codes such as en,de,zh")
    return tuple(code for code in LANGUAGES if code in wanted)
