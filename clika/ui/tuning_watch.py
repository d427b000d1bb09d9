"""The learning curves of a store's tunings, read once for all open pages and again only where they have grown."""

import threading
from dataclasses import dataclass
from pathlib import Path

from clika.errors import JobError
from clika.jobs.learning_curve import FILE, learning_curve
from clika.records import TrainingPoint

MOST_KEPT = 64


@dataclass(frozen=True, slots=True)
class Curve:
    """``fault`` says why there are no points, where their file cannot be read."""

    points: tuple[TrainingPoint, ...] = ()
    fault: str | None = None


class TuningWatch:
    """Keeps each folder's curve until its file changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # every page's timer ticks in a thread of its own
        self._kept: dict[Path, tuple[tuple[int, int], Curve]] = {}

    def curve(self, folder: Path) -> Curve:
        """The points of a job's folder as they are now; none before the first."""
        try:
            stat = (folder / FILE).stat()
        except OSError:
            return Curve()
        state = (stat.st_size, stat.st_mtime_ns)
        with self._lock:
            known = self._kept.get(folder)
            if known is not None and known[0] == state:
                return known[1]
            try:
                curve = Curve(tuple(learning_curve(folder)))
            except JobError as error:
                curve = Curve(fault=str(error))
            self._kept.pop(folder, None)
            self._kept[folder] = (state, curve)
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return curve
