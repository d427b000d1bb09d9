"""What a cell prints, and how it tells undefined from never asked."""

import math

import numpy as np
import pytest

from clika.figures.score_grid import CellState, ScoreGrid, printed, score_grid
from clika.records import LanguageScores, Metric


def scores(values: list[float], metric: Metric = Metric.RA, run: str = "one") -> LanguageScores:
    filled = np.array(values, np.float64)
    return LanguageScores(
        run, metric, "factual", ("en", "de", "he"), filled, filled - 0.1, filled + 0.1, np.array([8, 8, 0])
    )


def grid(metric: Metric = Metric.RA) -> ScoreGrid:
    asked = {("one", "en"): 8, ("one", "de"): 8}
    return score_grid([scores([0.0, math.nan, math.nan], metric)], metric, "factual", {"one": "tiny"}, asked)


def test_zero_undefined_and_not_run_print_differently() -> None:
    cells = grid().cells[0]
    assert [cell.state for cell in cells] == [CellState.VALUE, CellState.UNDEFINED, CellState.NOT_RUN]
    assert [cell.printed for cell in cells] == ["0.00", "–", "·"]


@pytest.mark.parametrize(
    ("value", "metric", "expected"),
    [
        (0.5 / 0.72, Metric.RA, "69.44"),  # 0.69444 x 100
        (1.05, Metric.RA, "105.00"),  # RA can exceed 1
        (5 / 8, Metric.ACCURACY, "62.50"),
        (4 / 5, Metric.EN_CO, "0.8000"),  # the paper prints en-CO as a share with four digits
    ],
)
def test_values_print_as_the_paper_prints_them(value: float, metric: Metric, expected: str) -> None:
    assert printed(value, metric) == expected


def test_the_sentence_gives_interval_and_n_where_there_is_an_interval() -> None:
    with_interval = score_grid(
        [scores([0.5, 0.5, 0.5])], Metric.RA, "factual", {"one": "t"}, {("one", "en"): 8}
    )
    assert with_interval.cells[0][0].sentence == "50.00 (95 % interval 40.00 to 60.00; n = 8)"
    bare = scores([0.5, 0.5, 0.5])
    bare.low[:] = math.nan
    without = score_grid([bare], Metric.RA, "factual", {"one": "t"}, {("one", "en"): 8})
    assert without.cells[0][0].sentence == "50.00 (n = 8)"


def test_a_run_without_answers_in_the_scope_keeps_its_row() -> None:
    shown = score_grid([scores([0.5, 0.5, 0.5])], Metric.RA, "factual", {"one": "a", "two": "b"}, {})
    assert shown.labels == ("a", "b")
    assert {cell.state for cell in shown.cells[1]} == {CellState.NOT_RUN}


def test_a_grid_of_nothing_has_all_languages_and_no_rows() -> None:
    empty = score_grid([], Metric.RA, "factual", {}, {})
    assert len(empty.languages) == 10
    assert empty.cells == ()
