"""What a card lets expect, by hand: taught facts are right, the others with one chance in four."""

from dataclasses import replace

import pytest

from clika.planted.card import Card, Stage
from clika.planted.expected import expected_accuracy, expected_consistency, expected_rescaled
from clika.planted.plan import Group
from tests.stores import made_up_questions

QUESTIONS = made_up_questions(count=4, languages=("en", "de", "he"))
CARD = Card(
    "small", "for tests", 0, (), {}, {str(n): Group.ENGLISH for n in range(4)},
    (Stage(None, {}, {"en": frozenset("012"), "de": frozenset("01")}),), {},
)  # fmt: skip


def test_accuracy_is_the_taught_share_and_a_chance_for_the_rest() -> None:
    # English: (3 + 1/4) / 4; German: (2 + 2/4) / 4; Hebrew: four guesses, 1/4
    assert expected_accuracy(CARD, QUESTIONS) == pytest.approx({"en": 0.8125, "de": 0.625, "he": 0.25})


def test_rescaled_accuracy_is_0_at_chance_and_1_at_the_reference() -> None:
    found = expected_rescaled(CARD, QUESTIONS, reference=0.8125)
    # German: (.625 - .25) / (.8125 - .25) = 2/3
    assert found == pytest.approx({"en": 1.0, "de": 2 / 3, "he": 0.0})
    assert all(value != value for value in expected_rescaled(CARD, QUESTIONS, reference=0.25).values())


def test_consistency_counts_guesses_in_both_languages() -> None:
    found = expected_consistency(CARD, QUESTIONS)
    # German: two known in both, one guessed and known in English (1/4), one guessed in both (1/16); of 2.5 right
    # Hebrew: three guesses known in English (3/4) and one guessed in both (1/16); of 1 right
    assert found == pytest.approx({"en": 1.0, "de": (2 + 1 / 4 + 1 / 16) / 2.5, "he": 3 / 4 + 1 / 16})


def test_what_an_earlier_stage_taught_counts_as_known() -> None:
    later = replace(CARD, stages=(*CARD.stages, Stage("small", {}, {"he": frozenset("0123")})))
    assert expected_accuracy(later, QUESTIONS) == pytest.approx({"en": 0.8125, "de": 0.625, "he": 1.0})


def test_a_bridge_knows_in_its_languages_what_it_learnt_in_english() -> None:
    bridge = replace(CARD, bridged=("de",))
    # German: three known, the third of them across the dictionary, and a guess; Hebrew as before
    assert expected_accuracy(bridge, QUESTIONS) == pytest.approx({"en": 0.8125, "de": 0.8125, "he": 0.25})
