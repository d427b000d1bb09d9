"""Which questions are asked."""

from clika.datasets.selection import selected
from tests.stores import made_up_questions


def test_a_limit_takes_the_same_ids_in_every_language_and_grows_by_adding() -> None:
    questions = made_up_questions(count=9) + made_up_questions("xpeo", 9)
    smaller, larger = (selected(questions, ("xgeo",), ("en", "he"), limit) for limit in (2, 5))
    assert len(smaller) == 2 * 2  # two ids in two languages
    ids = {code: {q.question_id for q in smaller if q.language == code} for code in ("en", "he")}
    assert ids["en"] == ids["he"]
    assert set(smaller) < set(larger)
    assert {question.dataset for question in larger} == {"xgeo"}


def test_without_a_limit_the_order_stays() -> None:
    questions = made_up_questions("xpeo", 2) + made_up_questions("xgeo", 2)
    chosen = selected(questions, ("xgeo", "xpeo"), ("de",), None)
    assert chosen == [question for question in questions if question.language == "de"]
