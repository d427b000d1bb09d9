"""Curves of a tuning and the confusion of candidates draw what they are given, names as text."""

import math

import numpy as np
import pytest

from clika.figures.confusion import confusion_figure
from clika.figures.tuning_curves import (
    MOST_POINTS,
    cross_retrieval_figure,
    gate_figure,
    learning_figure,
)
from clika.metrics.conductivity import Conduction, CurvePoint, Reading
from clika.metrics.cross_retrieval import cross_retrieval_of
from clika.metrics.gates import GateReport, GateShare
from clika.records import Gate, TrainingPoint

HOSTILE = "<img src=x onerror=boom()>"


def point(step: int, both: int, english: int, right: int) -> CurvePoint:
    """A look of 10 candidates, whose gates are each ``right`` of 20."""
    gates = GateReport(tuple(GateShare(gate, right, 20) for gate in Gate))
    found = cross_retrieval_of(both, english, 0.1)
    return CurvePoint(
        step, str(step), Conduction(Reading.CHOSEN, found, gates, 0, 0, (), np.zeros((2, 2), np.int64))
    )


LOOKS = (point(0, 1, 5, 2), point(30, 0, 0, 10), point(60, 12, 20, 20))


def test_a_look_that_is_not_established_is_an_open_mark_and_an_undefined_one_is_left_out() -> None:
    line, *_ = cross_retrieval_figure(LOOKS, "de").data
    assert list(line.x) == [0, 60]
    # 1 of 5 less .1, and 12 of 20 less .1
    assert list(line.y) == pytest.approx([0.1, 0.5])
    assert list(line.marker.symbol) == ["circle-open", "circle"]
    above = line.error_y
    assert list(above.array)[1] == pytest.approx(LOOKS[2].conduction.xrr.high - 0.5)


def test_the_untuned_model_is_the_floor_and_no_floor_is_drawn_where_it_is_undefined() -> None:
    figure = cross_retrieval_figure(LOOKS, "de")
    assert [shape.y0 for shape in figure.layout.shapes] == pytest.approx([0.1])
    assert cross_retrieval_figure(LOOKS[1:], "de").layout.shapes == ()


def test_every_gate_has_a_line_of_its_own_colour_dash_and_mark_below_the_threshold() -> None:
    figure = gate_figure(LOOKS, "he")
    assert [trace.name for trace in figure.data][-1] == "Hebrew, taught half"
    assert [list(trace.y) for trace in figure.data] == [[0.1, 0.5, 1.0]] * 4
    assert len({(trace.line.color, trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 4
    assert figure.layout.shapes[0].y0 == pytest.approx(0.9)


@pytest.mark.parametrize("dark", [False, True])
def test_a_long_curve_is_thinned_to_its_last_point(dark: bool) -> None:
    points = [TrainingPoint(step, 5000, 1.0, 1 / step, 1e-4, 1.0, 1.0, 9.0, 0.0) for step in range(1, 5001)]
    figure = learning_figure(points, dark)
    loss, rate, speed = figure.data
    assert len(loss.x) <= MOST_POINTS + 1
    assert (loss.x[-1], loss.y[-1], rate.y[-1], speed.y[-1]) == (5000, 1 / 5000, 1e-4, 9.0)


def test_confusion_leaves_blank_what_nobody_answered_and_writes_names_as_text() -> None:
    figure = confusion_figure(np.array([[3, 0], [2, 1]]), [HOSTILE, "Solochil"], "de")
    (cells,) = figure.data
    assert [list(row) for row in cells.z] == [[3, None], [2, 1]]
    assert [list(row) for row in cells.text] == [["3", ""], ["2", "1"]]
    assert cells.zmax == 3
    assert "<img" not in figure.to_json()
    assert len(figure.layout.shapes) == 2  # the diagonal
    assert not math.isnan(figure.layout.height)
