"""What a process does to itself before it touches a stranger's file: no network, bounded memory and time, no doors.

Three layers, each of which may be missing somewhere: a network of its own with nothing in it (Linux, where the kernel
lets one), limits of the kernel, and Python's audit hook. Native code is held by the first two alone.
"""

import ctypes
import os
import resource
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_FORBIDDEN = (
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "os.startfile", "os.kill",
    "pty.spawn", "subprocess.Popen", "socket.", "ftplib.", "http.client.", "urllib.Request", "smtplib.",
    "webbrowser.open",
)  # fmt: skip
# Their texts are paths.
_MOVES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate",
    "shutil.",
)  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def cut_off_network() -> bool:
    """Move into a network with no way out of it; False where the kernel does not let us. Before any thread starts."""
    unshare = getattr(ctypes.CDLL(None, use_errno=True), "unshare", None)
    return unshare is not None and (unshare(_NEW_NETWORK) == 0 or unshare(_NEW_USER | _NEW_NETWORK) == 0)


def answer_alone() -> int:
    """A descriptor of what was standard output; what a library prints from now on goes nowhere."""
    answering = os.dup(1)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.close(silent)
    return answering


def bound(memory: int, seconds: int, file_bytes: int = 0) -> None:
    """At most ``memory`` bytes more than now, ``seconds`` of processor time more, files of ``file_bytes``; no core."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    time = int(used.ru_utime + used.ru_stime) + seconds
    _limit(resource.RLIMIT_AS, _address_space() + memory)
    _limit(resource.RLIMIT_CPU, time)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, value: int) -> None:
    _, most = resource.getrlimit(kind)
    allowed = value if most == resource.RLIM_INFINITY else min(value, most)
    resource.setrlimit(kind, (allowed, allowed))


def _address_space() -> int:
    """Bytes that the process has mapped; 0 where the system does not say, so that the limit errs on the small side."""
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            return int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


tried: list[str] = []
"""What the doors kept in, since a library may turn the error into another."""


def shut_doors(writable: str) -> None:
    """From now on: no process, no socket, and nothing written, moved or removed but below ``writable``.

    A hook cannot be taken off again. What it meets ends in PermissionError.
    """
    below = os.path.realpath(writable) + os.sep

    def inside(path: object) -> bool:
        text = os.fsdecode(path) if isinstance(path, bytes | os.PathLike) else path
        return not isinstance(text, str) or text == os.devnull or os.path.realpath(text).startswith(below)

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            refused = isinstance(flags, int) and bool(flags & _WRITES) and not inside(path)
        elif event.startswith(_MOVES):
            refused = not all(inside(argument) for argument in arguments)
        else:
            refused = event.startswith(_FORBIDDEN)
        if refused:
            tried.append(f"{event} {str(arguments[0] if arguments else '')[:200]!r}")
            raise PermissionError(f"a checkpoint tried {tried[-1]}")

    sys.addaudithook(watch)
