"""One language has many spellings, and nobody guesses."""

import pytest

from clika.errors import UsageError
from clika.languages import ALL_LANGUAGES, LANGUAGES, language_code, language_codes


@pytest.mark.parametrize(
    ("spelling", "code"),
    [("ZH_trans", "zh"), ("DE", "de"), ("zh", "zh"), ("ar_trans", "ar"), (" German ", "de"), ("iw", "he")],
)
def test_every_spelling_of_the_release_finds_its_language(spelling: str, code: str) -> None:
    assert language_code(spelling) == code


def test_an_unknown_language_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match=r"unknown language 'klingon'; known: ar, bg, bn"):
        language_code("klingon")


def test_a_list_is_put_in_order_and_each_language_stands_once() -> None:
    assert language_codes("zh,en,ZH_trans") == ("en", "zh")
    assert language_codes("all") == tuple(LANGUAGES)
    with pytest.raises(UsageError, match="no language"):
        language_codes(" , ")


def test_no_spelling_belongs_to_two_languages() -> None:
    spellings = [s for language in ALL_LANGUAGES.values() for s in (language.code, *language.aliases)]
    assert len(spellings) == len(set(spellings))


def test_a_language_beyond_the_ten_stands_after_them_and_all_means_the_ten() -> None:
    assert language_codes("sw,zh,es,en") == ("en", "zh", "es", "sw")
    assert list(ALL_LANGUAGES)[:10] == list(LANGUAGES) == list(language_codes("all"))
    assert [code for code, one in ALL_LANGUAGES.items() if one.direction == "rtl"] == ["ar", "he", "fa", "ur"]
