"""The figure holds what the grid holds, readable on light and dark pages."""

import json
import math

import numpy as np
import pytest

from clika.figures.colours import DARK, LIGHT, contrast, value_colours
from clika.figures.heatmap import heatmap
from clika.figures.score_grid import ScoreGrid, score_grid
from clika.records import LanguageScores, Metric


def grid(rows: int = 1, columns: tuple[str, ...] = ()) -> ScoreGrid:
    values = np.array([0.95, 0.05, math.nan, math.nan])
    names = {f"run{row}": "<b>bold</b> & co" for row in range(rows)}
    scored = [
        LanguageScores(
            run, Metric.RA, "basic", ("en", "de", "he", "zh"), values, values, values, np.array([8] * 4)
        )
        for run in names
    ]
    asked = {(run, language): 8 for run in names for language in ("en", "de", "he")}
    return score_grid(scored, Metric.RA, "basic", names, asked, columns)


def drawn(
    rows: int = 1, dark: bool = False, selected: tuple[str, str] | None = None
) -> dict[str, list[dict]]:
    return json.loads(heatmap(grid(rows), dark, selected).to_json())


def test_every_cell_is_printed_once() -> None:
    texts = [
        [text for trace in drawn()["data"] for text in [trace["text"][0][column]] if text]
        for column in range(4)
    ]
    assert texts == [["95.00"], ["5.00"], ["–"], ["·"]]


def test_every_cell_carries_its_run_and_language() -> None:
    carried = [[trace["customdata"][0][column] for trace in drawn()["data"]] for column in range(3)]
    for cells, language in zip(carried, ("en", "de", "he"), strict=True):
        assert [cell for cell in cells if cell] == [["run0", language]]


def test_the_number_is_readable_on_every_colour_of_the_scale() -> None:
    for step in range(-5, 121):
        colours = value_colours(step / 100)
        assert contrast(colours.background, colours.text) >= 4.5, step
    for around in (LIGHT, DARK):
        for colours in (around.undefined, around.not_run):
            assert contrast(colours.background, colours.text) >= 4.5


def test_the_scale_is_fixed_so_that_colours_mean_the_same_in_every_heatmap() -> None:
    axis = heatmap(grid()).to_plotly_json()["layout"]["coloraxis"]
    assert (axis["cmin"], axis["cmax"]) == (0, 1)


def test_the_height_grows_by_a_row_for_each_run() -> None:
    one, nine = (heatmap(grid(rows)).layout.height for rows in (1, 9))
    assert nine - one == 8 * 34


def test_runs_of_one_name_keep_rows_of_their_own() -> None:
    assert list(heatmap(grid(3)).layout.yaxis.tickvals) == [0, 1, 2]


def test_markup_in_a_name_is_shown_as_text() -> None:
    figure = heatmap(grid())
    assert figure.layout.yaxis.ticktext[0] == "&lt;b&gt;bold&lt;/b&gt; &amp; co"
    assert figure.data[0].hovertext[0][0].startswith("<b>&lt;b&gt;bold")


def test_the_selected_cell_is_framed_and_an_unknown_one_is_not() -> None:
    figure = heatmap(grid(2), selected=("run1", "de"))
    assert [(shape.x0, shape.y0) for shape in figure.layout.shapes] == [(0.5, 0.5)]
    assert heatmap(grid(2), selected=("gone", "de")).layout.shapes == ()


@pytest.mark.parametrize("dark", [False, True])
def test_the_background_is_the_pages_own(dark: bool) -> None:
    layout = heatmap(grid(), dark).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == (DARK if dark else LIGHT).text


def test_an_empty_grid_has_a_height() -> None:
    assert heatmap(score_grid([], Metric.RA, "basic", {}, {})).layout.height > 100


def test_few_columns_keep_to_themselves_and_many_take_the_room_there_is() -> None:
    languages = ("en", "de", "he", "zh")
    widths = [heatmap(grid(2, languages[:count])).layout.width for count in (1, 3, 4)]
    assert widths[0] is not None
    assert widths[1] - widths[0] == 2 * 130
    assert widths[2] is None
