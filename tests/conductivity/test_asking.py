"""Known answers: the measurement finds in a model what is really in it."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.conductivity.asking import measured, world_answers
from clika.conductivity.name_matching import named, same_name
from clika.datasets.fictional_items import RelationItem
from clika.datasets.fictional_release import read_world
from clika.datasets.fictional_samples import TranslationDirection
from clika.datasets.fictional_world import World, WorldKind, WorldSettings, made_world
from clika.errors import UsageError
from clika.metrics.conductivity import ConductivityMeasure
from clika.records import Gate, Outcome, ScoringRule
from clika.scoring.transformers_answers import TransformersAnswers
from tests.conductivity.knowing import Knows, guess, knowing, prompt_of
from tests.models import tiny_model

RELEASE = Path(__file__).resolve().parents[3] / "shared" / "clika_release"
WORLD = made_world(WorldSettings(seed=5))
SMALL = made_world(WorldSettings(4, 3, 4))
ALL_GATES = tuple(Gate)


def known(item: RelationItem) -> int:
    return item.answer_index


def only_taught(item: RelationItem) -> int:
    """English, and in X what was taught in X."""
    return item.answer_index if item.language == "en" or item.taught else guess(item)


def measure(knows: Knows, world: World = WORLD, language: str = "de") -> ConductivityMeasure:
    model = knowing(world, language, knows)
    return measured(world, language, model, model, prompt_of)


def test_a_model_that_answers_through_the_dictionary_carries_everything_across() -> None:
    found = measure(known)
    for reading in (found.chosen, found.written):
        assert reading.xrr.value == pytest.approx(1 - 1 / 20)  # 200/200 - 1/20
        assert (reading.xrr.english, reading.xrr.both) == (200, 200)
        assert reading.gates.established
        assert (reading.english, reading.here) == (1.0, 1.0)
        assert len(reading.places) == 200
        assert all(place.carried for place in reading.places)
        np.testing.assert_array_equal(reading.confusion, np.eye(20) * 10)  # 10 held-out places a continent
    assert found.left_out == ()


def test_a_model_that_knows_in_x_only_what_x_was_taught_carries_nothing_across() -> None:
    found = measure(only_taught)
    for reading in (found.chosen, found.written):
        assert reading.gates.established
        # It guesses 10 of 200 right, each continent once in twenty: 10/200 - 1/20 = 0
        assert reading.xrr.both == 10
        assert reading.xrr.value == pytest.approx(0.0, abs=1e-12)
        assert reading.xrr.low == 0.0
        assert 0 < reading.xrr.high < 0.05
        assert sum(place.carried for place in reading.places) == 10
        assert reading.confusion.sum() == 200


def test_a_model_that_fails_english_fails_its_gates_and_keeps_its_value() -> None:
    def no_english(item: RelationItem) -> int:
        right = item.language == "de" or int(item.place_id) % 4 == 3
        return item.answer_index if right else (item.answer_index + 1) % 20

    found = measure(no_english)
    assert found.chosen.gates.failed == (Gate.ENGLISH_TAUGHT, Gate.ENGLISH_HELD_OUT)
    assert not found.chosen.gates.established
    # places 10 to 19 of each continent are held out; of them 3 or 2 (11, 15, 19; 31, 35, 39; ...) are 3 mod 4
    assert found.chosen.xrr.english == sum(n % 4 == 3 for n in range(400) if n % 20 >= 10) == 60
    assert found.chosen.xrr.value == pytest.approx(0.95)
    assert "not established" in found.chosen.gates.sentence()
    assert "English, held-out half 30.00% (60 of 200)" in found.chosen.gates.sentence()


def test_a_model_that_knows_nothing_has_no_value() -> None:
    found = measure(lambda item: (item.answer_index + 1) % 20)
    assert math.isnan(found.chosen.xrr.value)
    assert math.isnan(found.chosen.xrr.high)
    assert found.chosen.gates.failed == (Gate.ENGLISH_TAUGHT, Gate.ENGLISH_HELD_OUT, Gate.TAUGHT)


def test_ninety_percent_of_the_translations_are_not_over_ninety_percent() -> None:
    def translations_right(count: int) -> ConductivityMeasure:
        names = [names["en"] for names in WORLD.candidates] + [place.names["en"] for place in WORLD.places]
        model = knowing(WORLD, "he", known, set(names[:count]).__contains__)
        return measured(WORLD, "he", model, model, prompt_of)

    # 420 names: 378 of them are 90 %
    assert translations_right(378).chosen.gates.failed == (Gate.TRANSLATION,)
    assert translations_right(379).chosen.gates.failed == ()


def test_x_answering_what_english_answered_is_seen_where_both_are_wrong() -> None:
    found = measure(lambda item: 1, SMALL)  # 3 continents of 2 held-out places
    assert [place.carried for place in found.chosen.places] == [True] * 6
    np.testing.assert_array_equal(found.chosen.confusion, [[0, 2, 0]] * 3)


def test_names_that_stand_for_two_places_are_left_out_and_counted() -> None:
    first, last = SMALL.places[2], SMALL.places[11]  # both held out
    doubled = replace(last, names={**last.names, "it": first.names["it"]})
    world = replace(SMALL, places=(*SMALL.places[:-1], doubled))
    found = measure(known, world, "it")
    assert found.left_out == ("2", "11")
    assert (found.chosen.xrr.english, len(found.chosen.places)) == (4, 4)  # 6 - 2
    assert found.chosen.gates.established
    assert measure(known, world, "de").left_out == ()


def test_invalid_answers_are_no_answers_and_unreadable_ones_are_wrong() -> None:
    def broken(item: RelationItem) -> int | None:
        return None if item.language == "ru" and item.place_id == "2" else item.answer_index

    model = knowing(SMALL, "ru", broken)
    answers = world_answers(SMALL, "ru", model, model, prompt_of, run="r")
    invalid = [p for p in answers.predictions if p.outcome is Outcome.INVALID]
    assert [(p.dataset, p.chosen_index, p.raw_text) for p in invalid] == [
        ("fictional", None, None), ("fictional-written", None, None),
    ]  # fmt: skip
    assert answers.measure().chosen.xrr.english == 5
    silent = knowing(SMALL, "ru", known)
    silent._text = lambda item: "I do not know."
    written = measured(SMALL, "ru", silent, silent, prompt_of).written
    assert (written.here, written.english) == (0.0, 0.0)
    assert written.gates.failed == ALL_GATES


def test_every_question_has_one_answer_and_candidates_their_scores() -> None:
    model = knowing(SMALL, "ja", known)
    both = tuple(TranslationDirection)
    answers = world_answers(SMALL, "ja", model, model, prompt_of, run="r")
    keys = {(q.dataset, q.question_id, q.language) for q in answers.questions}
    assert len(answers.predictions) == len(keys) == 4 * 12 + 15  # halves twice in two languages, 12 + 3 names
    assert {(p.dataset, p.question_id, p.language) for p in answers.predictions} == keys
    chosen = [p for p in answers.predictions if p.dataset == "fictional"]
    assert all(len(p.scores[ScoringRule.OPTION]) == 3 for p in chosen)
    assert all(q.choices[q.answer_index] in q.choices for q in answers.questions)
    turned = knowing(SMALL, "ja", known)
    turned._text = lambda item: ""
    asked = world_answers(SMALL, "ja", turned, turned, prompt_of, directions=both)
    assert len(asked.predictions) == 4 * 12 + 2 * 15


def test_a_one_hop_world_is_measured_with_its_own_chance() -> None:
    world = made_world(WorldSettings(4, 5, 4, kind=WorldKind.FOUNDING_YEARS))
    assert measure(known, world, "zh").chosen.xrr.value == pytest.approx(1 - 1 / 5)


def test_a_world_that_no_question_can_hold_is_refused() -> None:
    world = made_world(WorldSettings(4, 27, 2))
    with pytest.raises(UsageError, match="27 candidates: a question has at most 26 choices"):
        measure(known, world)


def test_names_are_found_in_sentences_and_nowhere_else() -> None:
    names = ("Or", "Oria", "Étang")
    assert named("It lies on ORIA.", names, "Place") == 1  # the longer one alone
    assert named("e\u0301tang!", names, "Place") == 2  # decomposed
    assert named("Oria, or Étang", names, "Place") is None  # two, and "or" a third
    assert named("Nowhere.".replace("or", ""), names, "Place") is None
    assert named("Oria Rock is part of Étang", names, "Oria Rock") == 2
    assert same_name(" \u0065\u0301tang\n", "étang")
    assert not same_name("étang.", "étang")
    assert not same_name("Étang", "étang")


def test_each_answer_is_told_as_it_comes() -> None:
    told: list[int] = []
    before: list[int] = []

    def asked(item: RelationItem) -> int:
        before.append(len(told))
        return item.answer_index

    model = knowing(SMALL, "de", asked)
    found = world_answers(SMALL, "de", model, model, prompt_of, on_answer=lambda: told.append(1))
    assert len(told) == len(found.predictions)
    assert before == list(range(len(before)))  # none is kept back until the last is there


def test_a_real_model_is_asked_through_the_same_door(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    network = AutoModelForCausalLM.from_pretrained(folder)
    answers = TransformersAnswers(network, AutoTokenizer.from_pretrained(folder), "tiny")
    found = measured(SMALL, "de", answers, answers, prompt_of)
    assert len(found.chosen.places) == 6
    assert found.chosen.confusion.sum() == 6  # whatever it says, it is one of three
    assert Gate.TRANSLATION in found.chosen.gates.failed


@pytest.mark.skipif(
    not (RELEASE / "fictional").is_dir(), reason=f"the authors' fictional world is not at {RELEASE}"
)
def test_the_authors_world_is_measured() -> None:
    world = read_world(RELEASE).world
    found = measure(known, world, "de")
    assert len(found.left_out) == 8  # four names of two places each, six of them held out
    assert found.chosen.xrr.english == 200 - 6
    assert found.chosen.xrr.value == pytest.approx(0.95)
    assert found.written.xrr.value == pytest.approx(0.95)
