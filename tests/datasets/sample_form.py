"""What the form of a question's options gives away, and in what letters and words it is written.

The rule: a strategy that sees only the options' form (their length, what signs and scripts they hold, how
they begin and end) points at one option wherever one stands out. Over a data set in a language its hits must
lie within chance: the probability of as many (or of as few) by guessing is at least LIMIT.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from clika.records import Question

LIMIT = 0.01
"""The least probability, one-sided, that chance alone gives so many or so few hits."""

Form = Callable[[str], float]

FORMS: dict[str, Form] = {
    "length": len,
    "words": lambda option: len(option.split()),
    "bytes": lambda option: len(option.encode()),
    "hyphens": lambda option: len(re.findall(r"[-‐–—＝・·]", option)),
    "apostrophes": lambda option: len(re.findall(r"['’׳]", option)),
    "brackets": lambda option: len(re.findall(r"[()（）\[\]]", option)),
    "commas": lambda option: len(re.findall(r"[,،、，;]", option)),
    "digits": lambda option: sum(letter.isdigit() for letter in option),
    "capitals": lambda option: sum(letter.isupper() for letter in option),
    "small first letter": lambda option: option[0].islower(),
    "accents": lambda option: sum(
        unicodedata.category(mark) == "Mn" for mark in unicodedata.normalize("NFD", option)
    ),
    "scripts": lambda option: len(scripts(option)),
    "Katakana": lambda option: "KATAKANA" in scripts(option),
    "Hiragana": lambda option: "HIRAGANA" in scripts(option),
    "Chinese characters": lambda option: "CJK" in scripts(option),
    "Arabic article": lambda option: option.startswith("ال"),
}

SCRIPTS = {
    "en": {"LATIN"},
    "de": {"LATIN"},
    "fr": {"LATIN"},
    "it": {"LATIN"},
    "pl": {"LATIN"},
    "ru": {"CYRILLIC"},
    "ar": {"ARABIC"},
    "he": {"HEBREW"},
    "ja": {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK", "IDEOGRAPHIC"},  # the last: 々
    "zh": {"CJK"},
}
NAME_LETTERS = {"ru": r"[а-яё]", "ar": r"[\u0621-\u063a\u0641-\u0652]", "he": r"[א-ת]"}
"""The letters of a language, where foreign names are written in them too."""
SENTENCE_LETTERS = {
    "en": r"[a-z]",
    "de": r"[a-zäöüß]",
    "fr": r"[a-zàâæçéèêëîïôœùûü]",
    "it": r"[a-zàèéìòù]",
    "pl": r"[a-pr-uwyząćęłńóśźż]",
}
"""The letters of a language's own words; its foreign names may hold others."""
CHARACTER_SETS = {"ja": "cp932", "zh": "gb2312"}
"""What tells Japanese, simplified and traditional characters apart: an encoding that lacks the others'."""
JAPANESE_NAMES = "樋"  # written so in Chinese too
ROMAN_NUMERAL = re.compile(r"\b[IVX]+\b")
ENGLISH_WORDS = {
    "the",
    "of",
    "which",
    "what",
    "does",
    "with",
    "they",
    "for",
    "had",
    "his",
    "her",
    "is",
    "and",
}
ALIKE = {
    "de": {"aluminium", "bank", "garage", "hammer", "horn", "talent", "toaster"},
    "fr": {"aluminium", "courage", "direction", "garage", "glacier", "patience", "prison", "talent"},
    "it": {"garage"},
    "pl": {"aluminium", "bank", "ocean", "talent"},
}
"""Options that are the same word in English, each looked at."""


def scripts(text: str) -> set[str]:
    """The scripts of the letters in ``text``, by their Unicode names."""
    return {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()}


def tail(hits: int, chances: Sequence[float]) -> tuple[float, float]:
    """(probability of at least, of at most) so many hits where question k is hit with chance k."""
    spread = [1.0]
    for chance in chances:
        spread = [
            (spread[count] if count < len(spread) else 0.0) * (1 - chance)
            + (spread[count - 1] * chance if count else 0.0)
            for count in range(len(spread) + 1)
        ]
    return sum(spread[hits:]), sum(spread[: hits + 1])


