"""What a first visitor is told: found in the store's answers, with links to the questions themselves."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs

import gradio as gr
import pytest

from clika.database.index import Index
from clika.jobs.folder import JobEnd
from clika.jobs.queue import submitted
from clika.jobs.spec import EvaluationJob
from clika.metrics.conductivity import LANGUAGE, STEP
from clika.records import ModelRef, Question, Run, ScoringRule, run_id
from clika.ui.guided_look import GuidedLookPart, guided_look, guided_look_html
from clika.ui.store_watch import StoreWatch
from tests.stores import made_up_questions, predictions, seal_predictions, seal_questions
from tests.test_demo import stand_in

WORLD = "world-0123"
TAUGHT = {"english-first": frozenset({"1", "2"})}


def run_of(name: str, collection: str, **settings: str) -> Run:
    """A run over a collection."""
    model = ModelRef(name, f"/m/{name}")
    identity = run_id(model, collection, "english", ScoringRule.LETTER, settings)
    return Run(identity, model, collection, "english", ScoringRule.LETTER, settings)


def questions(collection: str, dataset: str, languages: tuple[str, ...]) -> list[Question]:
    """Four questions, question k's answer is choice k."""
    made = made_up_questions(dataset=dataset, count=4, languages=languages)
    return [replace(one, collection=collection) for one in made]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Two models over the sample, one tuned model over a world."""
    languages = ("en", "de", "he")
    seal_questions(tmp_path, questions("sample", "xgeo", languages))
    knowing, alike = run_of("english-first", "sample"), run_of("mixed", "sample")
    seal_predictions(
        tmp_path,
        knowing,  # question 1 in English only; two languages make the same mistake at question 0
        predictions(
            knowing, {("1", "en"): 1, ("1", "de"): 0, ("1", "he"): 2, ("0", "de"): 3, ("0", "he"): 3}
        ),
        job="knowing",
    )
    seal_predictions(
        tmp_path,
        alike,  # all three languages make the same mistake at question 2
        predictions(alike, {("2", "en"): 3, ("2", "de"): 3, ("2", "he"): 3}),
        job="alike",
    )
    seal_questions(tmp_path, questions(WORLD, "fictional", ("en", "ru")))
    tuned = run_of("bridge-world-ru", WORLD, **{LANGUAGE: "ru", STEP: "4"})
    seal_predictions(
        tmp_path,
        tuned,
        predictions(tuned, {("0", "en"): 0, ("0", "ru"): 1, ("3", "en"): 3, ("3", "ru"): 3}, "fictional"),
        job="tuned",
    )
    return tmp_path


def test_what_english_only_guessed_tells_nothing(store: Path) -> None:
    with Index.open(store) as index:
        look = guided_look(index, {"english-first": frozenset("2"), "mixed": frozenset()})
    assert look is not None
    assert look.performance is None


def test_each_level_has_the_question_that_shows_it(store: Path) -> None:
    with Index.open(store) as index:
        look = guided_look(index, TAUGHT)
    assert look is not None
    known, alike, carried = look.performance, look.consistency, look.conductivity
    assert known is not None
    assert (look.names[known.run], known.question_id) == ("english-first", "1")
    assert alike is not None
    assert (look.names[alike.run], alike.question_id, len(alike.languages)) == ("mixed", "2", 3)
    assert carried is not None
    assert (carried.question_id, carried.languages, look.world) == ("3", ("en", "ru"), WORLD)


def test_a_model_that_forgot_its_english_shows_nothing_of_what_is_known_there(store: Path) -> None:
    whole = run_of("whole", "sample")  # 4 of 4 right in English; english-first has 1 of 4
    right = {(str(number), "en"): number for number in range(4)}
    seal_predictions(store, whole, predictions(whole, right | {("2", "de"): 2, ("2", "he"): 1}), job="whole")
    with Index.open(store) as index:
        look = guided_look(index, TAUGHT | {"whole": frozenset("123")})
    assert look is not None
    assert look.performance is not None
    assert (look.names[look.performance.run], look.performance.question_id) == ("whole", "2")
    assert look.performance.languages == ("he",)


def test_three_sentences_link_to_three_questions(store: Path) -> None:
    with Index.open(store) as index:
        html = guided_look_html(guided_look(index, TAUGHT))
    assert html.count("<p>") == 3
    every = [parse_qs(part.split('"')[0].replace("&amp;", "&")) for part in html.split('href="?')[1:]]
    links = [link for link in every if "question" in link]
    assert [link["scope"][0] for link in every if "question" not in link] == [
        "factual",
        "factual",
        "fictional",
    ]
    assert [link["question"][0] for link in links] == ["xgeo:1", "xgeo:2", "fictional:3"]
    assert [link["metric"][0] for link in links] == ["ra", "en-co", "xrr"]
    assert [link["collection"][0] for link in links] == ["sample", "sample", WORLD]
    assert all(link["tab"] == ["results"] for link in links)
    assert "A fact that english-first knows in English and not in 2 other languages" in html
    assert "The same wrong option in 3 languages (English, German, Hebrew)" in html
    assert "learnt in English and answered in Russian" in html


def test_what_no_answer_shows_yet_has_no_link(tmp_path: Path) -> None:
    seal_questions(tmp_path, questions("sample", "xgeo", ("en", "de")))
    run = run_of("mixed", "sample")
    seal_predictions(tmp_path, run, predictions(run, {("0", "en"): 0, ("0", "de"): 0}))
    with Index.open(tmp_path) as index:
        html = guided_look_html(guided_look(index, TAUGHT))
    assert html.count("<p>") == 3
    assert "question=" not in html
    assert html.count("href") == 2  # the heatmaps of RA and en-CO; no world has answers yet


def test_a_store_without_the_sample_has_no_guided_look(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index:
        assert guided_look(index, TAUGHT) is None
    assert guided_look_html(None) == ""


def test_the_page_waits_for_the_reference_and_says_nothing_beside_other_jobs(tmp_path: Path) -> None:
    shown, store = stand_in(tmp_path / "assets"), tmp_path / "store"
    first, *_ = shown.queued_in(store)
    with Index.open(store) as index, gr.Blocks():
        part = GuidedLookPart(index, store, StoreWatch(index), shown)
        assert part.waits
        assert "(0 of 3 done)" in part.content()
        first.folder.write_done(JobEnd(1, 0, 0, "run"))
        assert not part.waits
        assert "(1 of 3 done)" in part.content()
        assert isinstance(first.job, EvaluationJob)
        submitted(store, replace(first.job, name="mine", limit=1))
        assert not part.waits
        assert part.content() == ""
