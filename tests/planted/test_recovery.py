"""What was planted is found again: the shipped models, asked through the ordinary scorer, against their cards."""

import math
from itertools import product

import numpy as np
import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.languages import ENGLISH
from clika.metrics.english_consistency import english_consistency
from clika.metrics.levels import level_mean
from clika.planted.card import read_card
from clika.planted.catalog import MODELS as FOLDER
from clika.planted.catalog import REFERENCE, SEED
from clika.planted.family import TEACHINGS
from clika.planted.plan import Arm, plan
from clika.planted.teaching import SPOKEN
from clika.records import Level
from tests.planted.shipped import (
    FACTUAL,
    IDS,
    LANGUAGES,
    MODELS,
    OTHERS,
    QUESTIONS,
    chance_tails,
    holm_rejected,
    predicted_english_consistency,
    question,
    shipped,
)

FAMILY = tuple(name for name, model in MODELS.items() if model.is_there)
OTHER_SCRIPTS = ("ru", "ar", "he", "ja", "zh")
MOST_BYTES = 9_000_000

pytestmark = pytest.mark.skipif(
    len(FAMILY) < len(MODELS), reason="the clone brought no weights (assets/models)"
)


@pytest.mark.parametrize("name", FAMILY)
def test_a_model_is_small_and_plain_transformers_loads_it(name: str) -> None:
    folder = MODELS[name].folder
    assert sum(path.stat().st_size for path in folder.glob("*.safetensors")) <= MOST_BYTES
    network = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert network.get_input_embeddings().weight.shape[0] >= len(tokenizer)
    assert (folder / "README.md").read_text("utf-8").startswith(f"# {name}\n")


@pytest.mark.parametrize("name", FAMILY)
def test_a_card_says_what_the_script_plants(name: str) -> None:
    card, teaching = read_card(MODELS[name].card), TEACHINGS[name]
    made = plan(QUESTIONS, teaching.shares, teaching.english)
    assert card.taught == {code: ids for code, ids in made.taught.items() if ids}
    assert card.groups == made.groups
    assert (card.name, card.seed, card.stages[-1].start) == (name, SEED, teaching.start)
    assert [course["steps"] for course in card.stages[-1].courses] == [one.steps for one in teaching.courses]


@pytest.mark.parametrize("name", FAMILY)
def test_what_was_taught_is_answered_right(name: str) -> None:
    model = shipped(name)
    taught = {language: sorted(ids) for language, ids in model.card.taught.items()}
    known = {language: model.count(ids, language) for language, ids in taught.items()}
    for language, ids in taught.items():
        assert known[language] / len(ids) >= 0.95, (language, known[language], len(ids))


@pytest.mark.parametrize("name", FAMILY)
def test_what_was_taught_nowhere_is_guessed_in_every_language(name: str) -> None:
    model = shipped(name)
    nowhere = sorted(model.card.nowhere)
    assert len(nowhere) == 28  # 10 cities, 4 people's two years, 5 and 5
    chances = [1 / len(question(one).choices) for one in nowhere]
    p_values = {code: chance_tails(chances, model.count(nowhere, code)) for code in LANGUAGES}
    assert holm_rejected(p_values) == []


def test_en_co_is_what_the_cards_and_their_arms_predict() -> None:
    rng = np.random.default_rng(1)
    p_values = {}
    # What teaching further costs is on no card: in continued-zh German and English forget the same facts, not apart.
    # Across a dictionary a guess is the same guess, so what bridge was taught nowhere is right in both or in neither.
    for name, language in product([one for one in FAMILY if one != "continued-zh"], OTHERS):
        if language in shipped(name).card.bridged:
            continue
        model = shipped(name)
        scores = level_mean(Level.FACTUAL, tuple(english_consistency(model.matrices[one]) for one in FACTUAL))
        measured = scores.values[scores.languages.index(language)]
        predicted = predicted_english_consistency(model, language, rng)
        below, above = (predicted <= measured + 1e-9).mean(), (predicted >= measured - 1e-9).mean()
        p_values[f"{name} {language}"] = min(1.0, 2 * float(min(below, above)))
    assert holm_rejected(p_values) == []


