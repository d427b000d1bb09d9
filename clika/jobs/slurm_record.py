"""What was last heard of a job in Slurm, in its folder as ``slurm.json``: its state is told from the folder alone."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from clika.jobs.folder import JobFolder
from clika.json_text import parsed_json
from clika.shards import write_durably

VERSION = 1
IN_SLURM = "slurm.json"
# States of a task as squeue prints them (squeue(1), JOB STATE CODES); every other one is an end.
WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT")
_RUNNING = ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING")
GONE = "GONE"
"""Of a task that Slurm no longer knows and of whose end it said nothing."""
CANCELLED = "CANCELLED"


def is_active(state: str) -> bool:
    """Whether a task in this state runs or will."""
    return state in WAITING or state in _RUNNING


@dataclass(frozen=True, slots=True)
class SlurmJob:
    """A job in Slurm as it was last seen: its number, the state of each task, why the first waiting one waits."""

    number: str
    tasks: Mapping[int, str]
    reason: str = ""
    version: int = VERSION

    @property
    def waiting(self) -> tuple[int, ...]:
        """The tasks that wait in Slurm's queue, for the first time or again."""
        return tuple(task for task, state in self.tasks.items() if state in WAITING)

    @property
    def running(self) -> tuple[int, ...]:
        """The tasks that have a node."""
        return tuple(task for task, state in self.tasks.items() if state in _RUNNING)

    @property
    def active(self) -> bool:
        """Whether any task runs or will."""
        return bool(self.waiting or self.running)

    @property
    def cancelled(self) -> bool:
        """Whether it is over and somebody ended all that had not ended by itself."""
        return not self.active and CANCELLED in self.tasks.values()

    def sentence(self) -> str:
        """For a person."""
        told = ", ".join(f"{count} {state}" for state, count in Counter(self.tasks.values()).items())
        why = f" ({self.reason})" if self.waiting and self.reason not in ("", "None") else ""
        return f"Slurm job {self.number}: {told}{why}"


def slurm_job(folder: JobFolder) -> SlurmJob | None:
    """What was last heard of a job in Slurm; None where it was never there, or the record cannot be read."""
    try:
        values = parsed_json((folder.path / IN_SLURM).read_text("utf-8"))
        tasks = {int(task): str(state) for task, state in values["tasks"].items()}
        return SlurmJob(str(values["number"]), tasks, str(values["reason"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_slurm_job(folder: JobFolder, one: SlurmJob) -> None:
    """Keep what was heard of a job."""
    write_durably(folder.path / IN_SLURM, json.dumps(asdict(one)).encode())
