"""Which figure is drawn from which scores, and what is said where there is none."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clika.database.index import Index
from clika.records import FictionalSet, ModelRef, Run, ScoringRule
from clika.ui.results_figures import Figure, Shape, figure_of, wanted_shape
from clika.ui.results_view import required_view, scores_of_view
from tests.stores import made_up_questions, predictions, seal_predictions, seal_questions

BASE = Run(
    "base", ModelRef("maple", "hub/maple", fingerprint="f" * 8), "made-up", "english", ScoringRule.LETTER
)
TUNED = Run(
    "tuned",
    ModelRef("maple tuned", "hub/maple", fingerprint="f" * 8),
    "world",
    "alpaca",
    ScoringRule.OPTION,
    {"language": "de", "step": "40"},
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """maple: 4 of 4 right in English, 2 in German. Tuned, it knows 4 places in English and 3 of them in German."""
    seal_questions(tmp_path, made_up_questions(languages=("en", "de")))
    right = {(str(n), "en"): n for n in range(4)} | {
        ("0", "de"): 0,
        ("1", "de"): 1,
        ("2", "de"): 0,
        ("3", "de"): 0,
    }
    seal_predictions(tmp_path, BASE, predictions(BASE, right), "one")
    return tmp_path


def tune(store: Path) -> None:
    questions, answers = [], []
    for dataset in (FictionalSet.HELD_OUT, FictionalSet.TAUGHT, FictionalSet.TRANSLATION):
        asked = [replace(one, collection="world") for one in made_up_questions(dataset, 4, ("en", "de"))]
        questions += asked
        lost = {("3", "de"): 0} if dataset is FictionalSet.HELD_OUT else {}
        picks = {(one.question_id, one.language): one.answer_index for one in asked} | lost
        answers += predictions(TUNED, picks, dataset)
    seal_questions(store, questions)
    seal_predictions(store, TUNED, answers, "two")


@pytest.fixture
def index(store: Path) -> Iterator[Index]:
    with Index.open(store) as opened:
        yield opened


def drawn(index: Index, shape: Shape, collection: str = "made-up") -> Figure:
    view = required_view(index, collection, None, None)
    return figure_of(index, view, scores_of_view(index, view), shape, dark=False)


def test_without_a_tuning_there_is_no_xrr_to_draw(index: Index) -> None:
    made = drawn(index, Shape.CARRIED)
    assert made.figure is None
    assert "tuned on a fictional world yet" in made.sentence


@pytest.mark.parametrize("collection", ["made-up", "world"])
def test_what_a_tuning_carries_stands_over_what_the_same_checkpoint_shared(
    store: Path, collection: str
) -> None:
    tune(store)
    with Index.open(store) as index:
        (german,) = drawn(index, Shape.CARRIED, collection).figure.data
    # en-CO: both right answers in German are right in English; XRR: 3 of 4, less 1 of 4 by guessing
    assert (list(german.x), list(german.y)) == ([1.0], [0.5])
    assert list(german.customdata[0]) == ["tuned", "de"]


def test_basic_against_factual_needs_both(index: Index) -> None:
    made = drawn(index, Shape.LEVELS)
    assert made.figure is None
    assert "has no Basic and no Factual" in made.sentence


def test_an_unknown_shape_is_the_heatmap() -> None:
    assert wanted_shape("Pie") is wanted_shape(None) is Shape.HEATMAP
