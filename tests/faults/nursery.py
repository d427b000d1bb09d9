"""Real processes that start in milliseconds: forked from a parent that has imported everything already.

    python -m tests.faults.nursery SOCKET [MODULE ...]

Each child is a process of its own in a session of its own, with the environment that ``of_job`` looks for; it calls
one function of ``tests.faults.roles``. The nursery keeps how each of them ended.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.jobs.processes import JOB_VARIABLE
from clika.workers.lifeline import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
SPARE = "CLIKA_SPARE_ENVIRONMENT"
MESSAGE = 1 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that ended: ``status`` is an exit status, or less than 0 for a signal's number."""

    pid: int
    role: str
    failpoints: str
    status: int

    @property
    def killed_at_its_point(self) -> bool:
        """Whether what was armed ended it. A worker that seals on SIGTERM leaves with 143."""
        wanted = {"kill": (-signal.SIGKILL,), "term": (-signal.SIGTERM, 143)}
        action = self.failpoints.partition("=")[2].partition("@")[0]
        return self.status in wanted.get(action, ())


class Nursery:
    """The parent of the processes, as its callers see it."""

    def __init__(self, address: Path) -> None:
        self.address = address

    @classmethod
    def opened(
        cls, address: Path, modules: Sequence[str] = ()
    ) -> tuple["Nursery", "subprocess.Popen[bytes]"]:
        """Start one; ready when this returns."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery", str(address), *modules],
            # Room for the job's folder in what the kernel shows of a process's environment.
            env={**os.environ, "PYTHONPATH": str(ROOT), SPARE: "x" * 4096, "OMP_NUM_THREADS": "1"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return cls(address), process

    def _asked(self, request: dict[str, object]) -> object:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.connect(str(self.address))
            line.send(json.dumps(request).encode())
            return json.loads(line.recv(MESSAGE))

    def started(
        self,
        role: str,
        arguments: dict[str, object],
        log: Path,
        failpoints: str = "",
        job_folder: Path | None = None,
    ) -> int:
        """Start a process in a role; returns its number."""
        pid = self._asked(
            {
                "role": role,
                "arguments": arguments,
                "log": str(log),
                "failpoints": failpoints,
                "job_folder": str(job_folder) if job_folder else "",
            }
        )
        assert isinstance(pid, int)
        return pid

    def ended(self) -> list[Ended]:
        """Who has ended since the last question."""
        found = self._asked({"ask": "ended"})
        assert isinstance(found, list)
        return [Ended(*one) for one in found]

    def living(self) -> list[int]:
        """Who lives."""
        found = self._asked({"ask": "living"})
        assert isinstance(found, list)
        return found


def show_environment(values: dict[str, str]) -> None:
    """Make /proc/self/environ show these: it shows the memory that the first program of a process began with."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[47]), int(fields[48])  # env_start and env_end, fields 50 and 51 of all, proc(5)
    text = b"".join(f"{name}={value}".encode() + b"\0" for name, value in values.items())
    assert 0 < len(text) < end - begin
    ctypes.memset(begin, 0, end - begin)
    ctypes.memmove(begin, text, len(text))


def _be(request: dict[str, object]) -> None:
    """What a child does; never returns."""
    status = 70
    try:
        from tests.faults import roles

        os.setsid()
        die_with_parent()
        log = os.open(str(request["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if request["job_folder"]:
            show_environment({JOB_VARIABLE: str(request["job_folder"])})
        arguments = request["arguments"]
        assert isinstance(arguments, dict)
        status = getattr(roles, str(request["role"]))(str(request["failpoints"]), **arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        if status == 70:
            traceback.print_exc()
        with contextlib.suppress(OSError):  # a full disk takes no log either
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def main(address: str, modules: Sequence[str]) -> None:
    """Serve until the socket's maker is gone."""
    die_with_parent()
    for module in ("tests.faults.roles", *modules):
        importlib.import_module(module)
    children: dict[int, tuple[str, str]] = {}
    ended: list[tuple[int, str, str, int]] = []
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(address)
    listening.listen(64)
    print("ready", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        ready, _, _ = select.select([listening], [], [], 0.5)
        while children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended.append((pid, *children.pop(pid), os.waitstatus_to_exitcode(status)))
        if not ready:
            continue
        line, _ = listening.accept()
        request = json.loads(line.recv(MESSAGE))
        if request.get("ask") == "ended":
            line.send(json.dumps(ended).encode())
            ended = []
        elif request.get("ask") == "living":
            line.send(json.dumps(list(children)).encode())
        else:
            pid = os.fork()
            if pid == 0:
                line.close()
                listening.close()
                _be(request)
            children[pid] = (request["role"], request["failpoints"])
            line.send(json.dumps(pid).encode())
        line.close()


def gone(pid: int, seconds: float) -> bool:
    """Whether a process is gone within so many seconds; a zombie is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            dead = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
            if (
                dead and len(os.listdir(f"/proc/{pid}/task")) == 1
            ):  # its other threads hold its locks until they end
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
