"""Notices when the store has grown, once for all open pages."""

import threading
import time
from collections.abc import Callable

from clika.database.index import Index


class StoreWatch:
    """Refreshes the index at most once in ``seconds``, however many pages ask.

    ``generation`` rises whenever rows came in: a page that has drawn another one draws again.
    """

    def __init__(
        self, index: Index, seconds: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._index = index
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()  # every page's timer ticks in a thread of its own
        self._looked_at = -seconds
        self.generation = 0

    def look(self, at_once: bool = False) -> int:
        """Take in what workers sealed since the last look; returns the generation.

        While another page's look takes shards in this one does not wait for it, unless it is ``at_once``.
        """
        if not self._lock.acquire(blocking=at_once):
            return self.generation
        try:
            now = self._clock()
            if at_once or now - self._looked_at >= self._seconds:
                if self._index.refresh() > 0:
                    self.generation += 1
                self._looked_at = self._clock()
            return self.generation
        finally:
            self._lock.release()
