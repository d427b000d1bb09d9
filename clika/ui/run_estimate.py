"""What a run will ask, read and write, said before anything starts: an estimate, and called one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from clika.datasets.selection import selected
from clika.errors import JobError, UsageError
from clika.figures.score_grid import language_name
from clika.jobs.devices import CPU, CUDA, MPS, device_kind, placement
from clika.jobs.spec import EvaluationJob
from clika.records import Question
from clika.scoring.weight_headers import weight_headers
from clika.ui.job_markup import duration
from clika.ui.jobs_watch import JobView

BYTES_A_TOKEN = 3
"""UTF-8 bytes that a token stands for in these languages, roughly: 4 in English, 2 to 3 in the others."""
BYTES_AN_ANSWER = 220
"""On the disk, measured: 54 sealed and 166 in the index, for an answer with the scores of two rules."""
MOST_PROMPTS_READ = 400
BYTES_A_VALUE = {"float32": 4, "bfloat16": 2, "float16": 2, "mixed": 6}
MOST_FILLED = 0.9
"""Of a device's memory, by the weights: the rest is for what is computed."""
_FITS = {True: "fits", False: "too large for"}


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """For all of a form's models together.

    ``questions`` are to be asked each model, ``by_language`` of them in each language. ``seconds`` are for the
    models of which a rate is known, None where there is none; ``unknown`` names the others. ``cannot`` says why
    this machine cannot run it, None where it can. ``weights`` is model -> bytes that its weights take once loaded, by
    all replicas that share a device, None where its files are not here.
    """

    models: int
    questions: int
    by_language: Mapping[str, int]
    tokens: int
    disk_bytes: int
    seconds: float | None
    unknown: tuple[str, ...]
    cannot: str | None
    weights: Mapping[str, int | None]
    gpus_per_replica: int = 1

    def pairs(
        self, devices: Sequence[str], free_bytes: int, memory: Mapping[str, int] | None = None
    ) -> list[tuple[str, str]]:
        """Name and sentence of each line, for a person; ``memory`` is device -> bytes."""
        asked = f"{self.questions:,}"
        if self.models > 1:
            asked += f" × {self.models} models = {self.questions * self.models:,}"
        counts = set(self.by_language.values())
        if len(counts) == 1:
            languages = f"{len(self.by_language)}, {counts.pop():,} questions in each"
        else:
            languages = ", ".join(f"{language_name(code)} {n:,}" for code, n in self.by_language.items())
        found = ", ".join(devices)
        return [
            ("Questions", asked),
            ("Languages", languages),
            ("Tokens", f"about {_round(self.tokens):,} (an estimate from the length of the texts)"),
            ("Disk", f"about {size(self.disk_bytes)}; {size(free_bytes)} are free"),
            ("Time", self._time()),
            ("Memory", self._memory(devices, memory or {})),
            ("Devices here", f"{found}. {self.cannot}" if self.cannot else found),
        ]

    def _memory(self, devices: Sequence[str], memory: Mapping[str, int]) -> str:
        """What the weights take, and on which devices that leaves room to work."""
        said = []
        for name, weights in self.weights.items():
            if weights is None:
                said.append(f"{name}: unknown until its files are here")
                continue
            fits = {False: [], True: []}  # type: dict[bool, list[str]]
            for device in devices:
                room = memory.get(device, 0) * (self.gpus_per_replica if device.startswith(CUDA) else 1)
                if room:
                    fits[weights <= room * MOST_FILLED].append(f"{device} ({size(room)})")
            told = [f"{word} {', '.join(fits[so])}" for so, word in _FITS.items() if fits[so]]
            said.append(f"{name}: {size(weights)} of weights" + "".join(f", {one}" for one in told))
        return "; ".join(said)

    def _time(self) -> str:
        known = "" if self.seconds is None else f"{duration(self.seconds)}, if as fast as the last time"
        if not self.unknown:
            return known
        unasked = f"unknown yet for {', '.join(self.unknown)}: not asked like this in this store before"
        return f"{known}; {unasked}" if known else unasked


