"""The dashboard as a program: the page over a store, and whoever looks after the store's queue beside it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from clika.database.index import Index
from clika.demo import demo, is_empty
from clika.errors import ClikaError, UsageError
from clika.jobs.supervisor import Supervisor
from clika.settings import Settings
from clika.ui.page import build_page, launch_options

_logger = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve the page until interrupted. Raises UsageError for a port that is taken, StoreError for the store.

    A store that has never held anything is given the demonstration's jobs, unless the settings say otherwise.
    """
    if settings.demo and is_empty(settings.store):
        try:
            demo().queued_in(settings.store)
        except ClikaError as error:  # the page works without it
            _logger.error("no demonstration: %s", error)
    try:
        with Index.open(settings.store) as index, supervised_queue(settings):
            build_page(index, settings).launch(**launch_options(settings))
    except OSError as error:
        if "empty port" not in str(error):
            raise
        raise UsageError(
            f"port {settings.port} is taken; stop that program, or give another with CLIKA_PORT or --port"
        ) from error


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
