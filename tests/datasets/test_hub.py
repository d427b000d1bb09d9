"""XCOPA with English COPA, and X-CSQA, from copies laid out as on the Hub: joined, parallel, coverage said."""

from pathlib import Path

import pytest

from clika.cli import main
from clika.datasets.hub import hub_set
from clika.errors import DataError, UsageError
from clika.records import Kind
from tests.datasets.hub_copies import copies

pytest.importorskip("datasets", reason="the library datasets is not installed (pip install 'clika[hub]')")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library keeps what it read: in this test's folder, and it asks no network."""
    import datasets.config

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("first_id", [1, 501])
def test_xcopa_is_joined_with_english_copa_however_that_numbers_its_items(
    tmp_path: Path, first_id: int
) -> None:
    found = hub_set("xcopa", "hub", None, copies(tmp_path, first_id=first_id))
    assert found.languages == ("en", "it", "zh")
    assert found.missing == ("de", "fr", "pl", "ru", "ar", "he", "ja")
    assert found.beyond == ("sw",)
    # of twenty items one has another answer in Chinese: it is in none of the languages
    assert found.left_out == {"another answer in another language": 1}
    assert len(found.questions) == 19 * 3
    first = {
        one.language: one for one in found.questions if one.premise and one.premise.startswith("premise 1 ")
    }
    assert {one.question_id for one in first.values()} == {str(first_id)}
    assert first["en"].choices == ("first 1 en", "second 1 en")
    assert first["it"].choices == ("first 1 it", "second 1 it")
    assert {one.kind for one in first.values()} == {Kind.CAUSE}
    assert first["zh"].text != first["it"].text  # each language asks in its own words


def test_copies_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"20 items do not fit pkavumba/balanced-copa's 20 by number"):
        hub_set("xcopa", "hub", ("en", "it"), copies(tmp_path, shuffled_english=True))


def test_xcsqa_holds_the_items_that_are_in_every_language_asked_for(tmp_path: Path) -> None:
    found = hub_set("xcsqa", "hub", ("en", "de", "he", "ja"), copies(tmp_path))
    assert (found.languages, found.missing, found.beyond) == (("en", "de", "ja"), ("he",), ())
    assert found.left_out == {"not in every language": 1}
    assert len(found.questions) == 19 * 3
    asked = next(one for one in found.questions if (one.question_id, one.language) == ("id4", "ja"))
    assert asked.text == "stem 4 jap"
    assert asked.choices[asked.answer_index] == "e 4 jap"  # 4 % 5 = 4, the fifth


def test_the_command_says_what_is_covered_and_stores_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "fetch",
        "xcopa",
        "xcsqa",
        "--from",
        str(copies(tmp_path)),
        "--store",
        str(tmp_path / "store"),
    ]
    assert main(arguments) == 0
    first = capsys.readouterr()
    assert (
        "xcopa: 19 questions in en, it, zh; not there: de, fr, pl, ru, ar, he, ja;"
        " it has sw too, which CLiKA cannot ask in; 57 new in collection 'hub'\n"
    ) in first.out
    assert "xcsqa: 19 questions in en, de, ja, ur; not there: fr, it, pl, ru, ar, he, zh" in first.out
    assert "clika: xcsqa: items not in every language, left out everywhere: 1\n" in first.err
    assert main(arguments) == 0
    assert "; 0 new in collection 'hub'" in capsys.readouterr().out


def test_a_language_or_a_copy_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="xcopa is in none of he"):
        hub_set("xcopa", "hub", ("he",), copies(tmp_path))
    with pytest.raises(UsageError, match=r"no folder .*xcopa.*copy of the Hub's cambridgeltl/xcopa"):
        hub_set("xcopa", "hub", ("en",), tmp_path / "nowhere")