def given_away(questions: Iterable[Question]) -> list[str]:
    """A sentence for each form that points at the right options, or away from them, beyond chance."""
    groups: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        groups[question.dataset, question.language].append(question)
    found = []
    for (dataset, language), group in groups.items():
        for name, form in FORMS.items():
            for most, which in ((True, "most"), (False, "least")):
                pointed = [(question, outstanding(question.choices, form, most)) for question in group]
                hits = [
                    (q.answer_index == place, 1 / len(q.choices)) for q, place in pointed if place is not None
                ]
                many, few = tail(sum(hit for hit, _ in hits), [chance for _, chance in hits])
                if min(many, few) < LIMIT:
                    found.append(
                        f"{dataset} in {language}: the option with the {which} {name} is right in"
                        f" {sum(hit for hit, _ in hits)} of {len(hits)}"
                    )
    return found


def outstanding(options: Sequence[str], form: Form, most: bool) -> int | None:
    """The place of the one option with the most (or least) of a form; None where none stands alone."""
    values = [form(option) for option in options]
    best = max(values) if most else min(values)
    return values.index(best) if values.count(best) == 1 else None


def texts(question: Question) -> list[str]:
    """All that is written in a question."""
    return [*([question.premise] if question.premise else []), question.text, *question.choices]


def wrong_letters(question: Question) -> list[str]:
    """A sentence for each text that holds a letter which its language does not write."""
    language = question.language
    letters = NAME_LETTERS.get(language)
    if question.dataset in ("xcopa", "xcsqa"):
        letters = letters or SENTENCE_LETTERS.get(language)
    found = []
    for text in texts(question):
        wrong = {
            letter
            for letter in ROMAN_NUMERAL.sub("", text)
            if letter.isalpha()
            and letter not in JAPANESE_NAMES
            and (
                not scripts(letter) <= SCRIPTS[language]
                or (letters is not None and not re.fullmatch(letters, letter.lower()))
                or (language in CHARACTER_SETS and not encodes(letter, CHARACTER_SETS[language]))
            )
        }
        if wrong:
            found.append(f"{question.question_id} in {language}: {sorted(wrong)} in {text!r}")
    if language == "ja" and "HIRAGANA" not in scripts(question.text):
        found.append(f"{question.question_id}: no Hiragana in {question.text!r}")
    return found


def encodes(letter: str, encoding: str) -> bool:
    """Whether an encoding has a letter."""
    try:
        letter.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def leftover_english(questions: Iterable[Question]) -> list[str]:
    """A sentence for each English word, and for each text that is the English one, names aside."""
    questions = list(questions)
    english = {(q.dataset, q.question_id): q for q in questions if q.language == "en"}
    found = []
    for question in questions:
        if question.language == "en":
            continue
        original = english[question.dataset, question.question_id]
        words = {word for text in texts(question) for word in re.findall(r"\w+", text.casefold())}
        if words & ENGLISH_WORDS:
            found.append(f"{question.question_id} in {question.language}: {words & ENGLISH_WORDS}")
        if question.text == original.text or (question.premise and question.premise == original.premise):
            found.append(f"{question.question_id} in {question.language}: the English sentence")
        if question.dataset in ("xcopa", "xcsqa"):
            same = {option.casefold() for option in question.choices} & {
                option.casefold() for option in original.choices
            }
            if same - ALIKE.get(question.language, set()):
                found.append(f"{question.question_id} in {question.language}: {same} as in English")
    return found


def shared_beginnings(question: Question) -> list[str]:
    """Whether the right option of a concept, and no wrong one, shares a word with its question.

    Words are the same when their first four letters are; in Japanese and Chinese one character is enough.
    """
    if question.dataset != "xcsqa":
        return []
    shared = [
        beginnings(option, question.language) & beginnings(question.text, question.language)
        for option in question.choices
    ]
    right = shared[question.answer_index]
    if right and sum(map(bool, shared)) == 1:
        return [f"{question.question_id} in {question.language}: {right}"]
    return []


def beginnings(text: str, language: str) -> set[str]:
    """What the words of a text begin with."""
    if language in ("ja", "zh"):
        return {letter for letter in text if letter.isalpha() and scripts(letter) == {"CJK"}}
    return {word[:4] for word in re.findall(r"\w{4,}", text.casefold())}
