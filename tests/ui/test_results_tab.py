"""What the tab shows is made by functions of the index; a listener's values are checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clika.database.cell_questions import QuestionFilter, Relation
from clika.database.index import Index
from clika.errors import UsageError
from clika.records import Metric
from clika.ui.results_cell import Chosen, cell_html, checked_cell, question_shown, questions_shown
from clika.ui.results_view import available_scopes, scores_of_view, view_of_store
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN = made_up_run()


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """25 questions: English right on all of them, German on the first one alone."""
    seal_questions(tmp_path, made_up_questions(count=25))
    english = {(str(number), "en"): number % 4 for number in range(25)}
    german = {(str(number), "de"): number % 4 if number == 0 else None for number in range(25)}
    seal_predictions(tmp_path, RUN, predictions(RUN, {**english, **german}))
    with Index.open(tmp_path) as opened:
        yield opened


def test_an_empty_store_has_no_view(tmp_path: Path) -> None:
    with Index.open(tmp_path) as empty:
        assert view_of_store(empty, None, None, None) is None
        seal_questions(tmp_path, made_up_questions())
        empty.refresh()
        assert view_of_store(empty, None, None, None) is None  # questions without an answer


def test_wishes_that_the_store_cannot_show_are_replaced(index: Index) -> None:
    view = view_of_store(index, "gone", "nonsense", "factual")
    assert view is not None
    assert (view.collection, view.metric, view.scope) == ("made-up", Metric.ACCURACY, "xgeo")


def test_a_level_is_offered_only_where_all_its_data_sets_are_there() -> None:
    assert available_scopes(["xgeo", "xcsqa", "xcopa"]) == ("basic", "xcsqa", "xcopa", "xgeo")


def test_ra_without_a_reference_is_accuracy_and_says_so(index: Index) -> None:
    view = view_of_store(index, None, "ra", None)
    assert view is not None
    scores = scores_of_view(index, view)
    assert scores.grid.metric is Metric.ACCURACY
    assert "this is plain accuracy" in scores.sentences[0]
    assert [cell.printed for cell in scores.grid.cells[0]] == ["100.00", "4.00", "·"]  # 25/25, 1/25, not run


def test_questions_come_twenty_a_page(index: Index) -> None:
    view = view_of_store(index, None, None, None)
    assert view is not None
    first = questions_shown(index, view, Chosen(RUN.run, "de"))
    second = questions_shown(index, view, Chosen(RUN.run, "de", offset=20))
    assert (first.html.count("<button"), first.earlier, first.later) == (20, False, True)
    assert (second.html.count("<button"), second.earlier, second.later) == (5, True, False)
    assert "Questions 21 to 25 of 25" in second.html
    both = questions_shown(index, view, Chosen(RUN.run, "de", QuestionFilter(Relation.BOTH)))
    assert (both.html.count("<button"), both.later) == (1, False)


def test_a_cell_counts_against_english_and_its_question_is_shown(index: Index) -> None:
    view = view_of_store(index, None, None, None)
    assert view is not None
    html = cell_html(scores_of_view(index, view), Chosen(RUN.run, "de"))
    assert "<dt>Both right</dt><dd>1</dd>" in html
    assert "<dt>Only English right</dt><dd>24</dd>" in html
    cards = question_shown(index, view, Chosen(RUN.run, "de", dataset="xgeo", question_id="3")).cards
    assert cards.count("<article") == 3
    assert "no idea" in cards  # the unparseable answer as it was written
    assert "Not asked in this language" in cards  # Hebrew


@pytest.mark.parametrize(("run", "language"), [("gone", "de"), (RUN.run, "xx"), (None, None), ([], {})])
def test_a_press_on_what_is_not_there_is_refused(index: Index, run: object, language: object) -> None:
    with pytest.raises(UsageError, match=r"no (run|language)"):
        checked_cell(index, "made-up", run, language)
