"""A tuning's points in a file: as they come, with a torn end, and with steps done again."""

from pathlib import Path

import pytest

from clika.errors import JobError
from clika.jobs.learning_curve import FILE, LearningCurve, learning_curve
from clika.records import TrainingPoint


def point(step: int, loss: float = 1.0) -> TrainingPoint:
    return TrainingPoint(step, 10, step / 5, loss, 2e-4, 0.5, 30.0, 2100.0, 9.5)


def added(folder: Path, *points: TrainingPoint) -> None:
    curve = LearningCurve(folder)
    for one in points:
        curve.add(one)
    curve.close()


def test_points_are_read_while_they_come(tmp_path: Path) -> None:
    assert learning_curve(tmp_path) == []
    curve = LearningCurve(tmp_path)
    curve.add(point(1))
    assert learning_curve(tmp_path) == [point(1)]
    curve.add(point(2))
    assert learning_curve(tmp_path) == [point(1), point(2)]


def test_a_torn_last_line_is_passed_over_and_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    added(tmp_path, point(1), point(2))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-30])
    assert learning_curve(tmp_path) == [point(1)]
    added(tmp_path, point(2, loss=0.5))
    assert learning_curve(tmp_path) == [point(1), point(2, loss=0.5)]


def test_a_step_done_again_takes_the_place_of_itself_and_what_came_after(tmp_path: Path) -> None:
    added(tmp_path, point(1), point(2), point(3), point(4))
    added(tmp_path, point(2, loss=0.25))
    assert learning_curve(tmp_path) == [point(1), point(2, loss=0.25)]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"version": 2}', b'{"version": 1, "step": 1}'])
def test_a_line_that_is_no_point_is_named(line: bytes, tmp_path: Path) -> None:
    added(tmp_path, point(1))
    with (tmp_path / FILE).open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(JobError, match="line 2 is no point of this version"):
        learning_curve(tmp_path)
