"""The bundled sample: parallel, true, written in the right letters, and no option that gives itself away."""

import json
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from clika.datasets.sample import read_sample, sample_questions
from clika.datasets.sample_files import SAMPLE
from clika.errors import DataError
from clika.languages import LANGUAGES
from clika.prompts.templates import Template, prompts
from clika.records import Kind, Question
from tests.datasets.sample_form import (
    LIMIT,
    given_away,
    leftover_english,
    shared_beginnings,
    tail,
    wrong_letters,
)

RELEASE = Path(__file__).resolve().parents[3] / "shared" / "clika_release"
QUESTIONS = sample_questions()


def by_id(questions: Iterable[Question]) -> dict[tuple[str, str], dict[str, Question]]:
    """(data set, id) -> language -> question."""
    table: dict[tuple[str, str], dict[str, Question]] = defaultdict(dict)
    for question in questions:
        table[question.dataset, question.question_id][question.language] = question
    return table


def test_it_holds_the_promised_questions_in_every_language() -> None:
    counts = Counter((question.language, question.dataset) for question in QUESTIONS)
    promised = {"xcopa": 30, "xcsqa": 30, "xgeo": 60, "xpeo": 54}
    assert counts == {(code, dataset): count for code in LANGUAGES for dataset, count in promised.items()}
    english = [question for question in QUESTIONS if question.language == "en"]
    assert Counter((question.dataset, len(question.choices)) for question in english) == {
        ("xcopa", 2): 30, ("xcsqa", 5): 30, ("xgeo", 4): 60, ("xpeo", 4): 54,
    }  # fmt: skip
    assert Counter(question.kind for question in english if question.dataset == "xcopa") == {
        Kind.CAUSE: 15, Kind.EFFECT: 15,
    }  # fmt: skip
    origins = Counter((question.dataset, question.origin) for question in english)
    assert [origins["xgeo", code] for code in LANGUAGES] == [6] * 10
    # 3 people x birth and death, none for Hebrew
    assert [origins["xpeo", code] for code in LANGUAGES] == [0 if code == "he" else 6 for code in LANGUAGES]
    assert origins["xcopa", None] == origins["xcsqa", None] == 30


def not_parallel(questions: Iterable[Question]) -> list[str]:
    """The ids of questions that are not the same in every language."""
    return [
        question_id
        for (_, question_id), languages in by_id(questions).items()
        if list(languages) != list(LANGUAGES)
        or len(
            {
                (len(q.choices), q.answer_index, q.kind, q.origin, q.premise is None)
                for q in languages.values()
            }
        )
        > 1
    ]


def test_the_same_question_stands_in_every_language() -> None:
    assert not_parallel(QUESTIONS) == []
    assert not_parallel(QUESTIONS[1:]) == [QUESTIONS[0].question_id]
    assert not_parallel(
        [replace(QUESTIONS[0], answer_index=1 - QUESTIONS[0].answer_index), *QUESTIONS[1:]]
    ) == [QUESTIONS[0].question_id]


def test_no_option_stands_twice_and_every_text_is_tidy() -> None:
    for question in QUESTIONS:
        folded = {unicodedata.normalize("NFC", option).casefold() for option in question.choices}
        assert len(folded) == len(question.choices), question
        for text in (question.premise or "", question.text, *question.choices):
            assert text == unicodedata.normalize("NFC", text)
            assert text == " ".join(text.split(" ")).strip()
            assert not re.search(r"[\s\u00a0]{2}|[{}\"_<>]|\.\.", text), text


def test_the_answer_stands_at_every_letter_equally_often() -> None:
    for dataset in ("xcopa", "xcsqa", "xgeo", "xpeo"):
        english = [
            question for question in QUESTIONS if (question.dataset, question.language) == (dataset, "en")
        ]
        letters = Counter(question.answer_index for question in english)
        assert len(letters) == len(english[0].choices)
        assert max(letters.values()) - min(letters.values()) <= 1, (dataset, letters)


