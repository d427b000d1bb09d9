"""Two runs side by side: only what differs, only what both answered, and the way to the questions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from clika.database.index import Index
from clika.errors import UsageError
from clika.metrics.answer_changes import Change
from clika.records import ModelRef, Run, ScoringRule
from clika.ui.compare_panel import ComparePanel, Looked
from clika.ui.comparison import changed_questions, comparison, run_choices
from clika.ui.comparison_markup import changed_list, changes_html, differences_html, p_value
from clika.ui.many_compared import many_compared, many_html
from clika.ui.store_watch import StoreWatch
from tests.stores import made_up_questions, predictions, seal_predictions, seal_questions

HOSTILE = "<b>x</b>"


def run(name: str, collection: str = "made-up", **changes: str) -> Run:
    model = ModelRef(name, f"made-up:{name}", dtype=changes.pop("dtype", "float32"))
    return Run(f"run-{name}-{collection}", model, collection, "english", ScoringRule.LETTER, changes)


BEFORE = run("before")
AFTER = run(HOSTILE, dtype="bfloat16", permutations="4")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    """30 questions. English: both right on 0; 1 to 25 lost; 26 won. German: only the first run was asked."""
    seal_questions(tmp_path, made_up_questions(count=30))
    first = {(str(number), "en"): number % 4 if number < 26 else None for number in range(30)}
    second = {
        (str(number), "en"): number % 4 if number in (0, 26) else (number + 1) % 4 for number in range(30)
    }
    seal_predictions(tmp_path, BEFORE, predictions(BEFORE, {**first, ("0", "de"): 0}), job="one")
    seal_predictions(tmp_path, AFTER, predictions(AFTER, second), job="two")
    with Index.open(tmp_path) as opened:
        yield opened


def test_only_what_differs_is_listed(index: Index) -> None:
    found = comparison(index, BEFORE.run, AFTER.run)
    assert {one.name: (one.first, one.second) for one in found.differences} == {
        "Model": ("before", HOSTILE),
        "Checkpoint": ("made-up:before", f"made-up:{HOSTILE}"),
        "Number format": ("float32", "bfloat16"),
        "Permutations": ("–", "4"),
        "Languages": ("en, de", "en"),
        "Answers": ("31", "30"),
    }


def test_accuracies_counts_and_p_are_over_what_both_answered(index: Index) -> None:
    found = comparison(index, BEFORE.run, AFTER.run)
    english = next(one for one in found.by_language if one.language == "en")
    assert (english.both_asked, english.first_right, english.second_right) == (30, 26, 2)
    assert (english.lost, english.won) == (25, 1)
    html = changes_html(found, None)
    # 26/30, 2/30; p = 2 * (1 + 26) / 2^26, far below a thousandth
    for shown in ("86.67", "6.67", "-80.00", "&lt; 0.001", ">25</button>", ">1</button>"):
        assert shown in html
    assert "German" not in html


def test_the_questions_that_changed_come_twenty_a_page_with_both_picks(index: Index) -> None:
    found = comparison(index, BEFORE.run, AFTER.run)
    first = changed_questions(index, found, "en", Change.LOST)
    second = changed_questions(index, found, "en", Change.LOST, offset=20)
    assert (first.total, len(first.rows), len(second.rows)) == (25, 20, 5)
    assert first.rows[0].text == "xgeo question 1 in en?"
    assert (first.rows[0].gold, first.rows[0].first_pick, first.rows[0].second_pick) == (1, 1, 2)
    (won,) = changed_questions(index, found, "en", Change.WON).rows
    assert won.first_pick is None  # it named no option
    html = changed_list(found, second, 20, "en", Change.LOST, None)
    assert "questions 21 to 25 of 25" in html


def test_hostile_names_are_shown_as_text(index: Index) -> None:
    found = comparison(index, BEFORE.run, AFTER.run)
    page = changed_questions(index, found, "en", Change.WON)
    for html in (
        differences_html(found),
        changes_html(found, ("en", Change.WON)),
        changed_list(found, page, 0, "en", Change.WON, None),
    ):
        assert "&lt;b&gt;x&lt;/b&gt;" in html
        assert "<b>" not in html


def test_runs_that_cannot_be_compared_are_refused_with_a_sentence(index: Index, tmp_path: Path) -> None:
    elsewhere = run("elsewhere", collection="other")
    seal_questions(tmp_path, [replace(question, collection="other") for question in made_up_questions()])
    seal_predictions(tmp_path, elsewhere, predictions(elsewhere, {("0", "en"): 0}), job="three")
    index.refresh()
    assert ("elsewhere · other", elsewhere.run) in run_choices(index)
    for first, second, sentence in (
        (BEFORE.run, "gone", "no run 'gone'"),
        (BEFORE.run, None, "no run None"),
        ([], {}, r"no run \[\]"),
        (BEFORE.run, BEFORE.run, "choose two runs"),
        (BEFORE.run, elsewhere.run, "over one collection"),
    ):
        with pytest.raises(UsageError, match=sentence):
            comparison(index, first, second)


def test_the_panel_says_what_it_cannot_compare_and_leads_down_to_the_cards(index: Index) -> None:
    with gr.Blocks():
        panel = ComparePanel(index, StoreWatch(index))
    same = panel.draw_anew(BEFORE.run, BEFORE.run, "second", Looked())
    assert "choose two runs" in str(same[2])
    assert panel.draw_anew(None, BEFORE.run, "second", Looked())[2] == ""
    looked = Looked("en", Change.LOST, dataset="xgeo", question_id="1")
    cards = [str(panel._draw(BEFORE.run, AFTER.run, whose, looked)[-1]) for whose in ("first", "second")]
    assert "picked by <bdi>before</bdi>" in cards[0]
    assert "picked by <bdi>&lt;b&gt;x&lt;/b&gt;</bdi>" in cards[1]
    with pytest.raises(gr.Error, match="no run"):
        panel._draw("gone", AFTER.run, "second", looked)


@pytest.mark.parametrize(("p", "said"), [(None, "–"), (0.0312, "0.031"), (0.0004, "< 0.001"), (1.0, "1.000")])
def test_a_p_is_said_to_three_digits(p: float | None, said: str) -> None:
    assert p_value(p) == said


def test_three_runs_stand_side_by_side_over_what_all_answered(index: Index, tmp_path: Path) -> None:
    third = run("third")
    some = {(str(number), "en"): number % 4 for number in range(10)}
    seal_predictions(tmp_path, third, predictions(third, some), job="three")
    index.refresh()
    found = many_compared(index, [BEFORE.run, AFTER.run, third.run])
    # English questions 0 to 9: right of before all, of the second 0 alone, of the third all
    assert found.accuracies == {"en": (10, (1.0, 0.1, 1.0))}
    assert found.differences["Permutations"] == ("–", "4", "–")
    assert "Template" not in found.differences
    shown = many_html(found)
    assert "10.00" in shown
    assert "<b>x" not in shown
    with gr.Blocks():
        panel = ComparePanel(index, StoreWatch(index))
    assert panel.draw_many(BEFORE.run, AFTER.run, []) == ""
    assert "What differs between 3 runs" in panel.draw_many(BEFORE.run, AFTER.run, [third.run])
    assert "no run &#x27;gone&#x27;" in panel.draw_many(BEFORE.run, AFTER.run, ["gone"])
    wanted = panel.wanted(BEFORE.run, AFTER.run, f"gone,{third.run}")
    assert wanted[2]["value"] == [third.run]  # type: ignore[index]


@pytest.mark.parametrize("wanted", [[], ["run-before-made-up"], ["run-before-made-up", None]])
def test_fewer_than_two_runs_are_no_comparison(index: Index, wanted: list[object]) -> None:
    with pytest.raises(UsageError, match=r"compare 2 to 12|no run None"):
        many_compared(index, wanted)


def test_a_tick_from_before_two_runs_were_chosen_empties_nothing(index: Index) -> None:
    with gr.Blocks():
        panel = ComparePanel(index, StoreWatch(index))
    chosen = len(panel.choosing)
    outputs = [*panel.choosing, *panel.everything]
    before = panel._draw_if_grown(-1, None, None, "to", Looked())
    assert len(before) == len(outputs)
    skipped = [update for update in before[chosen:] if isinstance(update, dict)]
    assert skipped == [gr.skip()] * (len(panel.everything) - 1)  # all but the state that was looked at
    both = panel._draw_if_grown(-1, BEFORE.run, AFTER.run, "to", Looked())
    assert "before" in str(both[outputs.index(panel.summary)])
