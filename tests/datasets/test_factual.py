"""xGeo and xPeo from a graph of Wikidata's shape: parallel, balanced, nothing ambiguous, counted."""

from collections import Counter
from pathlib import Path

import pytest

from clika.cli import main
from clika.datasets.own_file import read_own_file
from clika.datasets.sparql import SparqlEndpoint
from clika.datasets.wikidata import Life, Wikidata
from clika.errors import UsageError
from clika.records import Question
from tests.datasets.wikidata_server import Graph, Served, labels, served, small_graph

SWAHILI = """[sw]
country = "Mji wa {city} uko katika nchi gani?"
division = "Mji wa {city} uko katika mkoa gani?"
born = "{person} alizaliwa mwaka gani?"
died = "{person} alifariki mwaka gani?"
year = "mwaka {year}"
"""


def build(server: Served, folder: Path, *arguments: str, languages: str = "en,de") -> int:
    """The command, over the server's graph, six cities and four people a language."""
    return main(
        [
            "build-factual", "--languages", languages, "--output", str(folder / "built"), "--cities", "6",
            "--people", "4", "--endpoint", server.url, "--cache", str(folder / "cache"), "--pause", "0", *arguments,
        ]
    )  # fmt: skip


def built(folder: Path) -> tuple[Question, ...]:
    """The file's questions, as ``evaluate --data`` reads them."""
    own = read_own_file(folder / "built" / "factual.jsonl", "factual")
    assert own.faults == ()
    return own.questions


def test_the_file_is_one_that_evaluate_reads_with_every_question_in_every_language(tmp_path: Path) -> None:
    with served(small_graph()) as server:
        assert build(server, tmp_path) == 0
    questions = built(tmp_path)
    counts = Counter((question.dataset, question.language, question.origin) for question in questions)
    assert counts == {  # 6 cities a language of origin, 4 people with two questions each, in both languages
        ("xgeo", language, origin): 6 for language in ("en", "de") for origin in ("en", "de")
    } | {("xpeo", language, origin): 8 for language in ("en", "de") for origin in ("en", "de")}
    assert all(len(question.choices) == 4 for question in questions)


def test_the_right_option_is_right_and_the_wrong_ones_are_of_its_kind_and_country(tmp_path: Path) -> None:
    with served(small_graph()) as server:
        build(server, tmp_path)
    questions = {(one.question_id, one.language): one for one in built(tmp_path)}
    # the largest city of the second country (Q183): its district lies in the country's first division
    city = questions["division-Q2300", "de"]
    assert city.text == "In welcher Verwaltungseinheit liegt die Stadt Ort20stadt?"
    assert city.choices[city.answer_index] == "Teil20stadt"
    assert set(city.choices) <= {f"Teil2{other}stadt" for other in range(5)}
    country = questions["country-Q2301", "en"]
    assert country.choices[country.answer_index] == "Deutschland en"
    assert set(country.choices) - {"Deutschland en"} <= {f"Land2{other} town" for other in range(4)}
    born = questions["born-Q2500", "de"]
    assert born.choices[born.answer_index] == "1800"
    assert all(1800 - 48 <= int(year) <= 1800 + 48 for year in born.choices)


