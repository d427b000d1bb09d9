"""Processes that outlive who started them: known again by number and start time, ended with all they started.

A process number is given to another process one day; number and start time together are not.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

JOB_VARIABLE = "CLIKA_JOB_FOLDER"
"""In the environment of everything that works on a job: what has lost its parent is found by it."""
_NUMBER = "CLIKA_REPLICA"
_DEVICES = "CLIKA_DEVICES"

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    """A process by its number and by when it started, in whatever form the system tells that lastingly."""

    pid: int
    started: str

    @classmethod
    def of(cls, process: psutil.Process) -> "Process":
        """Raises psutil.NoSuchProcess for one that is gone."""
        return cls(process.pid, _started(process))

    @property
    def alive(self) -> bool:
        """Whether it runs; a zombie does not, unless other threads of it are still ending: they hold its locks."""
        try:
            found = psutil.Process(self.pid)
            ended = found.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            return not (ended and _threads(self.pid) <= 1) and _started(found) == self.started
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class Replica:
    """One started replica: the process that began it (a launcher, say), its devices, its number in the job."""

    process: Process
    devices: tuple[str, ...]
    number: int = 0


def _started(process: psutil.Process) -> str:
    """When a process started. On Linux in ticks of this boot, which a clock that is set does not move."""
    if not _BOOT.exists():
        return str(process.create_time())
    try:
        after_name = Path(f"/proc/{process.pid}/stat").read_text("utf-8", "replace").rpartition(")")[2]
    except OSError as error:
        raise psutil.NoSuchProcess(process.pid) from error
    return f"{_BOOT.read_text('ascii').strip()}:{after_name.split()[19]}"  # field 22 of all, proc(5)


def _threads(pid: int) -> int:
    """How many threads a process has, as Linux tells it; 0 for one that is gone, and elsewhere."""
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def start(
    command: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    folder: Path,
    working_folder: Path,
    devices: Sequence[str] = (),
    number: int = 0,
) -> Process:
    """Start a replica in a session of its own, its output added to ``log``; returns at once.

    ``folder`` is the job's, by which everything that the command starts is found again, with ``devices`` and ``number``.
    """
    marks = {JOB_VARIABLE: str(folder), _DEVICES: ",".join(devices), _NUMBER: str(number)}
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**environment, **marks},
            cwd=working_folder,
            start_new_session=True,
        )
    _children[started.pid] = started
    return Process.of(psutil.Process(started.pid))


# So that a child that ended does not stay a zombie: only its parent can take its status.
_children: dict[int, "subprocess.Popen[bytes]"] = {}


def reap() -> None:
    """Take the status of this process's children that ended."""
    for pid, child in list(_children.items()):
        if child.poll() is not None:
            del _children[pid]


def of_job(folder: Path) -> list[Process]:
    """Every living process that works on a job, found by its environment: orphans too."""
    return [process for process, _, _ in _marked(folder)]


def living_replicas(folder: Path) -> list[Replica]:
    """The replicas of a job that live, though nobody may have written them down, by number.

    Each by its first process alone: a launcher's workers beat for it, and are found as what it started.
    """
    found = _marked(folder)
    known = {process.pid for process, _, _ in found}
    replicas = [
        Replica(
            process,
            tuple(filter(None, given.get(_DEVICES, "").split(","))),
            int(given.get(_NUMBER, "0")),
        )
        for process, parent, given in found
        if parent not in known
    ]
    return sorted(replicas, key=lambda one: one.number)


def _marked(folder: Path) -> list[tuple[Process, int, Mapping[str, str]]]:
    """Processes that work on a job, each with its parent's number and its environment."""
    reap()
    found = []
    for process in psutil.process_iter(["environ", "ppid"]):
        given = process.info["environ"] or {}  # None for another person's process
        if process.pid != os.getpid() and given.get(JOB_VARIABLE) == str(folder):
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append((Process.of(process), int(process.info["ppid"] or 0), given))
    return found


def send(processes: Sequence[Process], number: signal.Signals) -> None:
    """Send a signal to those that live."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            if process.alive:
                os.kill(process.pid, number)
