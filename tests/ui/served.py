"""The page in this process, listening: for tests that call it as programs do."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clika.database.index import Index
from clika.settings import Settings
from clika.ui.page import build_page, launch_options


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served_page(store: Path, **settings: object) -> Iterator[str]:
    """Serve a store's page; yields its address."""
    given = Settings(store=store, port=free_port(), **settings)  # type: ignore[arg-type]
    with Index.open(store) as index:
        page = build_page(index, given)
        page.launch(**{**launch_options(given), "quiet": True}, prevent_thread_lock=True)
        try:
            yield f"http://127.0.0.1:{given.port}"
        finally:
            page.close(verbose=False)
