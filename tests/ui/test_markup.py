"""Whatever comes from a file is shown as text, and every mark is a sign with words."""

from clika.database.cell_questions import QuestionPage, QuestionRow, Relation
from clika.figures.score_grid import score_grid
from clika.metrics.english_overlap import EnglishOverlap
from clika.records import Kind, Metric, Outcome, Prediction, Question
from clika.ui import markup
from clika.ui.question_markup import Answerer, question_cards, question_list

HOSTILE = "<img src=x onerror=boom()>\"'&amp;"
AS_TEXT = "&lt;img src=x onerror=boom()&gt;&quot;&#x27;&amp;amp;"


def question(language: str = "he", text: str = "שאלה?") -> Question:
    return Question("c", "xgeo", "7", language, Kind.CHOICE, None, text, ("a", "b"), 1, "de")


def prediction(outcome: Outcome, chosen: int | None = None, raw: str | None = None) -> Prediction:
    return Prediction("run", "xgeo", "7", "he", outcome, chosen, raw_text=raw)


def card(answer: Prediction | None, **made: str) -> str:
    return question_cards([question(**made)], {"he": answer} if answer else {}, Answerer(HOSTILE), "he")


def test_hostile_text_is_escaped_wherever_it_stands() -> None:
    row = QuestionRow(HOSTILE, HOSTILE, HOSTILE, 0, None, None, Outcome.UNPARSEABLE, 0, 1, Relation.NEITHER)
    grid = score_grid([], Metric.RA, HOSTILE, {HOSTILE: HOSTILE}, {})
    for html in (
        question_list(QuestionPage(1, (row,)), 0, "de", None),
        card(prediction(Outcome.UNPARSEABLE, raw=HOSTILE), text=HOSTILE),
        markup.score_table_html(grid, dark=False),
        markup.cell_heading(grid, grid.cells[0][0]),
        markup.notices([HOSTILE]),
        markup.toast(HOSTILE),
    ):
        assert AS_TEXT in html
        assert "<img" not in html


def test_gold_and_picked_are_marked_by_sign_and_words() -> None:
    html = card(prediction(Outcome.ANSWERED, 0))
    assert "✓ correct answer" in html
    assert "● picked" in html
    assert "✗ Wrong" in html


def test_a_card_has_the_language_and_direction_of_its_text() -> None:
    html = card(prediction(Outcome.ANSWERED, 1))
    assert '<p class="clika-asked" lang="he" dir="rtl">שאלה?</p>' in html
    assert "✓ Right" in html


def test_an_answer_that_names_no_option_is_shown_as_it_was_written() -> None:
    html = card(prediction(Outcome.UNPARSEABLE, raw="I cannot <say>"))
    assert "names none of the options" in html
    assert "I cannot &lt;say&gt;" in html
    assert "the answer is empty" in card(prediction(Outcome.UNPARSEABLE, raw="  "))


def test_not_asked_and_invalid_are_said() -> None:
    assert "Not asked in this language" in card(None)
    assert "Invalid" in card(prediction(Outcome.INVALID))


def test_languages_that_the_collection_lacks_are_named() -> None:
    assert "does not hold it in English, German, French" in card(None)


def test_the_four_counts_and_what_cannot_be_compared_are_said() -> None:
    html = markup.four_counts(EnglishOverlap(4, 2, 1, 3, 5), "de")
    for name, number in (
        ("Both right", 4),
        ("Only English right", 2),
        ("Only German right", 1),
        ("Both wrong", 3),
    ):
        assert f"<dt>{name}</dt><dd>{number}</dd>" in html
    assert "5 questions" in html


def test_english_is_not_compared_with_itself() -> None:
    html = markup.four_counts(EnglishOverlap(4, 0, 0, 3, 0), "en")
    assert "<dt>Right</dt><dd>4</dd>" in html
    assert "<dt>Wrong</dt><dd>3</dd>" in html
    assert "Only English" not in html


def test_a_cell_that_was_not_run_is_no_button_to_press() -> None:
    html = markup.score_table_html(score_grid([], Metric.RA, "xgeo", {"r": "tiny"}, {}), dark=True)
    assert html.count('class="clika-cell"') == html.count(" disabled>") == 10
