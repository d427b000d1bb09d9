"""How the database file is opened, and what follows where it cannot be.

A file that does not open is set aside with its write-ahead log, and an empty one takes its place: the sealed
shards hold all that it held. A full disk is not damage: nothing is set aside for it.
"""

import threading
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import duckdb

from clika.database.ingest import no_room
from clika.database.migrations import apply
from clika.errors import StoreFullError, StoreLockedError

DATABASE = "clika.duckdb"
LOCK = "LOCK"
_TRIES = 2
_TABLES = ("languages", "items", "questions", "runs", "predictions", "ledger")


def opened_in_memory() -> duckdb.DuckDBPyConnection:
    """An empty index that belongs to this process alone."""
    connection = duckdb.connect(":memory:")
    apply(connection)
    _shut_the_doors(connection)
    return connection


def opened(store: Path, notices: list[str]) -> duckdb.DuckDBPyConnection:
    """The database of a store, of this program's version; what a person should know goes into ``notices``.

    Raises StoreError for a newer one, StoreLockedError where another program has it open, StoreFullError where
    there is no room to make it.
    """
    path = store / DATABASE
    new = not path.exists()
    try:
        try:
            connection = _read(path)
        except duckdb.Error as error:
            if no_room(error):
                raise
            if "could not set lock" in str(error).lower():
                raise StoreLockedError(
                    f"{path} is open in another program that does not hold {store / LOCK}; close it"
                ) from error
            connection = _made_again(path, notices, error)
    except (duckdb.Error, OSError) as error:
        if no_room(error):
            if new:  # the half of a database that could be written would pass for a damaged one
                path.unlink(missing_ok=True)
            raise StoreFullError(
                f"{path} cannot be written, there is no room: what is sealed is read into memory until there is"
            ) from error
        raise
    _shut_the_doors(connection)
    return connection


def _read(path: Path) -> duckdb.DuckDBPyConnection:
    """The database behind a path, every row of it touched."""
    connection = duckdb.connect(str(path))
    try:
        apply(connection)
        if _columns(connection) != _columns_of_this_version():
            raise duckdb.CatalogException("its tables are not those that this program makes")
        # A torn file opens, and shows its damage only when its blocks are read.
        for table in _TABLES:
            connection.execute(f"select bit_xor(hash(t)) from {table} t").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return connection.execute(
        """select table_name, column_name, data_type from duckdb_columns()
        where schema_name = 'main' and list_contains(?, table_name) order by table_name, column_index""",
        [list(_TABLES)],
    ).fetchall()


@cache
def _columns_of_this_version() -> list[tuple[str, str, str]]:
    with duckdb.connect(":memory:") as connection:
        apply(connection)
        return _columns(connection)


def _made_again(path: Path, notices: list[str], cause: BaseException) -> duckdb.DuckDBPyConnection:
    set_aside(path, notices, cause)
    return _read(path)


def set_aside(path: Path, notices: list[str], cause: BaseException) -> None:
    """Put a database that cannot be read, and its write-ahead log, out of the way."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while path.with_name(f"{path.name}.damaged-{stamp}").exists():
        number += 1
        stamp = f"{stamp.partition('.')[0]}.{number}"
    for name in (path.name, f"{path.name}.wal"):
        damaged = path.with_name(name)
        if damaged.exists():
            damaged.replace(path.with_name(f"{name}.damaged-{stamp}"))
    reason = (str(cause).splitlines() or [type(cause).__name__])[0]
    notices.append(
        f"{path} did not open ({reason}); it was set aside as {path.name}.damaged-{stamp}"
        f" and made again from the sealed shards: no prediction is lost"
    )


def _shut_the_doors(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows come in through Arrow alone: no file reads, no COPY, no ATTACH, no way to switch it back."""
    connection.execute("set threads = 2")
    connection.execute("set memory_limit = '1GB'")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


class Reopening(Protocol):
    """Whoever holds the connection, and opens it again when the database has given up."""

    def connected(self) -> duckdb.DuckDBPyConnection:
        """The connection as it is now."""
        ...

    def reopen(self, dead: duckdb.DuckDBPyConnection) -> None:
        """Open the database again, unless somebody has meanwhile."""
        ...

    def make_again(self, dead: duckdb.DuckDBPyConnection, damaged: duckdb.Error) -> None:
        """Set the file aside and fill another one from the shards, unless somebody has meanwhile."""
        ...


def _shows_damage(error: duckdb.Error) -> bool:
    """Whether a query has met a damaged block: those of an index are read by no scan at the opening."""
    return isinstance(error, duckdb.SerializationException) or "Corrupt database file" in str(error)


class Cursor:
    """One thread's cursor; it outlives the connection: a full disk ends that, and it is opened again.

    The lock is for whoever opens it again: a cursor must not be closed under a query that runs.
    """

    def __init__(self, owner: Reopening) -> None:
        self._owner = owner
        self._busy = threading.RLock()
        self._of: duckdb.DuckDBPyConnection | None = None
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def execute(self, query: str, parameters: Sequence[object] | dict[str, object] | None = None) -> "Cursor":
        """Run a query; its rows are fetched from this same cursor."""
        for _ in range(_TRIES):
            connection = self._owner.connected()
            try:
                return self._executed(connection, query, parameters)
            except (duckdb.FatalException, duckdb.ConnectionException):
                self._owner.reopen(connection)
            except duckdb.Error as error:
                if not _shows_damage(error):
                    raise
                self._owner.make_again(connection, error)
        return self._executed(self._owner.connected(), query, parameters)

    def _executed(
        self,
        connection: duckdb.DuckDBPyConnection,
        query: str,
        parameters: Sequence[object] | dict[str, object] | None,
    ) -> "Cursor":
        with self._busy:
            if self._cursor is None or self._of is not connection:
                self.close()
                self._of, self._cursor = connection, connection.cursor()
            self._cursor.execute(query, parameters)
            return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that are left."""
        with self._busy:
            rows: list[tuple[Any, ...]] = self._open.fetchall()
            return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row; None where there is none."""
        with self._busy:
            row: tuple[Any, ...] | None = self._open.fetchone()
            return row

    def fetchnumpy(self) -> dict[str, Any]:
        """The rows that are left, an array a column."""
        with self._busy:
            columns: dict[str, Any] = self._open.fetchnumpy()
            return columns

    @property
    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._cursor is None:
            raise duckdb.ConnectionException("the database was opened again; ask again")
        return self._cursor

    def close(self) -> None:
        """Let go of the connection; the next query takes it up again."""
        with self._busy:
            if self._cursor is not None:
                self._cursor.close()
            self._cursor = self._of = None