def test_no_option_gives_itself_away_by_its_form() -> None:
    assert given_away(QUESTIONS) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda option, right: f"{option} indeed" if right else option,
        lambda option, right: option if right else f"{option} perhaps",
        lambda option, right: option.capitalize() if right else option.casefold(),
        lambda option, right: f"{option}-{option}" if right else option,
        lambda option, right: option if right else f"{option} (?)",
    ],
    ids=["longest", "shortest", "capital", "hyphen", "without brackets"],
)
def test_the_rule_finds_an_option_that_gives_itself_away(spoil: Callable[[str, bool], str]) -> None:
    spoilt = [
        replace(q, choices=tuple(spoil(option, k == q.answer_index) for k, option in enumerate(q.choices)))
        for q in QUESTIONS
        if (q.dataset, q.language) == ("xcsqa", "en")
    ]
    assert given_away(spoilt) != []


def test_the_tail_of_chance_is_the_binomial_one() -> None:
    # 2 of 2 at chances 1/2 and 1/4: 1/8; at most 0: 1/2 x 3/4 = 3/8; at least 0 and at most 2: 1
    assert tail(2, [0.5, 0.25]) == pytest.approx((1 / 8, 1))
    assert tail(0, [0.5, 0.25]) == pytest.approx((1, 3 / 8))


def test_every_text_is_in_the_letters_of_its_language() -> None:
    assert [fault for question in QUESTIONS for fault in wrong_letters(question)] == []


def test_no_english_is_left_over() -> None:
    assert leftover_english(QUESTIONS) == []


@pytest.mark.parametrize(
    ("dataset", "language", "text"),
    [
        ("xcopa", "ru", "Пруд был cold."),
        ("xcopa", "ru", "Ставок був вкритий льодом і снігом."),
        ("xcopa", "pl", "Staw był überaus zimny."),
        ("xcopa", "zh", "池塘の水很冷。"),
        ("xcopa", "zh", "池塘結了冰。"),
        ("xcopa", "ja", "池塘上结了冰。"),
        ("xcopa", "he", "הבריכה קפאה ICE."),
        ("xcopa", "ar", "کانت البركة باردة."),
        ("xgeo", "ja", "In which country?"),
    ],
)
def test_a_letter_of_another_language_is_found(dataset: str, language: str, text: str) -> None:
    question = next(q for q in QUESTIONS if (q.dataset, q.language) == (dataset, language))
    assert wrong_letters(question) == []
    assert wrong_letters(replace(question, text=text)) != []


def test_english_that_is_left_over_is_found() -> None:
    english = by_id(QUESTIONS)["xcopa", "cause-frozen-pond"]["en"]
    german = by_id(QUESTIONS)["xcopa", "cause-frozen-pond"]["de"]
    assert leftover_english([english, german]) == []
    assert leftover_english([english, replace(german, premise=english.premise)]) != []
    assert leftover_english([english, replace(german, text="Was war the Ursache?")]) != []
    assert leftover_english([english, replace(german, choices=english.choices)]) != []


def test_no_right_option_repeats_a_word_of_its_question() -> None:
    assert [fault for question in QUESTIONS for fault in shared_beginnings(question)] == []
    spoilt = replace(
        by_id(QUESTIONS)["xcsqa", "concept-hens"]["de"], text="Was legen Hühner, Eier oder Nüsse?"
    )
    assert shared_beginnings(replace(spoilt, text="Woraus macht man Eierkuchen?")) != []
    assert shared_beginnings(replace(spoilt, text="Mit Nüssen oder Eiern?")) == []  # a wrong one does so too


def test_a_right_year_is_as_often_the_first_as_the_last_of_its_options() -> None:
    ranks: Counter[int] = Counter()
    for question in QUESTIONS:
        if (question.dataset, question.language) == ("xpeo", "en"):
            years = [int(option) for option in question.choices]
            ranks[sorted(years).index(years[question.answer_index])] += 1
            assert max(years) - min(years) <= 48
            assert max(years) <= 2024
    assert sorted(ranks.values()) == [13, 13, 14, 14]  # 54 questions over 4 ranks


