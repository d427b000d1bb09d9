"""How the replicas of a job are started: each a single-process ``accelerate launch`` of its own.

Replicas share nothing but the folder, so one that dies takes nobody with it: in a group launch one killed
rank ends its siblings. The command is a list of arguments, the environment what a worker needs and no more.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from clika.failpoints import VARIABLE as FAILPOINTS
from clika.jobs.any_job import Job
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.devices import CUDA, Placement, cores_here
from clika.jobs.folder import JobFolder
from clika.jobs.group_launch import group_command
from clika.jobs.processes import Process, start
from clika.shards import write_durably

_PASSED_ON = (
    "HF_ENDPOINT",
    "HF_HOME",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "PATH",
    "TMPDIR",
)
_THREADS = "OMP_NUM_THREADS"
PACKAGE = Path(__file__).resolve().parents[2]
WORKER = "clika.workers.evaluate"
GROUP_WORKER = "clika.workers.conduct"
LAUNCH_CONFIGURATION = "accelerate.yaml"


def start_replicas(
    folder: JobFolder, placed: Placement, environment: Mapping[str, str]
) -> tuple[Process, ...]:
    """Start every replica of a job on its devices, or the group of a conductivity job; returns at once.

    Returns their launchers.
    ``environment`` is the caller's; a worker gets only what it needs of it, and no token unless the model has
    to come from the Hub. Each goes on with what earlier ones left.
    """
    job = folder.job()
    # Ours beside the job: accelerate would take a person's own default configuration from their home.
    on_cpu = not any(name.startswith(CUDA) for name in placed.devices)
    if isinstance(job, ConductivityJob):
        armed = environment.get(FAILPOINTS, "")
        arguments = [str(folder.path), *(["--failpoints", armed] if armed else [])]
        command = group_command(folder.path, GROUP_WORKER, arguments, job.processes, on_cpu)
        given = replica_environment(job, placed.devices, job.processes, environment)
        return (start(command, given, folder.log, folder.path, PACKAGE, placed.devices),)
    write_durably(folder.path / LAUNCH_CONFIGURATION, launch_configuration(on_cpu).encode())
    return tuple(
        start(
            replica_command(folder, number, environment.get(FAILPOINTS, "")),
            replica_environment(job, devices, len(placed.replicas), environment),
            folder.log,
            folder.path,
            PACKAGE,
            devices,
            number,
        )
        for number, devices in enumerate(placed.replicas)
    )


def replica_command(folder: JobFolder, replica: int, failpoints: str = "") -> list[str]:
    """The arguments that start one replica."""
    armed = ["--failpoints", failpoints] if failpoints else []
    return [
        *(sys.executable, "-m", "accelerate.commands.launch", "--quiet"),
        *("--config_file", str(folder.path / LAUNCH_CONFIGURATION), "--module"),
        *(WORKER, str(folder.path), "--replica", str(replica), *armed),
    ]


def launch_configuration(on_cpu: bool) -> str:
    """accelerate's configuration (JSON is YAML) for one process on one machine."""
    values = {
        "compute_environment": "LOCAL_MACHINE",
        "debug": False,
        "distributed_type": "NO",
        "machine_rank": 0,
        "mixed_precision": "no",
        "num_machines": 1,
        "num_processes": 1,
        "use_cpu": on_cpu,
    }
    return json.dumps(values, indent=1)


def replica_environment(
    job: Job, devices: tuple[str, ...], replicas: int, environment: Mapping[str, str]
) -> dict[str, str]:
    """What a replica on ``devices`` is given: those devices visible and no others, its share of the cores."""
    passed = {name: environment[name] for name in _PASSED_ON if name in environment}
    passed["PYTHONPATH"] = str(PACKAGE)
    passed["CUDA_VISIBLE_DEVICES"] = ",".join(
        name.partition(":")[2] for name in devices if name.startswith(CUDA)
    )
    if _THREADS not in passed:
        shared = max(1, cores_here() // replicas)
        passed[_THREADS] = str(min(job.cores, shared) if job.cores else shared)
    if Path(job.model).is_dir():
        passed["HF_HUB_OFFLINE"] = passed["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1"
    elif "HF_TOKEN" in environment:
        passed["HF_TOKEN"] = environment["HF_TOKEN"]
    return passed
