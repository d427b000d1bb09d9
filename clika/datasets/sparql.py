"""A SPARQL endpoint asked politely: one query at a time, answers kept on disk, refusals obeyed.

An answer that came is never asked for again (``cache``, a file a query), so whatever was interrupted goes on where
it stopped. A server that asks to wait (Retry-After) is waited for, one that fails is asked again later and later.
"""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from clika import __version__
from clika.errors import DataError

WIKIDATA = "https://query.wikidata.org/sparql"
TRIES = 6
LONGEST_WAIT_S = 300.0
"""Who asks to wait longer is left in peace: the command ends and says so."""
TIMEOUT_S = 90.0
"""Wikidata ends a query after 60 s itself."""

_AGAIN = (429, 500, 502, 503, 504)
_VERSION = 1

_log = logging.getLogger(__name__)

Row = Mapping[str, str]
"""Variable -> value: an IRI or a literal's text. A variable without a value has no key."""


class SparqlEndpoint:
    """Rows for queries, from the cache or from the server at ``url``."""

    def __init__(
        self,
        url: str,
        cache: Path,
        *,
        pause_s: float = 1.0,
        contact: str | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """``pause_s`` lies between two requests; ``contact`` (mail or URL) tells the server whom to write to."""
        self._url = url
        self._cache = cache
        self._pause_s = pause_s
        self._wait = wait
        self.asked = 0
        """Queries that went to the server; the others were in the cache."""
        agent = f"CLiKA/{__version__} ({f'{contact}; ' if contact else ''}build-factual) httpx/{httpx.__version__}"
        self._headers = {"User-Agent": agent, "Accept": "application/sparql-results+json"}

    def rows(self, query: str) -> tuple[Row, ...]:
        """The query's solutions, in the server's order. Raises DataError where the server does not answer."""
        name = hashlib.sha256(f"{self._url}\n{query}".encode()).hexdigest()[:32]
        path = self._cache / f"{name}.json"
        kept = _kept(path)
        if kept is None:
            kept = self._answered(query)
            _keep(path, query, kept)
        return kept

    def _answered(self, query: str) -> tuple[Row, ...]:
        if self.asked:
            self._wait(self._pause_s)
        self.asked += 1
        said = ""
        for attempt in range(TRIES):
            try:
                answer = httpx.post(
                    self._url, data={"query": query}, headers=self._headers, timeout=TIMEOUT_S
                )
            except httpx.InvalidURL as error:
                raise DataError(f"{self._url!r} is no address ({error}); give another --endpoint") from error
            except httpx.HTTPError as error:
                said = str(error) or type(error).__name__
                wanted = None
            else:
                if answer.status_code == 200:
                    return _solutions(answer.content, self._url)
                said = f"status {answer.status_code}: {' '.join(answer.text.split())[:200]}"
                if answer.status_code not in _AGAIN:
                    raise DataError(
                        f"{self._url} refused a query ({said}); mend it, or give another --endpoint"
                    )
                wanted = _retry_after(answer.headers.get("Retry-After"))
            if wanted is not None and wanted > LONGEST_WAIT_S:
                raise DataError(
                    f"{self._url} asks to wait {wanted:.0f} s; give the same command again then: what was answered"
                    " is kept"
                )
            if attempt < TRIES - 1:
                pause = wanted if wanted is not None else 2.0 * 2**attempt
                _log.warning("%s: %s; asked again in %.0f s", self._url, said, pause)
                self._wait(pause)
        raise DataError(
            f"{self._url} did not answer {TRIES} times ({said}); check the network, or give the same command again"
            " later: what was answered is kept"
        )


def _retry_after(value: str | None) -> float | None:
    """Seconds, from seconds or a date; None where the header is neither."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _solutions(content: bytes, url: str) -> tuple[Row, ...]:
    try:
        bindings = json.loads(content)["results"]["bindings"]
        return tuple({name: str(cell["value"]) for name, cell in row.items()} for row in bindings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{url} answered with something else than SPARQL results in JSON ({error!r}); give another --endpoint"
        ) from error


def _kept(path: Path) -> tuple[Row, ...] | None:
    """What the cache holds; None for nothing, or a file that cannot be read: it is asked for again."""
    try:
        kept = json.loads(path.read_bytes())
        return tuple(dict(row) for row in kept["rows"]) if kept["version"] == _VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(path: Path, query: str, rows: tuple[Row, ...]) -> None:
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(
            json.dumps({"version": _VERSION, "query": query, "rows": rows}, ensure_ascii=False),
            encoding="utf-8",
        )
        beside.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror}); give another --cache") from error
