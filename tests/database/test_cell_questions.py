"""Which questions of a cell are listed, in which order, and what stands before and after one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clika.database.cell_questions import (
    Order,
    Pattern,
    QuestionCell,
    QuestionFilter,
    Relation,
    cell_questions,
    origins,
    question_place,
)
from clika.database.index import Index
from clika.database.text_search import folded
from clika.records import Outcome, Prediction, ScoringRule
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN, OTHER = made_up_run(), made_up_run("other")
# gold: question k -> choice k. en right on 0, 1; de right on 0, 2, unparseable on 1; he asked 0 to 2
CHOSEN = {
    ("0", "en"): 0, ("1", "en"): 1, ("2", "en"): 0, ("3", "en"): 0,
    ("0", "de"): 0, ("1", "de"): None, ("2", "de"): 2, ("3", "de"): 0,
    ("0", "he"): 1, ("1", "he"): 0, ("2", "he"): 2,
}  # fmt: skip
CELL = QuestionCell("made-up", RUN.run, "de", ("xgeo",))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    questions = made_up_questions()
    texts = {("0", "he"): "שָׁלוֹם", ("1", "de"): "Straße nach Köln?", ("2", "en"): "Ｃafé <b>"}
    questions = [
        replace(
            one,
            text=texts.get((one.question_id, one.language), one.text),
            origin="de" if one.question_id == "0" else "pl",
        )
        for one in questions
    ]  # fmt: skip
    seal_questions(tmp_path, questions)
    seal_predictions(tmp_path, RUN, predictions(RUN, CHOSEN))
    seal_predictions(
        tmp_path, OTHER, predictions(OTHER, {("0", "de"): 0, ("2", "de"): 0, ("3", "de"): 3}), "two"
    )
    with Index.open(tmp_path) as opened:
        yield opened


def ids(index: Index, **wanted: object) -> list[str]:
    page = cell_questions(index, CELL, QuestionFilter(**wanted))  # type: ignore[arg-type]
    assert page.total == len(page.rows)
    return [row.question_id for row in page.rows]


def test_a_cell_lists_its_questions_with_their_relation_to_english(index: Index) -> None:
    page = cell_questions(index, CELL)
    assert {row.question_id: row.relation for row in page.rows} == {
        "0": Relation.BOTH,
        "1": Relation.ENGLISH_ONLY,
        "2": Relation.LANGUAGE_ONLY,
        "3": Relation.NEITHER,
    }
    assert ids(index, relation=Relation.LANGUAGE_ONLY) == ["2"]
    second = cell_questions(index, CELL, offset=2, limit=1)
    assert (second.total, [row.question_id for row in second.rows]) == (4, ["2"])
    # question 0: right in en and de, wrong in he
    assert (page.rows[0].languages_right, page.rows[0].languages_asked) == (2, 3)
    assert page.rows[0].margin is None  # no scores are stored


def test_patterns_are_over_all_languages_that_were_asked(index: Index) -> None:
    assert ids(index, pattern=Pattern.ONLY_ENGLISH) == ["1"]
    assert ids(index, pattern=Pattern.ALL_BUT_ENGLISH) == ["2"]
    assert ids(index, pattern=Pattern.ALL_WRONG) == ["3"]
    assert ids(index, pattern=Pattern.ALL_RIGHT) == []


def test_one_wrong_option_in_several_languages_is_found(index: Index) -> None:
    assert ids(index, same_wrong=2) == ["3"]  # A in English and German; an unparseable answer picks nothing
    assert ids(index, same_wrong=1) == ["0", "1", "2", "3"]
    assert ids(index, same_wrong=3) == []


def test_data_set_and_origin(index: Index) -> None:
    assert ids(index, origin="de") == ["0"]
    assert ids(index, dataset="xgeo", origin="pl") == ["1", "2", "3"]
    assert ids(index, dataset="xpeo") == []
    assert origins(index, "made-up", ["xgeo"]) == ("de", "pl")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("שלום", ["0"]),  # without its points, in another language than the cell's
        ("STRASSE koln", ["1"]),
        ("café", ["2"]),  # a full-width letter
        ("<b>", ["2"]),
        ("question 3", ["3"]),
        ("  ", ["0", "1", "2", "3"]),
        ("nowhere", []),
        ("%", []),  # no pattern language
    ],
)
def test_search_reads_every_language_without_its_accents(index: Index, search: str, found: list[str]) -> None:
    assert ids(index, search=search) == found


def test_folding_keeps_what_makes_another_letter() -> None:
    assert folded("İstanbul") == "istanbul"
    assert folded("か") != folded("が") == folded("か\u3099")
    assert folded("ﻻ") == folded("لا")  # a ligature
    assert folded("a\u202eb\u200f") == "ab"


def test_the_most_divisive_come_first(index: Index) -> None:
    page = cell_questions(index, CELL, QuestionFilter(order=Order.DIVISIVE, models=(RUN.run, OTHER.run)))
    # 2 and 3 have one of two models right; 0 has both; 1 was asked of one model alone
    assert [(row.question_id, row.models_right, row.models) for row in page.rows] == [
        ("2", 1, 2),
        ("3", 1, 2),
        ("0", 2, 2),
        ("1", 0, 1),
    ]


def test_a_question_has_its_place_in_the_list(index: Index) -> None:
    place = question_place(index, CELL, QuestionFilter(origin="pl"), ("xgeo", "2"))
    assert place is not None
    assert (place.position, place.total, place.before, place.after) == (1, 3, ("xgeo", "1"), ("xgeo", "3"))
    first = question_place(index, CELL, QuestionFilter(), ("xgeo", "0"))
    assert first is not None
    assert (first.before, first.after) == (None, ("xgeo", "1"))
    assert question_place(index, CELL, QuestionFilter(origin="pl"), ("xgeo", "0")) is None


def test_the_margin_is_that_of_the_runs_own_rule(tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions(count=1))
    scores = {
        ScoringRule.LETTER: (-1.0, -2.5, -3.0, -4.0),
        ScoringRule.LETTER_VARIANTS: (-1.0, -9.0, -9.0, -9.0),
    }
    answer = Prediction(RUN.run, "xgeo", "0", "de", Outcome.ANSWERED, 0, scores)
    seal_predictions(tmp_path, RUN, [answer])
    with Index.open(tmp_path) as opened:
        (row,) = cell_questions(opened, CELL).rows
    assert row.margin == pytest.approx(1.5)  # -1 - -2.5, of the run's rule "letter"