def run_estimate(
    jobs: Sequence[EvaluationJob],
    questions: Sequence[Question],
    rates: Mapping["Asking", float],
    devices: Sequence[str],
) -> RunEstimate:
    """What the jobs of one form come to. ``rates`` is, of how a model is asked, questions a second.

    Raises UsageError where there is no question to ask, and what the template raises for one it cannot ask.
    """
    job = jobs[0]
    asked = selected(questions, job.datasets, job.languages, job.limit)
    by_language = {code: sum(one.language == code for one in asked) for code in job.languages}
    if not asked:
        raise UsageError(
            f"collection {job.collection!r} holds none of {', '.join(job.datasets)} in"
            f" {', '.join(job.languages)}; choose other languages or data sets"
        )
    unknown = tuple(one.name for one in jobs if how_asked(one) not in rates)
    seconds = [len(asked) / rates[how_asked(one)] for one in jobs if how_asked(one) in rates]
    return RunEstimate(
        models=len(jobs),
        questions=len(asked),
        by_language=by_language,
        tokens=_tokens(job, asked) * len(jobs),
        disk_bytes=len(asked) * len(jobs) * BYTES_AN_ANSWER,
        seconds=sum(seconds) if seconds else None,
        unknown=unknown,
        cannot=_why_not(job, devices),
        weights={one.name: weight_bytes(one, devices) for one in jobs},
        gpus_per_replica=job.gpus_per_replica,
    )


def weight_bytes(job: EvaluationJob, devices: Sequence[str]) -> int | None:
    """Bytes of a job's weights on a device here, an adapter's left out; None for a Hub id, and unreadable files.

    Replicas on a CPU share its memory; ``mixed`` holds the model in both formats.
    """
    headers = weight_headers(Path(job.model))
    if headers is None:
        return None
    shared = device_kind(job, devices) in (CPU, MPS)
    return headers.values * BYTES_A_VALUE[job.dtype] * (job.replicas if shared else 1)


class Asking(NamedTuple):
    """What the speed of an evaluation hangs on, beside the machine and its questions."""

    model: str
    adapter: str | None
    dtype: str
    rule: str
    template: str
    demonstrations: int
    rotate_demonstrations: bool
    permutations: int
    device: str
    replicas: int
    gpus_per_replica: int
    cores: int


def how_asked(job: EvaluationJob) -> Asking:
    """How a job asks."""
    return Asking(*(getattr(job, name) for name in Asking._fields))


def past_rates(views: Sequence[JobView]) -> dict[Asking, float]:
    """Questions a second of the newest evaluation that tells it, by how it asked; ``views`` as job_views orders them."""
    rates: dict[Asking, float] = {}
    for view in views:
        job, progress = view.one.job, view.progress
        # A tuning's progress counts steps.
        if isinstance(job, EvaluationJob) and progress is not None and progress.rate:
            rates.setdefault(how_asked(job), progress.rate)
    return rates


def _tokens(job: EvaluationJob, asked: Sequence[Question]) -> int:
    """Of all prompts, from the length of some, evenly taken."""
    asking = job.asking
    some = asked[:: max(1, len(asked) // MOST_PROMPTS_READ)]
    asking.check(some)
    if asking.needs_renderer:  # the model's own chat template makes the text: the question alone is counted
        lengths = sum(len("".join((one.premise or "", one.text, *one.choices)).encode()) for one in some)
    else:
        lengths = sum(len(prompt.text.encode()) for prompt in asking.prompts(some))
    orders = sum(min(job.permutations, len(one.choices)) for one in some) / len(some)
    return round(lengths / len(some) * orders * len(asked) / BYTES_A_TOKEN)


def _why_not(job: EvaluationJob, devices: Sequence[str]) -> str | None:
    try:
        placement(job, devices, ())
    except (JobError, UsageError) as error:
        return str(error)
    return None


def _round(number: int) -> int:
    """To two digits: 123,456 -> 120,000."""
    place = max(0, len(str(number)) - 2)
    return round(number, -place)


def size(count: float) -> str:
    """1,500 -> "2 kB"; in powers of 1,000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
