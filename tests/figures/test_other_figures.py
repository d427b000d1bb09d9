"""Bars and points hold what the grid holds, and neither draws what does not exist as 0."""

import math

import numpy as np
import pytest

from clika.figures.colours import contrast, value_colours
from clika.figures.heatmap import heatmap
from clika.figures.language_bars import MOST_ROWS, language_bars
from clika.figures.score_grid import ScoreGrid, score_grid
from clika.figures.two_scores import two_scores
from clika.metrics.case_study import case_study
from clika.records import Gate, LanguageScores, Metric


def row(run: str, values: list[float], metric: Metric = Metric.RA, **more: object) -> LanguageScores:
    filled = np.array(values)
    counts = np.array([8] * len(values))
    return LanguageScores(
        run,
        metric,
        "factual",
        ("en", "de", "zh")[: len(values)],
        filled,
        filled - 0.1,
        filled + 0.2,
        counts,
        **more,
    )  # type: ignore[arg-type]


def grid(rows: list[LanguageScores], less: str | None = None) -> ScoreGrid:
    asked = {(one.run, code): 8 for one in rows for code in one.languages if code != "zh"}
    labels = {one.run: f"<b>{one.run}</b>" for one in rows}
    return score_grid(rows, rows[0].metric, "factual", labels, asked, less=less)


def test_a_bar_has_its_interval_and_what_is_no_value_has_a_sign() -> None:
    (bars,) = language_bars(grid([row("one", [0.5, math.nan, 0.3])])).data
    assert list(bars.y) == [50, 0, 0]
    assert list(bars.text) == ["", "–", "·"]
    assert (bars.error_y.array[0], bars.error_y.arrayminus[0]) == pytest.approx(
        (20, 10)
    )  # .2 and .1 times 100
    assert bars.name == "&lt;b&gt;one&lt;/b&gt;"


def test_no_more_rows_than_can_be_told_apart() -> None:
    rows = [row(f"r{number}", [0.5]) for number in range(MOST_ROWS + 3)]
    assert len(language_bars(grid(rows)).data) == MOST_ROWS


def test_a_point_needs_both_values() -> None:
    across, up = grid([row("one", [0.5, math.nan])]), grid([row("one", [0.25, 0.75]), row("two", [0.1, 0.2])])
    (english,) = two_scores(across, up).data
    assert (list(english.x), list(english.y)) == ([50.0], [25.0])
    assert english.customdata[0] == ["one", "en"]


def test_what_a_tuning_carries_stands_over_what_its_model_shares() -> None:
    shared = grid([row("base", [0.9, 0.8], Metric.EN_CO)])
    carried = grid([row("tuned", [0.1, 0.2], Metric.XRR, sources={}, unmet={"de": (Gate.TAUGHT,)})])
    english, german = two_scores(shared, carried, partners={"tuned": "base"}).data
    assert (list(english.x), list(german.y)) == ([0.9], [0.2])
    assert german.marker.symbol[0].endswith("-open")  # its gate does not hold
    assert len(two_scores(shared, carried, partners={}).data) == 0


def test_differences_stand_around_0_on_a_scale_of_their_own() -> None:
    figure = heatmap(grid([row("one", [0.3, -0.1])], less="two"))
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == (-0.3, 0.3)
    texts = {text for trace in figure.data for text in trace.text[0] if text}
    assert {"+30.00", "−10.00"} <= texts
    for step in range(-10, 11):
        colours = value_colours(step / 10, 1.0)
        assert contrast(colours.background, colours.text) >= 4.5, step


def test_a_mean_or_a_ratio_cannot_be_pressed() -> None:
    study = case_study(row("one", [0.5, 0.4, 0.3]), "zh")
    asked = {("one", code): 8 for code in study.languages}
    figure = heatmap(score_grid([study], Metric.RA, "factual", {"one": "one"}, asked, study.languages))
    pressed = [data for trace in figure.data for data in trace.customdata[0] if data]
    assert sorted(pressed) == [["one", "en"], ["one", "zh"]]
    assert list(figure.layout.xaxis.ticktext) == [
        "English<br>en",
        "Chinese<br>zh",
        "Chinese<br>/en",
        "others<br>mean",
        "others<br>/en",
    ]