def test_how_often_a_name_is_right_elsewhere_says_nothing() -> None:
    """Whoever always takes the option that is right most often in the other questions is not above chance."""
    geo = [question for question in QUESTIONS if (question.dataset, question.language) == ("xgeo", "en")]
    right = Counter(question.choices[question.answer_index] for question in geo)
    hits = chances = 0.0
    for question in geo:
        elsewhere = [
            right[option] - (place == question.answer_index) for place, option in enumerate(question.choices)
        ]
        best = [place for place, times in enumerate(elsewhere) if times == max(elsewhere)]
        hits += (question.answer_index in best) / len(best)
        chances += 1 / len(question.choices)
    assert tail(round(hits), [chances / len(geo)] * len(geo))[0] >= LIMIT, hits


def test_the_facts_are_those_of_the_released_data_where_both_ask() -> None:
    if not RELEASE.is_dir():
        pytest.skip(f"the authors' released data are not at {RELEASE}")
    released: dict[str, str] = {}
    for name in ("x_geo/en/en_geo_data.jsonl", "x_name/en/en_name_data_generate.jsonl"):
        for line in (RELEASE / name).read_text("utf-8").splitlines():
            row = json.loads(line)
            asked = re.fullmatch(
                r"(?:What administrative division of .+ is (.+) in|In what year (?:was (.+) born|did (.+) die))\?",
                row["questions"],
            )
            assert asked, row
            place, born, died = asked.groups()
            about = place or (f"{born} born" if born else f"{died} died")
            released[about] = row["answers"][row["label"]]
    sample = read_sample()
    ours = {city.names["en"]: city.division.names["en"] for city in sample.cities}
    for person in sample.people:
        ours[f"{person.names['en']} born"] = str(person.born)
        ours[f"{person.names['en']} died"] = str(person.died)
    spelt = {"New Aquitaine": "Nouvelle-Aquitaine"}
    shared = ours.keys() & released.keys()
    assert len(shared) >= 35
    assert {about: ours[about] for about in shared} == {
        about: spelt.get(released[about], released[about]) for about in shared
    }


def test_the_facts_are_there_for_others() -> None:
    sample = read_sample()
    chicago = next(city for city in sample.cities if city.city_id == "chicago")
    assert (chicago.names["zh"], chicago.division.names["de"]) == ("芝加哥", "Illinois")
    assert (chicago.country.names["fr"], chicago.origin, chicago.asked) == ("États-Unis", "en", "division")
    assert Counter(city.asked for city in sample.cities) == {"country": 21, "division": 39}
    gagarin = next(person for person in sample.people if person.person_id == "yuri-gagarin")
    assert (gagarin.names["ru"], gagarin.origin, gagarin.born, gagarin.died) == (
        "Юрий Гагарин",
        "ru",
        1934,
        1968,
    )
    assert sample.languages == tuple(LANGUAGES)
    assert sample.sentences["de"].died.format(person="X") == "In welchem Jahr starb X?"


def test_every_question_can_be_asked_by_letters() -> None:
    assert len(prompts(QUESTIONS, Template.ENGLISH)) == 1740  # 174 x 10


