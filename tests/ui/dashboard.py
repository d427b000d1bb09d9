"""The real app in a process of its own, and a real browser to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.jobs.looking import scripted_supervisor

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 120.0


@contextmanager
def running_app(store: Path, demo: bool = False) -> Iterator[str]:
    """``python app.py`` over a store; yields its address once it listens. ``demo``: an empty store is given its jobs."""
    port = _free_port()
    environment = {
        **os.environ,
        "CLIKA_STORE": str(store),
        "CLIKA_DEMO": "1" if demo else "0",
        "CLIKA_HOST": "127.0.0.1",
        "CLIKA_PORT": str(port),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    too_late = threading.Timer(SECONDS_TO_START, process.kill)
    too_late.start()
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if "Running on local URL" in line:
                break
        else:
            pytest.fail(f"app.py ended with {process.wait()} before it listened:\n{''.join(said)}")
        too_late.cancel()
        yield f"http://127.0.0.1:{port}"
    finally:
        too_late.cancel()
        process.terminate()
        process.communicate()


@contextmanager
def scripted_queue(store: Path) -> Iterator[None]:
    """Look after a store's jobs with scripted workers: the app finds the queue in hand and only shows it."""
    supervisor = scripted_supervisor(store)
    over = threading.Event()
    looking = threading.Thread(target=supervisor.run, args=(over,))
    with supervisor.holding():
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """The system's chromium; skips with the reason where none is installed."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no browser: 'chromium' is not installed (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