def test_the_right_option_stands_at_every_letter_equally_often(tmp_path: Path) -> None:
    with served(small_graph()) as server:
        build(server, tmp_path)
    english = [question for question in built(tmp_path) if question.language == "en"]
    for dataset, count in (("xgeo", 12), ("xpeo", 16)):
        places = Counter(question.answer_index for question in english if question.dataset == dataset)
        assert places == dict.fromkeys(range(4), count // 4)


def test_the_seed_is_the_order_and_another_one_another(tmp_path: Path) -> None:
    with served(small_graph()) as server:
        build(server, tmp_path)
        first = built(tmp_path)
        build(server, tmp_path)
        assert built(tmp_path) == first
        build(server, tmp_path, "--seed", "1")
    assert [one.question_id for one in built(tmp_path)] == [one.question_id for one in first]
    assert built(tmp_path) != first


def test_what_is_ambiguous_or_lacks_a_name_is_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = small_graph()
    graph.say("Q2300", "P17", "Q30")  # a city of two countries
    graph.say("Q2301", "P131", "Q2204")  # in two divisions: by its district in the second as well
    graph.say("Q2500", "P27", "Q30")  # two nationalities
    graph.date("Q2501", "P569", 1799)  # two years of birth
    for number, faulty in enumerate(("no-name", "circa", "century"), 1):
        person = f"Q260{number}"
        graph.say(person, "P31", "Q5")
        graph.say(person, "P27", "Q183")
        graph.date(person, "P569", 1700, precision=7 if faulty == "century" else 9, circa=faulty == "circa")
        graph.date(person, "P570", 1760)
        graph.links(person, 200)
        graph.name(person, {"en": faulty} if faulty == "no-name" else {"en": faulty, "de": f"der {faulty}"})
    with served(graph) as server:
        build(server, tmp_path)
    asked = {question.question_id.partition("-")[2] for question in built(tmp_path)}
    assert not asked & {"Q2300", "Q2301", "Q2500", "Q2501", "Q2601", "Q2602", "Q2603"}
    said = capsys.readouterr().err
    for line in (
        "city in several countries: 1",
        "city in several divisions: 1",
        "person of several nationalities: 1",
        "person with an uncertain year: 3",  # two years, circa, a century
        "person without a name in every language: 1",
    ):
        assert f"clika: left out, {line}\n" in said


def test_a_city_whose_name_holds_the_answer_is_asked_for_the_other_one(tmp_path: Path) -> None:
    graph = small_graph()
    graph.name("Q2300", {})
    for number, (stem, division) in enumerate((("Teil21", "Q2201"),)):
        city = f"Q270{number}"
        graph.say(city, "P31", "Q515")
        graph.say(city, "P17", "Q183")
        graph.say(city, "P131", division)
        graph.say(city, "P1082", 99999)
        graph.name(city, labels(stem))
    with served(graph) as server:
        build(server, tmp_path)
    assert "country-Q2700" in {question.question_id for question in built(tmp_path)}


def test_too_few_facts_are_said_and_not_made_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(small_graph()) as server:
        assert build(server, tmp_path, "--cities", "12") == 0
    assert "clika: en: 10 of 12 cities\n" in capsys.readouterr().err


def test_an_interrupted_build_goes_on_without_asking_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(small_graph()) as server:
        build(server, tmp_path / "whole")
        wanted = built(tmp_path / "whole")
        whole = len(server.queries)
        server.queries.clear()
        server.dies_after = 7
        assert build(server, tmp_path) == 1
        assert "refused a query" in capsys.readouterr().err
        assert not (tmp_path / "built").exists()
        server.dies_after = None
        answered = len(server.queries) - 1
        assert build(server, tmp_path) == 0
    assert built(tmp_path) == wanted
    assert len(server.queries) - answered - 1 == whole - 7


def test_a_language_beyond_ours_needs_its_sentences_and_finds_its_country(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(small_graph()) as server:
        assert build(server, tmp_path, languages="en,sw") == 2
        assert (
            "no question sentences in 'sw' (country, division, born, died, year)" in capsys.readouterr().err
        )
        assert server.queries == []
        (tmp_path / "sw.toml").write_text(SWAHILI)
        assert build(server, tmp_path, "--wordings", str(tmp_path / "sw.toml"), languages="en,sw") == 0
    text = (tmp_path / "built" / "factual.jsonl").read_text()
    assert '"question": "Person 30 alizaliwa mwaka gani?"' in text
    assert '"language": "sw"' in text
    assert '"mwaka 1800"' in text
    assert '"origin": "sw"' in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[sw]\ncountry = 'nchi gani?'\n", "no question sentences in 'sw'"),
        (SWAHILI.replace("{person} alizaliwa", "alizaliwa"), r"\[sw\] born is .* with {person} and no other"),
        (SWAHILI + "countries = ['Tanzania']\n", r"countries is \['Tanzania'\]"),
        (SWAHILI + "colour = 'red'\n", "unknown key 'colour'"),
        ("[sw", "no TOML"),
    ],
)
def test_a_fault_in_the_sentences_is_named(tmp_path: Path, content: str, said: str) -> None:
    from clika.datasets.factual_wordings import factual_wordings

    (tmp_path / "sw.toml").write_text(content)
    with pytest.raises(UsageError, match=said):
        factual_wordings(["sw"], tmp_path / "sw.toml")


def test_people_come_by_how_well_known_they_are_band_by_band(tmp_path: Path) -> None:
    with served(small_graph()) as server:
        stream = Wikidata(SparqlEndpoint(server.url, tmp_path, pause_s=0), ["en"]).people("Q183", 1976)
        first = [next(stream) for _ in range(2)]
        asked = len(server.queries)
        rest = list(stream)
    assert first == ["Q2500", "Q2501"]  # 120 and 100 links: the first band
    assert asked == 1
    assert rest == [f"Q250{other}" for other in range(2, 8)]


def test_a_life_before_our_era_is_no_exact_year(tmp_path: Path) -> None:
    graph = Graph()
    graph.date("Q1", "P569", 100)
    with served(graph) as server:
        lives = Wikidata(SparqlEndpoint(server.url, tmp_path), ["en"]).lives(["Q1", "Q2"])
    assert lives == {"Q1": Life(100, None), "Q2": Life(None, None)}


def test_a_parquet_file_holds_the_same(tmp_path: Path) -> None:
    with served(small_graph()) as server:
        build(server, tmp_path)
        assert build(server, tmp_path, "--output", str(tmp_path / "built" / "factual.parquet")) == 0
    own = read_own_file(tmp_path / "built" / "factual.parquet", "factual")
    assert own.questions == built(tmp_path)
