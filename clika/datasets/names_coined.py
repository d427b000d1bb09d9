"""Coined names: three syllables that mean nothing, spelled by rule as each of the ten languages would.

A syllable is a consonant, a vowel and perhaps a closing consonant. Every name begins with a consonant, so
no language needs an elided article or preposition before it, and has a closing consonant somewhere, which
keeps it clear of the common words of the shape ``banana``. What is drawn are sounds; the languages of Latin
script spell them each in their own way (English ``sh`` is ``sch``, ``ch``, ``sc(i)``, ``sz``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clika.datasets.fictional_names import Draws

ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "sh", "ch", "y")
VOWELS = ("a", "e", "i", "o", "u")
CODAS = ("n", "r", "l", "s", "m")
SYLLABLES = 3

# Pairs that a language's spelling would read as one sound, or that double a letter.
_FORBIDDEN = {
    "n": frozenset({"n"}),
    "m": frozenset({"m"}),
    "r": frozenset({"r", "l", "z"}),  # Polish rz is one sound
    "l": frozenset({"l", "r"}),
    "s": frozenset({"s", "z", "sh", "ch"}),
}


@dataclass(frozen=True, slots=True)
class Syllable:
    """``onset`` of ONSETS, ``vowel`` of VOWELS, ``coda`` of CODAS or empty."""

    onset: str
    vowel: str
    coda: str


def coined_syllables(draws: Draws) -> tuple[Syllable, ...]:
    """The next three syllables of the stream that any of the ten languages can spell."""
    while True:
        drawn = tuple(_drawn_syllable(draws) for _ in range(SYLLABLES))
        if not any(syllable.coda for syllable in drawn):
            continue
        joints = pairwise(drawn)
        if any(left.coda and right.onset in _FORBIDDEN[left.coda] for left, right in joints):
            continue
        if any(syllable.onset == "y" and syllable.vowel == "i" for syllable in drawn):
            continue
        return drawn


def _drawn_syllable(draws: Draws) -> Syllable:
    onset = ONSETS[draws.below(len(ONSETS))]
    vowel = VOWELS[draws.below(len(VOWELS))]
    coda = CODAS[draws.below(len(CODAS))] if draws.below(5) < 2 else ""
    return Syllable(onset, vowel, coda)


def coined_names(draws: Draws) -> dict[str, str]:
    """Language -> name. Never spelled alike in English and another language: that would be no translation."""
    while True:
        syllables = coined_syllables(draws)
        names = {language: spell(syllables) for language, spell in SPELLINGS.items()}
        if all(names[language] != names["en"] for language in names if language != "en"):
            return names


def _english(syllables: Sequence[Syllable]) -> str:
    return "".join(s.onset + s.vowel + s.coda for s in syllables).capitalize()


def _german(syllables: Sequence[Syllable]) -> str:
    onsets = {"v": "w", "z": "s", "sh": "sch", "ch": "tsch", "y": "j"}
    written = ""
    for s in syllables:
        # Between vowels a single s would be read as z.
        onset = "ss" if s.onset == "s" and _ends_in_vowel(written) else onsets.get(s.onset, s.onset)
        written += onset + s.vowel + s.coda
    return written.capitalize()


def _french(syllables: Sequence[Syllable]) -> str:
    onsets = {"sh": "ch", "ch": "tch"}
    before_front = {"k": "qu", "g": "gu"}
    written = ""
    for s in syllables:
        onset = onsets.get(s.onset, s.onset)
        if s.onset in before_front:
            onset = before_front[s.onset] if s.vowel in "ei" else {"k": "c", "g": "g"}[s.onset]
        elif s.onset == "s" and _ends_in_vowel(written):
            onset = "ss"
        vowel = {"u": "ou", "e": "e" if s.coda else "é"}.get(s.vowel, s.vowel)
        written += onset + vowel + s.coda
    return written.capitalize()


def _italian(syllables: Sequence[Syllable]) -> str:
    front = {"k": "ch", "g": "gh", "sh": "sc", "ch": "c", "y": "j"}
    back = {"k": "c", "sh": "sci", "ch": "ci", "y": "j"}
    return "".join(
        (front if s.vowel in "ei" else back).get(s.onset, s.onset) + s.vowel + s.coda for s in syllables
    ).capitalize()


def _polish(syllables: Sequence[Syllable]) -> str:
    onsets = {"v": "w", "sh": "sz", "ch": "cz", "y": "j"}
    return "".join(
        onsets.get(s.onset, s.onset)
        + ("y" if s.vowel == "i" and s.onset in ("sh", "ch") else s.vowel)
        + s.coda
        for s in syllables
    ).capitalize()


_CYRILLIC = {
    "b": "б", "d": "д", "f": "ф", "g": "г", "k": "к", "l": "л", "m": "м", "n": "н", "p": "п", "r": "р",
    "s": "с", "t": "т", "v": "в", "z": "з", "sh": "ш", "ch": "ч",
    "a": "а", "e": "е", "i": "и", "o": "о", "u": "у", "": "",
}  # fmt: skip


def _russian(syllables: Sequence[Syllable]) -> str:
    written = ""
    for s in syllables:
        if s.onset == "y":
            # After a consonant the soft sign keeps the glide apart: Марья, каньон.
            softened = bool(written) and not _ends_in_vowel(written)
            glide = {"a": "я", "e": "е", "u": "ю", "o": "о" if softened else "йо"}[s.vowel]
            written += ("ь" if softened else "") + glide
        else:
            written += _CYRILLIC[s.onset] + _CYRILLIC[s.vowel]
        written += _CYRILLIC[s.coda]
    return written.capitalize()


def _ends_in_vowel(written: str) -> bool:
    return written[-1:] in frozenset("aeéiouаеиоуяю")


_ARABIC = {
    "b": "ب", "d": "د", "f": "ف", "g": "غ", "k": "ك", "l": "ل", "m": "م", "n": "ن", "p": "ب", "r": "ر",
    "s": "س", "t": "ت", "v": "ف", "z": "ز", "sh": "ش", "ch": "تش", "y": "ي",
    "a": "ا", "e": "ي", "i": "ي", "o": "و", "u": "و", "": "",
}  # fmt: skip


def _arabic(syllables: Sequence[Syllable]) -> str:
    return "".join(_ARABIC[s.onset] + _ARABIC[s.vowel] + _ARABIC[s.coda] for s in syllables)


_HEBREW = {
    "b": "ב", "d": "ד", "f": "פ", "g": "ג", "k": "ק", "l": "ל", "m": "מ", "n": "נ", "p": "פ", "r": "ר",
    "s": "ס", "t": "ט", "v": "ב", "z": "ז", "sh": "ש", "ch": "צ׳", "y": "י",
    "a": "א", "e": "", "i": "י", "o": "ו", "u": "ו", "": "",
}  # fmt: skip
_HEBREW_FINAL = {"מ": "ם", "נ": "ן"}


def _hebrew(syllables: Sequence[Syllable]) -> str:
    written = ""
    for place, s in enumerate(syllables):
        # An initial v is a vav, but not before o and u, which are vavs themselves.
        onset = "ו" if s.onset == "v" and place == 0 and s.vowel in "aei" else _HEBREW[s.onset]
        last = place == len(syllables) - 1
        vowel = "ה" if last and not s.coda and s.vowel in "ae" else _HEBREW[s.vowel]
        written += onset + vowel + _HEBREW[s.coda]
    return written[:-1] + _HEBREW_FINAL.get(written[-1], written[-1]) if syllables[-1].coda else written


_KATAKANA = {
    "b": "バ ベ ビ ボ ブ", "d": "ダ デ ディ ド ドゥ", "f": "ファ フェ フィ フォ フ", "g": "ガ ゲ ギ ゴ グ",
    "k": "カ ケ キ コ ク", "l": "ラ レ リ ロ ル", "m": "マ メ ミ モ ム", "n": "ナ ネ ニ ノ ヌ",
    "p": "パ ペ ピ ポ プ", "r": "ラ レ リ ロ ル", "s": "サ セ シ ソ ス", "t": "タ テ ティ ト トゥ",
    "v": "ヴァ ヴェ ヴィ ヴォ ヴ", "z": "ザ ゼ ジ ゾ ズ", "sh": "シャ シェ シ ショ シュ",
    "ch": "チャ チェ チ チョ チュ", "y": "ヤ イェ イ ヨ ユ",
}  # fmt: skip
_KATAKANA_CODA = {"n": "ン", "m": "ム", "r": "ル", "l": "ル", "s": "ス", "": ""}


def _japanese(syllables: Sequence[Syllable]) -> str:
    return "".join(
        _KATAKANA[s.onset].split()[VOWELS.index(s.vowel)] + _KATAKANA_CODA[s.coda] for s in syllables
    )


# Characters that the news agencies' transcription tables use for foreign names; the second five of a line
# are the syllables closed by n.
_CHINESE = {
    "b": "巴贝比博布班本宾邦本", "d": "达德迪多杜丹登丁东顿", "f": "法费菲福富凡芬芬丰丰",
    "g": "加格吉戈古甘根金贡贡", "k": "卡克基科库坎肯金孔昆", "l": "拉莱利洛卢兰伦林隆伦",
    "m": "马梅米莫穆曼门明蒙蒙", "n": "纳内尼诺努南嫩宁农农", "p": "帕佩皮波普潘彭平蓬蓬",
    "r": "拉雷里罗鲁兰伦林龙伦", "s": "萨塞西索苏桑森辛松孙", "t": "塔特蒂托图坦滕廷通通",
    "v": "瓦韦维沃武万文温翁文", "z": "扎泽齐佐祖赞曾津宗尊", "sh": "沙谢希绍舒尚申欣雄顺",
    "ch": "查切奇乔丘昌琴钦琼春", "y": "亚耶伊约尤扬延因永云",
}  # fmt: skip
_CHINESE_CODA = {"m": "姆", "r": "尔", "l": "尔", "s": "斯"}


def _chinese(syllables: Sequence[Syllable]) -> str:
    written = ""
    for s in syllables:
        column = VOWELS.index(s.vowel) + (len(VOWELS) if s.coda == "n" else 0)
        written += _CHINESE[s.onset][column] + _CHINESE_CODA.get(s.coda, "")
    return written


SPELLINGS: dict[str, Callable[[Sequence[Syllable]], str]] = {
    "en": _english,
    "de": _german,
    "fr": _french,
    "it": _italian,
    "pl": _polish,
    "ru": _russian,
    "ar": _arabic,
    "he": _hebrew,
    "ja": _japanese,
    "zh": _chinese,
}
