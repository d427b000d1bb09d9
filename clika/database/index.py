"""The index of a store: who owns it, how it grows, and how it is made again.

Whoever holds ``store/LOCK`` owns ``store/clika.duckdb``. Anybody else (the command line while the
dashboard runs) reads the same shards into a DuckDB in memory, through the same code. A database that
does not open is set aside with its write-ahead log and made again from the shards.
"""

import errno
import logging
import os
import threading
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import duckdb

from clika.database.connection import DATABASE, LOCK, Cursor, opened, opened_in_memory, set_aside
from clika.database.ingest import Signature, ingest_new_shards
from clika.errors import StoreError, StoreFullError, StoreLockedError
from clika.locks import lock_holder, taken_lock

logger = logging.getLogger(__name__)

T = TypeVar("T")
MOST_REMEMBERED = 128


@dataclass(slots=True)
class _Remembered:
    """What was worked out from the rows of one state; whoever comes first does it, the others wait."""

    state: int
    busy: threading.Lock = field(default_factory=threading.Lock)
    found: list[Any] = field(default_factory=list)


class Index:
    """A store's rows, ready to be queried; a context manager. Open with ``Index.open``."""

    def __init__(self, store: Path, lock: int | None) -> None:
        """Raises what ``opened`` raises, but for a full disk: then the shards are read into memory."""
        self.store = store
        self.owner = lock is not None
        self.notices: tuple[str, ...] = ()
        self.alarms: tuple[str, ...] = ()
        self._lock = lock
        self._unchanged: dict[str, Signature] = {}
        self._news: list[str] = []
        self._in_memory = True
        self._connection = self._opened()
        self._local = threading.local()
        self._cursors: weakref.WeakSet[Cursor] = weakref.WeakSet()
        self._refreshing = threading.RLock()  # two timers of the page may refresh, or open it again, at once
        self._state = 0  # rises whenever rows came or went
        self._remembered: dict[Hashable, _Remembered] = {}
        self._remembering = threading.Lock()  # the readers' threads share what is remembered
        self._swapping = threading.Lock()  # a reader may ask for the connection while it is opened again

    @classmethod
    def open(cls, store: Path) -> "Index":
        """Open a store, made if absent; its new shards are taken in.

        One on a disk that takes no writing is read as another process's is. Raises StoreError where the folder cannot be
        used or the database is of a newer version.
        """
        try:
            lock = _locked(store)
        except StoreError as error:
            if not (isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EROFS):
                raise
            lock = None
        try:
            index = cls(store, lock)
            index.refresh()
        except BaseException:
            if lock is not None:
                os.close(lock)
            raise
        return index

    def refresh(self) -> int:
        """Make the index hold what is sealed now; returns how many rows came or went.

        ``alarms`` are sentences about what could not be taken in. They replace
        ``notices``; what was said of the database's opening stays before them. A full disk is
        one of them: nothing is lost, and the first refresh with room again takes in what is missing.
        """
        with self._refreshing:
            if self.owner and self._in_memory:
                self._move_to_disk()
            moved = None
            try:
                try:
                    moved, alarms = self._ingested()
                except duckdb.Error as error:
                    logger.warning("the database failed (%s) and is opened again", error)
                    self.reopen(self._connection)
                    moved, alarms = self._ingested_once_more()
            finally:
                if moved != 0:  # an ingest that failed may have brought rows before
                    self._state += 1
            for alarm in alarms:
                if alarm not in self.notices:
                    logger.warning("%s", alarm)
            self.alarms = alarms
            self.notices = (*self._news, *alarms)
        return moved

    def remembered(self, key: Hashable, made: Callable[[], T]) -> T:
        """What ``made`` gives, worked out once while no row comes or goes, however many threads ask.

        It is shared: nobody may change it.
        """
        with self._remembering:
            one = self._remembered.get(key)
            if one is None or one.state != self._state:
                self._remembered.pop(key, None)
                one = self._remembered[key] = _Remembered(self._state)
                if len(self._remembered) > MOST_REMEMBERED:
                    del self._remembered[next(iter(self._remembered))]
        with one.busy:
            if not one.found:
                one.found.append(made())
            found: T = one.found[0]
            return found

    def _ingested(self) -> tuple[int, tuple[str, ...]]:
        cursor = self._connection.cursor()
        try:
            moved, alarms = ingest_new_shards(cursor, self.store, self._unchanged)
            if alarms:
                cursor.execute("select 1")  # a database that a full disk has ended says so now
            return moved, alarms
        finally:
            cursor.close()

    def _ingested_once_more(self) -> tuple[int, tuple[str, ...]]:
        """After a failure that opening again did not mend: the file is damaged where only writing looks."""
        try:
            return self._ingested()
        except duckdb.Error as error:
            if not self.owner or self._in_memory:
                raise StoreError(
                    f"{str(self.store)!r} cannot be indexed ({error}); 'python -m clika verify' checks it"
                ) from error
            self.reopen(self._connection, damaged=error)
        try:
            return self._ingested()
        except duckdb.Error as error:
            raise StoreError(
                f"{self.store / DATABASE} cannot be used ({error}); stop the program, then 'python -m clika"
                f" rebuild' makes it again from the sealed shards"
            ) from error

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The file's connection for the owner where the disk has room for it, else one in memory."""
        self._news.clear()
        if self.owner:
            try:
                connection = opened(self.store, self._news)
                self._in_memory = False
                return connection
            except StoreFullError as error:
                self._news.append(str(error))
        self._in_memory = True
        return opened_in_memory()

    def _move_to_disk(self) -> None:
        """Leave memory for the file where there is room by now."""
        news: list[str] = []
        try:
            connection = opened(self.store, news)
        except StoreFullError:
            return
        with self._swapping:
            self._let_go()
            self._connection, self._in_memory = connection, False
            self._news[:] = news

    def connected(self) -> duckdb.DuckDBPyConnection:
        """The connection as it is now."""
        with self._swapping:
            return self._connection

    def reopen(self, dead: duckdb.DuckDBPyConnection, damaged: duckdb.Error | None = None) -> None:
        """Open the database again, unless somebody has meanwhile; ``damaged`` sets its file aside first."""
        with self._refreshing, self._swapping:
            if self._connection is not dead:
                return
            self._let_go()
            news: list[str] = []
            if damaged is not None:
                set_aside(self.store / DATABASE, news, damaged)
            self._connection = self._opened()
            self._news[:0] = news

    def make_again(self, dead: duckdb.DuckDBPyConnection, damaged: duckdb.Error) -> None:
        """Set the file aside and fill another one from the shards, unless somebody has meanwhile."""
        if not self.owner or self._in_memory:
            raise damaged
        with self._refreshing:
            self.reopen(dead, damaged=damaged)
            self.refresh()

    def _let_go(self) -> None:
        """Close the connection with every cursor: DuckDB gives the same dead database again while one is left."""
        self._unchanged.clear()
        for cursor in list(self._cursors):
            cursor.close()
        self._connection.close()

    @property
    def cursor(self) -> Cursor:
        """This thread's own cursor: a connection shared by threads returns wrong answers."""
        cursor: Cursor | None = getattr(self._local, "cursor", None)
        if cursor is None:
            cursor = self._local.cursor = Cursor(self)
            self._cursors.add(cursor)
        return cursor

    def close(self) -> None:
        """Close the database and give the store back."""
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Rebuilt(NamedTuple):
    """How many predictions an index holds that was made again, and sentences about what it does not hold."""

    rows: int
    alarms: tuple[str, ...]


def rebuild(store: Path) -> Rebuilt:
    """Make the index again from the shards.

    Raises StoreLockedError if it is in use, StoreError where the store cannot be written.
    """
    with owned(store):
        for name in (DATABASE, f"{DATABASE}.wal"):
            (store / name).unlink(missing_ok=True)
    with Index.open(store) as index:
        row = index.cursor.execute("select count(*) from predictions").fetchone()
        return Rebuilt(int(row[0]) if row else 0, index.alarms)


def _locked(store: Path) -> int | None:
    """As ``taken_lock``, of a store, made if absent. Raises StoreError where that cannot be."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        return taken_lock(store / LOCK)
    except OSError as error:
        raise StoreError(
            f"store {str(store)!r} cannot be used ({error.strerror}); give another with --store"
        ) from error


@contextmanager
def owned(store: Path) -> Iterator[None]:
    """Hold the lock of a store.

    Raises StoreLockedError naming the process that holds it already, StoreError where it cannot be written.
    """
    lock = _locked(store)
    if lock is None:
        raise StoreLockedError(
            f"store {str(store)!r} is in use by process {lock_holder(store / LOCK)}; stop that program first"
        )
    try:
        yield
    finally:
        os.close(lock)
