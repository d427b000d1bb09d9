"""How a job is put into Slurm: settings that validate themselves, kept beside the job as ``launcher.json``.

What a job asks of whom is ``job.json``; this says only how it gets done, so it may change when the job goes on.
Every text stands in a ``#SBATCH`` line of the batch script: each must be of its own narrow form.
"""

import json
import re
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from clika.errors import JobError, UsageError
from clika.jobs.folder import JobFolder
from clika.jobs.spec import MOST_REPLICAS, EvaluationJob
from clika.json_text import parsed_json
from clika.shards import write_durably

VERSION = 1
LAUNCHER = "launcher.json"
KIND = "slurm"
MOST_REQUEUES = 1000

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_FORMS = {
    "partition": (rf"{_NAME}(,{_NAME})*", "names of letters, digits and _.+-, separated by commas"),
    "account": (_NAME, "a name of letters, digits and _.+-"),
    "qos": (_NAME, "a name of letters, digits and _.+-"),
    "constraint": (
        r"[A-Za-z0-9_\[(][A-Za-z0-9_.,:&|*\[\]()+-]*",
        "features joined by & or |, without blanks",
    ),
    "gpu_type": (_NAME, "a name of letters, digits and _.+-"),
    "memory": (r"[0-9]+[KMGT]?", "a number with K, M, G or T after it"),
    "time": (
        r"[0-9]+(:[0-9]{2}){0,2}|[0-9]+-[0-9]{1,2}(:[0-9]{2}){0,2}",
        "MM, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS",
    ),
}
_EXTRA_VALUE = r"[A-Za-z0-9_.,:@/+\[\]=-]+"
# Without those that would take over what the script itself needs (array, output, export, signal, wrap …).
EXTRA_OPTIONS = (
    "begin", "comment", "cores-per-socket", "cpus-per-gpu", "deadline", "distribution", "exclude", "exclusive",
    "gpu-bind", "gpu-freq", "hint", "licenses", "mail-type", "mail-user", "mem-per-cpu", "mem-per-gpu",
    "network", "nice", "nodelist", "oversubscribe", "priority", "reservation", "switches",
    "threads-per-core", "tmp", "wckey",
)  # fmt: skip


class ArrayOver(StrEnum):
    """What the tasks of a job's array are: its replicas, or one a language, which it answers first."""

    REPLICAS = "replicas"
    LANGUAGES = "languages"


@dataclass(frozen=True, slots=True)
class SlurmSettings:
    """None leaves a choice to the cluster. ``cpus`` and ``memory`` are a task's (memory in MB without a letter).

    ``seconds_to_end``: so long before the time limit a worker is told to seal; up to 60 s earlier, as Slurm
    rounds. ``requeues``: so often one task goes on after a time limit. ``extra``: further options of sbatch,
    ``name=value`` or ``name``.
    """

    partition: str | None = None
    time: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    gpu_type: str | None = None
    memory: str | None = None
    cpus: int | None = None
    array: ArrayOver = ArrayOver.REPLICAS
    requeues: int = 10
    seconds_to_end: int = 60
    extra: tuple[str, ...] = ()
    kind: str = KIND
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises UsageError, with value, rule and remedy, for settings that cannot be."""
        for name, (form, rule) in _FORMS.items():
            value = getattr(self, name)
            if value is not None and not re.fullmatch(form, value):
                raise UsageError(f"Slurm's {name} {value!r}: it is {rule}; write it so")
        for line in self.extra:
            option, given, value = line.partition("=")
            if option not in EXTRA_OPTIONS:
                raise UsageError(
                    f"sbatch option {option!r}; of sbatch's options can be added: {', '.join(EXTRA_OPTIONS)}"
                )
            if given and not re.fullmatch(_EXTRA_VALUE, value):
                raise UsageError(
                    f"sbatch option {line!r}: its value has blanks, quotes or other signs that mean something"
                    f" to a shell; write it without them"
                )
        if self.cpus is not None and self.cpus < 1:
            raise UsageError(f"Slurm's cpus {self.cpus}; a task needs at least 1")
        if not 0 <= self.requeues <= MOST_REQUEUES:
            raise UsageError(f"requeues {self.requeues}; a task goes on 0 to {MOST_REQUEUES} times")
        if self.seconds_to_end < 1:
            raise UsageError(f"seconds to end {self.seconds_to_end}; a worker needs at least 1 to seal")
        limit = self.time_limit_seconds
        if limit is not None and limit < 2 * self.seconds_to_end:
            raise UsageError(
                f"Slurm's time {self.time!r} is {limit} s and a worker is told {self.seconds_to_end} s before its"
                f" end; give at least twice that"
            )

    @property
    def time_limit_seconds(self) -> int | None:
        """The time limit; None where the partition's counts."""
        if self.time is None:
            return None
        days, dash, rest = self.time.rpartition("-")
        parts = [int(part) for part in rest.split(":")]
        if dash:  # D-HH[:MM[:SS]]
            hours, minutes, seconds = [*parts, 0, 0][:3]
            return ((int(days) * 24 + hours) * 60 + minutes) * 60 + seconds
        if len(parts) == 3:
            return (parts[0] * 60 + parts[1]) * 60 + parts[2]
        return parts[0] * 60 + (parts[1] if len(parts) == 2 else 0)

    def fitted(self, job: EvaluationJob) -> EvaluationJob:
        """The job with as many replicas as the array has tasks. Raises UsageError for what no task could do."""
        if job.device == "mps":
            raise UsageError("device 'mps' in Slurm: its nodes have none; use cuda, cpu or auto")
        if self.array is ArrayOver.REPLICAS:
            return job
        return replace(job, replicas=min(len(job.languages), MOST_REPLICAS))

    def to_json(self) -> str:
        """The settings as they are written to ``launcher.json``."""
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "SlurmSettings":
        """Read settings. Raises JobError for unknown keys, another version, and values that cannot be."""
        try:
            values: dict[str, Any] = parsed_json(text)
            unknown = sorted(set(values) - {field.name for field in fields(cls)})
            if unknown:
                raise JobError(f"unknown key {unknown[0]!r} in {LAUNCHER}; it is of another version of CLiKA")
            if values.get("version") != VERSION or values.get("kind") != KIND:
                raise JobError(
                    f"{LAUNCHER} of kind {values.get('kind')!r}, version {values.get('version')!r}; this program"
                    f" reads {KIND}, version {VERSION}"
                )
            values["array"] = ArrayOver(values.get("array", ArrayOver.REPLICAS))
            values["extra"] = tuple(values.get("extra", ()))
            return cls(**values)
        except (ValueError, TypeError, AttributeError) as error:
            raise JobError(f"{LAUNCHER} cannot be read ({error}); submit the job again") from error
        except UsageError as error:
            raise JobError(f"{LAUNCHER} cannot be: {error}; submit the job again") from error


def write_launcher(folder: JobFolder, settings: SlurmSettings | None) -> None:
    """Keep how a job is to be started; None is by processes of this machine."""
    if settings is None:
        (folder.path / LAUNCHER).unlink(missing_ok=True)
    else:
        write_durably(folder.path / LAUNCHER, settings.to_json().encode())


def launcher_of(folder: JobFolder) -> SlurmSettings | None:
    """How a job is to be started; None is by processes of this machine. Raises JobError where it says neither."""
    try:
        text = (folder.path / LAUNCHER).read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"{folder.path / LAUNCHER} cannot be read ({error}); submit the job again") from error
    return SlurmSettings.from_json(text)
