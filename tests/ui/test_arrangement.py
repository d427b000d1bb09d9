"""Rows and columns as wished, before they are drawn or written."""

import math

import numpy as np
import pytest

from clika.records import LanguageScores, Metric
from clika.run_tags import RunTags
from clika.ui.arrangement import PARENT, Arranged, Arrangement, arranged, checked_arrangement

LANGUAGES = ("en", "de", "zh")
LABELS = {"a": "ash", "b": "beech", "c": "cedar"}
VALUES = {"a": [0.8, 0.4, 0.2], "b": [0.6, 0.5, 0.5], "c": [0.9, math.nan, 0.1]}
ROWS = [
    LanguageScores(
        run, Metric.RA, "xgeo", LANGUAGES, np.array(v), np.array(v), np.array(v), np.array([10, 10, 10])
    )
    for run, v in VALUES.items()
]
ASKED = {(run, code): 10 for run in LABELS for code in LANGUAGES}


def made(wish: Arrangement, tags: dict[str, RunTags] | None = None) -> Arranged:
    return arranged(ROWS, LABELS, ASKED, checked_arrangement(wish, list(LABELS), LANGUAGES), tags or {})


def test_models_and_languages_are_picked_and_the_rest_of_a_wish_is_dropped() -> None:
    some = made(Arrangement(("c", "gone", "a"), ("zh", "xx", "en"), "xx", "gone", "fr"))
    assert list(some.labels) == ["a", "c"]
    assert some.columns == ("en", "zh")
    assert list(some.rows[1].values) == [0.9, 0.1]
    assert some.less is None


@pytest.mark.parametrize(
    ("sort", "order"), [("", "abc"), ("en", "cab"), ("-zh", "cab"), ("de", "bac"), ("-de", "abc")]
)
def test_rows_are_sorted_by_any_column_with_undefined_ones_last(sort: str, order: str) -> None:
    assert "".join(made(Arrangement(sort=sort)).labels) == order


def test_a_case_study_shows_what_was_tuned_on_the_language_and_what_it_came_from() -> None:
    tags = {"b": RunTags(tuned_on=("zh",), parent="a")}
    study = made(Arrangement(study="zh"), tags)
    assert list(study.labels) == ["a", "b"]
    assert study.columns == ("en", "zh", "zh/en", "others", "others/en")
    assert study.rows[0].values == pytest.approx(
        [0.8, 0.2, 0.25, 0.4, 0.5]
    )  # .2/.8, mean of German alone, .4/.8
    assert (study.asked["a", "others"], study.asked["a", "zh/en"]) == (10, 10)
    assert list(made(Arrangement(study="zh")).labels) == ["a", "b", "c"]  # nothing is tagged: all of them
    assert "others: the unweighted mean" in study.sentences[0]


def test_differences_are_to_one_run_or_to_each_rows_parent() -> None:
    less = made(Arrangement(baseline="b"))
    assert (less.less, list(less.labels)) == ("beech", ["a", "c"])  # nothing is compared with itself
    assert less.rows[0].values == pytest.approx([0.2, -0.1, -0.3])
    tags = {"b": RunTags(parent="a"), "c": RunTags(parent="gone")}
    parents = made(Arrangement(baseline=PARENT), tags)
    assert (parents.less, list(parents.labels)) == ("its parent", ["b"])
    assert parents.rows[0].values == pytest.approx([-0.2, 0.1, 0.3])
    assert any("No run here has a parent" in one for one in made(Arrangement(baseline=PARENT)).sentences)


def test_a_child_stands_after_its_parent_and_a_circle_loses_nobody() -> None:
    assert list(made(Arrangement(), {"a": RunTags(parent="c")}).labels) == ["b", "c", "a"]
    circle = {"a": RunTags(parent="b"), "b": RunTags(parent="a")}
    assert sorted(made(Arrangement(), circle).labels) == ["a", "b", "c"]
