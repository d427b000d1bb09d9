"""A job's folder: the only thing that the one who asks for work and the one who does it share."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from clika.errors import JobError
from clika.jobs.spec import EvaluationJob
from clika.records import ScoringRecord
from clika.shards import write_durably


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a worker is: questions answered of those to answer, those kept from before, and rate.

    ``rate`` is questions a second since the model was loaded, None until there is one.
    """

    done: int
    total: int
    kept: int = 0
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a worker ended well: what it answered now, what was there, and what of both is invalid."""

    answered: int
    kept: int
    invalid: int
    run: str

    def sentence(self) -> str:
        """For a person."""
        bad = f"; {self.invalid} gave NaN or infinite logits and count as no answer" if self.invalid else ""
        return f"{self.answered} questions answered, {self.kept} were answered before{bad}; run {self.run}"


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The paths of a job under ``store/jobs/<id>/`` and what stands in them."""

    path: Path

    @classmethod
    def of(cls, store: Path, job: EvaluationJob) -> "JobFolder":
        """The folder of a job, whether it exists or not."""
        return cls(store / "jobs" / job.job_id)

    @property
    def store(self) -> Path:
        """The store that the folder lies in."""
        return self.path.parent.parent

    @property
    def log(self) -> Path:
        """Where the worker's output goes."""
        return self.path / "job.log"

    def write_job(self, job: EvaluationJob) -> None:
        """Write the specification; what an earlier worker said of its end is taken away."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name in ("done.json", "error.json", "progress-0.json"):
            (self.path / name).unlink(missing_ok=True)
        write_durably(self.path / "job.json", job.to_json().encode())

    def job(self) -> EvaluationJob:
        """The specification. Raises JobError where it cannot be one."""
        path = self.path / "job.json"
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise JobError(f"{path} cannot be read ({error}); submit the job again") from error
        return EvaluationJob.from_json(text)

    def write_progress(self, progress: Progress) -> None:
        """Tell how far the work is (by rename; not flushed, since a lost one harms nobody)."""
        temporary = self.path / f".progress-0.{os.getpid()}.tmp"
        temporary.write_text(json.dumps(asdict(progress)))
        temporary.replace(self.path / "progress-0.json")

    def progress(self) -> Progress | None:
        """How far the work is; None before it told."""
        try:
            return Progress(**json.loads((self.path / "progress-0.json").read_text()))
        except FileNotFoundError:
            return None

    def write_scoring(self, writer: str, record: ScoringRecord) -> None:
        """Keep how ``writer`` asked the model, beside its answers."""
        text = json.dumps({"version": 1, **asdict(record)}, indent=1)
        write_durably(self.path / f"scoring-{writer}.json", text.encode())

    def scoring(self) -> dict[str, ScoringRecord]:
        """How the model was asked, by writer; empty where nobody has answered yet."""
        found = {}
        for path in sorted(self.path.glob("scoring-*.json")):
            values = json.loads(path.read_text("utf-8"))
            if values.pop("version", None) != 1:
                raise JobError(f"{path} is of another version of CLiKA; run the job again with this one")
            found[path.stem.removeprefix("scoring-")] = ScoringRecord(**values)
        return found

    def write_done(self, end: JobEnd) -> None:
        """The last thing a worker writes."""
        write_durably(self.path / "done.json", json.dumps(asdict(end)).encode())

    def done(self) -> JobEnd | None:
        """How the work ended; None if it has not, or not well."""
        try:
            return JobEnd(**json.loads((self.path / "done.json").read_text()))
        except FileNotFoundError:
            return None

    def write_error(self, sentence: str) -> None:
        """Why the work could not be done, for a person."""
        write_durably(
            self.path / "error.json", json.dumps({"sentence": sentence}, ensure_ascii=False).encode()
        )

    def error(self) -> str | None:
        """Why the work could not be done; None where no worker said so."""
        try:
            return str(json.loads((self.path / "error.json").read_text("utf-8"))["sentence"])
        except FileNotFoundError:
            return None