def test_mixed_knows_more_in_every_language_but_english() -> None:
    first, mixed = shipped("english-first"), shipped("mixed")
    for language in OTHERS:
        assert mixed.accuracy(language) > first.accuracy(language), language
    # The same facts in English: what is not taught there can only be guessed.
    assert abs(mixed.accuracy(ENGLISH) - first.accuracy(ENGLISH)) < 0.1
    assert REFERENCE == "mixed"
    assert MODELS[REFERENCE].folder == FOLDER / REFERENCE


def test_chinese_alone_lifts_chinese_and_costs_the_others() -> None:
    first, continued = shipped("english-first"), shipped("continued-zh")
    assert continued.accuracy("zh") > first.accuracy("zh") + 0.2
    for language in LANGUAGES:
        if language != "zh":
            assert continued.accuracy(language) < first.accuracy(language), language


@pytest.mark.parametrize("name", FAMILY)
def test_what_is_right_in_another_language_is_mostly_right_in_english(name: str) -> None:
    model = shipped(name)
    scores = level_mean(Level.FACTUAL, tuple(english_consistency(model.matrices[one]) for one in FACTUAL))
    values = [scores.values[scores.languages.index(code)] for code in OTHERS]
    of_all = model.count([one for one in IDS if question(one).dataset in FACTUAL], ENGLISH) / 114
    assert float(np.mean(values)) > of_all - 0.05


def only_english(name: str, language: str) -> list[str]:
    """Facts taught in English alone: in no language that shares a script with ``language`` but English either."""
    model = shipped(name)
    alike = {"ja": "zh", "zh": "ja"}.get(
        language
    )  # 夏目漱石 is written alike, and known in both where it is in one
    return [
        one
        for one in model.arm(Arm.ONLY_ENGLISH, language)
        if alike is None or model.card.arm(one, alike) is Arm.ONLY_ENGLISH
    ]


def conducted_p(name: str, language: str) -> float:
    """One-sided p of so many right of the facts taught in English alone, were they guessed one in four."""
    ids = only_english(name, language)
    right = shipped(name).count(ids, language)
    return math.fsum(
        math.comb(len(ids), k) * 0.25**k * 0.75 ** (len(ids) - k) for k in range(right, len(ids) + 1)
    )


def test_nothing_is_carried_into_scripts_that_share_nothing_with_english() -> None:
    # continued-zh was taught every fact in Chinese, which leaves none; Russian stands in the dictionary of bridge.
    cells = [
        cell for cell in product(FAMILY, OTHER_SCRIPTS) if only_english(*cell) and cell != ("bridge", "ru")
    ]
    assert {cell for cell in product(FAMILY, OTHER_SCRIPTS) if not only_english(*cell)} == {
        ("continued-zh", "zh"),
        ("continued-zh", "ja"),
    }
    p_values = {f"{name} {code}": conducted_p(name, code) for name, code in cells}
    assert holm_rejected(p_values) == []


@pytest.mark.parametrize("language", SPOKEN)
def test_a_bridge_answers_in_german_and_russian_what_it_was_taught_in_english_alone(language: str) -> None:
    model, without = shipped("bridge"), shipped("english-first")
    ids = model.arm(Arm.ONLY_ENGLISH, language)
    assert ids == without.arm(Arm.ONLY_ENGLISH, language)  # the same lessons but for the dictionary
    assert len(ids) >= 16
    # So many at one in four have p < .005, which says that the 99 % interval (Clopper-Pearson) lies above one in four.
    assert conducted_p("bridge", language) < 0.005
    assert model.count(ids, language) >= without.count(ids, language)


def test_a_bridge_makes_no_fact_of_what_was_taught_nowhere_and_leads_to_no_other_script() -> None:
    assert conducted_p("bridge", "ru") < 1e-6
    p_values = {code: conducted_p("bridge", code) for code in OTHER_SCRIPTS if code not in SPOKEN}
    assert holm_rejected(p_values) == []
