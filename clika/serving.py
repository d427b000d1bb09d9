"""The dashboard as a program: the page over a store, and whoever looks after the store's queue beside it."""

import logging
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from clika.checkpoints.quarantine import sweep
from clika.database.index import Index
from clika.demo import demo, is_empty
from clika.errors import ClikaError, StoreError, UsageError
from clika.jobs.supervisor import Supervisor
from clika.planted import catalog
from clika.settings import Settings
from clika.ui.live_run import LiveModel
from clika.ui.page import build_page, launch_options

MCP_MAJOR = "1"
_NOT_SEALED = shutil.ignore_patterns("claims", "heartbeat-*", "processes.json", "*.lock", "*.tmp", ".*")
_logger = logging.getLogger(__name__)


def serve(settings: Settings) -> None:
    """Serve the page until interrupted. Raises UsageError for a port that is taken and for a
    password file that is none, StoreError for the store.

    A store that has never held anything is given the demonstration's jobs, unless the settings say otherwise.
    """
    options = launch_options(settings)
    _check_host(settings.host)
    for fault in options["auth"].faults if options["auth"] else ():
        _logger.error("%s", fault)
    if settings.mcp:
        check_mcp()
    if settings.space:
        settings = replace(
            settings, store=on_local_disk(settings.store, Path(tempfile.gettempdir()) / "clika-store")
        )
    if settings.demo and is_empty(settings.store):
        try:
            demo().queued_in(settings.store)
        except ClikaError as error:  # the page works without it
            _logger.error("no demonstration: %s", error)
    sweep(settings.store)
    try:
        with Index.open(settings.store) as index, supervised_queue(settings):
            build_page(index, settings, bundled_models()).launch(**options)
    except OSError as error:
        if "empty port" not in str(error):
            raise
        raise UsageError(
            f"port {settings.port} is taken; stop that program, or give another with CLIKA_PORT or --port"
        ) from error


def _check_host(host: str) -> None:
    """Raises UsageError for what is no address of this machine."""
    cause: Exception | None = None
    try:
        for family, kind, _, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM):
            try:
                with socket.socket(family, kind) as probe:
                    probe.bind(address)
                return
            except OSError as error:  # one of a name's addresses, of a kind that is switched off
                cause = error
    except (OSError, UnicodeError) as error:
        cause = error
    raise UsageError(
        f"host {host!r} is no address of this machine ({cause}); give 127.0.0.1, 0.0.0.0 for all, or one of its own"
        " with CLIKA_HOST or --host"
    ) from cause


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


def bundled_models() -> tuple[LiveModel, ...]:
    """The bundled models whose weights are here."""
    return tuple(
        LiveModel(one.name, one.folder, one.summary, catalog.TEMPLATE, catalog.DEMONSTRATIONS, catalog.RULE)
        for one in catalog.PLANTED_MODELS
        if one.is_there
    )


def on_local_disk(source: Path, local: Path) -> Path:
    """Copy what is sealed in a store to a disk of this machine, and return the store there.

    A Space's storage is a mounted bucket, on which a database in use is damaged: the sealed files are read from it once,
    at the start, and nothing is written there. Raises StoreError where they cannot be copied.
    """
    try:
        for part in ("collections", "jobs"):
            if (source / part).is_dir() and (source / part).resolve() != (local / part).resolve():
                shutil.copytree(source / part, local / part, dirs_exist_ok=True, ignore=_NOT_SEALED)
    except (OSError, shutil.Error) as error:
        raise StoreError(f"the store {str(source)!r} cannot be copied to {str(local)!r} ({error})") from error
    return local


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
