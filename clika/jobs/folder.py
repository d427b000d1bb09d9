"""A job's folder: the only thing that those who ask for work and those who do it share.

job.json                  what is to be done (spec.py)
wanted.json               what is wanted of it now (queue.py); processes.json: who is at it (supervisor.py)
run.json, manifest-*, shards/, quarantine/          the answers (shards.py)
launcher.json, slurm.sh, slurm.json, slurm-<n>.log  how it is put into Slurm, what was heard of it, its tasks' output
progress-<n>.json, heartbeat-<n>, scoring-<n>.json  how replica n is doing, and how it asked the model
tuning/tuned/             what a conductivity job made: an adapter, or a whole model
done.json                 the last thing that is written; error-<n>.json: why replica n could not
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from clika.errors import JobError
from clika.jobs.any_job import Job, read_job
from clika.json_text import parsed_json
from clika.records import ScoringRecord
from clika.redaction import redacted
from clika.shards import write_durably

LOG_TAIL_BYTES = 1 << 16
SETTING_UP = "SETUP.lock"
TUNING = "tuning"
TUNED = "tuned"
CLAIMS = "claims"
TASK_LOGS = "slurm-*.log"
"""The output of a job's tasks in Slurm, one file each: machines that add to one file would overwrite each other."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: questions answered of those to answer, those kept from before, and rate.

    ``rate`` is questions a second since the models were loaded, None until there is one. ``languages`` maps
    each language to (answered, to answer), what was kept from before left out of both. ``unit`` is what is counted:
    a tuning counts steps.
    """

    done: int
    total: int
    kept: int = 0
    rate: float | None = None
    languages: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    unit: str = "questions"

    @property
    def seconds_left(self) -> float | None:
        """At the present rate; None where there is none."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended well: what it answered now, what was there, and what of both is invalid.

    ``left_out`` questions could not be asked in some language (an empty choice, say) and were asked in none.
    ``summary`` says it all where the number of answers does not.
    """

    answered: int
    kept: int
    invalid: int
    run: str
    left_out: int = 0
    summary: str = ""

    def sentence(self) -> str:
        """For a person."""
        if self.summary:
            return self.summary
        bad = f"; {self.invalid} gave NaN or infinite logits and count as no answer" if self.invalid else ""
        left = (
            f"; {self.left_out} cannot be asked in every language and were asked in none (job.log says why)"
            if self.left_out
            else ""
        )
        return (
            f"{self.answered} questions answered, {self.kept} were answered before{bad}{left}; run {self.run}"
        )


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a worker could not do its work: a sentence for a person, and the kind of error (its class)."""

    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The paths of a job under ``store/jobs/<id>/`` and what stands in them."""

    path: Path

    @classmethod
    def of(cls, store: Path, job: Job) -> "JobFolder":
        """The folder of a job, whether it exists or not."""
        return cls(store / "jobs" / job.job_id)

    @property
    def store(self) -> Path:
        """The store that the folder lies in."""
        return self.path.parent.parent

    @property
    def log(self) -> Path:
        """Where the workers' output goes."""
        return self.path / "job.log"

    @property
    def tuned(self) -> Path | None:
        """Where a conductivity job's tuned weights lie, an adapter or a whole model; None before they are there."""
        place = self.path / TUNING / TUNED
        return place if place.is_dir() else None

    def write_job(self, job: Job) -> None:
        """Write the specification; what earlier workers said of their end is taken away."""
        self.begin()
        write_durably(self.path / "job.json", job.to_json().encode())

    def begin(self) -> None:
        """Take away what earlier workers said of how they were doing."""
        self.path.mkdir(parents=True, exist_ok=True)
        for pattern in ("done.json", "error*.json", "progress-*.json", "heartbeat-*"):
            for path in self.path.glob(pattern):
                path.unlink(missing_ok=True)

    def job(self) -> Job:
        """The specification. Raises JobError where it cannot be one, or is not the one this folder is named after."""
        path = self.path / "job.json"
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise JobError(f"{path} cannot be read ({error}); submit the job again") from error
        job = read_job(text)
        if job.job_id != self.path.name:
            raise JobError(
                f"{path} is not what was submitted (it would be {job.job_id}); submit the job again"
            )
        return job

    @contextmanager
    def setting_up(self) -> Iterator[None]:
        """One replica at a time: the record of the run and what is set aside are shared by all."""
        lock = os.open(self.path / SETTING_UP, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def write_progress(self, progress: Progress, replica: int = 0) -> None:
        """Tell how far a replica is (by rename; not flushed, since a lost one harms nobody)."""
        self._write_lightly(f"progress-{replica}.json", json.dumps(asdict(progress)))

    def progress(self) -> Progress | None:
        """How far all replicas together are; None before one told."""
        parts = [self._progress(path) for path in sorted(self.path.glob("progress-*.json"))]
        found = [part for part in parts if part is not None]
        if not found:
            return None
        # The first to start had everything before it; what the others found there was answered meanwhile.
        first = min(found, key=lambda part: part.kept)
        rates = [part.rate for part in found if part.rate is not None]
        languages = {
            code: (sum(part.languages.get(code, (0, 0))[0] for part in found), total)
            for code, (_, total) in first.languages.items()
        }
        return Progress(
            min(first.total, sum(part.done for part in found)),
            first.total,
            first.kept,
            sum(rates) if rates else None,
            languages,
            first.unit,
        )

    @staticmethod
    def _progress(path: Path) -> Progress | None:
        """What one replica told; None where it told nothing that can be read. It tells again soon."""
        try:
            values = parsed_json(path.read_bytes())
            languages = {code: (int(done), int(total)) for code, (done, total) in values["languages"].items()}
            rate = values["rate"] if values["rate"] is None else float(values["rate"])
            done, total, kept = (int(values[name]) for name in ("done", "total", "kept"))
            unit = str(values.get("unit", "questions"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return None
        return Progress(done, total, kept, rate, languages, unit)

    def beat(self, replica: int, count: int, phase: str, answered: int) -> None:
        """Show that a replica lives: ``count`` rises with every beat."""
        self._write_lightly(f"heartbeat-{replica}", f"{count} {phase} {answered}")

    def heartbeat(self, replica: int) -> str | None:
        """What a replica last showed; None before the first beat. Only whether it changes means something."""
        try:
            return (self.path / f"heartbeat-{replica}").read_text("utf-8", "replace")
        except FileNotFoundError:
            return None

    def beating(self) -> int:
        """How many replicas or processes have begun to beat."""
        return sum(1 for _ in self.path.glob("heartbeat-*"))

    def _write_lightly(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}.{os.getpid()}.tmp"
        temporary.write_text(text)
        temporary.replace(self.path / name)

    def write_scoring(self, writer: str, record: ScoringRecord) -> None:
        """Keep how ``writer`` asked the model, beside its answers."""
        text = json.dumps({"version": 1, **asdict(record)}, indent=1)
        write_durably(self.path / f"scoring-{writer}.json", text.encode())

    def scoring(self) -> dict[str, ScoringRecord]:
        """How the model was asked, by writer; empty where nobody has answered yet."""
        found = {}
        for path in sorted(self.path.glob("scoring-*.json")):
            try:
                values = parsed_json(path.read_bytes())
                if values.pop("version", None) != 1:
                    raise JobError(f"{path} is of another version of CLiKA; run the job again with this one")
                found[path.stem.removeprefix("scoring-")] = ScoringRecord(**values)
            except (ValueError, TypeError, AttributeError) as error:
                raise JobError(f"{path} cannot be read ({error}); it says how a model was asked") from error
        return found

    def write_done(self, end: JobEnd) -> None:
        """The last thing that a job's workers write."""
        write_durably(self.path / "done.json", json.dumps(asdict(end)).encode())

    def done(self) -> JobEnd | None:
        """How the work ended; None if it has not, or not well, or if the record is damaged (resuming writes it)."""
        values = self._read("done.json")
        try:
            return None if values is None else JobEnd(**values)
        except TypeError:
            return None

    def write_error(self, failure: JobFailure, replica: int = 0) -> None:
        """Why a replica could not do its work."""
        content = json.dumps(asdict(failure), ensure_ascii=False).encode()
        write_durably(self.path / f"error-{replica}.json", content)

    def error(self) -> JobFailure | None:
        """Why the work could not be done, as the first replica said that could not; None where none did."""
        for path in sorted(self.path.glob("error-*.json")):
            values = self._read(path.name)
            if values is not None and {"kind", "sentence"} <= values.keys():
                return JobFailure(str(values["kind"]), str(values["sentence"]))
        return None

    def _read(self, name: str) -> dict[str, Any] | None:
        """An object; None where there is none, or none that can be read: then the job counts as interrupted."""
        try:
            values = parsed_json((self.path / name).read_bytes())
        except (OSError, ValueError):
            return None
        return values if isinstance(values, dict) else None

    def log_tail(self) -> str:
        """The last 64 KiB of the log, or of its tasks' logs in Slurm together, tokens taken out; empty where none is."""
        logs = [path for path in (self.log, *sorted(self.path.glob(TASK_LOGS))) if path.exists()]
        tails = []
        for path in logs:
            with path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES // len(logs)))
                tails.append(file.read().decode(errors="replace"))
        return redacted("".join(tails))


def job_folders(store: Path) -> Sequence[JobFolder]:
    """Every job of a store that was submitted, whatever became of it."""
    return [JobFolder(path.parent) for path in sorted((store / "jobs").glob("*/job.json"))]
