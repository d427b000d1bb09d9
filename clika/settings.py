"""The one place that reads the environment; app.py and cli.py call it and hand the values down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clika.errors import UsageError
from clika.failpoints import VARIABLE as FAILPOINTS


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the store lies, where the page listens, and whether an empty store gets the demonstration."""

    store: Path = Path("store")
    host: str = "127.0.0.1"
    port: int = 7860
    failpoints: str = ""
    demo: bool = True

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Settings from CLIKA_STORE, CLIKA_HOST, CLIKA_PORT, CLIKA_DEMO and, for tests, CLIKA_FAILPOINTS; or defaults.

        Raises UsageError for a port that is no number from 1 to 65535, and a CLIKA_DEMO that is neither 0 nor 1.
        """
        env = os.environ if environment is None else environment
        port = env.get("CLIKA_PORT", "7860")
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise UsageError(f"CLIKA_PORT is {port!r}; it must be a number from 1 to 65535")
        demo = env.get("CLIKA_DEMO", "1")
        if demo not in ("0", "1"):
            raise UsageError(f"CLIKA_DEMO is {demo!r}; 1 shows an empty store's demonstration, 0 does not")
        return cls(
            Path(env.get("CLIKA_STORE", "store")),
            env.get("CLIKA_HOST", "127.0.0.1"),
            int(port),
            env.get(FAILPOINTS, ""),
            demo == "1",
        )

    @staticmethod
    def environment() -> dict[str, str]:
        """The whole environment, for a launcher that passes some of it on to a child process."""
        return dict(os.environ)
