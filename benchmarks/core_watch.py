"""Whether other programs had the cores while something was measured."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


def _busy_seconds() -> float | None:
    """Processor seconds that all programs of the machine have used so far; None where /proc does not say."""
    try:
        fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _wait, irq, soft = map(int, fields[1:8])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cores:
    """Cores in use on average: by this process, and by others (None where the machine does not say)."""

    own: float
    others: float | None
    load: float

    def disturbed(self, threads: int) -> bool:
        """Whether others used cores that ``threads`` of ours would have needed."""
        used = self.load - self.own if self.others is None else self.others
        return used > max(0, (os.cpu_count() or threads) - threads) + 0.15


class CoreWatch:
    """Counts from where it is made."""

    def __init__(self) -> None:
        self._wall, self._own, self._all = time.perf_counter(), self._used(), _busy_seconds()

    @staticmethod
    def _used() -> float:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system

    def cores(self) -> Cores:
        """The average since the start."""
        wall = max(1e-9, time.perf_counter() - self._wall)
        own = (self._used() - self._own) / wall
        now = _busy_seconds()
        others = None if now is None or self._all is None else max(0.0, (now - self._all) / wall - own)
        return Cores(own, others, os.getloadavg()[0])
