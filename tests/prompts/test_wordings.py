"""Every language says all of it, in its own script and punctuation, and in plain text."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import fields

import pytest

from clika.languages import LANGUAGES
from clika.prompts.wordings import NO_BREAK, NUMBER_OPTIONS, WORDINGS, Wording

SCRIPTS = {
    "ru": "CYRILLIC",
    "ar": "ARABIC",
    "he": "HEBREW",
    "ja": "CJK|HIRAGANA|KATAKANA|IDEOGRAPHIC",
    "zh": "CJK",
}
BIDI_CONTROLS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def texts(value: object) -> Iterator[str]:
    """All the texts of a wording, however deep."""
    if isinstance(value, Wording):
        for field in fields(value):
            yield from texts(getattr(value, field.name))
    elif isinstance(value, tuple):
        for part in value:
            yield from texts(part)
    else:
        assert isinstance(value, str)
        yield value


def test_every_language_has_words_for_everything() -> None:
    assert list(WORDINGS) == list(LANGUAGES)
    for wording in WORDINGS.values():
        assert (len(wording.numbers), len(wording.scenes)) == (5, 5)
        found = list(texts(wording))
        assert all(text == text.strip() and text for text in found)
        assert len(set(found)) == len(found), "a text stands twice"


@pytest.mark.parametrize("code", LANGUAGES)
def test_texts_are_plain_and_composed(code: str) -> None:
    for text in texts(WORDINGS[code]):
        assert not BIDI_CONTROLS.search(text)
        assert unicodedata.normalize("NFC", text) == text
        assert "  " not in text


@pytest.mark.parametrize("code", SCRIPTS)
def test_letters_are_of_the_languages_own_script(code: str) -> None:
    for text in texts(WORDINGS[code]):
        for character in text:
            if character.isalpha():
                assert re.match(SCRIPTS[code], unicodedata.name(character)), f"{character!r} in {text!r}"


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code not in SCRIPTS])
def test_letters_of_the_others_are_latin(code: str) -> None:
    for text in texts(WORDINGS[code]):
        assert all(unicodedata.name(letter).startswith("LATIN") for letter in text if letter.isalpha())


def test_punctuation_is_the_languages_own() -> None:
    for text in texts(WORDINGS["fr"]):
        for mark in re.finditer("[:;?!]", text):
            assert text[mark.start() - 1] == NO_BREAK, text
    for code in ("ja", "zh"):
        assert not any(re.search("[.,:;?!]", text) for text in texts(WORDINGS[code]))
    assert not any(re.search("[,;?]", text) for text in texts(WORDINGS["ar"]))


@pytest.mark.parametrize("code", LANGUAGES)
def test_questions_end_in_a_question_mark_and_labels_in_a_colon(code: str) -> None:
    wording = WORDINGS[code]
    assert all(text[-1] in "?？؟" for text in (*wording.numbers, wording.cause, wording.effect))
    labels = (wording.question_label, wording.answer_label, wording.premise_label)
    assert all(text[-1] in ":：" for text in labels)


def test_number_options_suffice_for_every_letter_and_differ() -> None:
    for answer, others in NUMBER_OPTIONS:
        assert len(others) == 25
        assert len({answer, *others}) == 26
        assert all(option.isascii() and option.isdecimal() for option in (answer, *others))
