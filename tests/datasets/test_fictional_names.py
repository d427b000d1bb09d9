"""Names: the stream they are drawn from, what makes two of them one, coined spellings, described grammar."""

import unicodedata

import pytest

from clika.datasets.described_words import ADJECTIVES, LANDFORMS, REALMS
from clika.datasets.fictional_names import Draws, NameRegister, name_key
from clika.datasets.names_coined import SPELLINGS, Syllable, coined_names, coined_syllables
from clika.datasets.names_described import CONTINENTS, PLACES, continent_names, place_names
from clika.languages import LANGUAGES


def test_the_stream_is_the_same_on_every_machine() -> None:
    # sha256("a/0"), sha256("a/1"), …: the first 8 bytes as a number, modulo 1000
    draws = Draws("a")
    assert [draws.below(1000) for _ in range(5)] == [936, 942, 839, 200, 558]
    assert sorted(Draws("b").sample(20, 20)) == list(range(20))
    assert len(set(Draws("b").sample(1000, 10))) == 10


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Étang-Gris", "etang gris"),
        ("caf\u00e9", "cafe\u0301"),
        ("ＡＢＣ", "abc"),
        ("Łódź", "lodz"),
        ("Straße", "STRASSE"),
        ("Ёлка", "елка"),
        ("أحمد", "احمد"),
        ("ｶﾞｶ", "ガカ"),
        ("L'Aquila", "l’aquila"),
    ],
)
def test_names_that_somebody_would_take_for_one_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_a_name_is_free_once_and_never_a_taken_one() -> None:
    register = NameRegister(["Żółta Góra"])
    assert not register.accepts({"en": "Other", "pl": "Zolta gora"}, candidate=False)
    assert register.accepts({"en": "Bel", "pl": "Bol"}, candidate=True)
    assert not register.accepts({"en": "BÉL", "pl": "Bul"}, candidate=False)
    assert not register.accepts({"en": "Bol", "pl": "Bul"}, candidate=False)  # another thing's name in pl
    assert not register.accepts({"en": "Mirabel", "pl": "Bul"}, candidate=False)  # holds a continent's name
    assert register.accepts({"en": "Mora", "pl": "Mura"}, candidate=False)
    assert register.accepts({"en": "Moran", "pl": "Muran"}, candidate=False)  # places may hold one another
    assert not register.accepts({"en": "Ora", "pl": "Xyz"}, candidate=True)


@pytest.mark.parametrize(
    ("syllables", "spelled"),
    [
        (
            [("v", "u", "l"), ("k", "e", ""), ("s", "i", "")],
            "Vulkesi Wulkessi Voulquéssi Vulchesi Wulkesi Вулкеси فولكيسي בולקסי ヴルケシ 武尔克西",
        ),
        (
            [("k", "a", "n"), ("y", "o", ""), ("sh", "e", "")],
            "Kanyoshe Kanjosche Canyoché Canjosce Kanjosze Каньоше كانيوشي קאניושה カンヨシェ 坎约谢",
        ),
        (
            [("g", "i", ""), ("ch", "u", "n"), ("b", "a", "m")],
            "Gichunbam Gitschunbam Guitchounbam Ghiciunbam Giczunbam Гичунбам غيتشونبام גיצ׳ונבאם ギチュンバム 吉春巴姆",
        ),
        (
            [("v", "a", "s"), ("t", "o", ""), ("y", "a", "n")],
            "Vastoyan Wastojan Vastoyan Vastojan Wastojan Вастоян فاستويان ואסטויאן ヴァストヤン 瓦斯托扬",
        ),
        (
            [("z", "o", ""), ("sh", "i", "r"), ("d", "a", "")],
            "Zoshirda Soschirda Zochirda Zoscirda Zoszyrda Зоширда زوشيردا זושירדה ゾシルダ 佐希尔达",
        ),
    ],
)
def test_each_language_spells_the_sounds_in_its_own_way(
    syllables: list[tuple[str, str, str]], spelled: str
) -> None:
    sounds = [Syllable(*parts) for parts in syllables]
    assert [spell(sounds) for spell in SPELLINGS.values()] == spelled.split(" ")
    assert list(SPELLINGS) == list(LANGUAGES)


