"""The index of a store: who owns it, how it opens, and how it is made again.

Whoever holds ``store/LOCK`` owns ``store/clika.duckdb``. Anybody else (the command line while the
dashboard runs) reads the same shards into a DuckDB in memory, through the same code. A database that
does not open is set aside with its write-ahead log and made again from the shards.
"""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import duckdb

from clika.database.ingest import ingest_new_shards
from clika.database.migrations import apply
from clika.errors import StoreError, StoreLockedError

logger = logging.getLogger(__name__)

DATABASE = "clika.duckdb"
LOCK = "LOCK"


class Index:
    """A store's rows, ready to be queried; a context manager. Open with ``Index.open``."""

    def __init__(self, store: Path, lock: int | None, connection: duckdb.DuckDBPyConnection) -> None:
        self.store = store
        self.owner = lock is not None
        self.notices: tuple[str, ...] = ()
        self._lock = lock
        self._connection = connection
        self._cursors = threading.local()
        self._refreshing = threading.Lock()  # two timers of the page may refresh at once

    @classmethod
    def open(cls, store: Path) -> "Index":
        """Open a store, made if absent; its new shards are taken in.

        Raises StoreError where the folder cannot be written or the database is of a newer version.
        """
        try:
            store.mkdir(parents=True, exist_ok=True)
            lock = _taken_lock(store)
        except OSError as error:
            raise StoreError(
                f"store {str(store)!r} cannot be used ({error.strerror}); give another with --store"
            ) from error
        notices: list[str] = []
        try:
            if lock is None:
                connection = duckdb.connect(":memory:")
                apply(connection)
            else:
                connection = _opened(store, notices)
            _shut_the_doors(connection)
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        index = cls(store, lock, connection)
        index.refresh()
        index.notices = (*notices, *index.notices)
        return index

    def refresh(self) -> int:
        """Take in the shards sealed since; returns the rows added or gone. Alarms replace ``notices``."""
        with self._refreshing:
            cursor = self._connection.cursor()
            try:
                added, alarms = ingest_new_shards(cursor, self.store)
            finally:
                cursor.close()
        for alarm in alarms:
            logger.warning("%s", alarm)
        self.notices = alarms
        return added

    @property
    def cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's own cursor: a connection shared by threads returns wrong answers."""
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._cursors, "cursor", None)
        if cursor is None:
            cursor = self._connection.cursor()
            self._cursors.cursor = cursor
        return cursor

    def close(self) -> None:
        """Close the database and give the store back."""
        self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _taken_lock(store: Path) -> int | None:
    """An open descriptor that holds the lock, with our process named in the file; None if another does."""
    descriptor = os.open(store / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def lock_holder(store: Path) -> str:
    """The process number that the lock file names; 'unknown' where it names none."""
    try:
        return (store / LOCK).read_text().strip() or "unknown"
    except OSError:
        return "unknown"


def _opened(store: Path, notices: list[str]) -> duckdb.DuckDBPyConnection:
    path = store / DATABASE
    try:
        connection = duckdb.connect(str(path))
        try:
            apply(connection)
            _read_through(connection)
        except BaseException:
            connection.close()
            raise
    except duckdb.IOException as error:
        if "could not set lock" in str(error).lower():
            raise StoreLockedError(
                f"{path} is open in another program that does not hold {store / LOCK}; close it"
            ) from error
        return _made_again(path, notices, error)
    except duckdb.Error as error:
        return _made_again(path, notices, error)
    return connection


def _read_through(connection: duckdb.DuckDBPyConnection) -> None:
    """Touch every stored row: a torn file opens, and shows its damage only when its blocks are read."""
    for table in ("languages", "items", "questions", "runs", "predictions", "ledger"):
        connection.execute(f"select bit_xor(hash(t)) from {table} t").fetchall()


def _made_again(path: Path, notices: list[str], cause: duckdb.Error) -> duckdb.DuckDBPyConnection:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for name in (path.name, f"{path.name}.wal"):
        damaged = path.with_name(name)
        if damaged.exists():
            damaged.replace(path.with_name(f"{name}.damaged-{stamp}"))
    reason = str(cause).splitlines()[0]
    notices.append(
        f"{path} did not open ({reason}); it was set aside as {path.name}.damaged-{stamp}"
        f" and made again from the sealed shards: no prediction is lost"
    )
    connection = duckdb.connect(str(path))
    apply(connection)
    return connection


def _shut_the_doors(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows come in through Arrow alone: no file reads, no COPY, no ATTACH, no way to switch it back."""
    connection.execute("set threads = 2")
    connection.execute("set memory_limit = '1GB'")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def rebuild(store: Path) -> int:
    """Make the index again from the shards; returns its rows. Raises StoreLockedError if it is in use."""
    with owned(store):
        for name in (DATABASE, f"{DATABASE}.wal"):
            (store / name).unlink(missing_ok=True)
    with Index.open(store) as index:
        row = index.cursor.execute("select count(*) from predictions").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def owned(store: Path) -> Iterator[None]:
    """Hold the lock of a store. Raises StoreLockedError naming the process that holds it already."""
    store.mkdir(parents=True, exist_ok=True)
    lock = _taken_lock(store)
    if lock is None:
        raise StoreLockedError(
            f"store {str(store)!r} is in use by process {lock_holder(store)}; stop that program first"
        )
    try:
        yield
    finally:
        os.close(lock)
