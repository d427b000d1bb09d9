"""The dashboard as a program: the page over a store, and whoever looks after the store's queue beside it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from clika.database.index import Index
from clika.errors import UsageError
from clika.jobs.supervisor import Supervisor
from clika.settings import Settings
from clika.ui.page import build_page, launch_options

MCP_MAJOR = "1"
_logger = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve the page until interrupted. Raises UsageError for a port that is taken and for a
    password file that is none, StoreError for the store."""
    options = launch_options(settings)
    for fault in options["auth"].faults if options["auth"] else ():
        _logger.error("%s", fault)
    if settings.mcp:
        check_mcp()
    try:
        with Index.open(settings.store) as index, supervised_queue(settings):
            build_page(index, settings).launch(**options)
    except OSError as error:
        if "empty port" not in str(error):
            raise
        raise UsageError(
            f"port {settings.port} is taken; stop that program, or give another with CLIKA_PORT or --port"
        ) from error


def check_mcp() -> None:
    """Raises UsageError where what Gradio needs to offer tools is not installed, or of another version."""
    try:
        found = version("mcp")
    except PackageNotFoundError:
        found = "none"
    if found.partition(".")[0] != MCP_MAJOR:
        raise UsageError(
            f'tools over MCP need the package mcp {MCP_MAJOR}, and here is {found}; install it with "pip install'
            f" 'gradio[mcp]=={version('gradio')}'\", or leave out --mcp and CLIKA_MCP"
        )


@contextmanager
def supervised_queue(settings: Settings) -> Iterator[None]:
    """Look after the queue beside what stands inside; jobs that run outlive it."""
    over = threading.Event()
    supervisor = Supervisor(settings.store, Settings.environment())
    looking = threading.Thread(target=supervisor.run_when_free, args=(over,), name="supervisor", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