SCRIPTS = {
    "ru": ("CYRILLIC",),
    "ar": ("ARABIC",),
    "he": ("HEBREW",),
    "ja": ("KATAKANA",),
    "zh": ("CJK UNIFIED",),
}


def test_coined_names_are_in_their_script_and_in_normal_form() -> None:
    draws = Draws("scripts")
    for _ in range(500):
        for language, name in coined_names(draws).items():
            allowed = SCRIPTS.get(language, ("LATIN",))
            assert all(unicodedata.name(letter).startswith(allowed) for letter in name), (language, name)
            assert name == unicodedata.normalize("NFC", name)


def test_a_coined_name_is_spelled_otherwise_in_english_than_in_any_other_language() -> None:
    draws = Draws("spelling")
    for _ in range(500):
        names = coined_names(draws)
        assert [language for language in names if names[language] == names["en"]] == ["en"]


def test_coined_sounds_begin_with_a_consonant_and_close_a_syllable() -> None:
    draws = Draws("sounds")
    for _ in range(500):
        syllables = coined_syllables(draws)
        assert len(syllables) == 3
        assert all(syllable.onset for syllable in syllables)
        assert any(syllable.coda for syllable in syllables)


def _place(adjective: str, noun: str) -> dict[str, str]:
    adjectives = [word.english for word in ADJECTIVES]
    nouns = [word.english for word in LANDFORMS]
    return place_names(adjectives.index(adjective) * len(nouns) + nouns.index(noun))


@pytest.mark.parametrize(
    ("adjective", "noun", "language", "name"),
    [
        ("Silent", "Valley", "en", "Silent Valley"),
        # weak ending -e after the article in all three genders
        ("Silent", "Valley", "de", "das Stille Tal"),
        ("Silver", "Mountain", "de", "der Silberne Berg"),
        ("Ancient", "Island", "de", "die Uralte Insel"),
        # -eux/-euse, -et/-ette, -el/-elle, -er/-ère, -eur/-euse, epicene, plain -e; elided article
        ("Silent", "Valley", "fr", "la vallée Silencieuse"),
        ("Purple", "Forest", "fr", "la forêt Violette"),
        ("Eternal", "Cave", "fr", "la grotte Éternelle"),
        ("Proud", "Island", "fr", "l'île Fière"),
        ("Weeping", "Plain", "fr", "la plaine Pleureuse"),
        ("Lonely", "Oasis", "fr", "l'oasis Solitaire"),
        ("Hidden", "Bay", "fr", "la baie Cachée"),
        ("Hidden", "Pond", "fr", "l'étang Caché"),
        # il, lo, la, l'; -o/-a, and -e for both genders
        ("Sacred", "Lake", "it", "il Lago Sacro"),
        ("Sacred", "Pond", "it", "lo Stagno Sacro"),
        ("Sacred", "Valley", "it", "la Valle Sacra"),
        ("Sacred", "Island", "it", "l'Isola Sacra"),
        ("Burning", "Mountain", "it", "la Montagna Ardente"),
        # three genders; -ki: -ka, -kie; -cy: -ca, -ce
        ("Golden", "Forest", "pl", "Złoty Las"),
        ("Golden", "Mountain", "pl", "Złota Góra"),
        ("Golden", "Lake", "pl", "Złote Jezioro"),
        ("Wild", "Hill", "pl", "Dzikie Wzgórze"),
        ("Wild", "Bay", "pl", "Dzika Zatoka"),
        ("Mysterious", "Field", "pl", "Tajemnicze Pole"),
        # hard, soft, velar and sibilant stems; only the adjective has a capital
        ("Golden", "Mountain", "ru", "Золотая гора"),
        ("Ancient", "Valley", "ru", "Древняя долина"),
        ("Ancient", "Lake", "ru", "Древнее озеро"),
        ("Wild", "Field", "ru", "Дикое поле"),
        ("Burning", "Lake", "ru", "Пылающее озеро"),
        ("Burning", "Cave", "ru", "Пылающая пещера"),
        ("Lonely", "Island", "ru", "Одинокий остров"),
        # both words definite, the adjective of the noun's gender
        ("Silver", "Mountain", "ar", "الجبل الفضي"),
        ("Silver", "Lake", "ar", "البحيرة الفضية"),
        ("Forgotten", "Island", "ar", "الجزيرة المنسية"),
        ("Frozen", "Lake", "he", "האגם הקפוא"),
        ("Frozen", "Cave", "he", "המערה הקפואה"),
        ("Whispering", "Hill", "he", "הגבעה הלוחשת"),
        ("Wild", "Peak", "he", "הפסגה הפראית"),
        ("Forgotten", "Oasis", "he", "נווה המדבר הנשכח"),
        ("Silver", "Mountain", "ja", "銀の山"),
        ("Sleeping", "Forest", "ja", "眠れる森"),
        ("Silent", "Lake", "ja", "静かな湖"),
        ("Silent", "Forest", "zh", "寂静森林"),
        ("Golden", "Island", "zh", "金色岛"),
    ],
)
def test_a_described_place_is_named_as_its_language_names_places(
    adjective: str, noun: str, language: str, name: str
) -> None:
    assert _place(adjective, noun)[language] == name


