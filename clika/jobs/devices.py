"""What a job can run on here, and which of it is free: a device belongs to one job, a CPU's cores to one each."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psutil

from clika.errors import JobError, UsageError
from clika.jobs.any_job import Job

CPU = "cpu"
MPS = "mps"
CORE = "core"
CUDA = "cuda"
_ASK_SECONDS = 10.0


def devices_here(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Devices such as ``cuda:0``, ``mps``, ``cpu``; the CPU is always one, as a whole.

    CUDA_VISIBLE_DEVICES bounds what counts. A GPU is known by its number there, whatever torch can do with it.
    """
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"]
    else:
        names = [str(number) for number in range(_nvidia_gpus())]
    apple = [MPS] if platform.system() == "Darwin" and platform.machine() == "arm64" else []
    return (*(f"{CUDA}:{name}" for name in names), *apple, CPU)


def cores_here() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _nvidia_gpus() -> int:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        said = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in said.stdout.splitlines())


def device_memory(devices: Sequence[str]) -> dict[str, int]:
    """Device -> bytes of memory that it has, for those of which it is known; the CPU's is the machine's."""
    machine = psutil.virtual_memory().total
    found = {name: machine for name in devices if name in (CPU, MPS)}
    gpus = _nvidia_memory() if any(name.startswith(CUDA) for name in devices) else {}
    return found | {name: gpus[name] for name in devices if name in gpus}


def _nvidia_memory() -> dict[str, int]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return {}
    asked = [tool, "--query-gpu=index,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = (line.split(",") for line in said.stdout.splitlines())
    return {
        f"{CUDA}:{parts[0].strip()}": int(parts[1]) << 20  # in MiB
        for parts in lines
        if len(parts) == 2 and parts[1].strip().isdecimal()
    }


@dataclass(frozen=True, slots=True)
class Placement:
    """Which devices each replica of a job has: a tuple of names a replica."""

    replicas: tuple[tuple[str, ...], ...]

    @property
    def devices(self) -> tuple[str, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys(name for devices in self.replicas for name in devices))


def device_kind(job: Job, here: Sequence[str]) -> str:
    """``cuda``, ``mps`` or ``cpu``: what ``auto`` comes to among the devices here."""
    if job.device != "auto":
        return job.device
    return CUDA if any(name.startswith(CUDA) for name in here) else MPS if MPS in here else CPU


def placement(
    job: Job, here: Sequence[str], taken: Iterable[str], cores: int | None = None
) -> Placement | None:
    """Where a job can run now; None while devices that it needs are taken.

    Replicas on a CPU or on Apple's GPU share it; on a CPU a job that says how many ``cores`` a replica takes has
    those of the machine's ``cores`` (None: counted), names such as ``core:1``, and leaves the others. Raises JobError
    for more GPUs than this machine has, and UsageError for a kind of device that it has not.
    """
    kind = device_kind(job, here)
    busy = set(taken)
    if kind in (CPU, MPS):
        if kind not in here:
            raise UsageError(f"device {kind!r} and this machine has {', '.join(here)}; use 'cpu' or 'auto'")
        if kind == CPU and job.cores:
            return _placed_on_cores(job.replicas, job.cores, busy, cores or cores_here())
        held = kind in busy or (kind == CPU and any(name.startswith(CORE) for name in busy))
        return None if held else Placement(((kind,),) * job.replicas)
    gpus = [name for name in here if name.startswith(CUDA)]
    needed = job.replicas * job.gpus_per_replica
    if needed > len(gpus):
        raise JobError(
            f"{job.replicas} replicas of {job.gpus_per_replica} GPUs need {needed} and this machine has"
            f" {len(gpus)}; resume with fewer --replicas or --gpus-per-replica, or --device cpu"
        )
    free = [name for name in gpus if name not in busy]
    if needed > len(free):
        return None
    each = job.gpus_per_replica
    return Placement(tuple(tuple(free[n * each : (n + 1) * each]) for n in range(job.replicas)))


def _placed_on_cores(replicas: int, each: int, busy: set[str], cores: int) -> Placement | None:
    """The first free cores; a job that wants more than there are takes them all, and its replicas share them."""
    if CPU in busy:
        return None
    every = [f"{CORE}:{number}" for number in range(cores)]
    free = [name for name in every if name not in busy]
    if replicas * each > cores:
        return Placement((tuple(every),) * replicas) if free == every else None
    if replicas * each > len(free):
        return None
    return Placement(tuple(tuple(free[n * each : (n + 1) * each]) for n in range(replicas)))
