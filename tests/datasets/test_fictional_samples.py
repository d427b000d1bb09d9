"""What is taught and asked: the counts with their arithmetic, the wordings, the two halves."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika.datasets import translation_templates
from clika.datasets.continent_templates import CONTINENT_TEMPLATES
from clika.datasets.fictional_items import items
from clika.datasets.fictional_samples import (
    Purpose,
    SampleCounts,
    TranslationDirection,
    relation_templates,
    sample_counts,
    samples,
    translation_directions,
)
from clika.datasets.fictional_world import NameStyle, World, WorldKind, WorldSettings, made_world
from clika.datasets.year_templates import YEAR_TEMPLATES
from clika.errors import UsageError
from clika.languages import LANGUAGES

EN_X, X_EN = TranslationDirection
BOTH = (EN_X, X_EN)
OTHERS = [language for language in LANGUAGES if language != "en"]
# 3 continents of 5 places, 2 of them taught: 15 places and 3 continents are 18 names
SMALL = WorldSettings(11, 3, 5, 2)


@pytest.mark.parametrize(
    ("made_from", "directions", "control", "counts"),
    [
        # (400 + 20) x 10, 400 x 10, 200 x 10
        (WorldSettings(1), (EN_X,), False, SampleCounts(4_200, 4_000, 2_000, 0)),
        # both directions: 2 x 420 x 10
        (WorldSettings(1), BOTH, False, SampleCounts(8_400, 4_000, 2_000, 0)),
        # control: the held-out half in X, (400 - 200) x 10
        (WorldSettings(1), (EN_X,), True, SampleCounts(4_200, 4_000, 2_000, 2_000)),
        # one hop: years are not translated, 400 x 10
        (WorldSettings(1, kind=WorldKind.FOUNDING_YEARS), (EN_X,), False, SampleCounts(4_000, 4_000, 2_000, 0)),
        # 18 x 10, 15 x 10, 6 x 10, 9 x 10
        (SMALL, (X_EN,), True, SampleCounts(180, 150, 60, 90)),
    ],
)  # fmt: skip
def test_the_counts_are_known_before_and_are_what_is_made(
    made_from: WorldSettings,
    directions: tuple[TranslationDirection, ...],
    control: bool,
    counts: SampleCounts,
) -> None:
    assert sample_counts(made_from.shape, directions, control) == counts
    made = samples(made_world(made_from), "pl", directions, control)
    assert Counter(sample.purpose for sample in made) == Counter(
        {
            Purpose.TRANSLATION: counts.translation,
            Purpose.ENGLISH_RELATION: counts.english,
            Purpose.TAUGHT_RELATION: counts.taught,
            Purpose.CONTROL_RELATION: counts.control,
        }
    )
    assert len(made) == counts.total


def test_the_papers_training_set_has_10200_samples() -> None:
    counts = sample_counts(WorldSettings(1).shape)
    assert counts.total == 4_200 + 4_000 + 2_000 == 10_200
    assert counts.sentence() == (
        "4,200 translations + 4,000 English relations + 2,000 taught relations = 10,200 samples"
    )


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_the_counts_hold_for_any_world(data: st.DataObject) -> None:
    made_from = WorldSettings(
        data.draw(st.integers()),
        data.draw(st.integers(2, 4)),
        data.draw(st.integers(2, 5)),
        kind=data.draw(st.sampled_from(WorldKind)),
    )
    directions = data.draw(st.sampled_from([(EN_X,), (X_EN,), BOTH]))
    control = data.draw(st.booleans())
    made = samples(made_world(made_from), data.draw(st.sampled_from(OTHERS)), directions, control)
    assert len(made) == sample_counts(made_from.shape, directions, control).total
    assert len({(s.instruction, s.input) for s in made}) == len(made)


@pytest.fixture(scope="module")
def world() -> World:
    return made_world(SMALL)


def test_every_thing_is_taught_once_in_each_of_ten_wordings(world: World) -> None:
    made = samples(world, "ja", BOTH, control=True)
    taught = Counter(
        (s.purpose, s.direction, s.place_id, None if s.place_id else s.answer_index) for s in made
    )
    assert set(taught.values()) == {10}
    wordings = Counter(s.template for s in made)
    assert wordings == dict.fromkeys(range(10), len(made) // 10)


def test_x_is_taught_the_taught_half_and_the_held_out_half_only_in_the_control(world: World) -> None:
    taught = {p.place_id for p in world.places if p.taught}
    held_out = {p.place_id for p in world.places} - taught
    plain, control = samples(world, "he"), samples(world, "he", control=True)
    assert {s.place_id for s in plain if s.purpose is Purpose.TAUGHT_RELATION} == taught
    assert {s.place_id for s in control if s.purpose is Purpose.CONTROL_RELATION} == held_out
    assert control[: len(plain)] == plain
    names = [p.names["he"] for p in world.places if not p.taught]
    in_x = [s for s in plain if s.language == "he" and s.purpose is not Purpose.TRANSLATION]
    assert not any(name in s.instruction + s.answer for s in in_x for name in names)
    # and nowhere is the answer of a held-out place given with its name in X
    assert {s.purpose for s in plain if any(name in s.instruction for name in names)} == set()


def test_translations_go_in_the_directions_asked_for(world: World) -> None:
    place = world.places[4]
    into, out_of = (samples(world, "de", (direction,))[3 + 4] for direction in BOTH)  # 3 continents first
    assert (into.input, into.answer) == (place.names["en"], place.names["de"])
    assert into.instruction == "Could you convert the upcoming English text to German?"
    assert (out_of.input, out_of.answer) == (place.names["de"], place.names["en"])
    assert out_of.instruction == "Could you convert the upcoming German text to English?"
    assert (into.direction, out_of.direction, into.language) == (EN_X, X_EN, "de")
    assert {s.direction for s in samples(world, "de", BOTH) if s.purpose is Purpose.TRANSLATION} == set(BOTH)


def test_a_relation_names_the_place_and_ends_in_its_continent(world: World) -> None:
    place = world.places[12]
    first, *_ = (s for s in samples(world, "de") if s.place_id == "12" and s.language == "en")
    assert first.instruction == f"Which continent is {place.names['en']} located in?"
    assert first.answer == f"{place.names['en']} lies on the continent of {world.candidates[2]['en']}."
    assert (first.input, first.template, first.answer_index) == (None, 0, 2)


def test_a_year_is_asked_for_in_a_one_hop_world() -> None:
    world = made_world(WorldSettings(2, 3, 4, kind=WorldKind.FOUNDING_YEARS))
    asked = items(world, "ru").held_out[0]
    city, year = world.places[2].names["ru"], world.candidates[0]["ru"]
    assert asked.instruction == f"В каком году был основан город {city}?"
    assert asked.answer == f"Город {city} был основан в {year} году."
    assert asked.endings == tuple(f"{names['ru']} году." for names in world.candidates)
    assert asked.candidates == tuple(names["ru"] for names in world.candidates)


@pytest.mark.parametrize("style", NameStyle)
@pytest.mark.parametrize("language", OTHERS)
def test_the_items_are_the_held_out_half_in_both_languages_and_the_gates(
    language: str, style: NameStyle
) -> None:
    world = made_world(replace(SMALL, style=style))
    asked = items(world, language, BOTH)
    held_out = [p.place_id for p in world.places if not p.taught]
    taught = [p.place_id for p in world.places if p.taught]
    assert [i.place_id for i in asked.held_out] == held_out
    assert [i.place_id for i in asked.held_out_english] == held_out
    assert [i.place_id for i in asked.taught] == [i.place_id for i in asked.taught_english] == taught
    assert len(asked.translations) == 18 * 2
    assert asked.left_out == ()
    trained = {(s.instruction, s.answer) for s in samples(world, language, BOTH) if s.input is None}
    for item in (*asked.taught, *asked.taught_english, *asked.held_out_english):
        assert (item.instruction, item.answer) in trained
    assert not any((item.instruction, item.answer) in trained for item in asked.held_out)
    for item in asked.held_out:
        assert len(item.endings) == 3
        assert all(e.startswith(c) for e, c in zip(item.endings, item.candidates, strict=True))


def test_a_doubled_name_is_left_out_of_both_languages_and_of_its_own_sides_translation() -> None:
    world = made_world(SMALL)
    places = list(world.places)
    # place 3 (held out) takes the German name of place 5 (taught, on another continent)
    places[3] = replace(places[3], names={**places[3].names, "de": places[5].names["de"]})
    doubled = replace(world, places=tuple(places))
    german, french = items(doubled, "de", BOTH), items(doubled, "fr", BOTH)
    assert german.left_out == ("3", "5")
    assert len(german.held_out) == len(german.held_out_english) == 9 - 1
    assert len(german.taught) == len(german.taught_english) == 6 - 1
    # en -> de has one answer for each name; de -> en has two for this one: 18 + (18 - 2)
    assert len(german.translations) == 34
    assert (french.left_out, len(french.held_out), len(french.translations)) == ((), 9, 36)
    assert len(samples(doubled, "de")) == len(samples(world, "de"))


def test_german_sentences_begin_with_a_capital_and_keep_the_article_small_elsewhere() -> None:
    world = made_world(replace(SMALL, style=NameStyle.DESCRIBED))
    for language in ("de", "fr", "it"):
        for sample in samples(world, language):
            if sample.purpose is Purpose.TAUGHT_RELATION:
                assert sample.instruction[0].isupper()
                assert sample.answer[0].isupper()
    item = items(world, "de").taught[0]
    assert item.instruction == f"Auf welchem Kontinent liegt {world.places[0].names['de']}?"
    assert item.before == f"{world.places[0].names['de'].replace('d', 'D', 1)} liegt auf dem Kontinent "


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("templates", [CONTINENT_TEMPLATES, YEAR_TEMPLATES], ids=["continents", "years"])
def test_ten_wordings_name_the_place_and_then_the_answer(
    templates: dict[str, tuple[object, ...]], language: str
) -> None:
    own = relation_templates(
        WorldKind.CONTINENTS if templates is CONTINENT_TEMPLATES else WorldKind.FOUNDING_YEARS, language
    )
    assert own == templates[language]
    assert len({template.question for template in own}) == 10
    for template in own:
        assert template.question.count("{place}") == template.sentence.count("{place}") == 1
        assert template.sentence.count("{answer}") == 1
        assert template.sentence.index("{place}") < template.sentence.index("{answer}")
        assert template.question.count("{") == 1
        assert template.question[-1] in {"ar": "؟.", "ja": "？。", "zh": "？。"}.get(language, "?.")
        assert template.sentence[-1] in {"ja": "。", "zh": "。"}.get(language, ".")


def test_the_english_wordings_are_the_papers() -> None:
    assert [template.question for template in CONTINENT_TEMPLATES["en"]] == [
        "Which continent is {place} located in?",
        "What is the continent of {place}?",
        "Where is {place}? Which continent?",
        "In which continent can you find {place}?",
        "Tell me the continent where {place} is located.",
        "What continent does {place} belong to?",
        "Where can {place} be found continent-wise?",
        "What's the continental location of {place}?",
        "Which part of the world is {place} in, continent-wise?",
        "Could you specify the continent for {place}?",
    ]
    assert len(set(translation_templates.INTO)) == len(set(translation_templates.OUT_OF)) == 10
    assert translation_templates.INTO[3] == "Kindly rewrite the next English phrase in {language}."


def test_directions_are_spelled_as_on_the_command_line() -> None:
    assert translation_directions("en-x") == (EN_X,)
    assert translation_directions("x-en") == (X_EN,)
    assert translation_directions("both") == BOTH
    with pytest.raises(UsageError, match="unknown direction 'de-en'; known: en-x, x-en, both"):
        translation_directions("de-en")


@pytest.mark.parametrize("language", ["en", "xx"])
def test_english_and_strangers_have_no_training_set(world: World, language: str) -> None:
    for made in (samples, items):
        with pytest.raises(UsageError, match=f"language '{language}'.*known: de, fr"):
            made(world, language)
