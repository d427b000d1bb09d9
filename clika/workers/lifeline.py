"""How a worker shows that it lives, and how it ends when the process that started it is gone.

On Linux the kernel sends SIGTERM when the parent dies; everywhere a thread looks whether the parent is still
the same. SIGTERM seals what was answered; a worker that does not get to it is ended ten seconds later.
"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from clika.jobs.folder import JobFolder

BEAT_SECONDS = 1.0
LAST_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Lifeline:
    """Beats once a second; ``phase`` and ``answered`` are what the beats tell.

    ``phase`` is loading, waiting, asking or training; ``answered`` counts what was done (answers, steps) and never falls.
    In the last two it has to rise, or the worker is taken to hang.
    """

    def __init__(self, folder: JobFolder, replica: int) -> None:
        self.phase = "loading"
        self.answered = 0
        self._folder, self._replica = folder, replica
        self._over = threading.Event()
        self._parent = os.getppid()

    def did(self, phase: str) -> None:
        """One more answer or step is done, in this phase."""
        self.phase = phase
        self.answered += 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Beat while what stands inside goes on."""
        beating = threading.Thread(target=self._beat, name="lifeline", daemon=True)
        beating.start()
        try:
            yield
        finally:
            self._over.set()
            beating.join()

    def _beat(self) -> None:
        count = 0
        while not self._over.is_set():
            with contextlib.suppress(OSError):  # a full disk: the next shard says so
                self._folder.beat(self._replica, count, self.phase, self.answered)
            count += 1
            if os.getppid() != self._parent:
                os.kill(os.getpid(), signal.SIGTERM)
                if not self._over.wait(LAST_SECONDS):
                    os.kill(os.getpid(), signal.SIGKILL)
                return
            self._over.wait(BEAT_SECONDS)


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent dies (Linux; elsewhere the lifeline's thread looks)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
