"""A tuning's points as they come: a file of one JSON object a line in the job's folder, which the page plots.

A killed process may leave a torn last line; the next one cuts it off. A resumed tuning does some steps again: a point
takes the place of earlier ones of its step and of all later ones.
"""

import json
import os
from dataclasses import asdict, fields
from pathlib import Path

from clika.errors import JobError
from clika.json_text import parsed_json
from clika.records import TrainingPoint

VERSION = 1
FILE = "learning_curve.jsonl"
_KEYS = {field.name for field in fields(TrainingPoint)} | {"version"}


class LearningCurve:
    """The file's writer: one process at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        self._file = path.open("r+b" if path.exists() else "w+b")
        whole = self._file.read()
        self._file.truncate(whole.rfind(b"\n") + 1)
        self._file.seek(0, os.SEEK_END)

    def add(self, point: TrainingPoint) -> None:
        """One more line, handed to the system at once; not flushed to the disk, since a lost one harms nobody."""
        self._file.write(json.dumps({"version": VERSION, **asdict(point)}).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """No more points come."""
        self._file.close()


def learning_curve(folder: Path) -> list[TrainingPoint]:
    """The points so far, in the order of their steps; empty before the first.

    Raises JobError for a line of another version, or one that is none and not the last.
    """
    try:
        lines = (folder / FILE).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    points: list[TrainingPoint] = []
    for number, line in enumerate(lines[:-1], 1):  # what follows the last line break is torn, or nothing
        try:
            values = parsed_json(line)
            known = isinstance(values, dict) and set(values) == _KEYS and values["version"] == VERSION
        except ValueError:
            known = False
        if not known:
            raise JobError(
                f"{folder / FILE}, line {number} is no point of this version of CLiKA; delete the file, the tuning"
                " goes on without it"
            )
        point = TrainingPoint(**{name: value for name, value in values.items() if name != "version"})
        while points and points[-1].step >= point.step:
            points.pop()
        points.append(point)
    return points
