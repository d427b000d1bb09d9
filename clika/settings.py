"""The one place that reads the environment; app.py and cli.py call it and hand the values down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clika.errors import UsageError
from clika.failpoints import VARIABLE as FAILPOINTS


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the store lies, where the page listens, and below which folders it may register checkpoints (``roots``)."""

    store: Path = Path("store")
    host: str = "127.0.0.1"
    port: int = 7860
    failpoints: str = ""
    roots: tuple[Path, ...] = ()

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Settings from CLIKA_STORE, CLIKA_HOST, CLIKA_PORT, CLIKA_ROOTS (folders, separated as in PATH) and, for tests,
        CLIKA_FAILPOINTS; or defaults.

        Raises UsageError for a port that is no number from 1 to 65535.
        """
        env = os.environ if environment is None else environment
        port = env.get("CLIKA_PORT", "7860")
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise UsageError(f"CLIKA_PORT is {port!r}; it must be a number from 1 to 65535")
        return cls(
            Path(env.get("CLIKA_STORE", "store")),
            env.get("CLIKA_HOST", "127.0.0.1"),
            int(port),
            env.get(FAILPOINTS, ""),
            tuple(Path(root) for root in env.get("CLIKA_ROOTS", "").split(os.pathsep) if root),
        )

    @staticmethod
    def environment() -> dict[str, str]:
        """The whole environment, for a launcher that passes some of it on to a child process."""
        return dict(os.environ)

    @staticmethod
    def hub_token() -> str | None:
        """The Hub's token for this process; it is handed on to nobody."""
        return os.environ.get("HF_TOKEN") or None

    @staticmethod
    def forget_tokens() -> None:
        """Take the Hub's tokens out of this process's environment, and ask the Hub for nothing more."""
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN"):
            os.environ.pop(name, None)
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
