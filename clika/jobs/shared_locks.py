"""Whether a store's file system can be shared: what keeps two workers apart are file locks.

Both kinds are taken: flock (a replica's place, the queue) and POSIX byte ranges by lockf (chunks, turns). NFS
gives both through its server unless it was mounted to keep them to the one machine.
"""

import errno
import fcntl
import os
import re
from pathlib import Path

from clika.errors import StoreError
from clika.shards import write_error

PROBE = "LOCKS.probe"
_MOUNTS = Path("/proc/mounts")
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)
# Options with which a machine keeps the locks of a file system to itself, by the kind of file system.
_KEPT_HERE = {
    "nfs": ("nolock", "local_lock=all", "local_lock=flock", "local_lock=posix"),
    "nfs4": ("nolock", "local_lock=all", "local_lock=flock", "local_lock=posix"),
    "lustre": ("localflock", "noflock"),
    "cifs": ("nobrl",),
    "smb3": ("nobrl",),
}
_NEVER_SHARED = ("fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse")


def check_locks(folder: Path, *, shared: bool) -> None:
    """Raises StoreError where files of a folder cannot be locked, or ``shared`` and other machines see no lock.

    What a file system's server makes of a lock shows on none of its clients: a mount that lies is not found.
    """
    path = folder / PROBE
    try:
        probe = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(probe, fcntl.LOCK_UN)
        fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, os.getpid())
    except OSError as error:
        if error.errno in _NO_LOCKS:
            raise StoreError(
                f"{folder} lies on a file system without file locks ({error.strerror}), and workers keep apart by"
                f" them; put the store on one that has them (NFS 4, Lustre with -o flock, CephFS, GPFS)"
            ) from error
        if not isinstance(error, BlockingIOError | PermissionError):  # another one's probe: locks work
            raise write_error(path, error) from error
    finally:
        os.close(probe)
    if shared and _MOUNTS.exists():
        fault = locks_kept_here(_MOUNTS.read_text("utf-8", "replace"), folder.resolve())
        if fault is not None:
            raise StoreError(
                f"{folder} lies on {fault}, where other machines do not see this one's file locks, and workers on"
                f" several would answer the same questions; mount it with shared locks, or work on one machine"
            )


def locks_kept_here(mounts: str, folder: Path) -> str | None:
    """What keeps the locks of a folder's file system to this machine; None where nothing says so.

    ``mounts`` is the text of ``/proc/mounts``.
    """
    found: tuple[int, str, str] = (-1, "", "")
    for line in mounts.splitlines():
        fields = [
            re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), part) for part in line.split(" ")
        ]
        if len(fields) < 4:
            continue
        point = Path(fields[1])
        if (
            folder.is_relative_to(point) and len(point.parts) >= found[0]
        ):  # a later mount lies over an earlier
            found = (len(point.parts), fields[2], fields[3])
    _, kind, options = found
    if kind in _NEVER_SHARED:
        return kind
    kept = sorted(set(options.split(",")) & set(_KEPT_HERE.get(kind, ())))
    return f"{kind} mounted with {kept[0]}" if kept else None