@pytest.mark.parametrize(
    ("adjective", "noun", "language", "name"),
    [
        ("Silent", "Kingdom", "en", "Silent Kingdom"),
        ("Silent", "Kingdom", "de", "Stilles Königreich"),  # strong endings without an article
        ("Silent", "World", "de", "Stille Welt"),
        ("Silent", "Horizon", "de", "Stiller Horizont"),
        ("Eternal", "Kingdom", "fr", "Royaume éternel"),
        ("Eternal", "Horizon", "fr", "Horizon éternel"),
        ("Eternal", "World", "it", "Mondo Eterno"),
        ("Eternal", "Horizon", "it", "Orizzonte Eterno"),
        ("Wild", "Kingdom", "pl", "Dzikie Królestwo"),
        ("Ancient", "Kingdom", "ru", "Древнее Королевство"),
        ("Ancient", "World", "ru", "Древний Мир"),
        ("Ancient", "Kingdom", "ar", "المملكة القديمة"),
        ("Ancient", "World", "ar", "العالم القديم"),
        ("Ancient", "Kingdom", "he", "הממלכה העתיקה"),
        ("Ancient", "World", "he", "העולם העתיק"),
        ("Misty", "Kingdom", "ja", "霧の王国"),
        ("Misty", "World", "zh", "迷雾世界"),
    ],
)
def test_a_described_continent_has_no_article_beside_the_word_continent(
    adjective: str, noun: str, language: str, name: str
) -> None:
    adjectives = [word.english for word in ADJECTIVES]
    nouns = [word.english for word in REALMS]
    assert continent_names(adjectives.index(adjective) * len(nouns) + nouns.index(noun))[language] == name


def test_every_described_name_is_one_of_a_kind_in_every_language() -> None:
    names = [*map(place_names, range(PLACES)), *map(continent_names, range(CONTINENTS))]
    assert (PLACES, CONTINENTS) == (36 * 23, 36 * 3)
    for language in LANGUAGES:
        assert len({name_key(own[language]) for own in names}) == 828 + 108, language


def test_a_genders_entry_has_a_letter_for_every_language_with_gender() -> None:
    for noun in (*LANDFORMS, *REALMS):
        assert len(noun.genders) == 7, noun.english
        # only German, Polish and Russian have a neuter
        assert {place for place, gender in enumerate(noun.genders) if gender == "n"} <= {0, 3, 4}
        assert {"der": "m", "die": "f", "das": "n"}[noun.german.split(" ")[0]] == noun.genders[0]
        if not noun.italian.startswith("l'"):
            assert {"il": "m", "lo": "m", "la": "f"}[noun.italian.split(" ")[0]] == noun.genders[2]
        if not noun.french.startswith("l'"):
            assert {"le": "m", "la": "f"}[noun.french.split(" ")[0]] == noun.genders[1]
        if noun.arabic.endswith("ة"):
            assert noun.genders[5] == "f"
