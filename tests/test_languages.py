"""One language has many spellings, and nobody guesses."""

import pytest

from clika.errors import UsageError
from clika.languages import LANGUAGES, language_code, language_codes


@pytest.mark.parametrize(
    ("spelling", "code"),
    [("ZH_trans", "zh"), ("DE", "de"), ("zh", "zh"), ("ar_trans", "ar"), (" German ", "de"), ("iw", "he")],
)
def test_every_spelling_of_the_release_finds_its_language(spelling: str, code: str) -> None:
    assert language_code(spelling) == code


def test_an_unknown_language_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"unknown language 'klingon'; known: ar, de, en"):
        language_code("klingon")


def test_a_list_is_put_in_order_and_each_language_stands_once() -> None:
    assert language_codes("zh,en,ZH_trans") == ("en", "zh")
    assert language_codes("all") == tuple(LANGUAGES)
    with pytest.raises(UsageError, match="no language"):
        language_codes(" , ")


def test_no_spelling_belongs_to_two_languages() -> None:
    spellings = [s for language in LANGUAGES.values() for s in (language.code, *language.aliases)]
    assert len(spellings) == len(set(spellings))
