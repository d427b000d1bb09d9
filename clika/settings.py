"""The one place that reads the environment; app.py and cli.py call it and hand the values down."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clika.errors import UsageError
from clika.failpoints import VARIABLE as FAILPOINTS

_SWITCHES = {"": False, "0": False, "no": False, "false": False, "1": True, "yes": True, "true": True}


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the store lies, where the page listens, and what it lets a visitor do.

    ``auth`` is ``USER:PASSWORD_FILE``, empty where everybody may look. ``mcp`` offers the reading part of the API as
    tools. ``space`` is the name of the Hugging Face Space that this runs in, empty elsewhere; ``space_writes``: its
    owner lets visitors do everything. ``demo``: an empty store gets the demonstration. ``roots`` are the folders below
    which the page may register checkpoints, ``hosts`` the further names that it may be called by.
    """

    store: Path = Path("store")
    host: str = "127.0.0.1"
    port: int = 7860
    failpoints: str = ""
    auth: str = ""
    mcp: bool = False
    space: str = ""
    space_writes: bool = False
    demo: bool = True
    roots: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """Whether the page only shows: in a Space, unless its owner says otherwise."""
        return bool(self.space) and not self.space_writes

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Settings from CLIKA_STORE, CLIKA_HOST, CLIKA_PORT, CLIKA_AUTH, CLIKA_MCP, CLIKA_SPACE_WRITES, CLIKA_DEMO,
        CLIKA_ROOTS (folders, separated as in PATH), CLIKA_HOSTS (names, with commas) and, for tests,
        CLIKA_FAILPOINTS; or defaults. Hugging Face sets SPACE_ID; in its containers the page listens to all addresses.

        Raises UsageError for a port that is no number from 1 to 65535 and a switch that is neither on nor off.
        """
        env = os.environ if environment is None else environment
        port = env.get("CLIKA_PORT", "7860")
        if not port.isdecimal() or not 1 <= int(port) <= 65535:
            raise UsageError(f"CLIKA_PORT is {port!r}; it must be a number from 1 to 65535")
        return cls(
            store=Path(env.get("CLIKA_STORE", "store")),
            host=env.get("CLIKA_HOST", "0.0.0.0" if env.get("SPACE_ID") else "127.0.0.1"),
            port=int(port),
            failpoints=env.get(FAILPOINTS, ""),
            auth=env.get("CLIKA_AUTH", ""),
            mcp=_switch(env, "CLIKA_MCP"),
            space=env.get("SPACE_ID", ""),
            space_writes=_switch(env, "CLIKA_SPACE_WRITES"),
            demo=_switch({"CLIKA_DEMO": "1", **env}, "CLIKA_DEMO"),
            hosts=tuple(
                name.strip().lower() for name in env.get("CLIKA_HOSTS", "").split(",") if name.strip()
            ),
            roots=tuple(Path(root) for root in env.get("CLIKA_ROOTS", "").split(os.pathsep) if root),
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


def _switch(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "")
    if value.lower() not in _SWITCHES:
        raise UsageError(f"{name} is {value!r}; write 1 or 0")
    return _SWITCHES[value.lower()]
