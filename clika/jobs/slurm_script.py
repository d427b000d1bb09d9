"""The batch script that Slurm runs for each task of a job's array: one replica, no accelerate between.

accelerate would set nothing that a single process reads, and Slurm's SIGTERM, which goes to all of a task's
processes, would end it before its worker has sealed.
"""

import hashlib
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from clika.jobs.devices import CPU
from clika.jobs.folder import TASK_LOGS, JobFolder
from clika.jobs.launcher import PACKAGE, WORKER, replica_environment
from clika.jobs.slurm_settings import ArrayOver, SlurmSettings
from clika.jobs.spec import EvaluationJob

SCRIPT = "slurm.sh"
TOKEN = "HF_TOKEN"
TaskCommand = Callable[[JobFolder, str], list[str]]
"""From a job's folder and failpoints to the arguments that start a worker, all but its replica's number."""

# Where a node differs from this machine, Slurm or the node itself says it.
_OF_THE_NODE = ("CUDA_VISIBLE_DEVICES", "LD_PRELOAD", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "TMPDIR")
# How sbatch, squeue … find their cluster.
_OF_SLURM = ("SLURM_CONF", "SLURM_CLUSTERS")

_RUN = """\
# USR1 is Slurm's word (--signal) to this script alone that the time limit is near, TERM its word to all processes
# of the task that it is ended. Either lets the worker seal what it has; only the first puts the task back into
# Slurm's queue, where it goes on from what is sealed.
worker= near= over=
trap 'near=1; [ -z "$worker" ] || kill -TERM "$worker"' USR1
trap 'over=1' TERM
%(command)s &
worker=$!
[ -z "$near" ] || kill -TERM "$worker"
wait "$worker"
status=$?
while kill -0 "$worker" 2>/dev/null; do # a signal ends a wait, not the worker
	wait "$worker"
	status=$?
done
if [ -n "$near" ] && [ -z "$over" ] && [ "$status" -eq 143 ] && [ ! -e %(done)s ] &&
	[ "${SLURM_RESTART_COUNT:-0}" -lt %(requeues)d ]; then
	scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
"""


def worker_command(folder: JobFolder, failpoints: str) -> list[str]:
    """The arguments that start a worker on a job, all but its replica's number."""
    armed = ["--failpoints", failpoints] if failpoints else []
    return [sys.executable, "-m", WORKER, str(folder.path), *armed]


def slurm_name(folder: JobFolder) -> str:
    """A job's name in Slurm: of this folder and no other, so that one that nobody wrote down is found by it."""
    return f"{folder.path.name}-{hashlib.sha256(str(folder.path).encode()).hexdigest()[:8]}"


def submission_environment(job: EvaluationJob, environment: Mapping[str, str]) -> dict[str, str]:
    """What sbatch is given, and hands on to the script: what a worker needs and what finds the cluster.

    A token is in it only where the model has to come from the Hub; it stands nowhere in the job's folder.
    """
    given = {**replica_environment(job, (), 1, environment), **slurm_environment(environment)}
    return {name: value for name, value in given.items() if name not in _OF_THE_NODE}


def slurm_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What Slurm's own commands need of an environment; what would change their options is left out."""
    return {name: environment[name] for name in ("PATH", "HOME", "LANG", *_OF_SLURM) if name in environment}


def batch_script(
    folder: JobFolder,
    job: EvaluationJob,
    settings: SlurmSettings,
    environment: Mapping[str, str],
    command: list[str],
) -> str:
    """The script. ``environment`` is what sbatch is given: all of it but the token stands here too.

    Every value of a person's is quoted for the shell, or of a form that needs no quoting.
    """
    exported = {name: value for name, value in environment.items() if name != TOKEN and name not in _OF_SLURM}
    task = f'{shlex.join(command)} --replica "$SLURM_ARRAY_TASK_ID"'
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH --{option}" for option in _options(folder, job, settings)),
        "# Written by CLiKA from job.json and launcher.json, anew with every submission.",
        "",
        f"cd -- {shlex.quote(str(PACKAGE))} || exit 1",
        *(f"export {name}={shlex.quote(value)}" for name, value in sorted(exported.items())),
        'export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}"',
    ]
    if job.device == CPU:
        lines.append("export CUDA_VISIBLE_DEVICES=")
    if settings.array is ArrayOver.LANGUAGES:
        lines.append(f"languages=({shlex.join(job.languages)})")
        task += ' --begin-with "${languages[SLURM_ARRAY_TASK_ID % ${#languages[@]}]}"'
    run = _RUN % {
        "command": task,
        "done": shlex.quote(str(Path(folder.path / "done.json"))),
        "requeues": settings.requeues,
    }
    return "\n".join([*lines, "", run])


def _options(folder: JobFolder, job: EvaluationJob, settings: SlurmSettings) -> list[str]:
    """sbatch's options, one a line. No path among them: sbatch is started in the job's folder."""
    given = {
        "partition": settings.partition,
        "time": settings.time,
        "account": settings.account,
        "qos": settings.qos,
        "constraint": settings.constraint,
        "cpus-per-task": settings.cpus,
        "mem": settings.memory,
    }
    options = [
        f"job-name={slurm_name(folder)}",
        f"array=0-{job.replicas - 1}",
        f"output={TASK_LOGS.replace('*', '%a')}",
        "open-mode=append",
        "nodes=1",
        "ntasks=1",
        f"signal=B:USR1@{settings.seconds_to_end}",
        "requeue" if settings.requeues else "no-requeue",
        *(f"{name}={value}" for name, value in given.items() if value is not None),
    ]
    if job.device != CPU:
        kind = f"{settings.gpu_type}:" if settings.gpu_type else ""
        options.append(f"gres=gpu:{kind}{job.gpus_per_replica}")
    return [*options, *settings.extra]
