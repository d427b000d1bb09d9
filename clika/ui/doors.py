"""The page's doors: who may ask, for what, and how much, before Gradio sees a request.

A page on 127.0.0.1 is reached by every site that its user's browser has open. A name that somebody points at this
machine (DNS rebinding) is refused by the Host that the browser sends, a write from another site by its Origin.
"""

import ipaddress
import json
import os
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.middleware import Middleware

from clika.settings import Settings
from clika.ui.guesses import Guesses

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_BODY = 4 << 20
"""Bytes of a request that is no upload: a form with all its fields is a hundredth of it."""
FREE_BYTES = 1 << 30
"""What an upload leaves free on the disk that it goes to."""
EXPORTS = "exports"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_UPLOAD = "/gradio_api/upload"
_FILE = ("/file=", "/file/")
# Of Gradio's own routes those that fetch for others, write what nobody asked for, or tell of the machine, and those
# that ask for no password and that this page has no use for.
_CLOSED = (
    *("/proxy=", "/deep_link", "/monitoring", "/dev/reload", "/custom_component/"),
    *("/gradio_api/cancel", "/gradio_api/reset", "/gradio_api/stream/", "/gradio_api/run-history/"),
    *("/gradio_api/vibe-", "/gradio_api/undo-vibe-", "/gradio_api/process_recording"),
)


class Doors:
    """ASGI middleware. ``hosts`` are the names that the page is called by; ``any_address``: by any address too."""

    def __init__(
        self,
        app: Callable[[Scope, Receive, Send], Awaitable[None]],
        hosts: Iterable[str],
        any_address: bool,
        suffix: str,
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._any_address = any_address
        self._suffix = suffix
        self._guesses = Guesses()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may not pass; hand on every other, its body counted."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._refusal(scope, headers)
        if refusal is None and _is_guess(scope):
            await self._guessed(scope, receive, send)
        elif refusal is None:
            await self._app(scope, _counted(scope, receive), send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _answer(send, *refusal)

    async def _guessed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a password on, unless too many of this address were wrong; what Gradio says of it is taken down."""
        address = (scope.get("client") or ("",))[0]
        waits = self._guesses.waits(address)
        if waits:
            await _answer(send, 429, f"too many wrong passwords; try again in {waits:.0f} seconds")
            return

        async def heard(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] in (400, 401):
                self._guesses.wrong(address)
            await send(message)

        await self._app(scope, _counted(scope, receive), heard)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        """(status, sentence) for a request that may not pass."""
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 421, f"this page is not called {host[:80]!r}; name it in CLIKA_HOSTS if it is"
        method, path = scope.get("method", "GET"), _path(scope)
        if method in _WRITES or scope["type"] == "websocket":
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
                return 403, f"a write from {origin[:80]!r} is refused; use the page itself"
            if origin is None and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
                return 403, "a write from another site is refused; use the page itself"
        if any(part in path for part in _CLOSED):
            return 403, "this page has no such door"
        if any(part in path for part in _FILE) and not _may_be_read(scope, path):
            return 403, "no such file is served here"
        return _no_room(path, method, headers)

    def _is_ours(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
        except ValueError:
            return False
        if name in self._hosts or (self._suffix and name.endswith(self._suffix)):
            return True
        return self._any_address and _is_address(name)


def _is_guess(scope: Scope) -> bool:
    return scope.get("method") == "POST" and scope["path"].rstrip("/").endswith("/login")


def _path(scope: Scope) -> str:
    """The path as it was sent and as it is understood, twice over: encoded once more it must not say more."""
    sent = scope.get("raw_path", b"").decode("latin-1")
    return " ".join((sent, scope["path"], unquote(scope["path"]), unquote(unquote(sent))))


def _may_be_read(scope: Scope, path: str) -> bool:
    """Whether a file's route stays within what was made to be read: nothing fetched, nothing climbing, no upload."""
    wanted = scope["path"].replace("/file/", "/file=").partition("/file=")[2]
    if "://" in path.partition("file")[2] or "\0" in path or ".." in Path(unquote(unquote(wanted))).parts:
        return False
    blocks = getattr(scope.get("app"), "blocks", None)
    uploads = {os.path.realpath(name) for name in getattr(blocks, "upload_file_set", ())}
    return os.path.realpath(f"/{wanted.lstrip('/')}") not in uploads


def _no_room(path: str, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
    length = headers.get("content-length", "")
    if method not in _WRITES or not length:
        return None
    if not length.isdecimal():
        return 400, "the request's length is no number"
    if _UPLOAD not in path:
        too_much = int(length) > MOST_BODY
        return (413, f"the request has {int(length):,} bytes, more than {MOST_BODY:,}") if too_much else None
    free = _upload_disk_free()
    if free - int(length) < FREE_BYTES:
        return (
            507,
            f"an upload of {int(length):,} bytes has no room ({free:,} bytes are free); make room on the disk",
        )
    return None


def _upload_disk_free() -> int:
    from gradio.utils import get_upload_folder

    place = Path(get_upload_folder())
    return shutil.disk_usage(place if place.is_dir() else place.parent).free


def _counted(scope: Scope, receive: Receive) -> Receive:
    """What arrives, counted: a body that is longer than it said, or a disk that fills meanwhile, ends the request."""
    if scope["type"] != "http" or scope.get("method") not in _WRITES:
        return receive
    is_upload = _UPLOAD in scope["path"]
    taken = looked = 0

    async def counted() -> MutableMapping[str, Any]:
        nonlocal taken, looked
        message = await receive()
        taken += len(message.get("body", b""))
        if not is_upload and taken > MOST_BODY:
            return {"type": "http.disconnect"}
        if is_upload and taken - looked > 64 << 20:
            looked = taken
            if _upload_disk_free() < FREE_BYTES:
                return {"type": "http.disconnect"}
        return message

    return counted


async def _answer(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"detail": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]}
    )
    await send({"type": "http.response.body", "body": body})


def doors(settings: Settings) -> Middleware:
    """The doors of a page with these settings."""
    everywhere = settings.host in ("", "0.0.0.0", "::")
    names = {*_LOOPBACK, settings.host.lower(), *settings.hosts}
    if everywhere:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    suffix = ".hf.space" if settings.space else ""
    return Middleware(Doors, hosts=names - {"", "0.0.0.0", "::"}, any_address=everywhere, suffix=suffix)


def is_loopback(host: str) -> bool:
    """Whether a page that listens there is reached from this machine alone."""
    return host in _LOOPBACK or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def served_paths(store: Path) -> tuple[list[str], list[str]]:
    """(allowed, blocked) for Gradio: of a store its exports and nothing else. What is blocked overrides all else."""
    whole = store.resolve()
    kept = (
        "checkpoints",
        "jobs",
        "collections",
        "deleted",
        "clika.duckdb",
        "clika.duckdb.wal",
        "LOCK",
        "IMPORT.lock",
    )
    found = {path.name for path in whole.iterdir()} if whole.is_dir() else set()
    return [str(whole / EXPORTS)], [str(whole / name) for name in sorted({*kept, *found} - {EXPORTS})]
