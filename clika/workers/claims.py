"""Who may answer what: locks that the kernel lets go when a worker dies, whatever killed it.

A replica's place (one process a number), a run's turn (one job at a time writes a run's answers: two would
answer the same question twice) and the chunks of a job (each to one replica). A claim is kept until its
process ends, so that a chunk whose replica died is free again and one that is done is never begun twice.
"""

import fcntl
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from clika.errors import JobError
from clika.jobs.folder import CLAIMS, JobFolder

_logger = logging.getLogger(__name__)

TRY_AGAIN_SECONDS = 0.2
_MOST_JOBS = 1 << 30


def writer_name(replica: int) -> str:
    """The name under which a replica seals its shards."""
    return f"replica{replica}"


@contextmanager
def held_place(folder: JobFolder, replica: int) -> Iterator[None]:
    """Hold the place of a replica. Raises JobError where another process has it."""
    lock = os.open(_place(folder, writer_name(replica)), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JobError(
                f"another worker is replica {replica} at {folder.path}; wait for it or cancel it"
            ) from error
        yield
    finally:
        os.close(lock)


@contextmanager
def free_place(folder: JobFolder, writer: str) -> Iterator[bool]:
    """Whether nobody has the place of ``writer``; it stays so meanwhile."""
    lock = os.open(_place(folder, writer), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def _place(folder: JobFolder, writer: str) -> str:
    return str(folder.path / f"LOCK-{writer}")


@contextmanager
def held_turn(folder: JobFolder, run: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the turn of a run, together with the other replicas of this job and with nobody else.

    ``waiting`` is called again and again while another job has it.
    """
    turns = folder.store / "turns"
    turns.mkdir(exist_ok=True)
    turn = os.open(turns / run, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    # Each job has one byte of the file, which its replicas share: an exclusive look at all others says whether
    # another job is at it. These are POSIX locks (the kernel's own, over NFS too).
    own = int.from_bytes(hashlib.sha256(folder.path.name.encode()).digest()[:4]) % (_MOST_JOBS - 1) + 1
    told = False
    try:
        while not _taken(turn, own):
            if not told:
                _logger.info("another job writes the answers of run %s; waiting until it ends", run)
                told = True
            waiting()
            time.sleep(TRY_AGAIN_SECONDS)
        yield
    finally:
        os.close(turn)


def _taken(turn: int, own: int) -> bool:
    others = ((0, own), (own + 1, _MOST_JOBS - own))
    try:
        fcntl.lockf(turn, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, own)
        for start, length in others:
            fcntl.lockf(turn, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
    except OSError:
        fcntl.lockf(turn, fcntl.LOCK_UN, 0, 0)
        return False
    for start, length in others:
        fcntl.lockf(turn, fcntl.LOCK_UN, length, start)
    return True


class Claims:
    """The chunks of a job that this process has taken, by number; a context manager.

    One a process: the kernel drops all of a process's POSIX locks on a file when any descriptor of it closes.
    """

    def __init__(self, folder: JobFolder) -> None:
        self._file = os.open(folder.path / CLAIMS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def take(self, chunk: int) -> bool:
        """Whether the chunk is this process's from now on; one that it has already is."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, chunk)
        except OSError:
            return False
        return True

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
