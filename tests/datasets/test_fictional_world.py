"""Worlds from seeds: the same everywhere, balanced, and without two names that could be taken for one."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika.datasets.fictional_world import (
    NameStyle,
    Place,
    World,
    WorldKind,
    WorldSettings,
    made_world,
)
from clika.errors import UsageError
from clika.languages import LANGUAGES

YEARS = WorldKind.FOUNDING_YEARS


@pytest.mark.parametrize(
    ("made_from", "fingerprint", "first"),
    [
        (WorldSettings(0), "8c30b9f35e582fbb", "Walketsche Шепамил"),
        (WorldSettings(7), "ea1bc083fd7d1e29", "Sischunmem Чуршеньом"),
        (WorldSettings(-1, 3, 4), "ea2a473ec6f0b153", "Keltitscha Юсопор"),
        (WorldSettings(0, style=NameStyle.DESCRIBED), "3c54d727a09b8133", "Schlafende Welt Скрытая гавань"),
        (WorldSettings(7, style=NameStyle.DESCRIBED), "a863cc84ffbbb959", "Träumende Welt Бескрайний остров"),
        (WorldSettings(7, kind=YEARS), "01ce1e1b7178a684", "1223 Епарте"),
    ],
)
def test_a_seed_gives_one_world_everywhere(made_from: WorldSettings, fingerprint: str, first: str) -> None:
    world = made_world(made_from)
    assert " ".join([world.candidates[0]["de"], world.places[0].names["ru"]]) == first
    assert world.fingerprint == fingerprint


def _folded(name: str) -> str:
    """An independent and simpler measure of being the same name than the one worlds are made with."""
    spread = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in spread if not unicodedata.combining(letter))


def _check_names(world: World) -> None:
    things = [
        *(world.candidates if world.kind is WorldKind.CONTINENTS else ()),
        *(p.names for p in world.places),
    ]
    owners: dict[str, int] = {}
    for number, names in enumerate(things):
        assert list(names) == list(LANGUAGES)
        for name in names.values():
            assert name == name.strip() == unicodedata.normalize("NFC", name)
            assert owners.setdefault(_folded(name), number) == number
    for language in LANGUAGES:
        assert len({_folded(names[language]) for names in things}) == len(things)
        for continent in world.candidates:
            holders = [names for names in things if continent[language] in names[language]]
            assert len(holders) == (world.kind is WorldKind.CONTINENTS)


@settings(max_examples=20, deadline=None)
@given(st.integers(), st.sampled_from([*NameStyle, YEARS]))
def test_no_two_names_of_a_world_could_be_taken_for_one(seed: int, made: NameStyle | WorldKind) -> None:
    if isinstance(made, NameStyle):
        world = made_world(WorldSettings(seed, style=made))
    else:
        world = made_world(WorldSettings(seed, kind=made))
    assert (len(world.candidates), len(world.places)) == (20, 400)
    _check_names(world)
    assert not any(world.ambiguous(language) for language in LANGUAGES)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_both_halves_are_balanced_over_the_continents(data: st.DataObject) -> None:
    continents, places = data.draw(st.integers(2, 12)), data.draw(st.integers(2, 12))
    taught = data.draw(st.none() | st.integers(1, places - 1))
    made_from = WorldSettings(data.draw(st.integers()), continents, places, taught)
    world = made_world(made_from)
    each = places // 2 if taught is None else taught
    assert world.shape == made_from.shape
    assert Counter(p.answer_index for p in world.places if p.taught) == dict.fromkeys(range(continents), each)
    assert Counter(p.answer_index for p in world.places) == dict.fromkeys(range(continents), places)
    assert [p.place_id for p in world.places] == [str(number) for number in range(continents * places)]


def test_the_default_world_is_the_papers() -> None:
    shape = WorldSettings(1).shape
    assert (shape.candidates, shape.places, shape.taught, shape.names) == (20, 400, 200, 420)
    assert shape.chance == 0.05


@settings(max_examples=20, deadline=None)
@given(st.integers(), st.integers())
def test_every_seed_is_a_world_of_its_own(one: int, other: int) -> None:
    worlds = [made_world(WorldSettings(seed, 3, 3)) for seed in (one, other)]
    assert (worlds[0] == worlds[1]) == (one == other)
    assert (worlds[0].fingerprint == worlds[1].fingerprint) == (one == other)


@pytest.mark.parametrize("style", NameStyle)
def test_a_taken_name_is_nobodys(style: NameStyle) -> None:
    plain = made_world(WorldSettings(3, 4, 4, style=style))
    taken = frozenset({plain.places[5].names["fr"].upper(), plain.candidates[0]["ja"]})
    world = made_world(WorldSettings(3, 4, 4, style=style), taken)
    every = {
        name for names in (*world.candidates, *(p.names for p in world.places)) for name in names.values()
    }
    assert plain.places[5].names["fr"] not in every
    assert plain.candidates[0]["ja"] not in every
    assert len(world.places) == 16
    assert world == made_world(WorldSettings(3, 4, 4, style=style), taken)


def test_a_founding_year_is_the_same_in_every_language() -> None:
    world = made_world(WorldSettings(5, kind=YEARS))
    years = [names["en"] for names in world.candidates]
    assert len(set(years)) == 20
    assert all(1001 <= int(year) <= 1999 for year in years)
    assert all(set(names.values()) == {names["en"]} for names in world.candidates)
    assert world.shape.names == 400


def test_a_name_of_two_places_is_ambiguous() -> None:
    names = [{"en": "One", "de": "Eins"}, {"en": "Two", "de": "EINS"}, {"en": "Three", "de": "Drei"}]
    places = tuple(Place(str(number), own, number % 2, False) for number, own in enumerate(names))
    world = World(
        WorldKind.CONTINENTS, ("en", "de"), ({"en": "A", "de": "B"}, {"en": "C", "de": "D"}), places
    )
    assert world.ambiguous("de") == {"0", "1"}
    assert world.ambiguous("en") == frozenset()


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"continents": 1}, "1 continents: a world has at least 2"),
        ({"places": 0}, "0 places"),
        ({"places": 4, "taught": 4}, "4 of 4 places taught"),
        ({"places": 4, "taught": 0}, "0 of 4 places taught"),
        ({"continents": 1000, "places": 1000}, "1001000 names: a world has at most 20000"),  # 10^6 + 1,000
        ({"style": NameStyle.DESCRIBED, "kind": YEARS}, "nobody founded"),
        ({"continents": 1000, "places": 2, "kind": YEARS}, "there are 999"),
        ({"style": NameStyle.DESCRIBED, "continents": 30, "places": 30}, "enough for 828"),  # 900 places
        ({"style": NameStyle.DESCRIBED, "continents": 109, "places": 2}, "enough for 108"),
    ],
)
def test_sizes_that_make_no_world_are_refused_with_the_limit(sizes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        WorldSettings(1, **sizes)  # type: ignore[arg-type]


def test_described_names_that_are_all_taken_are_refused() -> None:
    whole = made_world(WorldSettings(1, 36, 23, style=NameStyle.DESCRIBED))
    with pytest.raises(UsageError, match="only 827 of 828 are free"):
        made_world(
            WorldSettings(1, 36, 23, style=NameStyle.DESCRIBED), frozenset({whole.places[0].names["zh"]})
        )
