"""A real Slurm on this machine alone, from Debian's packages, with all it keeps in a temporary folder."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.jobs.looking import waited_until

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
CORES = 8  # told to Slurm, whatever the machine has: tests' workers sleep
GPUS = ("/dev/null", "/dev/zero")  # it only looks whether they are devices

# KillWait: from SIGTERM to SIGKILL. cred_expire: how long a task that was put back is held, 120 s by default.
CONFIGURATION = """\
ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,default_queue_depth=100
KillWait=2
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=1000 Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=closed Nodes=ALL MaxTime=INFINITE State=DOWN
"""


@dataclass(frozen=True, slots=True)
class SlurmHere:
    """Its configuration, and its commands for a test."""

    configuration: Path

    @property
    def environment(self) -> dict[str, str]:
        """With which Slurm's commands find it."""
        return {"PATH": PATH, "SLURM_CONF": str(self.configuration)}

    def said(self, *command: str) -> str:
        """What a command of Slurm's prints."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def processes(self, number: str, task: int) -> dict[int, dict[str, str]]:
        """The processes of a task, each with the environment that it was started in."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                text = path.read_text(errors="replace")
            except OSError:  # gone meanwhile
                continue
            given = dict(part.split("=", 1) for part in text.split("\0") if "=" in part)
            if (given.get("SLURM_ARRAY_JOB_ID"), given.get("SLURM_ARRAY_TASK_ID")) == (number, str(task)):
                found[int(path.parent.name)] = given
        return found


def why_not_here() -> str | None:
    """Why there can be no Slurm here; None where there can."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if missing:
        return f"no {', '.join(missing)}: apt-get install slurmctld slurmd slurm-client munge"
    return None if os.geteuid() == 0 else "slurmd needs root"


@contextmanager
def slurm_here() -> Iterator[SlurmHere]:
    """Start munged, slurmctld and slurmd; skips the test with the reason where they cannot be."""
    reason = why_not_here()
    if reason is not None:
        pytest.skip(reason)
    with ExitStack() as stack:
        # Not pytest's folder: munged refuses one that others may write to above its socket.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-", dir="/var/tmp")))
        folder.chmod(0o755)
        for name in ("munge", "state", "spool"):
            (folder / name).mkdir(mode=0o755)
        controller, daemon = _free_ports(2)
        host = socket.gethostname().partition(".")[0]
        configuration = folder / "slurm.conf"
        configuration.write_text(
            CONFIGURATION.format(
                host=host, controller=controller, daemon=daemon, folder=folder, cores=CORES, gpus=len(GPUS)
            )
        )
        gpus = "".join(f"NodeName={host} Name=gpu File={device}\n" for device in GPUS)
        (folder / "gres.conf").write_text(gpus)
        here = SlurmHere(configuration)
        key = folder / "munge.key"
        here.said("mungekey", "--create", f"--keyfile={key}")
        munge = folder / "munge"
        commands = [
            [
                "munged", "--foreground", f"--key-file={key}", f"--socket={munge}/socket", "--num-threads=2",
                f"--pid-file={munge}/pid", f"--seed-file={munge}/seed", f"--log-file={munge}/log",
            ],
            ["slurmctld", "-D", "-c"],
            ["slurmd", "-D", "-c"],
        ]  # fmt: skip
        for command in commands:
            stack.enter_context(_running(command, here, folder))
            if command[0] == "munged":
                waited_until((munge / "socket").exists)
        waited_until(lambda: _idle(here))
        yield here


def _idle(here: SlurmHere) -> bool:
    done = subprocess.run(
        ["sinfo", "--noheader", "--partition=main", "--format=%t"],
        env=here.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() == "idle"


@contextmanager
def _running(command: list[str], here: SlurmHere, folder: Path) -> Iterator[None]:
    program = shutil.which(command[0], path=PATH)
    assert program is not None
    with (folder / f"{command[0]}.log").open("wb") as log:
        daemon = subprocess.Popen(
            [program, *command[1:]],
            env=here.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(socket.socket())) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
