"""``python -m clika jobs …`` and how ``evaluate`` hands a job over: the queue from the command line."""

import argparse
import json
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from clika.errors import JobError, UsageError
from clika.jobs.any_job import Job
from clika.jobs.folder import Progress, job_folders
from clika.jobs.queue import (
    JobState,
    QueuedJob,
    cancel,
    delete,
    found_job,
    move_first,
    queued_jobs,
    rename,
    resume,
    submitted,
)
from clika.jobs.sentences import job_sentence
from clika.jobs.slurm import Slurm, look_into_slurm
from clika.jobs.slurm_settings import EXTRA_OPTIONS, ArrayOver, SlurmSettings
from clika.jobs.supervisor import Supervisor, followed, supervised
from clika.settings import Settings

LOG_LINES = 20
LAUNCHERS = ("local", "slurm")
# Option of the command line -> field of the settings; argparse leaves None where one is not given.
_SLURM_OPTIONS = {
    "partition": "partition",
    "time": "time",
    "account": "account",
    "qos": "qos",
    "constraint": "constraint",
    "gpu_type": "gpu_type",
    "cpus": "cpus",
    "memory": "memory",
    "array": "array",
    "requeues": "requeues",
    "sbatch": "extra",
}
_STANDS_STILL = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.PAUSED, JobState.INTERRUPTED)


def add_jobs_commands(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser
) -> None:
    """``jobs`` and its actions, added to the command line's parser."""
    jobs = commands.add_parser("jobs", help="the queue: list, cancel, resume …", description=__doc__)
    actions = jobs.add_subparsers(metavar="ACTION", required=True)

    def action(
        name: str, run: Callable[[argparse.Namespace], int], about: str, one: bool = True
    ) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=about, description=about, parents=[shared])
        made.set_defaults(command=run)
        if one:
            made.add_argument("job", metavar="JOB", help="its id, the beginning of it, or its name")
        return made

    listing = action("list", list_command, "all jobs, in the queue's order", one=False)
    listing.add_argument("--format", default="table", choices=["table", "json"])
    showing = action("show", show_command, "one job: settings, progress by language, the end of its log")
    showing.add_argument("--format", default="table", choices=["table", "json"])
    action("cancel", cancel_command, "end a job; what is sealed is kept")
    resuming = action("resume", resume_command, "let a job go on from what is sealed")
    resuming.add_argument("--replicas", type=int, help="with another number of replicas")
    action("retry", resume_command, "the same, for one that failed").set_defaults(replicas=None)
    action("first", first_command, "put a waiting job before all others")
    action("rename", rename_command, "give a job another name").add_argument("name", metavar="NAME")
    action("delete", delete_command, "take a job and its answers out of the store, into store/deleted/")
    action("run", run_command, "look after the queue until nothing waits or runs, without a page", one=False)


def add_launcher_options(parser: argparse.ArgumentParser) -> None:
    """How ``evaluate`` starts its workers."""
    group = parser.add_argument_group("where it runs")
    group.add_argument(
        "--launcher", default="local", choices=LAUNCHERS, help="this machine, or Slurm (default local)"
    )
    group.add_argument("--partition", metavar="P", help="Slurm's; several with commas")
    group.add_argument("--time", metavar="HH:MM:SS", help="a task's time limit; it goes on in a new one")
    group.add_argument(
        "--array",
        choices=[str(over) for over in ArrayOver],
        help="a task for each of --replicas (default), or for each language, which it answers first",
    )
    group.add_argument(
        "--requeues", type=int, metavar="N", help="most new time limits of a task (default 10)"
    )
    group.add_argument("--cpus", type=int, metavar="N", help="cores of a task")
    group.add_argument("--memory", metavar="64G", help="main memory of a task")
    group.add_argument("--gpu-type", metavar="NAME", help="as in --gres=gpu:NAME:1")
    group.add_argument("--account", metavar="NAME")
    group.add_argument("--qos", metavar="NAME")
    group.add_argument("--constraint", metavar="FEATURES", help="such as 'a100|h100'")
    group.add_argument(
        "--sbatch",
        action="append",
        metavar="NAME=VALUE",
        help=f"one more of sbatch's options, repeatable: {', '.join(EXTRA_OPTIONS)}",
    )


def launcher_settings(options: argparse.Namespace) -> SlurmSettings | None:
    """The settings that the options name; None is this machine. Raises UsageError for any that cannot be."""
    values = {field: getattr(options, name) for name, field in _SLURM_OPTIONS.items()}
    given = {field: value for field, value in values.items() if value is not None}
    if options.launcher == "local":
        if given:
            name = next(name for name, field in _SLURM_OPTIONS.items() if field in given)
            raise UsageError(
                f"--{name.replace('_', '-')} belongs to --launcher slurm; add that, or leave it out"
            )
        return None
    if "array" in given:
        given["array"] = ArrayOver(given["array"])
    given["extra"] = tuple(given.get("extra", ()))
    return SlurmSettings(**given)


def _looked_up(store: Path) -> None:
    """Ask Slurm how its jobs are, where nobody does that all the time."""
    if store.is_dir() and not supervised(store):
        look_into_slurm(job_folders(store), Slurm(Settings.environment()))


def list_command(options: argparse.Namespace) -> int:
    """``jobs list``"""
    _looked_up(options.store)
    jobs = queued_jobs(options.store)
    if options.format == "json":
        print(json.dumps([_json(one) for one in jobs], ensure_ascii=False, indent=1))
        return 0
    lines = [["job", "name", "state", "answered", "a second", "left"]]
    for one in jobs:
        progress = _progress(one)
        lines.append([one.job_id, one.request.name, str(one.state), *_progress_cells(progress)])
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return 0


