"""Slurm's own commands: sbatch, squeue, sacct, scancel, scontrol, as lists of arguments and through no shell."""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from clika.errors import ClikaError, JobError, NoSlurmError, SlurmUnreachableError
from clika.failpoints import VARIABLE as FAILPOINTS
from clika.jobs.folder import JobFolder
from clika.jobs.shared_locks import check_locks
from clika.jobs.slurm_record import GONE, WAITING, SlurmJob, is_active, slurm_job, write_slurm_job
from clika.jobs.slurm_script import (
    SCRIPT,
    TaskCommand,
    batch_script,
    slurm_environment,
    slurm_name,
    submission_environment,
    worker_command,
)
from clika.jobs.slurm_settings import SlurmSettings
from clika.jobs.spec import EvaluationJob
from clika.shards import write_durably

_logger = logging.getLogger(__name__)

COMMAND_SECONDS = 60.0
_UNREACHABLE = ("Unable to contact slurm controller", "Socket timed out", "Connection refused")


class Slurm:
    """The cluster as one person sees it. ``environment`` is the caller's; commands get little of it."""

    def __init__(self, environment: Mapping[str, str], command: TaskCommand = worker_command) -> None:
        self._environment = environment
        self._command = command

    def submit(self, folder: JobFolder, job: EvaluationJob, settings: SlurmSettings) -> SlurmJob:
        """Put a job into Slurm's queue.

        Raises JobError, with Slurm's own sentence, where it refuses; StoreError where the store's file system
        cannot be shared; SlurmUnreachableError.
        """
        check_locks(folder.path, shared=True)
        environment = submission_environment(job, self._environment)
        command = self._command(folder, self._environment.get(FAILPOINTS, ""))
        script = batch_script(folder, job, settings, environment, command)
        write_durably(folder.path / SCRIPT, script.encode())
        said = self._said(["sbatch", "--parsable", "--export=ALL", SCRIPT], environment, folder.path)
        number = said.strip().partition(";")[0]
        if not number.isdecimal():
            raise JobError(f"sbatch said {said.strip()!r}, which is no job's number; look with squeue")
        return SlurmJob(number, dict.fromkeys(range(job.replicas), "PENDING"))

    def found(self, folder: JobFolder) -> SlurmJob | None:
        """A job of this folder that waits or runs in Slurm, known or not. Raises SlurmUnreachableError."""
        found = self._asked([f"--name={slurm_name(folder)}", f"--user={os.getuid()}"])
        return next((one for one in found.values() if one.active), None)

    def seen(self, jobs: Iterable[SlurmJob]) -> dict[str, SlurmJob]:
        """How jobs are now, by number: one question for all of them. Raises SlurmUnreachableError."""
        known = {one.number: one for one in jobs}
        if not known:
            return {}
        found = self._asked([f"--jobs={','.join(known)}", "--states=all"])
        now = {}
        for number, before in known.items():
            heard = found.get(number, SlurmJob(number, {}))
            tasks = {**before.tasks, **heard.tasks}
            # Slurm forgets a task some minutes after its end.
            lost = [task for task in tasks if task not in heard.tasks and is_active(tasks[task])]
            if lost:
                ends = self._accounted(number)
                tasks.update({task: ends.get(task, GONE) for task in lost})
            now[number] = SlurmJob(number, tasks, heard.reason)
        return now

    def cancel(self, one: SlurmJob, *, waiting_only: bool = False) -> None:
        """End a job's tasks, or those that have not begun."""
        only = ["--state=PENDING"] if waiting_only else []
        self._told(["scancel", *only, one.number])

    def requeue(self, one: SlurmJob, task: int) -> None:
        """End a task and put it back into the queue."""
        self._told(["scontrol", "requeue", f"{one.number}_{task}"])

    def cancel_task(self, one: SlurmJob, task: int) -> None:
        """End one task for good."""
        self._told(["scancel", f"{one.number}_{task}"])

    def _told(self, command: list[str]) -> None:
        """Run a command whose refusal only means that there is nothing left to end."""
        try:
            self._said(command, slurm_environment(self._environment))
        except JobError as error:
            _logger.warning("%s", error)

    def _asked(self, which: list[str]) -> dict[str, SlurmJob]:
        """Jobs by number, as squeue shows them."""
        form = "--format=%F|%K|%T|%r"
        try:
            said = self._said(
                ["squeue", "--noheader", "--array", form, *which], slurm_environment(self._environment)
            )
        except NoSlurmError:
            raise
        except JobError as error:
            if "Invalid job id" in str(error):  # the only one asked for is forgotten
                return {}
            raise SlurmUnreachableError(str(error)) from error
        found: dict[str, SlurmJob] = {}
        for line in said.splitlines():
            number, task, state, reason = [*line.strip().split("|", 3), "", "", ""][:4]
            if task.isdecimal():
                one = found.setdefault(number, SlurmJob(number, {}))
                why = one.reason or (reason if state in WAITING else "")
                found[number] = replace(one, tasks={**one.tasks, int(task): state}, reason=why)
        return found

    def _accounted(self, number: str) -> dict[int, str]:
        """How tasks ended by Slurm's accounting; empty where the cluster keeps none."""
        command = ["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={number}"]
        try:
            said = self._said([*command, "--format=JobID,State"], slurm_environment(self._environment))
        except ClikaError:
            return {}
        ends = {}
        for line in said.splitlines():
            job, _, state = line.partition("|")
            task = job.partition("_")[2]
            if task.isdecimal() and state and not is_active(state.split()[0]):
                ends[int(task)] = state.split()[0]  # 'CANCELLED by 1000'
        return ends

    def _said(
        self, command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None
    ) -> str:
        program = shutil.which(command[0], path=self._environment.get("PATH"))
        if program is None:
            raise NoSlurmError(
                f"no {command[0]} on this machine; work on one that submits to the cluster, or submit the job"
                f" again without --launcher slurm"
            )
        try:
            done = subprocess.run(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=COMMAND_SECONDS,
                env=dict(environment),
                cwd=folder,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SlurmUnreachableError(f"{command[0]} did not answer in {COMMAND_SECONDS:.0f} s") from error
        if done.returncode == 0:
            return done.stdout
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        sentence = f"{command[0]} refused: {'; '.join(lines) or f'exit status {done.returncode}'}"
        if any(sign in done.stderr for sign in _UNREACHABLE):
            raise SlurmUnreachableError(sentence)
        raise JobError(f"{sentence}; mend the settings and submit the job again")


def look_into_slurm(folders: Iterable[JobFolder], slurm: Slurm) -> None:
    """Write down how jobs in Slurm are now; they stay as last seen where it does not answer."""
    before = {folder: one for folder in folders if (one := slurm_job(folder)) is not None and one.active}
    try:
        seen = slurm.seen(before.values())
        for folder, known in before.items():
            now, current = seen[known.number], slurm_job(folder)
            if now != known and current is not None and current.number == known.number:
                write_slurm_job(folder, now)
    except ClikaError as error:  # no answer, or no room to write it: the next look finds both anew
        _logger.warning("%s", error)
