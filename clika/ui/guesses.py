"""How often somebody may guess the password: ten wrong ones a minute from one address, then it waits.

Before a proxy all come from the proxy's address and wait together.
"""

import time
from collections import deque
from collections.abc import Callable

MOST_WRONG = 10
WITHIN_SECONDS = 60.0
_MOST_ADDRESSES = 4096


class Guesses:
    """Wrong passwords of the last minute, by address."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, deque[float]] = {}

    def waits(self, address: str) -> float:
        """Seconds until the address may guess again; 0 where it may now."""
        times = self._wrong.get(address)
        if times is None or len(times) < MOST_WRONG:
            return 0.0
        return max(0.0, times[0] + WITHIN_SECONDS - self._clock())

    def wrong(self, address: str) -> None:
        """Take down one that was wrong; of too many addresses the one that was heard of first is forgotten."""
        times = self._wrong.pop(address, None) or deque(maxlen=MOST_WRONG)
        times.append(self._clock())
        self._wrong[address] = times
        if len(self._wrong) > _MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]