def show_command(options: argparse.Namespace) -> int:
    """``jobs show JOB``"""
    _looked_up(options.store)
    one = found_job(options.store, options.job)
    if options.format == "json":
        print(json.dumps(_json(one), ensure_ascii=False, indent=1))
        return 0
    print(f"{one.job_id}  {one.request.name}  {one.state}")
    sentence = _sentence(one)
    if sentence:
        print(sentence)
    if one.job is not None:
        for name, value in asdict(one.job).items():
            print(f"  {name}: {', '.join(value) if isinstance(value, tuple) else value}")
    progress = _progress(one)
    if progress is not None:
        for code, (done, total) in progress.languages.items():
            print(f"  {code}: {done} of {total} answered")
    for line in one.folder.log_tail().splitlines()[-LOG_LINES:]:
        print(f"  | {line}")
    return 0


def cancel_command(options: argparse.Namespace) -> int:
    """``jobs cancel JOB``"""
    _looked_up(options.store)
    one = cancel(options.store, found_job(options.store, options.job))
    if one.state is JobState.ENDING:
        one = followed(options.store, one.job_id, Settings.environment(), lambda _: None)
    return _said(one, f"{one.job_id}: {one.state}; what was sealed is kept, 'jobs resume' goes on")


def resume_command(options: argparse.Namespace) -> int:
    """``jobs resume JOB``, ``jobs retry JOB``"""
    _looked_up(options.store)
    one = resume(options.store, found_job(options.store, options.job), options.replicas)
    return _said(one, f"{one.job_id}: {one.state}{_who(options.store)}")


def first_command(options: argparse.Namespace) -> int:
    """``jobs first JOB``"""
    one = move_first(options.store, found_job(options.store, options.job))
    return _said(one, f"{one.job_id}: first in the queue")


def rename_command(options: argparse.Namespace) -> int:
    """``jobs rename JOB NAME``"""
    one = rename(options.store, found_job(options.store, options.job), options.name)
    return _said(one, f"{one.job_id}: {one.request.name}")


def delete_command(options: argparse.Namespace) -> int:
    """``jobs delete JOB``"""
    _looked_up(options.store)
    one = found_job(options.store, options.job)
    place = delete(options.store, one)
    return _said(one, f"{one.job_id}: out of the store; its folder is {place}")


def run_command(options: argparse.Namespace) -> int:
    """``jobs run``"""
    supervisor = Supervisor(options.store, Settings.environment())
    pause = threading.Event()
    told: dict[str, JobState] = {}
    with supervisor.holding():
        while True:
            supervisor.look()
            jobs = queued_jobs(options.store)
            for one in jobs:
                if told.get(one.job_id, one.state) is not one.state:
                    print(f"{one.job_id}  {one.request.name}: {_sentence(one) or one.state}", flush=True)
                told[one.job_id] = one.state
            if all(one.state in _STANDS_STILL for one in jobs):
                return 0 if all(one.state is JobState.DONE for one in jobs) else 1
            pause.wait(0.5)


def submit_command(store: Path, job: Job, launcher: SlurmSettings | None = None) -> int:
    """``evaluate --queue``: put it into the queue and go."""
    _looked_up(store)
    one = submitted(store, job, launcher)
    return _said(one, f"{one.job_id}: {one.state}{_who(store)}")


def done_to_end(store: Path, job: Job, launcher: SlurmSettings | None = None) -> str:
    """Do a job to its end, shown as it goes; returns the sentence that tells it.

    Raises JobError with the reason where it does not come to its end.
    """
    from tqdm import tqdm

    _looked_up(store)
    one = submitted(store, job, launcher)
    with tqdm(disable=not sys.stderr.isatty()) as bar:

        def show(now: QueuedJob) -> None:
            progress = _progress(now)
            if progress is not None:
                bar.unit = f" {progress.unit}"
                bar.total, bar.n = progress.total, progress.done
                bar.refresh()

        one = followed(store, one.job_id, Settings.environment(), show)
    end = one.folder.done()
    if one.state is JobState.DONE and end is not None:
        return f"{job.name}: {end.sentence()}"
    raise JobError(f"{job.name}: {_sentence(one)}")


def _sentence(one: QueuedJob) -> str:
    return job_sentence(one, f"'jobs resume {one.job_id}' goes on")


def _said(one: QueuedJob, sentence: str) -> int:
    print(sentence)
    return 1 if one.state is JobState.FAILED else 0


def _who(store: Path) -> str:
    """Who will start what waits."""
    if supervised(store):
        return ""
    return "; nobody looks after this store's queue: start the dashboard, or 'python -m clika jobs run'"


def _progress(one: QueuedJob) -> Progress | None:
    return one.folder.progress()


def _progress_cells(progress: Progress | None) -> list[str]:
    if progress is None:
        return ["", "", ""]
    rate = "" if progress.rate is None else f"{progress.rate:.1f}"
    left = "" if progress.seconds_left is None else f"{progress.seconds_left:.0f} s"
    unit = "" if progress.unit == "questions" else f" {progress.unit}"
    return [f"{progress.done} of {progress.total}{unit}", rate, left]


def _json(one: QueuedJob) -> dict[str, object]:
    progress = _progress(one)
    end = one.folder.done()
    return {
        "job": one.job_id,
        "name": one.request.name,
        "state": str(one.state),
        "sentence": _sentence(one) or None,
        "settings": None if one.job is None else asdict(one.job),
        "progress": None if progress is None else {**asdict(progress), "seconds_left": progress.seconds_left},
        "run": None if end is None else end.run,
    }