def test_the_questions_are_the_same_in_every_process() -> None:
    code = (
        "import hashlib; from clika.datasets.sample import sample_questions as ours;"
        "print(hashlib.sha256(repr(ours()).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(SAMPLE.parents[1])},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE, tmp_path / "sample"))


def test_a_language_less_leaves_the_other_questions_as_they_are(folder: Path) -> None:
    (folder / "languages" / "he.json").unlink()
    sample = read_sample(folder)
    assert sample.languages == tuple(code for code in LANGUAGES if code != "he")
    assert sample.questions == tuple(question for question in QUESTIONS if question.language != "he")


def test_a_new_fact_at_the_end_leaves_the_other_options_as_they_are(folder: Path) -> None:
    replace_in(
        folder / "people.json",
        '"died": 1961}',
        '"died": 1961}, {"person": "new", "origin": "he", "born": 1860, "died": 1904}',
    )
    for path in (folder / "languages").iterdir():
        written = json.loads(path.read_bytes())
        written["people"]["new"] = f"New in {path.stem}"
        path.write_text(json.dumps(written), "utf-8")
    questions = read_sample(folder).questions
    assert [question for question in questions if not question.question_id.endswith("-new")] == list(
        QUESTIONS
    )
    assert len(questions) == len(QUESTIONS) + 2 * 10


def replace_in(path: Path, old: str, new: str) -> None:
    """Change one place of a file."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, (old, text.count(old))
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("languages/de.json", '"rain": ["Welcher', '"rayn": ["Welcher', "'rain'|rain .*rayn"),
        ("languages/de.json", '"chicago": "Chicago",', "", "chicago"),
        ("languages/de.json", '"chicago": "Chicago",', '"chicago": "Houston",', "'Houston' stands twice"),
        ("languages/de.json", '"toronto": "Toronto",', '"toronto": "", ', "none empty"),
        ("languages/de.json", '"chicago": "Chicago",', '"chicago": "A", "chicago": "B",', "'chicago' stands twice"),
        ("languages/de.json", "liegt die Stadt {city}?\",\n  \"division\"", "liegt sie?\",\n  \"division\"", "{city}"),
        ("languages/de.json", "starb {person}?", "starb {persn}?", "{person}"),
        ("languages/de.json", "starb {person}?", "starb {person?", "{person}"),
        ("languages/de.json", '"Kerze", "Geige"]', '"Kerze"]', "it must have 6"),
        ("languages/de.json", '"Kerze", "Geige"]', '"Kerze", "schirm"]', "'schirm'"),
        ("languages/de.json", '"sentences": {', '"sentences": ', "JSON"),
        ("cities.json", '"division": "ontario"', '"division": "iowa"', "'iowa'"),
        ("cities.json", '"he", "asked": "country"', '"he", "asked": "mayor"', "'mayor'"),
        ("cities.json", '"origin": "zh", "asked": "country"}', '"origin": "xx", "asked": "country"}', "'xx'"),
        ("cities.json", '"vietnam"]', '"china"]', "'china' stands twice"),
        ("cities.json", '"south-korea", "vietnam"]', '"south-korea"], "more": ["vietnam"]', "has 2 others"),
        ("people.json", '"died": 1961}', '"died": 2016}', "2016"),
        ("people.json", '"born": 712', '"born": "712"', "'712'"),
        ("people.json", '"origin": "zh", "born": 712', '"born": 712', "origin"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_refused_by_name(
    folder: Path, file: str, old: str, new: str, named: str
) -> None:
    replace_in(folder / file, old, new)
    with pytest.raises(DataError, match=named) as refused:
        read_sample(folder)
    assert Path(file).name in str(refused.value)


def test_a_file_of_no_known_language_and_a_folder_without_english_are_refused(folder: Path) -> None:
    (folder / "languages" / "xx.json").write_text("{}")
    with pytest.raises(DataError, match=r"'xx'.*languages\.py"):
        read_sample(folder)
    (folder / "languages" / "xx.json").unlink()
    (folder / "languages" / "en.json").unlink()
    with pytest.raises(DataError, match=r"en\.json"):
        read_sample(folder)


def test_a_file_in_another_encoding_is_refused(folder: Path) -> None:
    path = folder / "languages" / "de.json"
    path.write_bytes(path.read_text("utf-8").encode("latin-1", "replace"))
    with pytest.raises(DataError, match=r"de\.json.*UTF-8"):
        read_sample(folder)
