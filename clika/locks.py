"""A lock file whose holder is named in it: who owns a store's index, who looks after its jobs.

The kernel lets the lock go when its holder dies, whatever killed it; the name may be a dead one's, the lock is not.
"""

import contextlib
import fcntl
import os
from pathlib import Path


def taken_lock(path: Path) -> int | None:
    """An open descriptor that holds the lock, with our process named in the file; None if another does.

    It is let go by closing. Raises OSError where the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    with contextlib.suppress(OSError):  # on a full disk it is held without a name
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def lock_holder(path: Path) -> str:
    """The process number that the lock file names; 'unknown' where it names none."""
    try:
        return path.read_text().strip() or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
